"""Where the spread of errors, and of their paired differences, comes from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from dropnorm.evaluation.estimation.intervals import LEVEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

_TAIL = (1 - LEVEL) / 2


@dataclass(frozen=True)
class Deviations:
    """Standard deviations of an error, or a paired difference, by where they come from.

    Attributes:
        split: From the rows that train; None where there is no telling, here and below.
        rows: From the rows that validate.
        start: From the random start.
        split_range: 95 % interval of the first; one that begins at 0 is not told apart from 0.
        start_range: 95 % interval of the last.
    """

    split: float | None
    rows: float | None
    start: float | None
    split_range: tuple[float, float] | None = None
    start_range: tuple[float, float] | None = None


def variance_components(values: pd.Series, rows_variances: Mapping[int, float]) -> Deviations:
    """Take the variance of errors, or of their paired differences, apart.

    Analysis of variance of starts nested in splits, as every split has starts of its own (Searle,
    Casella and McCulloch 1992, "Variance Components", section 3.5), for as many starts in every
    split. What lies between splits is what their training rows do and what their validation rows
    do; the jackknife tells the second, and the rest is the first (compare Bouthillier et al. 2021,
    "Accounting for variance in machine learning benchmarks", section 2). Intervals are those of
    large samples, modified (Burdick and Graybill 1992, "Confidence intervals on variance
    components", section 3.3), with what the rows do taken as known.

    Args:
        values: Indexed by ``split`` and ``start``, finite.
        rows_variances: By split, the variance of its mean that comes from the choice of validation
            rows; nan where there is no telling.

    Returns:
        Standard deviations, None where there is no telling: with one start each, splits and starts
        cannot be told apart; with one split, there is nothing between splits.
    """
    table = values.unstack("start").dropna()
    splits, starts = table.shape
    within = float(table.var(axis=1, ddof=1).mean()) if starts > 1 and splits else None
    found = [rows_variances.get(int(split), math.nan) for split in table.index]
    of_rows = float(np.mean(found)) if found and not np.isnan(found).any() else None
    if within is None:
        return Deviations(None, _root(of_rows), None)
    freedom = splits * (starts - 1)
    fall, rise = _reach(freedom)
    start_range = (math.sqrt(within * (1 - fall)), math.sqrt(within * (1 + rise)))
    if splits == 1:
        return Deviations(None, _root(of_rows), _root(within), start_range=start_range)
    of_means, of_starts = float(table.mean(axis=1).var(ddof=1)), within / starts
    between = of_means - of_starts - (of_rows or 0.0)
    fall_means, rise_means = _reach(splits - 1)
    low = between - math.hypot(fall_means * of_means, rise * of_starts)
    high = between + math.hypot(rise_means * of_means, fall * of_starts)
    split_range = (math.sqrt(max(0.0, low)), math.sqrt(max(0.0, high)))
    return Deviations(_root(between), _root(of_rows), _root(within), split_range, start_range)


def _reach(freedom: int) -> tuple[float, float]:
    """Return by which share a variance may be less, and more, than its estimate."""
    return (
        1 - freedom / float(scipy.stats.chi2.isf(_TAIL, freedom)),
        freedom / float(scipy.stats.chi2.ppf(_TAIL, freedom)) - 1,
    )


def _root(variance: float | None) -> float | None:
    return None if variance is None else math.sqrt(max(0.0, variance))
