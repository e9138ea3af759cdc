"""The networks compared with one another, and which of them is shown to be better."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dropnorm.evaluation.estimation.intervals import holm
from dropnorm.evaluation.estimation.verdicts import Health, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dropnorm.evaluation.answers.answer import Answer
    from dropnorm.evaluation.estimation.contrasts import Design
    from dropnorm.evaluation.estimation.effects import Evidence


@dataclass(frozen=True)
class Comparison:
    """The error of one network less that of another, pair by pair; positive means it is worse.

    Attributes:
        network: The one.
        other: The other.
        difference: Mean over the pairs; nan without pairs.
        low: Lower end of the 95 % interval; nan if there is none.
        high: Its upper end.
        verdict: On the one network, seen from the other.
        detectable: The smallest true difference that more runs on this table could show.
    """

    network: str
    other: str
    difference: float
    low: float
    high: float
    verdict: Verdict
    detectable: float = math.nan

    @property
    def worse(self) -> bool:
        """Whether the network is shown to be worse than the other."""
        return self.verdict is Verdict.HURTS

    def turned(self) -> Comparison:
        """Return the same, seen from the other side."""
        opposite = {Verdict.HELPS: Verdict.HURTS, Verdict.HURTS: Verdict.HELPS}
        return replace(
            self,
            network=self.other,
            other=self.network,
            difference=-self.difference,
            low=-self.high,
            high=-self.low,
            verdict=opposite.get(self.verdict, self.verdict),
        )


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


def between(answer: Answer, network: str, other: str) -> Comparison:
    """Return what is known of two networks, the error of the one less that of the other."""
    for comparison in answer.comparisons:
        if (comparison.network, comparison.other) == (network, other):
            return comparison
        if (comparison.other, comparison.network) == (network, other):
            return comparison.turned()
    against = answer.design.against
    compared = other if network == against else network
    effect = answer.effects[compared]
    found = Comparison(
        compared, against, effect.difference, effect.low, effect.high, effect.verdict,
        effect.detectable,
    )  # fmt: skip
    return found if network == compared else found.turned()


def working(answer: Answer) -> list[str]:
    """Return the networks that are worth comparing, in the order of choice."""
    names = answer.design.in_order_of_choice
    return [name for name in names if answer.variants[name].health is Health.WORKS]


def not_beaten(answer: Answer) -> list[str]:
    """Return the working networks that no other is shown to be better than, in that order."""
    names = working(answer)
    return [
        one
        for one in names
        if not any(between(answer, one, other).worse for other in names if other != one)
    ]


def ranked(answer: Answer) -> list[str]:
    """Return the working networks by their error if each is shown to be worse than the one before.

    Returns:
        Nothing where any neighbours are not settled: their order would be chance.
    """
    names = sorted(working(answer), key=lambda name: answer.variants[name].error)
    settled = all(between(answer, two, one).worse for one, two in itertools.pairwise(names))
    return names if settled and len(names) > 1 else []


def best_reference(answer: Answer) -> str | None:
    """Return the reference model, other than the constant, with the least error."""
    known = {
        name: one.error
        for name, one in answer.references.items()
        if name != "constant" and math.isfinite(one.error)
    }
    return min(known, key=lambda name: known[name]) if known else None
