"""What trainings and networks of a study show beside one another: findings, each with a code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dropnorm.evaluation import wording
from dropnorm.evaluation.estimation.network_names import reference, spoken
from dropnorm.evaluation.results import of_replica
from dropnorm.findings import CODES, Finding
from dropnorm.study.arms import arm_of
from dropnorm.tasks.registry import task_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dropnorm.evaluation.results import VariantOutcome
    from dropnorm.study.schema import Study

# Validation loss above training loss, of the latter.
_OVERFITS = 0.1


def check_networks(outcomes: Mapping[str, VariantOutcome], study: Study) -> list[Finding]:
    """Look through trainings and networks for DN021, DN022 and DN025.

    Args:
        outcomes: By compared network.
        study: Says which layers they have, and which checks are silenced.
    """
    found: list[Finding] = []
    for name, outcome in outcomes.items():
        arm = arm_of(study, name)
        if arm.variant.has_dropout and max(arm.study.network.dropout_rates) > 0:
            found += _below_training(name, outcome, arm.study)
    drops = {name: arm_of(study, name).variant.has_dropout for name in outcomes}
    if any(drops.values()) and not drops.get(study.against, True):
        found += _nothing_to_mend(reference(study.against), outcomes[study.against])
    if study.class_column is None:
        found += _far_from_targets(outcomes, study)
    return [one for one in found if one.code.code not in study.silence]


@dataclass(frozen=True)
class _Losses:
    """Losses of one network at the epoch whose weights it has.

    Attributes:
        held: Of the validation rows.
        trained: Of the training rows, on the way through the epoch, with dropout at work.
        inference: Of the training rows, in inference.
    """

    held: float
    trained: float
    inference: float


def _losses(outcome: VariantOutcome) -> list[_Losses]:
    """Return the losses of the networks that were examined."""
    chosen = {(one.split, one.start): one.chosen_epoch for one in outcome.training.replicas}
    found = []
    for one in outcome.examination.replicas:
        history = of_replica(outcome.history, one.split, one.start).set_index("epoch")
        row = history.loc[chosen[one.split, one.start]]
        held, trained = row[["val_loss", "loss"]].to_numpy(dtype=np.float64)
        found.append(_Losses(float(held), float(trained), one.found.training_loss))
    return found


def _nothing_to_mend(name: str, baseline: VariantOutcome) -> Iterator[Finding]:
    metrics, losses = baseline.metrics, _losses(baseline)
    if metrics.diverged or any(metrics.failures.values()) or not losses:
        return
    if min(one.inference for one in losses) <= 0:
        return
    gap = float(np.mean([one.held / one.inference - 1 for one in losses]))
    if gap <= _OVERFITS:
        apart = f"{abs(100 * gap):.2g} % {'above' if gap > 0 else 'below'}"
        told = f"its validation loss is {apart} its training loss, both in inference"
        yield Finding(CODES["DN021"], name, told, len(losses), len(losses))


def _below_training(name: str, outcome: VariantOutcome, study: Study) -> Iterator[Finding]:
    losses, runs = _losses(outcome), len(outcome.metrics.replicas)
    below = [
        one
        for one in losses
        if one.held < one.trained and one.trained - one.inference >= (one.trained - one.held) / 2
    ]
    if 2 * len(below) > len(losses):
        unit = task_of(study).loss_unit(study)
        held, trained, inference = (
            wording.quantity(float(np.mean([getattr(one, loss) for one in below])), unit)
            for loss in ("held", "trained", "inference")
        )
        told = (
            f"{held} against {trained} in {wording.of_runs(len(below), runs)}; in inference, the"
            f" training loss is {inference}"
        )
        yield Finding(CODES["DN022"], spoken(name), told, len(below), runs)


def _far_from_targets(outcomes: Mapping[str, VariantOutcome], study: Study) -> Iterator[Finding]:
    """Name networks with predictions further from all targets than these are from each other."""
    tables = {}
    for name, outcome in outcomes.items():
        table = pd.concat([outcome.validation_predictions, outcome.test_predictions])
        if len(table):
            tables[name] = table
    if not tables:
        return
    targets = pd.concat([table["target"] for table in tables.values()])
    low, high = float(targets.min()), float(targets.max())
    for name, table in tables.items():
        runs = outcomes[name].metrics.replicas
        beyond = np.maximum(low - table["prediction"], table["prediction"] - high)
        far = table.assign(beyond=beyond).loc[beyond > high - low]
        if far.empty:
            continue
        count = len(far.drop_duplicates(["split", "start"]))
        worst = far.sort_values("beyond").iloc[-1]
        told, least, most = (
            wording.quantity(float(value), task_of(study).unit(study))
            for value in (worst["prediction"], low, high)
        )
        yield Finding(
            CODES["DN025"],
            spoken(name),
            f"{told} for row {worst['row']:.0f} in split {worst['split']:.0f} is the worst of"
            f" {wording.of_runs(count, len(runs))}; targets are between {least} and {most}",
            count,
            len(runs),
        )
