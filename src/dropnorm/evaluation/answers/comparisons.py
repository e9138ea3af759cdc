"""The networks compared with one another."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from dropnorm.evaluation.answers.answer import Comparison
from dropnorm.evaluation.estimation.intervals import holm
from dropnorm.evaluation.estimation.verdicts import judge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dropnorm.evaluation.estimation.contrasts import Design
    from dropnorm.evaluation.estimation.effects import Evidence


def compare_networks(
    evidence: Evidence, diverged: Mapping[str, int], margin: float, design: Design
) -> tuple[Comparison, ...]:
    """Compare all networks but the reference with one another; the effects compare with that.

    Args:
        evidence: Errors of the networks.
        diverged: How many replicas of each network diverged.
        margin: Differences up to this are practically none, in the target's units.
        design: Says which networks there are.
    """
    pairs = list(itertools.combinations(design.others, 2))
    alpha = (1 - evidence.level) / max(1, len(pairs))
    found = [evidence.difference({network: 1, other: -1}, alpha)[0] for other, network in pairs]
    adjusted = holm([interval.p for interval in found], evidence.level)
    comparisons = []
    for (other, network), interval, p_holm in zip(pairs, found, adjusted, strict=True):
        lost = {name: diverged[name] for name in (network, other)}
        comparisons.append(
            Comparison(
                network,
                other,
                interval.mean,
                interval.low,
                interval.high,
                judge(interval, p_holm, margin, lost, len(pairs)),
                interval.detectable,
            )
        )
    return tuple(comparisons)
