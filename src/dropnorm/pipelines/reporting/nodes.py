"""From trainings to metrics, plots and the record of the run."""

import math
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.data.splits import split_seeds
from dropnorm.evaluation import answer, checks, network_diagnostics
from dropnorm.reporting import report
from dropnorm.reporting.figures.comparison import draw_comparison
from dropnorm.reporting.figures.diagnostics import draw_diagnostics
from dropnorm.reporting.figures.effects import draw_effects
from dropnorm.reporting.figures.learning_curves import draw_learning_curves
from dropnorm.reporting.figures.panels import Trainings
from dropnorm.reporting.page import write_page
from dropnorm.study.schema import Study
from dropnorm.study.variants import Variant
from dropnorm.tasks.base import Task
from dropnorm.tasks.registry import task_of

_T = TypeVar("_T")


def measure(
    history: pd.DataFrame,
    validation_predictions: pd.DataFrame,
    test_predictions: pd.DataFrame,
    training: dict[str, Any],
    study: Study,
) -> dict[str, Any]:
    """Measure a variant: its losses, its scores in the target's own terms, what went wrong.

    Means are over the replicas that stayed finite, and None if none did. A replica has diverged
    when the loss of any epoch was not finite; it has collapsed when it stayed finite and ended no
    better than the constant that the training rows suggest. There are test scores only where the
    study holds a test part.
    """
    task = task_of(study)
    replicas = [
        _measure_replica(_of(history, facts), _of(validation_predictions, facts), facts, task)
        for facts in training["replicas"]
    ]
    finite = [one for one in replicas if one["diverged_at_epoch"] is None]
    findings = checks.check_trainings(training["variant"], history, replicas, study)
    return {
        "study": study.name,
        "made_up": study.made_up,
        "variant": training["variant"],
        "engine": training["engine"],
        "loss": study.training.loss,
        "rows": training["replicas"][0]["rows"],
        "trainable_parameters": training["trainable_parameters"],
        "min_val_loss": _mean([one["min_val_loss"] for one in finite]),
        "final_val_loss": _mean([one["final_val_loss"] for one in finite]),
        "constant_val_loss": _mean([one["constant_val_loss"] for one in training["replicas"]]),
        **{
            name: _mean([one[name] for one in finite if one[name] is not None])
            for name in (f"validation_{score}" for score in task.scores)
        },
        "committee": _score_committees(validation_predictions, finite, task),
        **({} if test_predictions.empty else _mean_scores("test", test_predictions, finite, task)),
        "unit": task.unit(study),
        "diverged": len(replicas) - len(finite),
        **{name: sum(one[name] for one in replicas) for name in task.failures},
        "findings": [finding.described() for finding in findings],
        "replicas": replicas,
    }


def plot_learning_curves(
    history: pd.DataFrame, first_steps: pd.DataFrame, metrics: dict[str, Any], study: Study
) -> Figure:
    """Draw loss and val_loss by epoch; of a diverged training, the loss by step."""
    return draw_learning_curves(history, first_steps, metrics, study)


def compare(
    baseline: dict[str, Any],
    dropout: dict[str, Any],
    batchnorm: dict[str, Any],
    dropout_batchnorm: dict[str, Any],
    study: Study,
) -> pd.DataFrame:
    """Put the metrics of the four variants side by side, a row each."""
    task = task_of(study)
    compared = (
        "min_val_loss",
        "final_val_loss",
        *(f"validation_{name}" for name in task.scores),
        "constant_val_loss",
        "diverged",
        *task.failures,
        "trainable_parameters",
    )
    return pd.DataFrame(
        [
            {
                "study": metrics["study"],
                "made_up": metrics["made_up"],
                "variant": metrics["variant"],
                **{name: metrics[name] for name in compared},
                "replicas": len(metrics["replicas"]),
                "fit_seconds": round(sum(one["fit_seconds"] for one in metrics["replicas"]), 3),
            }
            for metrics in (baseline, dropout, batchnorm, dropout_batchnorm)
        ]
    )


def plot_comparison(
    comparison: pd.DataFrame,
    baseline: pd.DataFrame,
    dropout: pd.DataFrame,
    batchnorm: pd.DataFrame,
    dropout_batchnorm: pd.DataFrame,
    study: Study,
) -> Figure:
    """Draw the validation curves of the four variants on one pair of axes."""
    histories = dict(zip(Variant, (baseline, dropout, batchnorm, dropout_batchnorm), strict=True))
    return draw_comparison(comparison, histories, study)


def estimate_effects(
    split: pd.DataFrame,
    reference_predictions: pd.DataFrame,
    baseline: dict[str, Any],
    dropout: dict[str, Any],
    batchnorm: dict[str, Any],
    dropout_batchnorm: dict[str, Any],
    baseline_predictions: pd.DataFrame,
    dropout_predictions: pd.DataFrame,
    batchnorm_predictions: pd.DataFrame,
    dropout_batchnorm_predictions: pd.DataFrame,
    study: Study,
) -> dict[str, Any]:
    """Estimate what the two layers do, pair by pair, with what chance leaves open."""
    metrics = _by_variant(baseline, dropout, batchnorm, dropout_batchnorm)
    predictions = _by_variant(
        baseline_predictions,
        dropout_predictions,
        batchnorm_predictions,
        dropout_batchnorm_predictions,
    )
    evidence = answer.gather_evidence(metrics, predictions, reference_predictions, split, study)
    return answer.find_answer(evidence, metrics, study).as_json()


def compare_diagnostics(
    baseline: dict[str, Any],
    dropout: dict[str, Any],
    batchnorm: dict[str, Any],
    dropout_batchnorm: dict[str, Any],
    baseline_history: pd.DataFrame,
    dropout_history: pd.DataFrame,
    batchnorm_history: pd.DataFrame,
    dropout_batchnorm_history: pd.DataFrame,
    baseline_examination: dict[str, Any],
    dropout_examination: dict[str, Any],
    batchnorm_examination: dict[str, Any],
    dropout_batchnorm_examination: dict[str, Any],
) -> pd.DataFrame:
    """Put side by side what the layers did: gap, speed, spread, dead units, variance shift."""
    return network_diagnostics.compare_diagnostics(
        _by_variant(
            baseline_examination,
            dropout_examination,
            batchnorm_examination,
            dropout_batchnorm_examination,
        ),
        _by_variant(
            baseline_history, dropout_history, batchnorm_history, dropout_batchnorm_history
        ),
        _by_variant(baseline, dropout, batchnorm, dropout_batchnorm),
    )


def plot_diagnostics(
    diagnostics: pd.DataFrame,
    baseline_history: pd.DataFrame,
    dropout_history: pd.DataFrame,
    batchnorm_history: pd.DataFrame,
    dropout_batchnorm_history: pd.DataFrame,
    baseline_examination: dict[str, Any],
    dropout_examination: dict[str, Any],
    batchnorm_examination: dict[str, Any],
    dropout_batchnorm_examination: dict[str, Any],
    study: Study,
) -> Figure:
    """Draw the gap between validation and training by epoch, and the variance shift by layer."""
    histories = _by_variant(
        baseline_history, dropout_history, batchnorm_history, dropout_batchnorm_history
    )
    examined = _by_variant(
        baseline_examination,
        dropout_examination,
        batchnorm_examination,
        dropout_batchnorm_examination,
    )
    return draw_diagnostics(diagnostics, histories, examined, study)


def plot_effects(effects: dict[str, Any]) -> Figure:
    """Draw the errors of variants and reference models, and the effects with their intervals."""
    return draw_effects(effects)


def make_report(
    study: Study,
    effects: dict[str, Any],
    findings: dict[str, Any],
    comparison: pd.DataFrame,
    diagnostics: pd.DataFrame,
    provenance: dict[str, Any],
    training: dict[str, Any],
) -> dict[str, Any]:
    """Put together what a reader of the study must know, as plain data."""
    return report.make_report(
        study, effects, findings, comparison, diagnostics, provenance, training
    )


def write_report(
    study: Study, report_data: dict[str, Any], preprocessors: dict[int, Any], **of_variants: Any
) -> str:
    """Write the report as one page that needs no network.

    Args:
        study: As it was run.
        report_data: What the page says.
        preprocessors: By split; their targets lead back to the target's own unit.
        of_variants: ``baseline_history``, ``_first_steps``, ``_predictions``, ``_examination``, and
            so on for each variant.
    """
    trainings = {
        variant: Trainings(of_variants[f"{variant}_history"], of_variants[f"{variant}_first_steps"])
        for variant in Variant
    }
    predictions = {variant: of_variants[f"{variant}_predictions"] for variant in Variant}
    task = task_of(study)
    targets = {split: task.restore_target(one["target"]) for split, one in preprocessors.items()}
    diagnostics = draw_diagnostics(
        pd.DataFrame(
            [{"variant": name, **one} for name, one in report_data["diagnostics"].items()]
        ),
        {variant.value: one.history for variant, one in trainings.items()},
        {variant.value: of_variants[f"{variant}_examination"] for variant in Variant},
        study,
    )
    pictures = report.draw_pictures(
        report_data, trainings, predictions, targets, diagnostics, study
    )
    return write_page(report_data, study, pictures)


def record_run(
    study: Study, provenance: dict[str, Any], training: dict[str, Any], *outputs: object
) -> dict[str, Any]:
    """Say what this run was: the study with all its options, the table, engine and versions.

    Args:
        study: The study as it was run.
        provenance: What only the run itself knows: table, versions of the packages, Kedro version.
        training: Of any variant; all run on one engine.
        outputs: Everything at the end of the graph, so that the record comes last.
    """
    return {
        "study": study.name,
        "made_up": study.made_up,
        "engine": training["engine"],
        **provenance,
        "seeds": {
            "split": split_seeds(study),
            "training": study.training.seed,
            "replicas": [
                {"split": one["split"], "start": one["start"]} for one in training["replicas"]
            ],
        },
        "options": study.model_dump(mode="json"),
    }


def _by_variant(*of_each: _T) -> dict[str, _T]:
    return dict(zip([variant.value for variant in Variant], of_each, strict=True))


def _of(table: pd.DataFrame, replica: dict[str, Any]) -> pd.DataFrame:
    chosen = (table["split"] == replica["split"]) & (table["start"] == replica["start"])
    of_replica: pd.DataFrame = table.loc[chosen]
    return of_replica


def _measure_replica(
    history: pd.DataFrame, predictions: pd.DataFrame, facts: dict[str, Any], task: Task
) -> dict[str, Any]:
    diverged = facts["diverged_at_epoch"] is not None
    best = None if diverged else history.iloc[int(history["val_loss"].to_numpy().argmin())]
    final = history.iloc[-1]
    measured = {
        "split": facts["split"],
        "start": facts["start"],
        "min_val_loss": None if best is None else float(best["val_loss"]),
        "best_epoch": None if best is None else int(best["epoch"]),
        "final_loss": _finite_or_none(float(final["loss"])),
        "final_val_loss": _finite_or_none(float(final["val_loss"])),
        **{
            f"validation_{name}": None if diverged else _finite_or_none(score)
            for name, score in task.score(predictions).items()
        },
    }
    judged = dict.fromkeys(task.failures, False) if diverged else task.judge(measured, facts)
    return {
        **measured,
        "diverged_at_epoch": facts["diverged_at_epoch"],
        **judged,
        "fit_seconds": facts["fit_seconds"],
    }


def _mean_scores(
    part: str, predictions: pd.DataFrame, replicas: list[dict[str, Any]], task: Task
) -> dict[str, float | None]:
    """Return ``<part>_mae`` and so on, in the target's own terms."""
    scores = [task.score(_of(predictions, one)) for one in replicas]
    return {f"{part}_{name}": _mean([one[name] for one in scores]) for name in task.scores}


def _score_committees(
    predictions: pd.DataFrame, replicas: list[dict[str, Any]], task: Task
) -> dict[str, float | None] | None:
    """Score the mean prediction over the starts of each split; None with one start each.

    A committee of networks that differ by their start alone (Lakshminarayanan et al. 2017).
    """
    by_split: dict[int, list[pd.DataFrame]] = {}
    for one in replicas:
        by_split.setdefault(one["split"], []).append(_of(predictions, one))
    if max(map(len, by_split.values()), default=0) <= 1:
        return None
    scores = [task.score(task.committee(pd.concat(members))) for members in by_split.values()]
    return {name: _mean([one[name] for one in scores]) for name in task.scores}


def _mean(values: list[float]) -> float | None:
    return _finite_or_none(float(np.mean(values))) if values else None


def _finite_or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
