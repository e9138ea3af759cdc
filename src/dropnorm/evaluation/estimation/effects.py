"""What compared networks do to the error, with what chance leaves open.

Every figure rests on pairs: networks trained on the same split from the same start. Which chance an
interval covers is said with it, for each kind of split
(:mod:`dropnorm.evaluation.estimation.estimands`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dropnorm.evaluation.estimation.contrasts import INTERACTION
from dropnorm.evaluation.estimation.deviations import Deviations, variance_components
from dropnorm.evaluation.estimation.intervals import (
    A_PAIR,
    LEVEL,
    SHARP_FROM_SPLITS,
    SHARP_FROM_UNITS,
    Basis,
    Interval,
    RowsVariance,
    effect_of_rows,
    holm,
    jackknife_variance,
    over_splits,
    over_starts,
    rows_variance,
)
from dropnorm.evaluation.estimation.verdicts import Verdict, judge, weigh, weigh_interaction
from dropnorm.evaluation.estimation.wins import Wins, share_of_wins
from dropnorm.study.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    import pandas as pd

    from dropnorm.evaluation.estimation.contrasts import Design
    from dropnorm.evaluation.estimation.verdicts import Health

    Floats = npt.NDArray[np.float64]


# Of the reference's error: the margin where a study names none.
_SHARE_OF_REFERENCE = 0.01


@dataclass(frozen=True)
class Chances:
    """How probable it is that a true difference is practically better, the same, or worse.

    Attributes:
        better: That the error is smaller, by more than the margin.
        same: That it differs by no more than the margin.
        worse: That it is larger, by more than the margin.
    """

    better: float
    same: float
    worse: float


@dataclass(frozen=True)
class Effect:
    """What one contrast does to the error, in the target's unit; positive is worse.

    Attributes:
        difference: Mean over the pairs; nan without pairs.
        low: Lower end of the 95 % interval; nan if there is none.
        high: Its upper end.
        percent_of_baseline: The difference in percent of the error of the reference, which is the
            baseline unless the study names another, in the same pairs.
        p: Two-sided p-value of no difference.
        p_holm: The same, adjusted for the contrasts that are judged together.
        pairs: How many pairs it was computed on.
        wins: In how many of them the error is smaller.
        deviations: Where the spread of the difference comes from.
        diverged: How many replicas of each variant that takes part diverged.
        verdict: In words.
        detectable: The smallest true difference that more runs on this table could show.
        basis: What the interval rests on.
        p_beyond: p-value of a difference beyond the margin: small, there is practically none.
        chances: How probable it is that the true difference is practically better, the same, worse.
        median: Of the pairs, which a few failed trainings do not move.
        sensitivity: Where the mean would lie if the pairs that diverged were each like the best
            pair seen, or the worst; None where none diverged.
        boundary: Of a run with several looks, the size beyond which the difference is shown at this
            look, whatever the others show; nan for other runs.
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
    detectable: float = math.nan
    basis: Basis = Basis.NOTHING
    p_beyond: float = math.nan
    chances: Chances | None = None
    median: float = math.nan
    sensitivity: tuple[float, float] | None = None
    boundary: float = math.nan


@dataclass(frozen=True)
class RowLosses:
    """What each validation row of one split costs each variant or reference model.

    Attributes:
        losses: Absolute or squared error of each row, mean over the finite starts.
        groups: Group of each row, or None where each row is drawn on its own.
        rows: Which row of the table each is; None if that is not known. Rows and groups are named
            alike in all splits.
    """

    losses: Mapping[str, Floats]
    groups: npt.NDArray[Any] | None
    rows: npt.NDArray[Any] | None = None

    @property
    def units(self) -> npt.NDArray[Any] | None:
        """What is drawn: groups, or rows."""
        return self.rows if self.groups is None else self.groups


@dataclass(frozen=True)
class Evidence:
    """What differences are estimated from.

    Attributes:
        errors: In the target's units, a column per variant and reference model, indexed by
            ``split`` and ``start``; nan where a training diverged.
        held_to_trained: Rows that validate for each row that trains.
        root: Whether errors are roots of mean squares (RMSE) or mean absolute errors (MAE).
        rows: By split; needed for an interval where there is one split only, and for a sharp one
            over several.
        level: Of all intervals: 95 %, or more where the run looks several times.
        in_order: Whether the splits follow one another: their mean has no interval then.
    """

    errors: pd.DataFrame
    held_to_trained: float
    root: bool
    rows: Mapping[int, RowLosses] = field(default_factory=dict)
    level: float = LEVEL
    in_order: bool = False

    def difference(self, weights: Mapping[str, int], alpha: float) -> tuple[Interval, pd.Series]:
        """Estimate a weighted sum of errors.

        Args:
            weights: By column of ``errors``; they add up to zero.
            alpha: Level at which a detectable difference counts as significant.

        Returns:
            The estimate, and the sum in each pair in which no training diverged.
        """
        pairs = self.pairs(weights)
        if pairs.empty:
            return Interval(math.nan), pairs
        by_split = pairs.groupby(level="split").mean()
        if self.in_order and len(by_split) >= A_PAIR:
            return Interval(float(by_split.mean()), basis=Basis.IN_ORDER), pairs
        if len(by_split) >= A_PAIR:
            rows = self._rows_over_splits(weights, by_split)
            found = over_splits(by_split.to_numpy(), self.held_to_trained, alpha, rows, self.level)
            return found, pairs
        split = int(pairs.index.get_level_values("split")[0])
        if len(pairs) >= A_PAIR and split in self.rows:
            variance, units = self._rows_variance(weights, split)
            if units >= A_PAIR:
                return over_starts(pairs.to_numpy(), variance, units, alpha, self.level), pairs
        return Interval(float(pairs.mean())), pairs

    def pairs(self, weights: Mapping[str, int]) -> pd.Series:
        """Return the weighted sum of errors in each pair in which no training diverged."""
        complete = self.errors[list(weights)].dropna()
        return complete.mul(list(weights.values()), axis="columns").sum(axis="columns")

    def why_splits_alone(self, weights: Mapping[str, int]) -> str:
        """Say in words why the interval of a weighted sum rests on the splits alone."""
        used = self.pairs(weights).index.get_level_values("split").unique()
        if len(used) < SHARP_FROM_SPLITS:
            return f"{len(used)} splits are fewer than {SHARP_FROM_SPLITS}"
        held = [self.rows[split] for split in used if split in self.rows]
        units = {unit for one in held if one.units is not None for unit in one.units}
        if len(held) == len(used) and 0 < len(units) < SHARP_FROM_UNITS:
            what = "rows" if held[0].groups is None else "groups of rows"
            return f"{len(units)} {what} that are held out are fewer than {SHARP_FROM_UNITS}"
        return "the losses of single rows are not known"

    def deviations(self, weights: Mapping[str, int]) -> Deviations:
        """Say where the spread of a weighted sum of errors comes from.

        Returns:
            As :func:`variance_components` does.
        """
        variances = {split: self._rows_variance(weights, split)[0] for split in self.rows}
        return variance_components(self.pairs(weights), variances)

    def _rows_over_splits(
        self, weights: Mapping[str, int], by_split: pd.Series
    ) -> RowsVariance | None:
        """Return what a mean over splits owes to the validation rows; None if they are unknown."""
        signs, moved, units = list(weights.values()), [], []
        for split in by_split.index:
            rows = self.rows.get(int(split))
            if rows is None or rows.units is None:
                return None
            losses = np.array([rows.losses[column] for column in weights])
            moved.append(effect_of_rows(losses, signs, root=self.root))
            units.append(rows.units)
        return rows_variance(by_split.tolist(), moved, units)

    def _rows_variance(self, weights: Mapping[str, int], split: int) -> tuple[float, int]:
        rows = self.rows[split]
        losses = np.array([rows.losses[column] for column in weights])
        return jackknife_variance(losses, list(weights.values()), rows.groups, root=self.root)


def estimate(
    evidence: Evidence, diverged: Mapping[str, int], margin: float, design: Design
) -> dict[str, Effect]:
    """Estimate and judge the contrasts of a study.

    Args:
        evidence: Errors of the networks.
        diverged: How many replicas of each network diverged.
        margin: Differences up to this are practically none, in the target's units.
        design: Says what is compared.

    Returns:
        By the name of the network that is compared with the reference, and ``interaction``.
    """
    contrasts = design.contrasts
    claims = len(contrasts)
    alpha = (1 - evidence.level) / claims
    found = [evidence.difference(contrast.weights, alpha) for contrast in contrasts]
    adjusted = holm([interval.p for interval, _ in found], evidence.level)
    effects = {}
    for contrast, (interval, pairs), p_holm in zip(contrasts, found, adjusted, strict=True):
        reference = float(evidence.errors.loc[pairs.index, design.against].mean())
        lost = {name: diverged[name] for name in contrast.weights}
        effects[contrast.name] = Effect(
            difference=interval.mean,
            low=interval.low,
            high=interval.high,
            percent_of_baseline=100 * interval.mean / reference if reference else math.nan,
            p=interval.p,
            p_holm=p_holm,
            pairs=len(pairs),
            wins=share_of_wins(pairs, interval),
            deviations=evidence.deviations(contrast.weights),
            diverged=lost,
            verdict=judge(interval, p_holm, margin, lost, claims),
            detectable=interval.detectable,
            basis=interval.basis,
            p_beyond=interval.p_beyond(margin),
            chances=None if math.isnan(interval.low) else Chances(*interval.shares(margin)),
            median=float(pairs.median()),
            sensitivity=_sensitivity(pairs, len(evidence.errors)),
            boundary=interval.boundary(claims) if evidence.level > LEVEL else math.nan,
        )
    return effects


def weigh_effects(
    found: Mapping[str, Effect], healths: Mapping[str, Health], design: Design
) -> dict[str, Effect]:
    """Return the effects with verdicts that heed whether the networks work at all.

    Args:
        found: By name, as :func:`estimate` returns them.
        healths: By network.
        design: Names the reference.
    """
    verdicts = {
        name: weigh_interaction(effect.verdict, [healths[one] for one in Variant])
        if name == INTERACTION
        else weigh(effect.verdict, healths[design.against], healths[name])
        for name, effect in found.items()
    }
    return {name: replace(one, verdict=verdicts[name]) for name, one in found.items()}


def _sensitivity(pairs: pd.Series, replicas: int) -> tuple[float, float] | None:
    lost = replicas - len(pairs)
    if not lost or pairs.empty:
        return None
    seen = float(pairs.sum())
    return (
        (seen + lost * float(pairs.min())) / replicas,
        (seen + lost * float(pairs.max())) / replicas,
    )


def margin_of(reference: pd.Series, margin: float | None) -> float:
    """Return the difference up to which there is practically none, in the target's unit.

    Args:
        reference: Errors of the network that others are compared with.
        margin: What the study says; None for one percent of their mean.
    """
    if margin is not None:
        return margin
    error = float(reference.mean())
    return _SHARE_OF_REFERENCE * abs(error) if math.isfinite(error) else 0.0
