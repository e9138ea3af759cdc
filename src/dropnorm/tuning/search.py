"""The trials of one network: what is trained, and which trial each split chooses."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from dropnorm.evaluation.json_form import or_nan
from dropnorm.evaluation.trainings.measures import tabulate_predictions
from dropnorm.study.arms import arm_of
from dropnorm.study.training import CosineSchedule, EarlyStopping
from dropnorm.tasks.registry import task_of
from dropnorm.training.job import Job
from dropnorm.tuning.results import Trial
from dropnorm.tuning.space import draw_configurations, study_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dropnorm.data.preprocessing import SplitInputs
    from dropnorm.study.schema import Study
    from dropnorm.tasks.metrics import Score
    from dropnorm.training.trainer import TrainedReplica
    from dropnorm.tuning.results import Configuration

# Epochs without a better inner loss after which a trial ends, where the study does not say.
_PATIENCE = 10
# Epochs before and behind the chosen one over which its loss is averaged.
_NEAR = 5


def plan_trials(study: Study, name: str, inner: Sequence[SplitInputs]) -> list[Job]:
    """Return what a search trains of a network: each configuration in each split.

    A trial ends when the rows that choose are no longer predicted better; the study's own
    configuration is trained as the study says.
    """
    return [
        Job(_inner_study(study, name, configuration), arm_of(study, name).variant, split, start=0)
        for configuration in draw_configurations(study)
        for split in inner
    ]


def judge_trials(
    study: Study, inner: Sequence[SplitInputs], trained: Iterable[TrainedReplica]
) -> list[Trial]:
    """Score the trainings of a plan by the rows that choose, and choose one for each split.

    An error is that of the epochs around the one that a network would be trained for: the least of
    many epochs is partly luck, which a training that stops early has, and another has not.
    """
    task = task_of(study)
    error = task.error(study)
    planned = [(one, split) for one in draw_configurations(study) for split in inner]
    trials = []
    for (configuration, split), replica in zip(planned, trained, strict=True):
        table = tabulate_predictions(split, split.validation, replica.outputs)
        diverged = replica.diverged_at_epoch is not None
        score = math.nan if diverged else task.score(table)[error.name] * _around(replica, error)
        found = score if math.isfinite(score) else None
        trials.append(Trial(split.split, configuration, found, replica.chosen_epoch))
    return choose_trials(trials)


def _around(replica: TrainedReplica, error: Score) -> float:
    """Return the error of the epochs around the chosen one, as a multiple of the error there."""
    chosen = replica.chosen_epoch
    losses = replica.history["val_loss"].to_numpy(dtype=float)
    near = losses[max(0, chosen - 1 - _NEAR) : chosen + _NEAR]
    if losses[chosen - 1] <= 0:
        return 1.0
    ratio = float(near.mean() / losses[chosen - 1])
    return math.sqrt(ratio) if error.root else ratio


def choose_trials(trials: Iterable[Trial]) -> list[Trial]:
    """Mark the trial with the least error in each split; the first of those with as little.

    The study's own configuration is chosen where all diverged.
    """
    by_split: dict[int, list[Trial]] = {}
    for trial in trials:
        by_split.setdefault(trial.split, []).append(trial)
    marked = []
    for split in sorted(by_split):
        in_order = sorted(by_split[split], key=lambda one: one.configuration.trial)
        best = min(in_order, key=_error)
        marked += [replace(one, chosen=one is best) for one in in_order]
    return marked


def study_trained(study: Study, name: str, trial: Trial) -> Study:
    """Return the study by which a trial is trained on all training rows of its split.

    No row that scores it ends the training: it has the epochs that the inner rows have chosen. A
    schedule that ends with the last epoch keeps all of them.
    """
    arm = arm_of(study_at(study, trial.configuration), name)
    training = arm.study.training
    changed: dict[str, object] = {"early_stopping": None}
    if _stops(arm.study) and not _as_configured(trial.configuration, arm.study):
        changed["epochs"] = trial.epochs
    trained = training.model_copy(update=changed)
    return arm.study.model_copy(update={"training": trained})


def _inner_study(study: Study, name: str, configuration: Configuration) -> Study:
    arm = arm_of(study_at(study, configuration), name)
    training = arm.study.training
    stopping = training.early_stopping
    if not _stops(arm.study):
        stopping = None
    elif not _as_configured(configuration, arm.study):
        stopping = stopping or EarlyStopping(patience=_PATIENCE)
    if stopping is not None:  # the rows that choose are the validation part of the inner inputs
        stopping = stopping.model_copy(update={"rows": "validation"})
    return arm.study.model_copy(
        update={"training": training.model_copy(update={"early_stopping": stopping})}
    )


def _stops(study: Study) -> bool:
    """Whether trainings may end early: half a cosine is meant to be gone through."""
    return not isinstance(study.training.schedule, CosineSchedule)


def _as_configured(configuration: Configuration, study: Study) -> bool:
    """Whether a trial runs all epochs: the study's own, of a study that does not stop early."""
    return configuration.trial == 0 and study.training.early_stopping is None


def _error(trial: Trial) -> float:
    found = or_nan(trial.error)
    return math.inf if math.isnan(found) else found
