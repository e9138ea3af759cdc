"""From an interval to a verdict, and from two networks' trainings to what a layer does."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

from dropnorm.evaluation.estimation.intervals import LEVEL, Basis, Interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Verdict(StrEnum):
    """What can be said of a difference, in words."""

    HELPS = "helps"
    HURTS = "hurts"
    SAME = "makes no practical difference"
    RESCUES = "rescues training"
    BREAKS = "breaks training"
    NOT_SETTLED = "not settled"
    BOTH_FAIL = "both fail"
    DIVERGED = "cannot be compared"
    NONE = "one run: no verdict"
    IN_ORDER = "splits in order: no verdict"
    ONE_SPLIT = "defined in one split only: no verdict"
    UNDEFINED = "not defined: a class has no validation row"

    @classmethod
    def _missing_(cls, value: object) -> Verdict | None:
        """Read the words of earlier runs."""
        return _EARLIER.get(str(value))


_EARLIER = {
    "practically the same": Verdict.SAME,
    "too few runs to say": Verdict.NOT_SETTLED,
    "not comparable: one arm diverged": Verdict.DIVERGED,
}


class Health(StrEnum):
    """Whether a variant's networks are worth comparing."""

    WORKS = "works"
    UNPROVEN = "not shown to be better than a constant"
    USELESS = "no better than a constant"
    DIVERGES = "diverges"

    @property
    def fails(self) -> bool:
        """Whether the training is shown to have failed."""
        return self in (Health.USELESS, Health.DIVERGES)


def judge(
    interval: Interval,
    p_holm: float,
    margin: float,
    diverged: Mapping[str, int],
    claims: int = 1,
) -> Verdict:
    """Say a difference in words.

    Args:
        interval: Of the difference of errors: below zero, the layer helps.
        p_holm: Its p-value, adjusted for all the differences judged together.
        margin: Differences up to this are practically none; 0 for no such verdict.
        diverged: How many replicas of each variant that takes part diverged.
        claims: How many differences are judged together; each is practically none at a level that
            allows for the others.
    """
    if any(diverged.values()):
        return Verdict.DIVERGED
    if math.isnan(interval.low):
        return Verdict.IN_ORDER if interval.basis is Basis.IN_ORDER else Verdict.NONE
    if margin and interval.p_beyond(margin) < (1 - interval.level) / claims:
        return Verdict.SAME
    if p_holm < 1 - LEVEL:
        return Verdict.HELPS if interval.mean < 0 else Verdict.HURTS
    return Verdict.NOT_SETTLED


def judge_health(diverged: int, failed: int, replicas: int, beyond_constant: Interval) -> Health:
    """Say whether a variant's networks have learnt anything.

    Args:
        diverged: How many replicas diverged.
        failed: How many of the others ended no better than a constant.
        replicas: How many there are.
        beyond_constant: Their error less that of a constant, pair by pair; nan ends for one run,
            in which only a clear difference counts.
    """
    if diverged:
        return Health.DIVERGES
    if not beyond_constant.mean < 0 or 2 * failed > replicas:
        return Health.USELESS
    if failed or (not math.isnan(beyond_constant.high) and beyond_constant.high >= 0):
        return Health.UNPROVEN
    return Health.WORKS


def weigh(verdict: Verdict, without: Health, having: Health) -> Verdict:
    """Say what a network does to the error, given whether it and the reference work at all.

    Nothing good is said of a network that is not shown to be better than a constant.

    Args:
        verdict: On the difference alone.
        without: Of the reference.
        having: Of the network that is compared with it.
    """
    if having is Health.WORKS:
        return Verdict.RESCUES if without.fails else verdict
    if without is Health.WORKS:
        if having.fails:
            return Verdict.BREAKS
        return Verdict.NOT_SETTLED if verdict is Verdict.HELPS else verdict
    if verdict is Verdict.HURTS and not without.fails:
        return verdict
    return Verdict.BOTH_FAIL


def weigh_interaction(verdict: Verdict, healths: Iterable[Health]) -> Verdict:
    """Keep the verdict on the interaction only where all four networks work."""
    works = all(health is Health.WORKS for health in healths)
    return verdict if works else Verdict.DIVERGED
