"""Which rate of dropout, which place of batch normalization, and whether the choice matters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from dropnorm.evaluation import wording
from dropnorm.evaluation.estimation.effects import margin_of
from dropnorm.evaluation.estimation.estimands import estimand
from dropnorm.evaluation.estimation.evidence import gather_evidence
from dropnorm.evaluation.estimation.intervals import Interval, simultaneous
from dropnorm.evaluation.estimation.network_names import title
from dropnorm.evaluation.estimation.verdicts import Verdict, judge
from dropnorm.evaluation.json_form import or_nan
from dropnorm.evaluation.sweeps.sweep_checks import check_edges
from dropnorm.evaluation.sweeps.sweep_points import Point, plan_points
from dropnorm.evaluation.sweeps.sweep_results import Choice, Choices
from dropnorm.study.arms import arm_names
from dropnorm.tasks.registry import task_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dropnorm.evaluation.estimation.effects import Evidence
    from dropnorm.evaluation.results import VariantMetrics
    from dropnorm.study.schema import Study

_SIGNIFICANT = 0.05


def find_choices(
    metrics: Mapping[str, Sequence[VariantMetrics]],
    predictions: Mapping[str, pd.DataFrame],
    split: pd.DataFrame,
    study: Study,
) -> Choices:
    """Say for each variant which choice has the least error, and which are shown to be worse.

    The points of a variant are compared on the same splits and from the same starts. Intervals and
    p-values are those that hold of all pairs of points at once, so that a sentence holds although
    the best point was picked by the same trainings.

    Args:
        metrics: Of each point, in the order of :func:`plan_points`.
        predictions: Of the validation rows, with a column ``point`` that numbers them in that
            order.
        split: Which row is in which part of which split.
        study: Says what was tried.
    """
    names = arm_names(study)
    points = {name: plan_points(study, name) for name in names}
    measured = {
        point.name: of_point
        for variant in names
        for point, of_point in zip(points[variant], metrics[variant], strict=True)
    }
    evidence = gather_evidence(
        measured,
        {
            point.name: predictions[variant].loc[predictions[variant]["point"] == number]
            for variant in names
            for number, point in enumerate(points[variant])
        },
        pd.DataFrame(columns=["model", "split", "start", "row", "target", "prediction"]),
        split,
        study,
    )
    diverged = {point: of_point.diverged for point, of_point in measured.items()}
    margin = margin_of(evidence.errors[points[study.against][0].name], study.margin)
    rows = {name: _stand(points[name], evidence, measured, margin) for name in names}
    edges = [one for of in points.values() for one in check_edges(of, evidence, diverged)]
    task, options = task_of(study), study.replicas
    unit = task.unit(study)
    return Choices(
        study=study.name,
        title=study.label,
        made_up=study.made_up,
        error=task.error(study).name,
        unit=unit,
        splits=options.splits,
        starts=options.starts,
        estimand=estimand(options.splits, options.starts, study.split, in_order=evidence.in_order),
        sentences={
            name: _sentence(name, points[name], rows[name], unit)
            for name in names
            if len(points[name]) > 1
        },
        points=tuple(row for name in names for row in rows[name]),
        findings=tuple(one for one in edges if one.code.code not in study.silence),
    )


def _stand(
    points: Sequence[Point],
    evidence: Evidence,
    measured: Mapping[str, VariantMetrics],
    margin: float,
) -> list[Choice]:
    """Describe the points of one variant, each beside the best."""
    errors = {point: evidence.errors[point.name].dropna() for point in points}
    diverged = {point.name: measured[point.name].diverged for point in points}
    whole = [point for point in points if len(errors[point]) and not diverged[point.name]]
    best = min(whole, key=lambda point: float(errors[point].mean()), default=None)
    rows = []
    for point in points:
        interval, standing = Interval(math.nan), "diverged"
        if point is best:
            standing = "least error"
        elif best is not None:
            alone, _ = evidence.difference({point.name: 1, best.name: -1}, _SIGNIFICANT)
            # The best is picked by the same trainings: what holds of all pairs holds of its own.
            interval = simultaneous(alone, len(points))
            lost = {point.name: diverged[point.name]}
            standing = _STANDINGS[judge(interval, interval.p, margin, lost)]
        known = errors[point]
        rows.append(
            Choice(
                variant=point.variant,
                rate=point.one_rate,
                placement=point.placement,
                error=_or_none(float(known.mean())) if len(known) else None,
                least=float(known.min()) if len(known) else None,
                largest=float(known.max()) if len(known) else None,
                replicas=len(evidence.errors),
                diverged=diverged[point.name],
                difference=_or_none(interval.mean),
                low=_or_none(interval.low),
                high=_or_none(interval.high),
                p=_or_none(interval.p),
                standing=standing,
                failed=sum(measured[point.name].failures.values()),
            )
        )
    return rows


_STANDINGS = {
    Verdict.HURTS: "worse",
    # Of a point whose pairs are others than the best's: it lost none, or there is no best.
    Verdict.HELPS: "not shown to be worse",
    Verdict.NOT_SETTLED: "not shown to be worse",
    Verdict.SAME: "practically the same",
    Verdict.NONE: "one run",
    Verdict.IN_ORDER: "splits in order",
    Verdict.DIVERGED: "diverged",
}


def _sentence(name: str, points: Sequence[Point], rows: Sequence[Choice], unit: str) -> str:
    subject = f"{title(name)}, {_what(points)}"
    told: dict[str, list[str]] = {standing: [] for standing in _STANDINGS.values()}
    least = ""
    for point, row in zip(points, rows, strict=True):
        if row.standing == "least error":
            size = f"{wording.number(or_nan(row.error))} {unit}".strip()
            least = f"{point.choice} has the least error, {size}"
            if row.failed:
                failed = wording.of_runs(row.failed, row.replicas)
                least += f", and a loss no better than that of a constant in {failed}"
        elif row.standing == "worse":
            told["worse"].append(f"{point.choice} by {_size(row, unit)}")
        else:
            told[row.standing].append(point.choice)
    if not least:
        return f"{subject}: trainings diverged with every choice; there is none to make."
    if told["one run"]:
        return f"{subject}: {least} in the one run of each; no verdict."
    if told["splits in order"]:
        return f"{subject}: {least}; splits in order: no verdict."
    matters = told["worse"] or told["diverged"]
    verdict = "the choice matters" if matters else "the choice is not shown to matter"
    parts = [f"{subject}: {verdict}", least]
    parts += [
        f"{name}: {'; '.join(choices) if name == 'worse' else ' | '.join(choices)}"
        for name, choices in told.items()
        if choices
    ]
    return f"{'. '.join(part[0].upper() + part[1:] for part in parts)}."


def _what(points: Sequence[Point]) -> str:
    told = []
    if len({point.rate for point in points}) > 1:
        told.append("which rate")
    if len({point.placement for point in points}) > 1:
        told.append("which place")
    return " and ".join(told)


def _size(row: Choice, unit: str) -> str:
    low, high = or_nan(row.low), or_nan(row.high)
    error = (high - low) / 2
    size = f"{wording.number(or_nan(row.difference), error)} {unit}".strip()
    ends = f"{wording.number(low, error)} to {wording.number(high, error)}"
    return f"{size} (95 % interval {ends})"


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
