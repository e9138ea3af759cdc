"""What a choice must not rest on that a sweep has found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dropnorm.evaluation import wording
from dropnorm.evaluation.estimation.network_names import spoken
from dropnorm.findings import CODES, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dropnorm.evaluation.estimation.effects import Evidence
    from dropnorm.evaluation.sweeps.sweep_points import Point

# Two-sided, so that either side has 5 %.
_LEVEL = 0.1


def check_edges(
    points: Sequence[Point], evidence: Evidence, diverged: Mapping[str, int]
) -> Iterator[Finding]:
    """Find DN023 among the points of one variant: the best rate is the last that was tried.

    Args:
        points: Of the variant.
        evidence: Errors of all points, by their names.
        diverged: How many trainings of each point did, likewise.
    """
    errors = {
        point: float(evidence.errors[point.name].mean())
        for point in points
        if isinstance(point.rate, float) and not diverged[point.name]
    }
    if not errors:
        return
    best = min(errors, key=lambda point: errors[point])
    tried = sorted(
        (point for point in points if point.placement == best.placement),
        key=lambda point: float(str(point.one_rate)),
    )
    place = tried.index(best)
    if len(tried) == 1 or best.rate == 0 or 0 < place < len(tried) - 1:
        return
    beside = tried[1] if place == 0 else tried[-2]
    if diverged[beside.name]:
        return
    interval, pairs = evidence.difference({beside.name: 1, best.name: -1}, _LEVEL)
    if interval.mean > 0 and interval.p < _LEVEL:
        end = "largest" if place else "smallest"
        told = (
            f"{best.one_rate:g}, the {end}; at {beside.one_rate:g} the error is"
            f" {wording.number(100 * interval.mean / errors[best], digits=2)} % larger"
        )
        yield Finding(
            CODES["DN023"], spoken(best.variant), told, int((pairs > 0).sum()), len(pairs)
        )
