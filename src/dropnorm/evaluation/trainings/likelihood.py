"""How probable targets are under predictions with Gaussian noise around them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import scipy

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


# Of the mean squared error: how far below it the noise of drawn predictions may lie.
_LEAST_SHARE = 1e-4


def log_likelihood(targets: Floats, draws: Floats, variance: float) -> float:
    """Return the mean log density of targets, in nats.

    Each row has a mixture of normal distributions around its draws, with the same weight and
    variance (Gal and Ghahramani 2016, "Dropout as a Bayesian approximation", ICML 48, equation 22
    of its appendix); with one draw, it is a single normal distribution.

    Args:
        targets: Shape (rows,).
        draws: Predictions, shape (draws, rows).
        variance: Of the noise, above 0.
    """
    exponents = -((targets - draws) ** 2) / (2 * variance)
    of_rows = scipy.special.logsumexp(exponents, axis=0) - math.log(len(draws))
    return float(np.mean(of_rows)) - 0.5 * math.log(2 * math.pi * variance)


def most_likely_variance(targets: Floats, draws: Floats) -> float:
    """Return the variance of the noise under which targets are the most probable.

    Args:
        targets: Shape (rows,).
        draws: Predictions, shape (draws, rows); of one draw, the mean squared error is the answer.
    """
    largest = float(np.mean((targets - draws) ** 2))
    if len(draws) == 1 or not largest > 0:
        return largest
    found = scipy.optimize.minimize_scalar(
        lambda logarithm: -log_likelihood(targets, draws, math.exp(logarithm)),
        bounds=(math.log(_LEAST_SHARE * largest), math.log(largest)),
        method="bounded",
    )
    return math.exp(float(found.x))


def held_out_likelihood(
    chosen_by: tuple[Floats, Floats], scored: tuple[Floats, Floats]
) -> float | None:
    """Return the log likelihood of some rows with the noise that others have.

    Args:
        chosen_by: Targets and draws of the rows that choose the variance.
        scored: Targets and draws of the rows that are scored.

    Returns:
        In nats for each row, in the unit of the target; None if a prediction is not finite, or
        there is no noise at all.
    """
    if not all(np.isfinite(draws).all() for _, draws in (chosen_by, scored)):
        return None
    variance = most_likely_variance(*chosen_by)
    return log_likelihood(*scored, variance) if variance > 0 else None
