"""From the scores of trainings to the answer: effects, reference models, sentences, findings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dropnorm.data.splits import TRAIN, VALIDATION
from dropnorm.evaluation import checks, effects, wording
from dropnorm.evaluation.effects import Contrast, Evidence, RowLosses
from dropnorm.study.split import GroupedSplit
from dropnorm.study.variants import Variant
from dropnorm.tasks.registry import task_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dropnorm.evaluation.results import VariantMetrics
    from dropnorm.study.schema import Study
    from dropnorm.tasks.base import Task

_REPLICA = ["split", "start"]


def gather_evidence(
    metrics: Mapping[str, VariantMetrics],
    predictions: Mapping[str, pd.DataFrame],
    references: pd.DataFrame,
    split: pd.DataFrame,
    study: Study,
) -> Evidence:
    """Put the errors of all replicas of all variants and reference models into one table.

    Args:
        metrics: By variant.
        predictions: Of the validation rows, by variant.
        references: Predictions of the reference models.
        split: Which row is in which part of which split.
        study: Says which error counts.
    """
    task = task_of(study)
    error = task.error(study)
    columns = {variant: of_variant.errors(error.name) for variant, of_variant in metrics.items()}
    for model, of_model in references.groupby("model"):
        columns[str(model)] = pd.Series(
            {replica: task.score(one)[error.name] for replica, one in of_model.groupby(_REPLICA)}
        ).rename_axis(_REPLICA)
    parts = split.groupby(["split", "part"], observed=True).size().unstack("part")
    return Evidence(
        errors=pd.DataFrame(columns),
        held_to_trained=float((parts[VALIDATION] / parts[TRAIN]).mean()),
        root=error.root,
        rows=_row_losses(predictions, references, split, study),
    )


def _row_losses(
    predictions: Mapping[str, pd.DataFrame],
    references: pd.DataFrame,
    split: pd.DataFrame,
    study: Study,
) -> dict[int, RowLosses]:
    task = task_of(study)
    tables = dict(predictions) | {str(name): one for name, one in references.groupby("model")}
    costs = {}
    for name, table in tables.items():
        cost = task.row_losses(table, task.error(study))
        # A start that diverged has no finite prediction, and takes part in no pair.
        costs[name] = cost.where(np.isfinite(cost)).groupby([table["split"], table["row"]]).mean()
    held = split.loc[split["part"] == VALIDATION]
    found = {}
    for number, of_split in held.groupby("split"):
        losses = {
            name: cost.loc[number].reindex(of_split["row"]).to_numpy(dtype=np.float64)
            for name, cost in costs.items()
        }
        groups = pd.factorize(of_split["group"].astype(str))[0] if "group" in held else None
        found[int(str(number))] = RowLosses(losses, groups)
    return found


def find_answer(
    evidence: Evidence, metrics: Mapping[str, VariantMetrics], study: Study
) -> dict[str, Any]:
    """Answer the question of the project for one study, as plain data.

    Returns:
        ``answer`` and ``sentences`` (in words), ``estimand``, ``error``, ``beside`` (what else is
        measured), ``unit``, ``splits``, ``starts``, ``variants``, ``effects``, ``references``,
        ``committee`` and ``spread`` (sentences) and ``findings``; None where a number is not
        finite.
    """
    options = study.replicas
    diverged = {variant: one.diverged for variant, one in metrics.items()}
    found = effects.estimate(evidence, diverged, study.margin)
    task = task_of(study)
    unit, error = task.unit(study), task.error(study).spoken
    sentences = {
        name: wording.sentence(name, effect, error, unit, options.splits, options.starts)
        for name, effect in found.items()
    }
    variants = {
        variant.value: _variant(evidence, metrics[variant], variant, task) for variant in Variant
    }
    references = {model: _reference(evidence, model) for model in task.references}
    grouped = isinstance(study.split, GroupedSplit)
    answer = {
        "study": study.name,
        "title": study.label,
        "made_up": study.made_up,
        "answer": f"{sentences[Contrast.DROPOUT]} {sentences[Contrast.BATCHNORM]}",
        "sentences": sentences,
        "estimand": wording.estimand(options.splits, options.starts, grouped),
        "error": task.error(study).name,
        "beside": list(task.beside),
        "unit": unit,
        "margin": study.margin,
        "splits": options.splits,
        "starts": options.starts,
        "variants": variants,
        "effects": found,
        "references": references,
        "committee": wording.committee(variants, task.error(study).name, unit),
        "spread": wording.spread(variants, found, error, unit),
    }
    findings = [
        *(one for variant in Variant for one in metrics[variant].findings),
        *checks.check_answer(answer, study),
    ]
    answer["findings"] = [
        one.described() for one in sorted(findings, key=lambda one: one.code.code)
    ]
    strict: dict[str, Any] = _strict(answer)
    return strict


def _variant(
    evidence: Evidence, metrics: VariantMetrics, variant: Variant, task: Task
) -> dict[str, Any]:
    finite = evidence.errors[variant.value].dropna()
    least, last = metrics.min_val_loss, metrics.final_val_loss
    return {
        "error": float(finite.mean()) if len(finite) else math.nan,
        "standard_deviation": float(finite.std(ddof=1)) if len(finite) > 1 else math.nan,
        "deviations": evidence.deviations({variant.value: 1}),
        "replicas": len(evidence.errors),
        "finite": len(finite),
        "diverged": metrics.diverged,
        **{name: metrics.failures[name] for name in task.failures},
        "final_val_loss": last,
        "min_val_loss": least,
        "minimum_flatters_by": None if last is None or least is None else last - least,
        **{name: metrics.validation[name] for name in task.beside},
        "committee": metrics.committee,
    }


def _reference(evidence: Evidence, model: str) -> dict[str, Any]:
    finite = evidence.errors[model].dropna()
    differences = {}
    for variant in Variant:
        interval, pairs = evidence.difference({variant.value: 1, model: -1}, alpha=0.05)
        differences[variant.value] = {
            "difference": interval.mean,
            "low": interval.low,
            "high": interval.high,
            "pairs": len(pairs),
            "wins": effects.share_of_wins(pairs.to_numpy()),
        }
    return {
        "error": float(finite.mean()) if len(finite) else math.nan,
        "finite": len(finite),
        "networks_minus_this": differences,
    }


def _strict(value: Any) -> Any:
    """Replace numbers that are not finite, which JSON does not know, by None."""
    if isinstance(value, dict):
        return {str(key): _strict(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_strict(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
