"""What the layers did on other tables: what to expect of them before anything was measured here.

``benchmarks/atlas`` writes ``other_tables.json``; docs/explanation/atlas.md says how it is made.
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
_LAYERS = ("dropout", "batchnorm", "dropout_batchnorm")


@dataclass(frozen=True)
class Expectation:
    """What a layer did on the tables of one task; changes are shares of the error without it.

    Attributes:
        tables: How many.
        mean: Mean change.
        low: Lower end of the 95 % interval of the mean.
        high: Upper end.
        new_low: Lower end of the 95 % prediction interval for a new table.
        new_high: Upper end.
        helps: On how many tables a study shows that the layer helps, or rescues the training.
        hurts: On how many it hurts, or breaks the training.
    """

    tables: int
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
        return (
            f"{network_names.title(layer)}: {mean} on average ({low} to {high}), {new_low} to"
            f" {new_high} on 19 of 20 new tables; shown to help on {self.helps}, to hurt on"
            f" {self.hurts}."
        )


def expect(task: TaskName) -> dict[str, Expectation]:
    """Return what each layer did on the tables of a task, by layer."""
    return {layer: Expectation(**_read()[task][layer]) for layer in _LAYERS}


def tell_other_tables(task: TaskName) -> list[str]:
    """Say what the layers did on the tables of a task: what was measured, then each layer."""
    expected = expect(task)
    tables = next(iter(expected.values())).tables
    return [
        f"On {tables} other {task} tables, with networks as 'kedro study new' writes them and a"
        " fixed number of epochs, the layers changed the validation error as follows.",
        *(one.told(layer) for layer, one in expected.items()),
    ]


@cache
def _read() -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = json.loads(
        resources.files("dropnorm.evaluation.answers").joinpath(FILE).read_text(encoding="utf-8")
    )
    return found
