"""From trainings to metrics, plots and the record of the run."""

import math
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.data.splits import split_seeds
from dropnorm.evaluation import answer, checks, network_diagnostics
from dropnorm.evaluation.records import Provenance, Replica, RunRecord, Seeds
from dropnorm.evaluation.results import (
    ReplicaFacts,
    ReplicaMetrics,
    TableFindings,
    VariantExamination,
    VariantMetrics,
    VariantOutcome,
    VariantTraining,
    of_replica,
)
from dropnorm.reporting import report
from dropnorm.reporting.figures.comparison import draw_comparison
from dropnorm.reporting.figures.diagnostics import draw_diagnostics
from dropnorm.reporting.figures.effects import draw_effects
from dropnorm.reporting.figures.learning_curves import draw_learning_curves
from dropnorm.study.arms import arm_of
from dropnorm.study.schema import Study
from dropnorm.tasks.base import Task
from dropnorm.tasks.registry import task_of


def measure(
    history: pd.DataFrame,
    validation_predictions: pd.DataFrame,
    test_predictions: pd.DataFrame,
    training: VariantTraining,
    study: Study,
) -> VariantMetrics:
    """Measure a variant: its losses, its scores in the target's own terms, what went wrong.

    Means are over the replicas that stayed finite, and None if none did. A replica has diverged
    when the loss of any epoch was not finite; it has collapsed when it stayed finite and ended no
    better than the constant that the training rows suggest. There are test scores only where the
    study holds a test part.
    """
    study = arm_of(study, training.variant).study
    task = task_of(study)
    replicas = tuple(
        _measure_replica(_of(history, facts), _of(validation_predictions, facts), facts, task)
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
        test={} if test_predictions.empty else _mean_scores(test_predictions, finite, task),
        unit=task.unit(study),
        diverged=len(replicas) - len(finite),
        failures={name: sum(one.failures[name] for one in replicas) for name in task.failures},
        findings=tuple(checks.check_trainings(training.variant, history, replicas, study)),
        replicas=replicas,
    )


def plot_learning_curves(
    history: pd.DataFrame, first_steps: pd.DataFrame, metrics: VariantMetrics, study: Study
) -> Figure:
    """Draw loss and val_loss by epoch; of a diverged training, the loss by step."""
    own = arm_of(study, metrics.variant).study
    return draw_learning_curves(history, first_steps, metrics, own)


def gather_outcome(
    training: VariantTraining,
    metrics: VariantMetrics,
    history: pd.DataFrame,
    validation_predictions: pd.DataFrame,
    examination: VariantExamination,
    *written: object,
) -> VariantOutcome:
    """Put together all of a variant that the study compares.

    Args:
        training: What its trainings say of themselves.
        metrics: How good its networks are.
        history: Losses by epoch.
        validation_predictions: At the chosen epoch.
        examination: What its networks look like from inside.
        written: What else is written of the variant before it is compared.
    """
    return VariantOutcome(training, metrics, history, validation_predictions, examination)


def compare(study: Study, **outcomes: VariantOutcome) -> pd.DataFrame:
    """Put the metrics of the variants side by side, a row each."""
    task = task_of(study)
    return pd.DataFrame(
        [
            {
                "study": metrics.study,
                "made_up": metrics.made_up,
                "variant": metrics.variant,
                "min_val_loss": metrics.min_val_loss,
                "final_val_loss": metrics.final_val_loss,
                **{f"validation_{name}": metrics.validation[name] for name in task.scores},
                "constant_val_loss": metrics.constant_val_loss,
                "diverged": metrics.diverged,
                **{name: metrics.failures[name] for name in task.failures},
                "trainable_parameters": metrics.trainable_parameters,
                "replicas": len(metrics.replicas),
                "fit_seconds": round(sum(one.fit_seconds for one in metrics.replicas), 3),
            }
            for metrics in (outcome.metrics for outcome in outcomes.values())
        ]
    )


def plot_comparison(comparison: pd.DataFrame, study: Study, **outcomes: VariantOutcome) -> Figure:
    """Draw the validation curves of the variants on one pair of axes."""
    return draw_comparison(comparison, {name: one.history for name, one in outcomes.items()}, study)


def estimate_effects(
    split: pd.DataFrame,
    reference_predictions: pd.DataFrame,
    study: Study,
    **outcomes: VariantOutcome,
) -> dict[str, Any]:
    """Estimate what the two layers do, pair by pair, with what chance leaves open."""
    metrics = {name: one.metrics for name, one in outcomes.items()}
    predictions = {name: one.validation_predictions for name, one in outcomes.items()}
    evidence = answer.gather_evidence(metrics, predictions, reference_predictions, split, study)
    return answer.find_answer(evidence, metrics, study).as_json()


def compare_diagnostics(**outcomes: VariantOutcome) -> pd.DataFrame:
    """Put side by side what the layers did: gap, speed, spread, dead units, variance shift."""
    return network_diagnostics.compare_diagnostics(
        {name: one.examination for name, one in outcomes.items()},
        {name: one.history for name, one in outcomes.items()},
        {name: one.metrics for name, one in outcomes.items()},
    )


def plot_diagnostics(diagnostics: pd.DataFrame, study: Study, **outcomes: VariantOutcome) -> Figure:
    """Draw the gap between validation and training by epoch, and the variance shift by layer."""
    return draw_diagnostics(
        diagnostics,
        {name: one.history for name, one in outcomes.items()},
        {name: one.examination for name, one in outcomes.items()},
        study,
    )


def plot_effects(effects: dict[str, Any]) -> Figure:
    """Draw the errors of variants and reference models, and the effects with their intervals."""
    return draw_effects(effects)


def make_report(
    study: Study,
    effects: dict[str, Any],
    findings: TableFindings,
    comparison: pd.DataFrame,
    diagnostics: pd.DataFrame,
    provenance: Provenance,
    outcome: VariantOutcome,
) -> dict[str, Any]:
    """Put together what a reader of the study must know, as plain data.

    Args:
        study: The study as it was run.
        effects: The answer.
        findings: What was found before anything trained.
        comparison: The variants side by side.
        diagnostics: What the layers did.
        provenance: What only the run itself knows.
        outcome: Of any variant; all run on one engine.
    """
    engine = outcome.training.engine
    return report.make_report(study, effects, findings, comparison, diagnostics, provenance, engine)


def write_report(report_data: dict[str, Any]) -> str:
    """Write the report as one page that needs no network."""
    return report.write_page(report_data)


def record_run(
    study: Study, provenance: Provenance, outcome: VariantOutcome, *written: object
) -> RunRecord:
    """Say what this run was: the study with all its options, the table, engine and versions.

    Args:
        study: The study as it was run.
        provenance: What only the run itself knows: table, versions of the packages, Kedro version.
        outcome: Of any variant; all have the same replicas, and run on one engine.
        written: Everything at the end of the graph, so that the record comes last.
    """
    return record(study, provenance, outcome.metrics)


def record(study: Study, provenance: Provenance, metrics: VariantMetrics) -> RunRecord:
    """Make the record of a run, of a study or of its sweep, from what it measured of a variant."""
    told = {one.name: getattr(provenance, one.name) for one in fields(provenance)}
    return RunRecord(
        study=study.name,
        made_up=study.made_up,
        engine=metrics.engine,
        seeds=Seeds(
            split=tuple(split_seeds(study)),
            training=study.training.seed,
            replicas=tuple(Replica(one.split, one.start) for one in metrics.replicas),
        ),
        options=study.model_dump(mode="json"),
        **told,
    )


def _of(table: pd.DataFrame, replica: ReplicaFacts | ReplicaMetrics) -> pd.DataFrame:
    return of_replica(table, replica.split, replica.start)


def _measure_replica(
    history: pd.DataFrame, predictions: pd.DataFrame, facts: ReplicaFacts, task: Task
) -> ReplicaMetrics:
    finite = facts.is_finite
    best = history.iloc[int(history["val_loss"].to_numpy().argmin())] if finite else None
    final = history.iloc[-1]
    scores = {
        name: _finite_or_none(score) if finite else None
        for name, score in task.score(predictions).items()
    }
    failures = dict.fromkeys(task.failures, False)
    if finite:
        failures = task.judge(float(final["val_loss"]), scores, facts.constant)
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
    )


def _mean_scores(
    predictions: pd.DataFrame, replicas: list[ReplicaMetrics], task: Task
) -> dict[str, float | None]:
    scores = [task.score(_of(predictions, one)) for one in replicas]
    return {name: _mean(one[name] for one in scores) for name in task.scores}


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
