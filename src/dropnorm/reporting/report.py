"""The report as data, and the figures of its page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dropnorm.evaluation.json_form import to_json
from dropnorm.evaluation.network_names import count, reference
from dropnorm.findings import Finding
from dropnorm.reporting.figures.diagnostics import draw_diagnostics
from dropnorm.reporting.figures.drawing import loss_label
from dropnorm.reporting.figures.panels import Trainings, draw_curve_panels
from dropnorm.reporting.figures.predictions import (
    draw_amount_panels,
    draw_class_panels,
    draw_reliability,
)
from dropnorm.reporting.page import Pictures
from dropnorm.tasks.registry import task_of
from dropnorm.tasks.targets import Classes, FittedTarget, TargetScale

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dropnorm.evaluation.records import Provenance
    from dropnorm.evaluation.results import TableFindings, VariantMetrics, VariantOutcome
    from dropnorm.study.schema import Study


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
    return {
        **effects,
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
        "fit_seconds": float(comparison["fit_seconds"].sum()),
        **to_json(provenance),
        "options": study.model_dump(mode="json"),
    }


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
    diagnostics = draw_diagnostics(
        pd.DataFrame([{"variant": name, **one} for name, one in report["diagnostics"].items()]),
        {name: one.history for name, one in outcomes.items()},
        {name: one.examination for name, one in outcomes.items()},
        study,
    )
    root, factors = in_target_unit(targets, study)
    label = _label(study) if factors else loss_label(study)
    shown = {
        name: Trainings(
            _converted(one.history, ("loss", "val_loss"), root, factors),
            _converted(one.first_steps, ("loss",), root, factors),
        )
        for name, one in outcomes.items()
    }
    constant = report["constant_val_loss"]
    if factors:
        mean = float(np.mean(list(factors.values())))
        constant = mean * (math.sqrt(constant) if root else constant)
    curves = draw_curve_panels(shown, constant, label)
    if any(isinstance(target, Classes) for target in targets.values()):
        return Pictures(
            curves, draw_class_panels(predictions), draw_reliability(predictions), diagnostics
        )
    amounts = draw_amount_panels(predictions, _with_unit(study.target.column, study))
    return Pictures(curves, amounts, None, diagnostics)


def in_target_unit(
    targets: Mapping[int, FittedTarget], study: Study
) -> tuple[bool, dict[int, float]]:
    """Return what makes a training's loss an error in the target's unit.

    Returns:
        Whether the root is taken first, and by split what it is multiplied by; nothing where the
        loss has no such unit: of classes, of logarithms, and the Huber loss.
    """
    loss = study.training.loss
    scales = {
        split: target.scale
        for split, target in targets.items()
        if isinstance(target, TargetScale) and not target.log1p
    }
    if loss not in ("mae", "mse") or len(scales) < len(targets):
        return False, {}
    return loss == "mse", scales


def _label(study: Study) -> str:
    return _with_unit("RMSE" if study.training.loss == "mse" else "MAE", study)


def _with_unit(name: str, study: Study) -> str:
    unit = task_of(study).unit(study)
    return f"{name}, {unit}" if unit else name


def _converted(
    table: pd.DataFrame, columns: tuple[str, ...], root: bool, factors: Mapping[int, float]
) -> pd.DataFrame:
    if not factors or table.empty:
        return table
    by_row = table["split"].map(factors).to_numpy(dtype=float)
    losses = {name: table[name].to_numpy(dtype=float) for name in columns}
    return table.assign(
        **{name: by_row * (np.sqrt(one) if root else one) for name, one in losses.items()}
    )
