"""From an interval to a verdict."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

from dropnorm.evaluation.intervals import LEVEL, Interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


class Verdict(StrEnum):
    """What can be said of a difference, in words."""

    HELPS = "helps"
    HURTS = "hurts"
    SAME = "practically the same"
    TOO_FEW = "too few runs to say"
    DIVERGED = "not comparable: one arm diverged"
    NONE = "one run: no verdict"


def judge(interval: Interval, p_holm: float, margin: float, diverged: Mapping[str, int]) -> Verdict:
    """Say a difference in words.

    Args:
        interval: Of the difference of errors: below zero, the layer helps.
        p_holm: Its p-value, adjusted for all the differences judged together.
        margin: Differences up to this are practically none; 0 if the study names none.
        diverged: How many replicas of each variant that takes part diverged.
    """
    if any(diverged.values()):
        return Verdict.DIVERGED
    if math.isnan(interval.low):
        return Verdict.NONE
    if margin and -margin <= interval.low and interval.high <= margin:
        return Verdict.SAME
    if p_holm < 1 - LEVEL:
        return Verdict.HELPS if interval.mean < 0 else Verdict.HURTS
    return Verdict.TOO_FEW
