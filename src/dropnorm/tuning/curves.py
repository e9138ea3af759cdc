"""Tuning curves: what the best of so many trials comes to, with a band that holds of all points."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np
import scipy

from dropnorm.evaluation.estimation.intervals import LEVEL
from dropnorm.tuning.results import CurvePoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

# Samples by which the level of a band's points is found, the same each time.
_SAMPLES = 20_000


def tuning_curve(first: float, drawn: Sequence[float], worst: float) -> tuple[CurvePoint, ...]:
    """Estimate the expected least error of the first trial and of draws beside it.

    The estimate puts the empirical distribution function of the draws in the place of the true one
    (Dodge et al. 2019, "Show your work: improved reporting of experimental results", EMNLP). The
    band is the same of the ends of a confidence band of that function, so that it holds of all
    points at once: as Lourie, Cho and He 2024, "Show your work with confidence" (NAACL), of a band
    whose points have equal local levels. No error is below 0, and who finds nothing better stays
    with the first trial, or with a constant.

    Args:
        first: Error of the first trial, which is not drawn; not finite if it diverged.
        drawn: Of the others, independent draws; not finite of those that diverged.
        worst: Error of what needs no network; larger ones, and diverged trials, count as this.

    Returns:
        A point for each number of trials, from one.
    """
    limit = min(first, worst) if math.isfinite(first) else worst
    errors = np.sort([min(one, limit) if math.isfinite(one) else limit for one in drawn])
    count = len(errors)
    points = [CurvePoint(1, limit, limit, limit)]
    if not count:
        return tuple(points)
    # Each has the value of the function on a stretch: below the least error, between two, above.
    stretches = np.diff(np.concatenate([[0.0], errors, [limit]]))
    known = np.arange(count + 1) / count
    low, high = band(count)
    for draws in range(1, count + 1):
        expected, lower, upper = (
            float(stretches @ (1 - values) ** draws) for values in (known, high, low)
        )
        points.append(CurvePoint(1 + draws, expected, lower, upper))
    return tuple(points)


@functools.lru_cache(maxsize=100)
def band(count: int) -> tuple[Floats, Floats]:
    """Return the ends of a 95 % band of a distribution function, from independent draws.

    Each order statistic of uniform draws is between two quantiles of its beta distribution, whose
    level, the same for all, makes all hold at once.

    Args:
        count: Number of draws.

    Returns:
        Lower and upper ends below the first draw, between each two, and above the last, shape
        (count + 1,).
    """
    places = np.arange(1, count + 1)
    beta = scipy.stats.beta(places, count + 1 - places)
    samples = np.sort(np.random.default_rng(0).random((_SAMPLES, count)), axis=1)
    below = beta.cdf(samples)
    local = 2 * np.minimum(below, 1 - below).min(axis=1)
    level = float(np.quantile(local, 1 - LEVEL))
    low = np.concatenate([[0.0], beta.ppf(level / 2)])
    high = np.concatenate([beta.ppf(1 - level / 2), [1.0]])
    return low, high
