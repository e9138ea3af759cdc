"""What the layers did on other tables: what to expect of them before anything was measured here.

``benchmarks/atlas`` writes the numbers; docs/explanation/atlas.md says how they are made.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from dropnorm.evaluation import wording
from dropnorm.evaluation.estimation import network_names

if TYPE_CHECKING:
    from dropnorm.study.schema import TaskName

FILE: Final = "other_tables.json"
NETWORKS_FILE: Final = "other_networks.json"
_LAYERS = ("dropout", "batchnorm", "dropout_batchnorm")


@dataclass(frozen=True)
class Expectation:
    """What a layer did on the tables of one task; changes are shares of the error without it.

    Attributes:
        tables: How many.
        averaged: On how many of them the mean and the intervals rest.
        mean: Mean change.
        low: Lower end of the 95 % interval of the mean.
        high: Upper end.
        new_low: Lower end of the 95 % prediction interval for a new table.
        new_high: Upper end.
        helps: On how many tables a study shows that the layer helps, or rescues the training.
        hurts: On how many it hurts, or breaks the training.
    """

    tables: int
    averaged: int
    mean: float
    low: float
    high: float
    new_low: float
    new_high: float
    helps: int
    hurts: int

    def told(self, layer: str) -> str:
        """Return it in a sentence.

        Args:
            layer: Name of the variant.
        """
        mean, low, high, new_low, new_high = (
            wording.percent(100 * share)
            for share in (self.mean, self.low, self.high, self.new_low, self.new_high)
        )
        those = "" if self.averaged == self.tables else f" of {self.averaged} tables"
        return (
            f"{network_names.title(layer)}: {mean} on average{those} ({low} to {high}), {new_low}"
            f" to {new_high} on 19 of 20 new tables; shown to help on {self.helps}, to hurt on"
            f" {self.hurts}."
        )


@dataclass(frozen=True)
class Alternative:
    """What a network did beside another on tables of either task, as shares of the other's error.

    Attributes:
        network: Its name in ``benchmarks/atlas/networks.yml``.
        against: Name of the other.
        tables: How many.
        mean: Mean change.
        low: Lower end of the 95 % interval of the mean.
        high: Upper end.
    """

    network: str
    against: str
    tables: int
    mean: float
    low: float
    high: float

    def told(self) -> str:
        """Return the mean change with its interval."""
        mean, low, high = (
            wording.percent(100 * share) for share in (self.mean, self.low, self.high)
        )
        return f"{mean} on average ({low} to {high})"


def expect(task: TaskName) -> dict[str, Expectation]:
    """Return what each layer did on the tables of a task, by layer."""
    return {layer: Expectation(**_read(FILE)[task][layer]) for layer in _LAYERS}


def tell_other_tables(task: TaskName) -> list[str]:
    """Say what the layers did on the tables of a task: what was measured, then each layer."""
    expected = expect(task)
    tables = next(iter(expected.values())).tables
    return [
        f"On {tables} other {task} tables, with networks as 'kedro study new' writes them and a"
        " fixed number of epochs, the layers changed the validation error as follows.",
        *(one.told(layer) for layer, one in expected.items()),
    ]


def expect_of(network: str, against: str) -> Alternative:
    """Return what a network did beside another.

    Args:
        network: Its name in ``benchmarks/atlas/networks.yml``.
        against: Name of the other.
    """
    found = [Alternative(**one) for one in _read(NETWORKS_FILE)]
    return next(one for one in found if (one.network, one.against) == (network, against))


def tell_other_options() -> list[str]:
    """Say what other options did: on how many tables, then each of them."""
    early = expect_of("early_stopping", "baseline")
    return [
        f"On {early.tables} tables of both tasks, other options changed the error too.",
        f"Early stopping (training.early_stopping) changed it by {early.told()}, dropout by"
        f" {expect_of('dropout', 'baseline').told()}. With early stopping, dropout changed it by"
        f" {expect_of('early_stopping_dropout', 'early_stopping').told()}.",
        "Batch normalization before the activation (network.batchnorm.placement) changed it by"
        f" {expect_of('batchnorm_before_activation', 'batchnorm').told()} against that behind it.",
    ]


@cache
def _read(file: str) -> Any:
    path = resources.files("dropnorm.evaluation.answers").joinpath(file)
    return json.loads(path.read_text(encoding="utf-8"))
