"""Many effects to one answer: means with prediction intervals, moderators, predicted directions."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize, stats

from dropnorm.evaluation.estimation.verdicts import Verdict

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEWEST = 3
# Of a mean over tables: it, its interval, and that of a new table.
ENDS = ("mean", "low", "high", "predicted_low", "predicted_high")
# All that a study of several splits can say of a layer.
_OF_OTHERS = (Verdict.NONE, Verdict.IN_ORDER, Verdict.ONE_SPLIT, Verdict.UNDEFINED)
VERDICTS = tuple(one for one in Verdict if one not in _OF_OTHERS)
# The baseline's overfitting is known only after a training, and shares the effect's chance.
BEFOREHAND = ("rows", "inputs", "width", "noise", "categories", "depth")
MODERATORS = (*BEFOREHAND, "overfitting")


@dataclass(frozen=True)
class Pooled:
    """The mean effect over tables.

    Attributes:
        tables: How many.
        mean: Of the logarithms of the ratios.
        low: Lower end of its 95 % interval.
        high: Upper end.
        predicted_low: Lower end of the 95 % interval of the effect on a new table.
        predicted_high: Upper end.
        between: Standard deviation of the true effects between tables.
    """

    tables: int
    mean: float
    low: float
    high: float
    predicted_low: float
    predicted_high: float
    between: float


@dataclass(frozen=True)
class Slope:
    """How an effect depends on one moderator.

    Attributes:
        moderator: Which.
        slope: Change of the effect by a standard deviation of the moderator.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p: Of no dependence.
        p_holm: The same, adjusted for all moderators (Holm 1979).
    """

    moderator: str
    slope: float
    low: float
    high: float
    p: float
    p_holm: float


@dataclass(frozen=True)
class LeftOut:
    """The mean without one table, where that changes it most.

    Attributes:
        table: Which.
        mean: Without it.
    """

    table: str
    mean: float


@dataclass(frozen=True)
class Directions:
    """How often the sign of an effect on a table is told from the other tables.

    Attributes:
        tables: How many.
        by_moderators: Share that a regression on the moderators tells.
        by_majority: Share that naming the majority of the others tells.
    """

    tables: int
    by_moderators: float
    by_majority: float


def pool(effects: Floats, errors: Floats, least_spread: float = 0.0) -> Pooled:
    """Return the mean with random effects.

    The variance between tables is that of Paule and Mandel (1982), the interval that of Hartung and
    Knapp (2001), the one for a new table that of Higgins, Thompson and Spiegelhalter (2009).

    Args:
        effects: Of the tables.
        errors: Their standard errors.
        least_spread: Of the tables, as a multiple of what the standard errors and the variance
            between tables let expect; 1 keeps an interval of few tables from being narrower than
            these allow (Röver, Knapp and Friede 2015).

    Raises:
        ValueError: If there are fewer than three.
    """
    if len(effects) < FEWEST:
        raise ValueError(f"{len(effects)} tables; a mean over tables takes {FEWEST}")
    tables = len(effects)
    between = between_variance(effects, errors)
    weights = 1 / (errors**2 + between)
    mean = float(np.average(effects, weights=weights))
    spread = max(float(weights @ (effects - mean) ** 2) / (tables - 1), least_spread)
    error = math.sqrt(spread / weights.sum())
    half = float(stats.t.ppf(0.975, tables - 1)) * error
    wide = float(stats.t.ppf(0.975, tables - 2)) * math.sqrt(between + error**2)
    return Pooled(
        tables, mean, mean - half, mean + half, mean - wide, mean + wide, math.sqrt(between)
    )


def pool_shares(lines: pd.DataFrame) -> dict[str, float]:
    """Return the mean of effects that are shares of an error, pooled as logarithms of ratios.

    Its interval is never narrower than the standard errors of the tables allow.

    Args:
        lines: Columns ``share``, ``low`` and ``high``, the ends of the 95 % interval.

    Returns:
        ``tables``, ``mean``, ``low``, ``high``, ``predicted_low`` and ``predicted_high``.
    """
    share, error = share_and_error(lines)
    pooled = pool(np.log1p(share), error / (1 + share), least_spread=1.0)
    ends = {name: math.expm1(getattr(pooled, name)) for name in ENDS}
    return {"tables": pooled.tables, **ends}


def share_and_error(lines: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return effects, and the standard errors of a normal distribution with the same intervals."""
    width = (lines["high"] - lines["low"]).to_numpy(float)
    return lines["share"].to_numpy(float), width / 2 / float(stats.norm.ppf(0.975))


def between_variance(effects: Floats, errors: Floats) -> float:
    """Return the variance of the true effects between tables (Paule and Mandel 1982)."""

    def excess(between: float) -> float:
        weights = 1 / (errors**2 + between)
        mean = np.average(effects, weights=weights)
        return float(weights @ (effects - mean) ** 2) - (len(effects) - 1)

    if excess(0.0) <= 0:
        return 0.0
    most = float(np.ptp(effects)) ** 2 + float(errors.max()) ** 2
    return float(optimize.brentq(excess, 0.0, most))


def shares(lines: pd.DataFrame) -> dict[str, float]:
    """Return the share of tables by the verdict of their study, for every verdict of a layer."""
    counts = lines["verdict"].value_counts(normalize=True)
    return {verdict: float(counts.get(verdict, 0.0)) for verdict in VERDICTS}


def slopes(lines: pd.DataFrame) -> list[Slope]:
    """Return how the effect depends on each moderator alone.

    Args:
        lines: Of one layer, with an effect each.
    """
    found = []
    for moderator in MODERATORS:
        known = lines[np.isfinite(lines[moderator])]
        values = known[moderator].to_numpy(float)
        if len(known) > FEWEST and values.std() > 0:
            found.append(_slope(moderator, (values - values.mean()) / values.std(), known))
    ordered = sorted(found, key=lambda slope: slope.p)
    adjusted, most = [], 0.0
    for place, slope in enumerate(ordered):
        most = max(most, min(1.0, slope.p * (len(ordered) - place)))
        adjusted.append(Slope(slope.moderator, slope.slope, slope.low, slope.high, slope.p, most))
    return adjusted


def _slope(moderator: str, values: Floats, lines: pd.DataFrame) -> Slope:
    effects, errors = _numbers(lines)
    weights = 1 / (errors**2 + between_variance(effects, errors))
    design = np.column_stack([np.ones_like(values), values])
    fitted, inverse = _regress(design, effects, weights)
    free = len(effects) - design.shape[1]
    spread = float(weights @ (effects - design @ fitted) ** 2) / free
    error = math.sqrt(spread * inverse[1, 1])
    half = float(stats.t.ppf(0.975, free)) * error
    p = float(2 * stats.t.sf(abs(fitted[1]) / error, free))
    return Slope(moderator, fitted[1], fitted[1] - half, fitted[1] + half, p, p)


def _regress(design: Floats, effects: Floats, weights: Floats) -> tuple[Floats, Floats]:
    inverse: Floats = np.linalg.pinv(design.T @ (design * weights[:, None])).astype(float)
    return inverse @ design.T @ (weights * effects), inverse


def leave_one_out(lines: pd.DataFrame) -> LeftOut:
    """Return the table without which the mean changes most."""
    effects, errors = _numbers(lines)
    whole = pool(effects, errors).mean
    means = [
        pool(np.delete(effects, one), np.delete(errors, one)).mean for one in range(len(lines))
    ]
    most = int(np.argmax(np.abs(np.asarray(means) - whole)))
    return LeftOut(str(lines["table"].iloc[most]), means[most])


def directions(lines: pd.DataFrame) -> Directions:
    """Return how well the sign on a table is told from the other tables.

    A regression on all moderators that are known before a training is fitted without the table.
    """
    known = lines.loc[np.isfinite(lines[list(BEFOREHAND)].to_numpy(float)).all(axis=1)]
    effects, errors = _numbers(known)
    values = known[list(BEFOREHAND)].to_numpy(float)
    lower = effects < 0
    told = {"moderators": 0, "majority": 0}
    for one in range(len(known)):
        others = np.arange(len(known)) != one
        told["moderators"] += _told(values, effects, errors, others)[one] == lower[one]
        told["majority"] += (lower[others].mean() > 0.5) == lower[one]  # noqa: PLR2004  half
    tables = len(known)
    return Directions(tables, told["moderators"] / tables, told["majority"] / tables)


def _told(
    values: Floats, effects: Floats, errors: Floats, others: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return for all tables whether a regression on the others has the effect below zero."""
    center, scale = values[others].mean(axis=0), values[others].std(axis=0)
    standard = (values - center) / np.where(scale > 0, scale, 1.0)
    design = np.column_stack([np.ones(len(values)), standard])
    between = between_variance(effects[others], errors[others])
    weights = 1 / (errors[others] ** 2 + between)
    fitted, _ = _regress(design[others], effects[others], weights)
    below: NDArray[np.bool_] = design @ fitted < 0
    return below


def with_errors(lines: pd.DataFrame) -> pd.DataFrame:
    """Return the lines whose effects have a standard error, which a mean takes as weights."""
    return lines[np.isfinite(lines["standard_error"]) & (lines["standard_error"] > 0)]


def pooled_numbers(lines: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return the effects that have a standard error, and these."""
    return _numbers(with_errors(lines))


def _numbers(lines: pd.DataFrame) -> tuple[Floats, Floats]:
    return lines["log_ratio"].to_numpy(float), lines["standard_error"].to_numpy(float)


def analyse(effects: pd.DataFrame) -> tuple[dict[str, Any], dict[str, Pooled]]:
    """Return all numbers of the protocol by layer, as plain data, and the means.

    Args:
        effects: A line for each table and layer.
    """
    told, pooled = {}, {}
    for layer, lines in effects.groupby("layer", sort=False):
        finite = with_errors(lines)
        pooled[str(layer)] = pool(*_numbers(finite))
        by_task = {
            str(task): asdict(pool(*_numbers(some)))
            for task, some in finite.groupby("task")
            if len(some) >= FEWEST
        }
        told[str(layer)] = {
            "pooled": asdict(pooled[str(layer)]),
            "by_task": by_task,
            "shares": shares(lines),
            "moderators": [asdict(slope) for slope in slopes(finite)],
            "most_influential": asdict(leave_one_out(finite)) if len(finite) > FEWEST else None,
            "directions": asdict(directions(finite)),
        }
    return told, pooled


def percent(log_ratio: float) -> float:
    """Return a logarithm of a ratio of errors as a change of the error in percent."""
    return 100 * math.expm1(log_ratio)
