"""Confidence intervals over splits and starts, and Holm's correction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


LEVEL = 0.95
# Chance of a significant result that a suggested number of runs gives, if the difference seen is
# the true one (Cohen 1988, "Statistical Power Analysis for the Behavioral Sciences").
_POWER = 0.8
_MOST_RUNS = 10_000
A_PAIR = 2


@dataclass(frozen=True)
class Interval:
    """A mean with what chance leaves open.

    Attributes:
        mean: Of the differences.
        low: Lower end of the 95 % interval; nan if there is no telling.
        high: Its upper end.
        p: Two-sided p-value of no difference.
        needed: Splits, or starts of the one split, that would be needed to call the difference
            seen significant with a chance of 80 %; None if no number would do.
    """

    mean: float
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    needed: int | None = None


def over_splits(differences: Floats, held_to_trained: float, alpha: float) -> Interval:
    """Estimate a mean difference over splits drawn anew.

    Splits of one table share rows, so that their differences vary less than those of new tables
    would; the variance of the mean is therefore taken as s² (1/J + n_validation / n_train), with
    J - 1 degrees of freedom (Nadeau and Bengio 2003, "Inference for the generalization error",
    Machine Learning 52, section 3, corrected resampled t-test).

    Args:
        differences: One per split (the mean over its starts), shape (J,), J >= 2.
        held_to_trained: Rows that validate for each row that trains, above 0.
        alpha: Level at which ``needed`` counts as significant.
    """
    count = len(differences)
    spread = float(np.var(differences, ddof=1))

    def error(runs: int) -> tuple[float, float]:
        return math.sqrt(spread * (1 / runs + held_to_trained)), runs - 1

    return _by_t(float(np.mean(differences)), error, count, alpha)


def over_starts(differences: Floats, rows_variance: float, units: int, alpha: float) -> Interval:
    """Estimate a mean difference over the starts and validation rows of one split.

    The two sources of chance are added: the starts' by their own spread, the rows' as
    :func:`jackknife_variance` gives it; degrees of freedom after Welch (1947) and Satterthwaite
    (1946).

    Args:
        differences: One per start, shape (R,), R >= 2.
        rows_variance: Variance of the mean difference that comes from the choice of rows.
        units: Rows or groups that the rows' variance was estimated from, at least 2.
        alpha: Level at which ``needed`` counts as significant.
    """
    spread = float(np.var(differences, ddof=1))

    def error(runs: int) -> tuple[float, float]:
        of_starts = spread / runs
        total = of_starts + rows_variance
        parts = of_starts**2 / (runs - 1) + rows_variance**2 / (units - 1)
        return math.sqrt(total), total**2 / parts if parts else float(runs - 1)

    return _by_t(float(np.mean(differences)), error, len(differences), alpha)


def _by_t(
    mean: float, error: Callable[[int], tuple[float, float]], count: int, alpha: float
) -> Interval:
    """Return the t interval, with the standard error and degrees of freedom that runs give."""
    deviation, freedom = error(count)
    if deviation == 0:
        return Interval(mean, mean, mean, 1.0 if mean == 0 else 0.0, count if mean else None)
    half = float(stats.t.ppf(0.5 + LEVEL / 2, freedom)) * deviation
    p = float(2 * stats.t.sf(abs(mean) / deviation, freedom))

    def suffice(runs: int) -> bool:
        of_runs, degrees = error(runs)
        wanted = stats.t.ppf(1 - alpha / 2, degrees) + stats.t.ppf(_POWER, degrees)
        return bool(wanted * of_runs <= abs(mean))

    return Interval(mean, mean - half, mean + half, p, _first(suffice, A_PAIR, _MOST_RUNS))


def _first(holds: Callable[[int], bool], low: int, high: int) -> int | None:
    """Return the smallest number for which something holds that holds for all larger ones."""
    if not holds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


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
        _, of_row = np.unique(groups, return_inverse=True)
        sizes = np.bincount(of_row).astype(float)
        sums = np.array([np.bincount(of_row, weights=of_variant) for of_variant in losses])
    units = len(sizes)
    if units < A_PAIR:
        return math.nan, units
    without = (sums.sum(axis=1, keepdims=True) - sums) / (sizes.sum() - sizes)
    left_out = np.asarray(signs) @ (np.sqrt(without) if root else without)
    return float((units - 1) * np.var(left_out)), units


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for being several (Holm 1979, Scandinavian Journal of Statistics 6).

    A nan is no test: it stays nan and does not count.
    """
    order = [place for place in np.argsort(p_values) if not math.isnan(p_values[place])]
    adjusted, largest = [math.nan] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
