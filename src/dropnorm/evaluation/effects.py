"""What the two layers do to the error, with what chance leaves open.

Every figure rests on pairs: variants trained on the same split from the same start. Which chance an
interval covers is said with it: with several splits, a new split of such rows and a new start; with
one split, new starts and new validation rows for the training rows of this split.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from dropnorm.study.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd

    Floats = npt.NDArray[np.float64]

_LEVEL = 0.95
# Chance of a significant result that a suggested number of runs gives, if the difference seen is
# the true one (Cohen 1988, "Statistical Power Analysis for the Behavioral Sciences").
_POWER = 0.8
_MOST_RUNS = 10_000
_A_PAIR = 2


class Contrast(StrEnum):
    """A difference between variants, as a weight for each."""

    DROPOUT = "dropout"
    BATCHNORM = "batchnorm"
    BOTH = "dropout_batchnorm"
    INTERACTION = "interaction"

    @property
    def weights(self) -> dict[str, int]:
        """Return the weight of each variant, by name, that takes part; they add up to zero."""
        if self is Contrast.INTERACTION:
            return {"dropout_batchnorm": 1, "dropout": -1, "batchnorm": -1, "baseline": 1}
        return {self.value: 1, Variant.BASELINE.value: -1}


class Verdict(StrEnum):
    """What can be said of a difference, in words."""

    HELPS = "helps"
    HURTS = "hurts"
    SAME = "practically the same"
    TOO_FEW = "too few runs to say"
    DIVERGED = "not comparable: one arm diverged"
    NONE = "one run: no verdict"


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
    half = float(stats.t.ppf(0.5 + _LEVEL / 2, freedom)) * deviation
    p = float(2 * stats.t.sf(abs(mean) / deviation, freedom))

    def suffice(runs: int) -> bool:
        of_runs, degrees = error(runs)
        wanted = stats.t.ppf(1 - alpha / 2, degrees) + stats.t.ppf(_POWER, degrees)
        return bool(wanted * of_runs <= abs(mean))

    return Interval(mean, mean - half, mean + half, p, _first(suffice, _A_PAIR, _MOST_RUNS))


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
    if units < _A_PAIR:
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


def share_of_wins(differences: Floats) -> dict[str, float | int | None]:
    """Return in which share of the pairs the error is smaller, P(A > B) of Bouthillier et al.

    "Accounting for variance in machine learning benchmarks" (MLSys 2021), section 5; the interval
    is Wilson's (1927) for a share, which takes the pairs for independent.
    """
    wins, pairs = int(np.sum(differences < 0)), len(differences)
    if not pairs:
        return {"wins": 0, "pairs": 0, "share": None, "low": None, "high": None}
    low, high = stats.binomtest(wins, pairs).proportion_ci(_LEVEL, method="wilson")
    return {
        "wins": wins,
        "pairs": pairs,
        "share": wins / pairs,
        "low": float(low),
        "high": float(high),
    }


def variance_components(
    values: pd.Series, rows_variances: Mapping[int, float]
) -> dict[str, float | None]:
    """Take the variance of errors, or of their paired differences, apart.

    Analysis of variance of starts nested in splits, as every split has starts of its own (Searle,
    Casella and McCulloch 1992, "Variance Components", section 3.5), for as many starts in every
    split. What lies between splits is what their training rows do and what their validation rows
    do; the jackknife tells the second, and the rest is the first (compare Bouthillier et al. 2021,
    "Accounting for variance in machine learning benchmarks", section 2).

    Args:
        values: Indexed by ``split`` and ``start``, finite.
        rows_variances: By split, the variance of its mean that comes from the choice of validation
            rows; nan where there is no telling.

    Returns:
        Standard deviations, None where there is no telling: ``split`` (which rows train), ``rows``
        (which rows validate) and ``start``. With one start each, splits and starts cannot be told
        apart; with one split, there is nothing between splits.
    """
    table = values.unstack("start").dropna()
    splits, starts = table.shape
    within = float(table.var(axis=1, ddof=1).mean()) if starts > 1 and splits else None
    found = [rows_variances.get(int(split), math.nan) for split in table.index]
    of_rows = float(np.mean(found)) if found and not np.isnan(found).any() else None
    between = None
    if splits > 1 and within is not None:
        between = float(table.mean(axis=1).var(ddof=1)) - within / starts - (of_rows or 0.0)
    return {
        name: None if variance is None else math.sqrt(max(0.0, variance))
        for name, variance in (("split", between), ("rows", of_rows), ("start", within))
    }


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
    if p_holm < 1 - _LEVEL:
        return Verdict.HELPS if interval.mean < 0 else Verdict.HURTS
    return Verdict.TOO_FEW


@dataclass(frozen=True)
class RowLosses:
    """What each validation row of one split costs each variant or reference model.

    Attributes:
        losses: Absolute or squared error of each row, mean over the finite starts.
        groups: Group of each row, or None where each row is drawn on its own.
    """

    losses: Mapping[str, Floats]
    groups: npt.NDArray[Any] | None


@dataclass(frozen=True)
class Evidence:
    """What differences are estimated from.

    Attributes:
        errors: In the target's units, a column per variant and reference model, indexed by
            ``split`` and ``start``; nan where a training diverged.
        held_to_trained: Rows that validate for each row that trains.
        root: Whether errors are roots of mean squares (RMSE) or mean absolute errors (MAE).
        rows: By split; needed for an interval where there is one split only.
    """

    errors: pd.DataFrame
    held_to_trained: float
    root: bool
    rows: Mapping[int, RowLosses] = field(default_factory=dict)

    def difference(self, weights: Mapping[str, int], alpha: float) -> tuple[Interval, pd.Series]:
        """Estimate a weighted sum of errors.

        Args:
            weights: By column of ``errors``; they add up to zero.
            alpha: Level at which the number of runs needed counts as significant.

        Returns:
            The estimate, and the sum in each pair in which no training diverged.
        """
        pairs = self.pairs(weights)
        if pairs.empty:
            return Interval(math.nan), pairs
        by_split = pairs.groupby(level="split").mean().to_numpy()
        if len(by_split) >= _A_PAIR:
            return over_splits(by_split, self.held_to_trained, alpha), pairs
        split = int(pairs.index.get_level_values("split")[0])
        if len(pairs) >= _A_PAIR and split in self.rows:
            variance, units = self._rows_variance(weights, split)
            if units >= _A_PAIR:
                return over_starts(pairs.to_numpy(), variance, units, alpha), pairs
        return Interval(float(pairs.mean())), pairs

    def pairs(self, weights: Mapping[str, int]) -> pd.Series:
        """Return the weighted sum of errors in each pair in which no training diverged."""
        complete = self.errors[list(weights)].dropna()
        return complete.mul(list(weights.values()), axis="columns").sum(axis="columns")

    def deviations(self, weights: Mapping[str, int]) -> dict[str, float | None]:
        """Say where the spread of a weighted sum of errors comes from.

        Returns:
            As :func:`variance_components` does.
        """
        variances = {split: self._rows_variance(weights, split)[0] for split in self.rows}
        return variance_components(self.pairs(weights), variances)

    def _rows_variance(self, weights: Mapping[str, int], split: int) -> tuple[float, int]:
        rows = self.rows[split]
        losses = np.array([rows.losses[column] for column in weights])
        return jackknife_variance(losses, list(weights.values()), rows.groups, root=self.root)


def estimate(
    evidence: Evidence, diverged: Mapping[str, int], margin: float
) -> dict[str, dict[str, Any]]:
    """Estimate and judge the four contrasts.

    Args:
        evidence: Errors of the four variants.
        diverged: How many replicas of each variant diverged.
        margin: Differences up to this are practically none, in the target's units.

    Returns:
        By contrast: ``difference``, ``low``, ``high``, ``percent_of_baseline``, ``p``, ``p_holm``,
        ``pairs`` (how many it was computed on), ``wins``, ``deviations``, ``diverged``,
        ``verdict``, ``needed`` (splits, or starts of the one split).
    """
    alpha = (1 - _LEVEL) / len(Contrast)
    found = {contrast: evidence.difference(contrast.weights, alpha) for contrast in Contrast}
    adjusted = holm([interval.p for interval, _ in found.values()])
    effects = {}
    for (contrast, (interval, pairs)), p_holm in zip(found.items(), adjusted, strict=True):
        baseline = float(evidence.errors.loc[pairs.index, Variant.BASELINE].mean())
        lost = {variant: diverged[variant] for variant in contrast.weights}
        effects[contrast.value] = {
            "difference": interval.mean,
            "low": interval.low,
            "high": interval.high,
            "percent_of_baseline": 100 * interval.mean / baseline if baseline else math.nan,
            "p": interval.p,
            "p_holm": p_holm,
            "pairs": len(pairs),
            "wins": share_of_wins(pairs.to_numpy()),
            "deviations": evidence.deviations(contrast.weights),
            "diverged": lost,
            "verdict": judge(interval, p_holm, margin, lost).value,
            "needed": interval.needed,
        }
    return effects
