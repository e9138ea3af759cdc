"""From the history and the predictions of trainings to their losses, scores and failures."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dropnorm.evaluation.results import (
    ReplicaMetrics,
    ScoresOnTest,
    VariantMetrics,
    of_replica,
)
from dropnorm.evaluation.trainings import training_checks
from dropnorm.study.arms import arm_of
from dropnorm.tasks.registry import task_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from dropnorm.data.preprocessing import Part, SplitInputs
    from dropnorm.evaluation.results import ReplicaFacts, VariantExamination, VariantTraining
    from dropnorm.study.schema import Study
    from dropnorm.tasks.base import Task


def measure_variant(
    history: pd.DataFrame,
    validation_predictions: pd.DataFrame,
    test_predictions: pd.DataFrame,
    training: VariantTraining,
    study: Study,
) -> VariantMetrics:
    """Measure a variant: its losses, its scores in the target's own terms, what went wrong.

    Means are over the replicas that stayed finite, and None if none did. A replica has diverged
    when the loss of any epoch was not finite; it has collapsed when it stayed finite and the
    network that it keeps is no better than the constant that the training rows suggest. There are
    test scores only where the study holds a test part.
    """
    study = arm_of(study, training.variant).study
    task = task_of(study)
    replicas = tuple(
        _measure_replica(
            _of(history, facts),
            _of(validation_predictions, facts),
            _of(test_predictions, facts),
            facts,
            task,
        )
        for facts in training.replicas
    )
    finite = [one for one in replicas if one.is_finite]
    return VariantMetrics(
        study=study.name,
        made_up=study.made_up,
        variant=training.variant,
        engine=training.engine,
        loss=study.training.loss,
        rows=training.replicas[0].rows,
        trainable_parameters=training.trainable_parameters,
        min_val_loss=_mean(one.min_val_loss for one in finite),
        final_val_loss=_mean(one.final_val_loss for one in finite),
        constant_val_loss=_mean(one.constant["val_loss"] for one in training.replicas),
        validation={name: _mean(one.validation[name] for one in finite) for name in task.scores},
        committee=_score_committees(validation_predictions, finite, task),
        test={}
        if test_predictions.empty
        else {name: _mean(one.test[name] for one in finite) for name in task.scores},
        unit=task.unit(study),
        diverged=len(replicas) - len(finite),
        failures={name: sum(one.failures[name] for one in replicas) for name in task.failures},
        findings=tuple(training_checks.check_trainings(training.variant, history, replicas, study)),
        replicas=replicas,
        chosen_val_loss=_mean(
            held_loss(_of(history, facts), facts) for facts in training.replicas if facts.is_finite
        ),
    )


def mean_test_scores(examined: VariantExamination) -> dict[str, float | None]:
    """Return the means of the scores of test rows that need the networks; none without them.

    Returns:
        By column of the comparison, ``test_log_likelihood`` and so on; None where no network has
        the score.
    """
    scores = [one.found.test for one in examined.replicas if one.found.test is not None]
    if not scores:
        return {}
    return {
        f"test_{score.name}": _mean(getattr(one, score.name) for one in scores)
        for score in fields(ScoresOnTest)
    }


def held_loss(history: pd.DataFrame, facts: ReplicaFacts) -> float:
    """Return the validation loss of a network that is kept.

    With early stopping, the last epochs are worse than the one whose weights it has.

    Args:
        history: Of its training.
        facts: Of the same training, which did not diverge.
    """
    chosen = history.loc[history["epoch"] == facts.chosen_epoch, "val_loss"]
    return float(chosen.iloc[0])


def tabulate_predictions(
    split: SplitInputs, part: Part, outputs: npt.NDArray[np.float64]
) -> pd.DataFrame:
    """Return what networks put out for the rows of a part, in the target's own terms.

    Returns:
        Columns ``row``, ``target`` and those of the task's predictions.
    """
    return pd.DataFrame(
        {
            "row": part.rows,
            "target": split.target.restore(part.y),
            **split.target.table(split.target.invert(outputs)),
        }
    )


def _of(table: pd.DataFrame, replica: ReplicaFacts | ReplicaMetrics) -> pd.DataFrame:
    return of_replica(table, replica.split, replica.start)


def _measure_replica(
    history: pd.DataFrame,
    predictions: pd.DataFrame,
    tested: pd.DataFrame,
    facts: ReplicaFacts,
    task: Task,
) -> ReplicaMetrics:
    finite = facts.is_finite
    best = history.iloc[int(history["val_loss"].to_numpy().argmin())] if finite else None
    final = history.iloc[-1]
    scores = _scores(predictions, task, finite=finite)
    failures = dict.fromkeys(task.failures, False)
    if finite:
        failures = task.judge(held_loss(history, facts), scores, facts.constant)
    return ReplicaMetrics(
        split=facts.split,
        start=facts.start,
        min_val_loss=None if best is None else float(best["val_loss"]),
        best_epoch=None if best is None else int(best["epoch"]),
        final_loss=_finite_or_none(float(final["loss"])),
        final_val_loss=_finite_or_none(float(final["val_loss"])),
        validation=scores,
        diverged_at_epoch=facts.diverged_at_epoch,
        failures=failures,
        fit_seconds=facts.fit_seconds,
        test={} if tested.empty else _scores(tested, task, finite=finite),
    )


def _scores(predictions: pd.DataFrame, task: Task, *, finite: bool) -> dict[str, float | None]:
    return {
        name: _finite_or_none(score) if finite else None
        for name, score in task.score(predictions).items()
    }


def _score_committees(
    predictions: pd.DataFrame, replicas: list[ReplicaMetrics], task: Task
) -> dict[str, float | None] | None:
    """Score the mean prediction over the starts of each split; None with one start each.

    A committee of networks that differ by their start alone (Lakshminarayanan et al. 2017).
    """
    by_split: dict[int, list[pd.DataFrame]] = {}
    for one in replicas:
        by_split.setdefault(one.split, []).append(_of(predictions, one))
    if max(map(len, by_split.values()), default=0) <= 1:
        return None
    scores = [task.score(task.committee(pd.concat(members))) for members in by_split.values()]
    return {name: _mean(one[name] for one in scores) for name in task.scores}


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _finite_or_none(float(np.mean(known))) if known else None


def _finite_or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
