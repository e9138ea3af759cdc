"""Confidence intervals over splits and starts, and Holm's correction."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    import pandas as pd

    Floats = npt.NDArray[np.float64]


LEVEL = 0.95
# Chance with which a difference that counts as detectable is shown.
_POWER = 0.8
_MOST_RUNS = 10_000
A_PAIR = 2
# Whole numbers below so many times their count are numbered by counting: bounds memory.
_DENSE = 16
# From so many splits, and rows or groups of them, on the sharper interval holds.
SHARP_FROM_SPLITS, SHARP_FROM_UNITS = 5, 20


@dataclass(frozen=True)
class RowsVariance:
    """What a mean difference owes to the rows that happened to validate.

    Attributes:
        variance: Of the mean.
        units: Rows, or groups of rows, that it was estimated from.
    """

    variance: float
    units: int

    @property
    def enough(self) -> bool:
        """Whether there were enough rows to tell."""
        return self.units >= SHARP_FROM_UNITS and math.isfinite(self.variance)


class Basis(StrEnum):
    """What an interval rests on."""

    ROWS_AND_SPLITS = "splits and rows"
    SPLITS = "splits alone, which is wider"
    STARTS = "starts and rows of one split"
    IN_ORDER = "splits in order, which have no interval"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Interval:
    """A mean with what chance leaves open.

    Attributes:
        mean: Of the differences.
        low: Lower end of the interval; nan if there is no telling.
        high: Its upper end.
        p: Two-sided p-value of no difference.
        detectable: The smallest true difference that any number of further runs on this table
            would show with a chance of 80 %.
        freedom: Degrees of freedom of the t distribution that the ends are quantiles of.
        basis: What it rests on.
        level: At which it holds the true difference: 95 %, or more where that is to hold over
            several looks together.
    """

    mean: float
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    detectable: float = math.nan
    freedom: float = math.inf
    basis: Basis = Basis.NOTHING
    level: float = LEVEL

    @property
    def deviation(self) -> float:
        """The standard error of the mean."""
        quantile = float(scipy.stats.t.ppf(0.5 + self.level / 2, self.freedom))
        return (self.high - self.low) / 2 / quantile

    def shares(self, margin: float) -> tuple[float, float, float]:
        """Return how probable it is that the true difference is below, within and above a margin.

        The posterior of the correlated Bayesian t-test (Corani and Benavoli 2015, Machine Learning
        100), which has the same mean, error and degrees of freedom as the interval.
        """
        if math.isnan(self.low):
            return math.nan, math.nan, math.nan
        scale = self.deviation
        if scale == 0:
            below, above = self.mean < -margin, self.mean > margin
            return float(below), float(not below and not above), float(above)
        low, high = (
            float(scipy.stats.t.cdf(end, self.freedom, loc=self.mean, scale=scale))
            for end in (-margin, margin)
        )
        return low, high - low, 1 - high

    def boundary(self, claims: int) -> float:
        """Return the size beyond which a difference is shown, whatever the others show.

        The strictest step of Holm's procedure; nan without an interval.

        Args:
            claims: How many differences are judged together.
        """
        if math.isnan(self.low):
            return math.nan
        tail = (1 - self.level) / claims / 2
        return float(scipy.stats.t.isf(tail, self.freedom)) * self.deviation

    def p_beyond(self, margin: float) -> float:
        """Return the p-value of a difference beyond a margin: small, there is practically none.

        Two one-sided tests (Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15).
        """
        below, _, above = self.shares(margin)
        return max(below, above)


def over_splits(
    differences: Floats,
    held_to_trained: float,
    alpha: float,
    rows: RowsVariance | None = None,
    level: float = LEVEL,
) -> Interval:
    """Estimate a mean difference over splits drawn anew.

    The variance of the mean is s² / J of the splits, and twice that of the rows, clustered over all
    splits in which a row (or group) validates (Cameron, Gelbach and Miller 2011, "Robust inference
    with multiway clustering", Journal of Business & Economic Statistics 29): once as rows validate,
    and once as they train, which no single table tells and is taken to matter as much. Without the
    second, an unstable learner's interval is too narrow (Bayle, Janson and Mackey, "The relative
    instability of model comparison with cross-validation"). Degrees of freedom after Welch (1947)
    and Satterthwaite (1946).

    Below five splits, where Welch's degrees of freedom are too many if starts matter most, or where
    rows are not known or few, the variance is s² (1/J + n_validation / n_train) with J - 1 degrees
    of freedom (Nadeau and Bengio 2003, "Inference for the generalization error", Machine Learning
    52, section 3, corrected resampled t-test), which mostly is wider.

    Args:
        differences: One per split (the mean over its starts), shape (J,), J >= 2.
        held_to_trained: Rows that validate for each row that trains, above 0.
        alpha: Level at which ``detectable`` counts as significant.
        rows: What the mean owes to the validation rows (:func:`rows_variance`), if it is known.
        level: Of the interval.
    """
    count, mean = len(differences), float(np.mean(differences))
    spread = float(np.var(differences, ddof=1))
    if rows is not None and rows.enough and count >= SHARP_FROM_SPLITS:
        lasting, units = 2 * rows.variance, rows.units
        found = _by_t(mean, _added(spread, lasting, units), count, alpha, level)
        return replace(found, basis=Basis.ROWS_AND_SPLITS)

    def error(runs: int) -> tuple[float, float]:
        return math.sqrt(spread * (1 / runs + held_to_trained)), runs - 1

    return replace(_by_t(mean, error, count, alpha, level), basis=Basis.SPLITS)


def over_starts(
    differences: Floats, rows_variance: float, units: int, alpha: float, level: float = LEVEL
) -> Interval:
    """Estimate a mean difference over the starts and validation rows of one split.

    The two sources of chance are added: the starts' by their own spread, the rows' as
    :func:`jackknife_variance` gives it; degrees of freedom after Welch (1947) and Satterthwaite
    (1946).

    Args:
        differences: One per start, shape (R,), R >= 2.
        rows_variance: Variance of the mean difference that comes from the choice of rows.
        units: Rows or groups that the rows' variance was estimated from, at least 2.
        alpha: Level at which ``detectable`` counts as significant.
        level: Of the interval.
    """
    spread = float(np.var(differences, ddof=1))
    error = _added(spread, rows_variance, units)
    found = _by_t(float(np.mean(differences)), error, len(differences), alpha, level)
    return replace(found, basis=Basis.STARTS)


def simultaneous(interval: Interval, means: int) -> Interval:
    """Widen an interval so that those of all pairs of so many means hold at once.

    The largest t of all pairs, as Games and Howell (1976, Journal of Educational Statistics 1) take
    it from the studentized range, whose error and degrees of freedom each pair has of its own.

    Args:
        interval: Of one pair.
        means: How many means are compared, each with each.
    """
    if math.isnan(interval.low) or interval.deviation == 0:
        return interval
    deviation, freedom = interval.deviation, max(1, math.floor(interval.freedom))
    half = _largest_of_all(means, freedom) * deviation
    extreme = math.sqrt(2) * abs(interval.mean) / deviation
    p = float(scipy.stats.studentized_range.sf(extreme, means, freedom))
    return replace(interval, low=interval.mean - half, high=interval.mean + half, p=p)


@functools.lru_cache(maxsize=1000)
def _largest_of_all(means: int, freedom: int) -> float:
    return float(scipy.stats.studentized_range.ppf(LEVEL, means, freedom)) / math.sqrt(2)


def over_units(pairs: pd.Series) -> Floats:
    """Return what varies on its own: means of splits, or the starts of the one split."""
    by_split = pairs.groupby(level="split").mean()
    return (by_split if len(by_split) > 1 else pairs).to_numpy(dtype=np.float64)


def _added(spread: float, lasting: float, units: int) -> Callable[[int], tuple[float, float]]:
    """Return the standard error and Welch's degrees of freedom by runs.

    Args:
        spread: Variance of one run.
        lasting: Variance that more runs do not lessen.
        units: What that was estimated from.
    """

    def error(runs: int) -> tuple[float, float]:
        of_runs = spread / runs
        total = of_runs + lasting
        # Only ratios matter: a power of two keeps squares within float64, and all digits.
        scale = -math.frexp(total)[1]
        runs_, lasting_, total_ = (math.ldexp(one, scale) for one in (of_runs, lasting, total))
        parts = runs_**2 / (runs - 1) + lasting_**2 / (units - 1)
        return math.sqrt(total), total_**2 / parts if parts else float(runs - 1)

    return error


def _by_t(
    mean: float,
    error: Callable[[int], tuple[float, float]],
    count: int,
    alpha: float,
    level: float = LEVEL,
) -> Interval:
    """Return the t interval, with the standard error and degrees of freedom that runs give."""
    deviation, freedom = error(count)
    if deviation == 0:
        # Equal differences of a few runs say nothing about how much others would differ; none at
        # all, in no row, is what two equal networks give.
        return Interval(mean) if mean else Interval(mean, mean, mean, 1.0, detectable=0.0)
    half = float(scipy.stats.t.ppf(0.5 + level / 2, freedom)) * deviation
    p = float(2 * scipy.stats.t.sf(abs(mean) / deviation, freedom))

    def wanted(runs: int) -> float:
        of_runs, degrees = error(runs)
        return float(scipy.stats.t.ppf(1 - alpha / 2, degrees)) * of_runs

    return Interval(
        mean,
        mean - half,
        mean + half,
        p,
        wanted(_MOST_RUNS) + float(scipy.stats.norm.ppf(_POWER)) * error(_MOST_RUNS)[0],
        freedom,
        level=level,
    )


def effect_of_rows(losses: Floats, signs: Sequence[float], *, root: bool) -> Floats:
    """Return by how much each validation row of a split moves a contrast of errors off its mean.

    Of an RMSE, to first order (delta method).

    Args:
        losses: Loss of each row for each variant, means over the starts, shape (variants, rows).
        signs: Weight of each variant's error.
        root: Whether an error is the root of the mean loss (RMSE) or the mean (MAE).
    """
    means = losses.mean(axis=1, keepdims=True)
    moved = losses - means
    if root:
        moved = moved / np.where(means > 0, 2 * np.sqrt(means), 1.0)
    found: Floats = np.asarray(signs, dtype=np.float64) @ moved
    return found


def rows_variance(
    by_split: Sequence[float], of_rows: Sequence[Floats], units: Sequence[npt.NDArray[Any]]
) -> RowsVariance:
    """Estimate how much a mean over splits owes to the rows that happened to validate.

    A row that validates in several splits is one cluster (Cameron, Gelbach and Miller 2011), and so
    is a group of rows that stand together.

    Args:
        by_split: The difference on each split.
        of_rows: By how much each validation row moves it (:func:`effect_of_rows`), by split.
        units: Which row or group of rows that is, by split, the same in all splits.
    """
    mean = float(np.mean(by_split))
    shares = [
        (rows + difference - mean) / (len(by_split) * len(rows))
        for difference, rows in zip(by_split, of_rows, strict=True)
    ]
    of_unit, count = _numbered(np.concatenate(list(units)))
    if count < A_PAIR:
        return RowsVariance(math.nan, count)
    sums = np.bincount(of_unit, weights=np.concatenate(shares))
    return RowsVariance(float(count / (count - 1) * (sums**2).sum()), count)


def _numbered(units: npt.NDArray[Any]) -> tuple[npt.NDArray[np.intp], int]:
    """Number units from 0 in their order; return the number of each, and how many there are."""
    whole = units.dtype.kind == "i" and len(units) > 0
    if whole and units.min() >= 0 and units.max() < _DENSE * len(units):
        # Counting takes a tenth of the time of sorting, which every contrast would do again.
        numbers = np.cumsum(np.bincount(units) > 0) - 1
        return numbers[units], int(numbers[-1]) + 1
    names, of_unit = np.unique(units, return_inverse=True)
    return of_unit, len(names)


def jackknife_variance(
    losses: Floats, signs: Sequence[float], groups: npt.NDArray[Any] | None, *, root: bool
) -> tuple[float, int]:
    """Estimate how much a contrast of errors owes to the rows that happened to validate.

    Each row (each whole group) is left out in turn (Efron and Stein 1981, "The jackknife estimate
    of variance", Annals of Statistics 9).

    Args:
        losses: Loss of each row for each variant, means over the starts, shape (variants, rows).
        signs: Weight of each variant's error.
        groups: Group of each row, or None where each row is drawn on its own.
        root: Whether an error is the root of the mean loss (RMSE) or the mean (MAE).

    Returns:
        The variance, and the number of rows or groups; nan if that is below two.
    """
    if groups is None:
        sums, sizes = losses, np.ones(losses.shape[1])
    else:
        of_row, _ = _numbered(groups)
        sizes = np.bincount(of_row).astype(float)
        sums = np.array([np.bincount(of_row, weights=of_variant) for of_variant in losses])
    units = len(sizes)
    if units < A_PAIR:
        return math.nan, units
    without = (sums.sum(axis=1, keepdims=True) - sums) / (sizes.sum() - sizes)
    left_out = np.asarray(signs) @ (np.sqrt(without) if root else without)
    return float((units - 1) * np.var(left_out)), units


def holm(p_values: Sequence[float], level: float = LEVEL) -> list[float]:
    """Adjust p-values for being several (Holm 1979, Scandinavian Journal of Statistics 6).

    A nan is no test: it stays nan and does not count. Where intervals have another level than 95 %,
    p-values are adjusted for that as well: below 0.05, they are significant at that level.
    """
    share = (1 - LEVEL) / (1 - level)
    order = [place for place in np.argsort(p_values) if not math.isnan(p_values[place])]
    adjusted, largest = [math.nan] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, share * (len(order) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
