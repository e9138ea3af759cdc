"""What a network's trainings show that a result must not rest on: findings, each with a code."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from dropnorm.evaluation import wording
from dropnorm.evaluation.estimation import network_names
from dropnorm.findings import CODES, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from dropnorm.evaluation.results import ReplicaMetrics
    from dropnorm.study.schema import Study

# Which of a task's failures each code is about.
_FAILURES = {"collapsed": "DN008", "overconfident": "DN014"}
_QUARTERS = 4
# Fewer epochs to a quarter than this say nothing of a trend.
_ENOUGH_EPOCHS = 2
# From quarter to quarter, of the validation loss at the end: less is not worth a word.
_GROWTH = 0.02


def check_trainings(
    variant: str, history: pd.DataFrame, replicas: Sequence[ReplicaMetrics], study: Study
) -> list[Finding]:
    """Look through the trainings of one variant for DN007, DN008, DN011 and DN014.

    Args:
        variant: Its name.
        history: Columns ``split``, ``start``, ``epoch``, ``loss``, ``val_loss``.
        replicas: The measures of each.
        study: Says which checks are silenced.
    """
    found = _of_variant(network_names.spoken(variant), history, replicas, study)
    return [one for one in found if one.code.code not in study.silence]


def _of_variant(
    name: str, history: pd.DataFrame, replicas: Sequence[ReplicaMetrics], study: Study
) -> Iterator[Finding]:
    runs = len(replicas)
    lost = [one.diverged_at_epoch for one in replicas if one.diverged_at_epoch is not None]
    if lost:
        when = f"in epoch {min(lost)}" if runs == 1 else f"the first in epoch {min(lost)}"
        found = f"{wording.of_runs(len(lost), runs)}, {when}"
        yield Finding(CODES["DN007"], name, found, len(lost), runs)
    for failure, code in _FAILURES.items():
        if failed := [one for one in replicas if one.failures.get(failure, False)]:
            found = wording.of_runs(len(failed), runs)
            if failure == "collapsed":
                found += _stopped_early(history, failed, study)
            yield Finding(CODES[code], name, found, len(failed), runs)
    finite = [one for one in replicas if one.is_finite]
    by_run = history.set_index(["split", "start"])
    quarters = [_gaps(by_run.loc[[(one.split, one.start)]]) for one in finite]
    growing = [gaps for gaps, held in quarters if _grows(gaps, held)]
    if 2 * len(growing) > len(finite):
        ends = [wording.number(float(np.mean([gaps[n] for gaps in growing]))) for n in (1, -1)]
        found = f"{wording.of_runs(len(growing), runs)}, from {ends[0]} to {ends[1]} on average"
        yield Finding(CODES["DN011"], name, found, len(growing), runs)


def _stopped_early(history: pd.DataFrame, replicas: Sequence[ReplicaMetrics], study: Study) -> str:
    """Say how many of these trainings early stopping ended, which may have learnt later."""
    if study.training.early_stopping is None:
        return ""
    lasted = history.groupby(["split", "start"])["epoch"].max()
    epochs = [int(lasted[one.split, one.start]) for one in replicas if one.is_finite]
    stopped = [one for one in epochs if one < study.training.epochs]
    if not stopped:
        return ""
    whose = (
        "which early stopping ended"
        if len(stopped) == len(replicas)
        else (f"{len(stopped)} of which early stopping ended")
    )
    first = "the first after" if len(stopped) > 1 else "after"
    return f", {whose} ({first} {min(stopped)} of {study.training.epochs} epochs)"


def _gaps(history: pd.DataFrame) -> tuple[list[float], float]:
    """Return validation less training loss by quarter of the epochs, and the former at the end."""
    if len(history) < _QUARTERS * _ENOUGH_EPOCHS:
        return [], math.nan
    held = np.array_split(history["val_loss"].to_numpy(dtype=np.float64), _QUARTERS)
    trained = np.array_split(history["loss"].to_numpy(dtype=np.float64), _QUARTERS)
    gaps = [float(np.mean(one - other)) for one, other in zip(held, trained, strict=True)]
    return gaps, float(np.mean(held[-1]))


def _grows(gaps: Sequence[float], held: float) -> bool:
    later = gaps[1:]  # in the first quarter there is always much to learn
    steps = [other - one for one, other in itertools.pairwise(later)]
    # Below zero the network does better on rows that it has not seen, as with dropout it may.
    return bool(steps) and min(steps) >= _GROWTH * held and later[-1] > 0
