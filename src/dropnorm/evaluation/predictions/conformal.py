"""Prediction intervals of new rows, from the residuals of rows that were held out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dropnorm.data.inspection.column_kinds import counted
from dropnorm.evaluation.estimation.estimands import are_in_order
from dropnorm.study.optimism import is_optimistic
from dropnorm.study.split import GroupedSplit, PublishedSplit, RandomSplit, TimeSplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from dropnorm.study.schema import Study
    from dropnorm.study.split import Split
    from dropnorm.study.training import Training

    Floats = npt.NDArray[np.float64]

# Percent of new targets that an interval is to hold, where nothing else is asked for.
LEVEL = 90
# More residuals than these make an interval hardly steadier, and take time for each new row.
_MOST_ROWS = 2000
# Numbers that are computed at a time: bounds memory.
_NUMBERS_AT_ONCE = 4_000_000
# Keeps a level such as 0.9 of 10 ranks from being the tenth by rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Calibration:
    """Residuals of held rows, each against the networks that did not train on the row.

    Attributes:
        residuals: Distance of target and prediction, in the target's unit or of their logarithms,
            shape (rows,).
        committees: Which replicas held out the rows of each committee, shape (committees,
            replicas), in the order of the replicas.
        of_row: Number of each row's committee, shape (rows,).
        units: Number of the group of each row from 0, or of the row itself, shape (rows,).
        in_order: Whether the splits follow one another in time.
        log1p: Whether the residuals are of log(1 + target) and log(1 + prediction).
    """

    residuals: Floats
    committees: npt.NDArray[np.bool_]
    of_row: npt.NDArray[np.intp]
    units: npt.NDArray[np.intp]
    in_order: bool = False
    log1p: bool = False

    @property
    def count(self) -> int:
        """How many groups there are, or rows where each row is drawn on its own."""
        return int(self.units.max(initial=-1)) + 1

    def holds(self, level: int) -> bool:
        """Whether there are enough rows or groups for an interval of a level, in percent."""
        return self.count >= least_units(level)


def least_units(level: int) -> int:
    """Return how many held rows or groups an interval of a level needs, in percent."""
    return math.ceil(level / (100 - level) - _ROUNDING)


def calibrate(
    predictions: pd.DataFrame,
    split: pd.DataFrame,
    replicas: Sequence[tuple[int, int]],
    study: Study,
) -> Calibration:
    """Gather the residuals of the validation rows.

    The prediction of a row is the mean over the replicas in whose split the row validates. Rows
    that validate in no split are left out; of more than 2,000 others, so many are taken, spread
    evenly over the table.

    Args:
        predictions: Of the validation rows: ``split``, ``start``, ``row``, ``target`` and
            ``prediction``.
        split: Which row is in which part of which split, and its ``group`` where groups are drawn.
        replicas: Split and start of those that predict.
        study: Says how rows are drawn.
    """
    names = pd.MultiIndex.from_tuples(replicas, names=["split", "start"])
    by_row = predictions.pivot_table(
        index="row", columns=["split", "start"], values="prediction", aggfunc="first"
    ).reindex(columns=names)
    by_row = by_row.loc[by_row.notna().any(axis="columns")]
    places = np.linspace(0, len(by_row) - 1, min(len(by_row), _MOST_ROWS)).astype(np.int64)
    by_row = by_row.iloc[places]
    targets = predictions.drop_duplicates("row").set_index("row")["target"].loc[by_row.index]
    held = by_row.notna().to_numpy()
    committees, of_row = np.unique(held, axis=0, return_inverse=True)
    log1p = study.target.scale == "log1p"
    known, predicted = (
        values.to_numpy(dtype=np.float64) for values in (targets, by_row.mean(axis="columns"))
    )
    if log1p:
        known, predicted = _logarithm(known), _logarithm(predicted)
    residuals = np.abs(known - predicted)
    units = np.arange(len(by_row))
    if "group" in split and not isinstance(study.split, TimeSplit):
        groups = split.drop_duplicates("row").set_index("row")["group"].loc[by_row.index]
        units = pd.factorize(groups.astype(str))[0]
    in_order = are_in_order(split, study.split)
    return Calibration(residuals, committees, of_row.reshape(-1), units, in_order, log1p)


def interval(each: Floats, calibration: Calibration, level: int) -> tuple[Floats, Floats]:
    """Return the ends of a prediction interval for new rows.

    Each held row gives the prediction of its own committee for the new row, and its residual below
    and above; the ends are quantiles of these over the held rows, with the correction for a finite
    number of them. With one split, this is split conformal prediction: the prediction and a fixed
    distance below and above, the k-th smallest residual of n with k = ceil(level (n + 1)). With
    several, it is the jackknife+ after the splits that a study draws (Barber, Candès, Ramdas and
    Tibshirani 2021, "Predictive inference with the jackknife+", Annals of Statistics 49, section 3;
    Kim, Xu and Barber 2020, "Predictive inference is free with the jackknife+-after-bootstrap",
    NeurIPS 33). Rows of one group share its weight, and groups count in place of rows (Lee, Barber
    and Willett 2023, "Distribution-free inference with hierarchical data", section 3).

    With residuals of logarithms, the ends are computed on that scale and taken back, so that the
    distance is a factor of 1 + prediction. As logarithms keep the order of values, the same targets
    are in the interval, and the guarantee is the same.

    The guarantee of the split conformal interval is the level; that of the jackknife+ is weaker
    (2 level - 100), and the level is what it comes to in practice.

    Args:
        each: Prediction of each replica for each new row, shape (replicas, new rows).
        calibration: Of the same replicas, in the same order.
        level: Percent of new targets that the interval is to hold, with enough rows for it
            (:meth:`Calibration.holds`).

    Returns:
        Lower and upper ends, shape (new rows,) each.
    """
    weights, residuals, share = _weights(calibration.units), calibration.residuals, level / 100
    shares = calibration.committees / calibration.committees.sum(axis=1, keepdims=True)
    likely = _quantile(residuals[np.newaxis], weights, share)[0]
    at_once = max(1, _NUMBERS_AT_ONCE // len(residuals))
    lower, upper = np.empty(each.shape[1]), np.empty(each.shape[1])
    # Rows on which the networks agree come first, and need few of the residuals.
    order = np.argsort(np.ptp(each, axis=0))
    for first in range(0, len(order), at_once):
        places = order[first : first + at_once]
        by_committee = shares @ each[:, places]
        if calibration.log1p:
            by_committee = _logarithm(by_committee)
        # Residuals that are so small are below both ends, whatever their committee says.
        spread = np.ptp(by_committee, axis=0).max()
        kept = ~(residuals < likely - spread)
        rest, of_rest = weights[kept], share - float(weights[~kept].sum())
        centres = by_committee.T[:, calibration.of_row[kept]]
        lower[places] = -_quantile(residuals[kept] - centres, rest, of_rest)
        upper[places] = _quantile(residuals[kept] + centres, rest, of_rest)
    if calibration.log1p:
        with np.errstate(over="ignore"):
            return np.expm1(lower), np.expm1(upper)
    return lower, upper


def _logarithm(values: Floats) -> Floats:
    """Return log(1 + value); of what a network rounds to -1, the least that is finite."""
    logarithms: Floats = np.log1p(np.maximum(values, np.nextafter(-1, 0)))
    return logarithms


def _weights(units: npt.NDArray[np.intp]) -> Floats:
    """Return a weight for each row: 1 / (groups + 1) for each group, shared by its rows."""
    sizes = np.bincount(units)
    weights: Floats = 1 / (sizes[units] * (len(sizes) + 1))
    return weights


def _quantile(values: Floats, weights: Floats, share: float) -> Floats:
    """Return the least value of each line that so large a share of the weight does not exceed.

    Args:
        values: Shape (lines, rows).
        weights: Shape (rows,); what they lack of 1 lies at infinity.
        share: Above 0, at most the sum of the weights.
    """
    if np.ptp(weights) == 0:
        rank = math.ceil(share / float(weights[0]) - _ROUNDING)
        least: Floats = np.partition(values, rank - 1, axis=1)[:, rank - 1]
        return least
    order = np.argsort(values, axis=1)
    reached = np.cumsum(weights[order], axis=1) >= share - _ROUNDING
    place = np.take_along_axis(order, reached.argmax(axis=1)[:, np.newaxis], axis=1)
    found: Floats = np.take_along_axis(values, place, axis=1)[:, 0]
    return found


def tell_interval(calibration: Calibration, level: int, study: Study) -> str:
    """Say what the interval rests on and what it assumes, or why there is none.

    Args:
        calibration: Of the networks that predict.
        level: In percent.
        study: With the options of these networks.
    """
    rows, grouped = len(calibration.residuals), _draws_groups(study.split)
    unit = "group" if grouped else "row"
    if not calibration.holds(level):
        found = f"there {'is' if calibration.count == 1 else 'are'} {calibration.count}"
        return (
            f"No {level} % interval: it needs at least {least_units(level)} validation {unit}s, and"
            f" {found}; take a lower --level, or a study with more rows to validate on."
        )
    of_groups = f" in {counted(calibration.count, 'group')}" if grouped else ""
    scale = ", as logarithms," if calibration.log1p else ""
    return " ".join(
        [
            f"The {level} % interval, lower_{level} to upper_{level}, is from the residuals{scale}"
            f" of {counted(rows, 'validation row')}{of_groups}, each predicted by networks that did"
            " not train on it.",
            _assumed(study.split, in_order=calibration.in_order),
            *_steered(study.training),
        ]
    )


def _draws_groups(split: Split) -> bool:
    match split:
        case GroupedSplit():
            return True
        case RandomSplit():
            return split.identical_rows or bool(split.keep_together)
        case _:
            return False


def _assumed(split: Split, *, in_order: bool) -> str:
    match split:
        case _ if in_order or isinstance(split, TimeSplit):
            return "It has no guarantee: new rows are later than these, and may differ from them."
        case PublishedSplit():
            return "It assumes new rows like those that the published split holds out."
        case _ if _draws_groups(split):
            return "It assumes rows of new groups that are like the groups of this table."
        case _:
            return "It assumes new rows like those of this table."


def _steered(training: Training) -> Iterable[str]:
    """Say in which case the validation rows are a little too easy."""
    if training.early_stopping is not None and training.early_stopping.rows == "validation":
        yield "The validation rows also chose the epoch, so it may be slightly too narrow."
    elif is_optimistic(training):
        yield "The validation rows also lowered the learning rate: it may be slightly too narrow."
