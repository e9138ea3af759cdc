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

from dropnorm.evaluation.intervals import (
    A_PAIR,
    LEVEL,
    Interval,
    holm,
    jackknife_variance,
    over_splits,
    over_starts,
)
from dropnorm.evaluation.verdicts import Verdict, judge
from dropnorm.study.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    import pandas as pd

    Floats = npt.NDArray[np.float64]


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


@dataclass(frozen=True)
class Wins:
    """In how many pairs the error is smaller, with Wilson's interval for the share.

    Attributes:
        wins: Pairs in which it is.
        pairs: All pairs.
        share: The one by the other; nan without pairs, as are the ends.
        low: Lower end of the 95 % interval.
        high: Its upper end.
    """

    wins: int
    pairs: int
    share: float = math.nan
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Deviations:
    """Standard deviations of an error, or a paired difference, by where they come from.

    Attributes:
        split: From the rows that train; None where there is no telling, here and below.
        rows: From the rows that validate.
        start: From the random start.
    """

    split: float | None
    rows: float | None
    start: float | None


@dataclass(frozen=True)
class Effect:
    """What one contrast does to the error, in the target's unit; positive is worse.

    Attributes:
        difference: Mean over the pairs; nan without pairs.
        low: Lower end of the 95 % interval; nan if there is none.
        high: Its upper end.
        percent_of_baseline: The difference in percent of the baseline's error in the same pairs.
        p: Two-sided p-value of no difference.
        p_holm: The same, adjusted for the contrasts that are judged together.
        pairs: How many pairs it was computed on.
        wins: In how many of them the error is smaller.
        deviations: Where the spread of the difference comes from.
        diverged: How many replicas of each variant that takes part diverged.
        verdict: In words.
        needed: Splits (or starts of the one split) that would settle a difference of this size.
    """

    difference: float
    low: float
    high: float
    percent_of_baseline: float
    p: float
    p_holm: float
    pairs: int
    wins: Wins
    deviations: Deviations
    diverged: Mapping[str, int]
    verdict: Verdict
    needed: int | None


def share_of_wins(differences: Floats) -> Wins:
    """Return in which share of the pairs the error is smaller, P(A > B) of Bouthillier et al.

    "Accounting for variance in machine learning benchmarks" (MLSys 2021), section 5; the interval
    is Wilson's (1927) for a share, which takes the pairs for independent.
    """
    wins, pairs = int(np.sum(differences < 0)), len(differences)
    if not pairs:
        return Wins(0, 0)
    low, high = stats.binomtest(wins, pairs).proportion_ci(LEVEL, method="wilson")
    return Wins(wins, pairs, wins / pairs, float(low), float(high))


def variance_components(values: pd.Series, rows_variances: Mapping[int, float]) -> Deviations:
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
        Standard deviations, None where there is no telling: with one start each, splits and starts
        cannot be told apart; with one split, there is nothing between splits.
    """
    table = values.unstack("start").dropna()
    splits, starts = table.shape
    within = float(table.var(axis=1, ddof=1).mean()) if starts > 1 and splits else None
    found = [rows_variances.get(int(split), math.nan) for split in table.index]
    of_rows = float(np.mean(found)) if found and not np.isnan(found).any() else None
    between = None
    if splits > 1 and within is not None:
        between = float(table.mean(axis=1).var(ddof=1)) - within / starts - (of_rows or 0.0)
    return Deviations(*map(_deviation, (between, of_rows, within)))


def _deviation(variance: float | None) -> float | None:
    return None if variance is None else math.sqrt(max(0.0, variance))


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
        if len(by_split) >= A_PAIR:
            return over_splits(by_split, self.held_to_trained, alpha), pairs
        split = int(pairs.index.get_level_values("split")[0])
        if len(pairs) >= A_PAIR and split in self.rows:
            variance, units = self._rows_variance(weights, split)
            if units >= A_PAIR:
                return over_starts(pairs.to_numpy(), variance, units, alpha), pairs
        return Interval(float(pairs.mean())), pairs

    def pairs(self, weights: Mapping[str, int]) -> pd.Series:
        """Return the weighted sum of errors in each pair in which no training diverged."""
        complete = self.errors[list(weights)].dropna()
        return complete.mul(list(weights.values()), axis="columns").sum(axis="columns")

    def deviations(self, weights: Mapping[str, int]) -> Deviations:
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
) -> dict[Contrast, Effect]:
    """Estimate and judge the four contrasts.

    Args:
        evidence: Errors of the four variants.
        diverged: How many replicas of each variant diverged.
        margin: Differences up to this are practically none, in the target's units.
    """
    alpha = (1 - LEVEL) / len(Contrast)
    found = {contrast: evidence.difference(contrast.weights, alpha) for contrast in Contrast}
    adjusted = holm([interval.p for interval, _ in found.values()])
    effects = {}
    for (contrast, (interval, pairs)), p_holm in zip(found.items(), adjusted, strict=True):
        baseline = float(evidence.errors.loc[pairs.index, Variant.BASELINE].mean())
        lost = {variant: diverged[variant] for variant in contrast.weights}
        effects[contrast] = Effect(
            difference=interval.mean,
            low=interval.low,
            high=interval.high,
            percent_of_baseline=100 * interval.mean / baseline if baseline else math.nan,
            p=interval.p,
            p_holm=p_holm,
            pairs=len(pairs),
            wins=share_of_wins(pairs.to_numpy()),
            deviations=evidence.deviations(contrast.weights),
            diverged=lost,
            verdict=judge(interval, p_holm, margin, lost),
            needed=interval.needed,
        )
    return effects
