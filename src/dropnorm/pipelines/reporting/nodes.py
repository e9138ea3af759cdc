"""From trainings to metrics, plots and the record of the run.

Nodes that draw import Matplotlib when they do: whoever lists pipelines does without.
"""

from dataclasses import fields
from typing import Any

import pandas as pd

from dropnorm.data.splits import TEST, split_seeds
from dropnorm.evaluation.answers import build, class_effects
from dropnorm.evaluation.estimation import sequential
from dropnorm.evaluation.estimation.evidence import gather_evidence, references_on
from dropnorm.evaluation.records import Provenance, Replica, RunRecord, Seeds
from dropnorm.evaluation.results import (
    TableFindings,
    VariantExamination,
    VariantMetrics,
    VariantOutcome,
    VariantTraining,
)
from dropnorm.evaluation.trainings import measures, network_checks, network_diagnostics
from dropnorm.evaluation.trainings.loss_units import loss_units
from dropnorm.reporting.figures import Figure
from dropnorm.study.optimism import OPTIMISTIC, optimistic_networks
from dropnorm.study.schema import Study
from dropnorm.tasks.registry import task_of
from dropnorm.tasks.targets import FittedTarget


def measure(
    history: pd.DataFrame,
    validation_predictions: pd.DataFrame,
    test_predictions: pd.DataFrame,
    training: VariantTraining,
    study: Study,
) -> VariantMetrics:
    """Measure a variant: its losses, its scores in the target's own terms, what went wrong."""
    return measures.measure_variant(
        history, validation_predictions, test_predictions, training, study
    )


def plot_learning_curves(
    history: pd.DataFrame, first_steps: pd.DataFrame, metrics: VariantMetrics, study: Study
) -> Figure:
    """Draw loss and val_loss by epoch; of a diverged training, the loss by step."""
    from dropnorm.reporting.figures.learning_curves import draw_learning_curves  # noqa: PLC0415

    return draw_learning_curves(history, first_steps, metrics, study)


def gather_outcome(
    training: VariantTraining,
    metrics: VariantMetrics,
    history: pd.DataFrame,
    first_steps: pd.DataFrame,
    validation_predictions: pd.DataFrame,
    test_predictions: pd.DataFrame,
    examination: VariantExamination,
    *written: object,
) -> VariantOutcome:
    """Put together all of a variant that the study compares.

    Args:
        training: What its trainings say of themselves.
        metrics: How good its networks are.
        history: Losses by epoch.
        first_steps: Losses by step of the trainings that diverged.
        validation_predictions: At the chosen epoch.
        test_predictions: The same of the test rows; empty if the study holds none.
        examination: What its networks look like from inside.
        written: What else is written of the variant before it is compared.
    """
    return VariantOutcome(
        training,
        metrics,
        history,
        first_steps,
        validation_predictions,
        test_predictions,
        examination,
    )


def compare(study: Study, **outcomes: VariantOutcome) -> pd.DataFrame:
    """Put the metrics of the variants side by side, a row each.

    With a test part, these are also the scores of its rows, and of numbers the log likelihood and
    what MC dropout makes of them. Classes have their calibration. A column says which scores are
    optimistic, if any are.
    """
    task, optimistic = task_of(study), optimistic_networks(study)
    classes = study.class_column is not None
    return pd.DataFrame(
        [
            {
                "study": metrics.study,
                "made_up": metrics.made_up,
                "variant": metrics.variant,
                "min_val_loss": metrics.min_val_loss,
                "final_val_loss": metrics.final_val_loss,
                **{f"validation_{name}": metrics.validation[name] for name in task.scores},
                **(_calibration(outcome) if classes else {}),
                **{f"test_{name}": score for name, score in metrics.test.items()},
                **measures.mean_test_scores(outcome.examination),
                **({OPTIMISTIC: metrics.variant in optimistic} if optimistic else {}),
                "constant_val_loss": metrics.constant_val_loss,
                "diverged": metrics.diverged,
                **{name: metrics.failures[name] for name in task.failures},
                "trainable_parameters": metrics.trainable_parameters,
                "replicas": len(metrics.replicas),
                "fit_seconds": round(sum(one.fit_seconds for one in metrics.replicas), 3),
            }
            for outcome in outcomes.values()
            for metrics in (outcome.metrics,)
        ]
    )


def _calibration(outcome: VariantOutcome) -> dict[str, float]:
    found = class_effects.calibrate_variant(
        outcome.validation_predictions, outcome.metrics.replicas
    )
    return {
        "validation_ece": found.ece,
        "temperature": found.temperature,
        "scaled_ece": found.scaled_ece,
        "scaled_log_loss": found.scaled_log_loss,
    }


def plot_comparison(comparison: pd.DataFrame, study: Study, **outcomes: VariantOutcome) -> Figure:
    """Draw the validation curves of the variants on one pair of axes."""
    from dropnorm.reporting.figures.comparison import draw_comparison  # noqa: PLC0415

    return draw_comparison(comparison, {name: one.history for name, one in outcomes.items()}, study)


def estimate_effects(
    split: pd.DataFrame,
    reference_predictions: pd.DataFrame,
    study: Study,
    provenance: Provenance,
    **outcomes: VariantOutcome,
) -> dict[str, Any]:
    """Estimate what each network does to the error, pair by pair, with what chance leaves open.

    Of classes, also what it does to accuracy, AUC, and log loss after temperature scaling.

    Args:
        split: Which row is in which part of which split.
        reference_predictions: Of the validation rows, and of the test rows.
        study: As it is run.
        provenance: Which looks at the study came before.
        outcomes: By network.
    """
    metrics = {name: one.metrics for name, one in outcomes.items()}
    validated = {name: one.validation_predictions for name, one in outcomes.items()}
    evidence = gather_evidence(metrics, validated, reference_predictions, split, study)
    tested = {name: one.test_predictions for name, one in outcomes.items()}
    on_test = None
    # Reference models of a run before there were effects on the test part predict none of it.
    if len(references_on(reference_predictions, TEST)):
        on_test = gather_evidence(metrics, tested, reference_predictions, split, study, TEST)
    checked = network_checks.check_networks(outcomes, study)
    found = build.find_answer(evidence, metrics, study, provenance.earlier, checked, on_test)
    told = found.as_json() | sequential.tell_looks(provenance.looks, study)
    if study.class_column is None:
        return told
    return {
        **told,
        "classes": class_effects.find_class_effects(outcomes, evidence, found, split, study),
    }


def compare_diagnostics(
    study: Study, preprocessors: dict[int, Any], **outcomes: VariantOutcome
) -> pd.DataFrame:
    """Put side by side what the layers did: gap, speed, spread, dead units, variance shift."""
    return network_diagnostics.compare_diagnostics(
        {name: one.examination for name, one in outcomes.items()},
        {name: one.history for name, one in outcomes.items()},
        {name: one.training for name, one in outcomes.items()},
        study.against,
        loss_units(_targets(study, preprocessors), study),
    )


def _targets(study: Study, preprocessors: dict[int, Any]) -> dict[int, FittedTarget]:
    task = task_of(study)
    return {split: task.restore_target(one["target"]) for split, one in preprocessors.items()}


def plot_diagnostics(
    diagnostics: pd.DataFrame,
    study: Study,
    preprocessors: dict[int, Any],
    **outcomes: VariantOutcome,
) -> Figure:
    """Draw the gap between validation and training by epoch, and the variance shift by layer."""
    from dropnorm.reporting.figures.diagnostics import draw_diagnostics  # noqa: PLC0415

    return draw_diagnostics(
        diagnostics,
        {name: one.history for name, one in outcomes.items()},
        {name: one.examination for name, one in outcomes.items()},
        study,
        loss_units(_targets(study, preprocessors), study),
    )


def plot_effects(effects: dict[str, Any]) -> Figure:
    """Draw the errors of variants and reference models, and the effects with their intervals."""
    from dropnorm.reporting.figures.effects import draw_effects  # noqa: PLC0415

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
    from dropnorm.reporting import report  # noqa: PLC0415

    return report.make_report(
        study, effects, findings, comparison, diagnostics, provenance, outcome.metrics
    )


def write_report(
    study: Study,
    report_data: dict[str, Any],
    preprocessors: dict[int, Any],
    **outcomes: VariantOutcome,
) -> str:
    """Write the report as one page that needs no network.

    Args:
        study: As it was run.
        report_data: What the page says.
        preprocessors: By split; their targets lead back to the target's own unit.
        outcomes: By variant.
    """
    from dropnorm.reporting.page import write_page  # noqa: PLC0415
    from dropnorm.reporting.report import draw_pictures  # noqa: PLC0415

    targets = _targets(study, preprocessors)
    pictures = draw_pictures(report_data, outcomes, targets, study)
    return write_page(report_data, study, pictures)


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
