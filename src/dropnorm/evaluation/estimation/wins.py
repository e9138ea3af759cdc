"""In how many pairs one network is better than another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from dropnorm.evaluation.estimation.intervals import LEVEL, over_units

if TYPE_CHECKING:
    import pandas as pd

    from dropnorm.evaluation.estimation.intervals import Interval


@dataclass(frozen=True)
class Wins:
    """In how many pairs the error is smaller, with an interval for the share of all pairs.

    Attributes:
        wins: Pairs in which it is.
        pairs: All pairs.
        share: The one by the other; nan without pairs, as are the ends.
        low: Lower end of the 95 % interval.
        high: Its upper end.
        ties: Pairs in which the errors are equal, which are no wins.
    """

    wins: int
    pairs: int
    share: float = math.nan
    low: float = math.nan
    high: float = math.nan
    ties: int = 0


def share_of_wins(differences: pd.Series, interval: Interval) -> Wins:
    """Return in which share of the pairs the error is smaller, P(A > B) of Bouthillier et al.

    "Accounting for variance in machine learning benchmarks" (MLSys 2021), section 5. The interval
    is Wilson's (1927) for as many independent pairs as these are worth: the starts of a split count
    as one, and the splits, which share rows, as many as the interval of the mean difference takes
    them for (the effective sample size of Korn and Graubard 1998, Survey Methodology 24).

    Args:
        differences: Of the errors of each pair, indexed by ``split`` and ``start``.
        interval: Of their mean.
    """
    values = differences.to_numpy()
    wins, pairs, ties = int(np.sum(values < 0)), len(values), int(np.sum(values == 0))
    if not pairs:
        return Wins(0, 0)
    share, worth = wins / pairs, _worth(differences, interval)
    z = float(scipy.stats.norm.ppf(0.5 + LEVEL / 2))
    middle = (share + z**2 / (2 * worth)) / (1 + z**2 / worth)
    half = z * math.sqrt(share * (1 - share) / worth + (z / (2 * worth)) ** 2) / (1 + z**2 / worth)
    # Rounding must not put the share itself outside.
    low, high = min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))
    return Wins(wins, pairs, share, low, high, ties)


def _worth(differences: pd.Series, interval: Interval) -> float:
    """Return how many independent pairs would tell the mean difference as well."""
    units = over_units(differences)
    if math.isnan(interval.low) or not interval.deviation:
        return 1.0
    spread = float(np.var(units, ddof=1))
    # Half a pair: what one says of a new table, of which the rows add as much as the start.
    return min(float(len(units)), max(0.5, spread / interval.deviation**2))
