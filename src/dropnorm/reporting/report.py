"""The report as data, and the figures of its page."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pandas as pd

from dropnorm.evaluation.answers.pace import tell_pace
from dropnorm.evaluation.estimation.network_names import count, reference
from dropnorm.evaluation.json_form import to_json
from dropnorm.evaluation.results import ScoresOnTest
from dropnorm.evaluation.trainings.loss_units import loss_units
from dropnorm.findings import Finding
from dropnorm.reporting.figures.diagnostics import draw_diagnostics
from dropnorm.reporting.figures.panels import Trainings, draw_curve_panels
from dropnorm.reporting.figures.predictions import (
    draw_amount_panels,
    draw_class_panels,
    draw_reliability,
)
from dropnorm.reporting.page import Pictures
from dropnorm.study.training import losses_among
from dropnorm.tasks.registry import task_of
from dropnorm.tasks.targets import Classes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dropnorm.evaluation.records import Provenance
    from dropnorm.evaluation.results import TableFindings, VariantMetrics, VariantOutcome
    from dropnorm.study.schema import Study
    from dropnorm.tasks.targets import FittedTarget


def make_report(
    study: Study,
    effects: Mapping[str, Any],
    findings: TableFindings,
    comparison: pd.DataFrame,
    diagnostics: pd.DataFrame,
    provenance: Provenance,
    metrics: VariantMetrics,
) -> dict[str, Any]:
    """Put together what a reader of the study must know: aggregates, never rows of the table."""
    fit_seconds = float(comparison["fit_seconds"].sum())
    return {
        **effects,
        **({"test": _with_test_scores(effects["test"], comparison)} if "test" in effects else {}),
        "question": _question(study, effects),
        "engine": metrics.engine,
        "rows": metrics.rows,
        "findings": sorted(
            [*map(Finding.described, findings.findings), *effects["findings"]],
            key=lambda one: str(one["code"]),
        ),
        "diagnostics": {
            row["variant"]: {
                name: None if pd.isna(value) else value
                for name, value in row.items()
                if name != "variant"
            }
            for row in diagnostics.to_dict("records")
        },
        "constant_val_loss": float(comparison["constant_val_loss"].iloc[0]),
        "fit_seconds": fit_seconds,
        "pace": tell_pace(effects, fit_seconds, study),
        **to_json(provenance),
        "options": study.model_dump(mode="json"),
    }


def _with_test_scores(on_test: Mapping[str, Any], comparison: pd.DataFrame) -> dict[str, Any]:
    """Add the scores of test rows that stand in the comparison alone, where there are some."""
    columns = [f"test_{one.name}" for one in fields(ScoresOnTest)]
    if not set(columns) <= set(comparison.columns):
        return dict(on_test)
    by_variant = comparison.set_index("variant")[columns]
    scores = {
        name: {
            column.removeprefix("test_"): None if pd.isna(value) else float(value)
            for column, value in by_variant.loc[name].items()
        }
        for name in on_test["variants"]
    }
    variants = {name: {**one, **scores[name]} for name, one in on_test["variants"].items()}
    return {**on_test, "variants": variants}


def _question(study: Study, effects: Mapping[str, Any]) -> str:
    if "against" not in effects:
        return f"Does dropout or batch normalization help the network on {study.label}?"
    return (
        f"Which of {count(len(effects['variants']))} networks should be used on {study.label}, and"
        f" how much better or worse than {reference(effects['against'])} are the others?"
    )


def draw_pictures(
    report: Mapping[str, Any],
    outcomes: Mapping[str, VariantOutcome],
    targets: Mapping[int, FittedTarget],
    study: Study,
) -> Pictures:
    """Draw the figures of the page.

    Args:
        report: As :func:`make_report` returns it.
        outcomes: By variant.
        targets: By split, what leads back to the target's own unit.
        study: For labels.
    """
    predictions = {name: one.validation_predictions for name, one in outcomes.items()}
    units = loss_units(targets, study)
    diagnostics = draw_diagnostics(
        pd.DataFrame([{"variant": name, **one} for name, one in report["diagnostics"].items()]),
        {name: one.history for name, one in outcomes.items()},
        {name: one.examination for name, one in outcomes.items()},
        study,
        units,
    )
    shown = {
        name: Trainings(
            units.table(one.history, tuple(losses_among(one.history.columns))),
            units.table(one.first_steps, ("loss",)),
        )
        for name, one in outcomes.items()
    }
    constant = units.mean(report["constant_val_loss"])
    curves = draw_curve_panels(shown, constant, units.label)
    if any(isinstance(target, Classes) for target in targets.values()):
        panels = draw_class_panels(predictions)
        return Pictures(curves, panels, draw_reliability(predictions), diagnostics, units.label)
    amounts = draw_amount_panels(predictions, _with_unit(study.target.column, study))
    return Pictures(curves, amounts, None, diagnostics, units.label)


def _with_unit(name: str, study: Study) -> str:
    unit = task_of(study).unit(study)
    return f"{name}, {unit}" if unit else name
