"""Are probabilities of classes as often right as they say, and what a temperature does to that."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from dropnorm.tasks.metrics import log_probabilities, row_log_losses

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Whole = npt.NDArray[np.int64]

_BINS = 15
# Temperatures are looked for between the exponentials of these.
_LOG_BOUNDS = (-4.0, 4.0)
_PARTS, _SEED = 10, 0


@dataclass(frozen=True)
class Scaled:
    """Probabilities after temperature scaling.

    Attributes:
        probabilities: Shape (n, classes); each row's temperature was fitted to other rows.
        temperature: That all rows together suggest; above 1 for overconfident probabilities.
    """

    probabilities: Floats
    temperature: float


def calibration_error(classes: Whole, probabilities: Floats) -> float:
    """Return the expected calibration error, between 0 and 1.

    Rows are put into 15 bins of equal width by the probability of their most probable class. In
    each, the share of rows that have this class is compared with the mean probability; the error is
    the mean distance, weighted by the rows (Guo, Pleiss, Sun and Weinberger 2017, "On calibration
    of modern neural networks", ICML 34, section 2).

    Args:
        classes: Class numbers from 0, shape (n,).
        probabilities: Shape (n, classes); nan is returned if one is not finite.
    """
    if not np.isfinite(probabilities).all():
        return math.nan
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == classes
    # Bins are closed above: a confidence of 1 is in the last, one of 1/15 in the first.
    bins = np.clip(np.ceil(confidence * _BINS).astype(np.int64) - 1, 0, _BINS - 1)
    gaps = np.bincount(bins, weights=right - confidence, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(classes))


def fit_temperature(classes: Whole, probabilities: Floats) -> float:
    """Return the temperature with the least log loss, between 0.018 and 55.

    Logits are divided by one number (Guo et al. 2017, section 4.2). The logarithm of the
    temperature has a standard normal prior, which counts as much as a single row and keeps the
    temperature from 0 where all rows are right.

    Args:
        classes: Class numbers from 0, shape (n,).
        probabilities: Finite, shape (n, classes).
    """
    logits = _logits(probabilities)

    def loss(log_temperature: float) -> float:
        scaled = log_probabilities(logits / math.exp(log_temperature))
        own = scaled[np.arange(len(classes)), classes]
        return float(-own.sum()) + log_temperature**2 / 2

    found = scipy.optimize.minimize_scalar(loss, bounds=_LOG_BOUNDS, method="bounded")
    return math.exp(float(found.x))


def scale_probabilities(probabilities: Floats, temperature: float) -> Floats:
    """Return the probabilities of the logits divided by a temperature, shape (n, classes)."""
    scaled: Floats = np.exp(log_probabilities(_logits(probabilities) / temperature))
    return scaled


def scale_temperature(classes: Whole, probabilities: Floats) -> Scaled:
    """Scale probabilities so that no row is scored by a temperature that it was fitted to.

    Rows are divided at random into ten parts, the same for all networks with these rows; each is
    scaled with the temperature of the nine others.

    Args:
        classes: Class numbers from 0, shape (n,).
        probabilities: Shape (n, classes); all is nan if one is not finite.
    """
    if len(classes) < 2 or not np.isfinite(probabilities).all():  # noqa: PLR2004
        return Scaled(np.full_like(probabilities, np.nan), math.nan)
    order = np.random.default_rng(_SEED).permutation(len(classes))
    scaled = np.empty_like(probabilities)
    for scored in np.array_split(order, min(_PARTS, len(order))):
        fitted = np.setdiff1d(order, scored)
        temperature = fit_temperature(classes[fitted], probabilities[fitted])
        scaled[scored] = scale_probabilities(probabilities[scored], temperature)
    return Scaled(scaled, fit_temperature(classes, probabilities))


def score_calibration(classes: Whole, probabilities: Floats) -> dict[str, float]:
    """Return the calibration of one network on rows that it was not trained on.

    Args:
        classes: Class numbers from 0, shape (n,).
        probabilities: Shape (n, classes).

    Returns:
        ``ece``, the expected calibration error; ``ece_scaled`` and ``log_loss_scaled``, after
        temperature scaling; ``temperature``. All are nan if a probability is not finite.
    """
    scaled = scale_temperature(classes, probabilities)
    losses = row_log_losses(classes, scaled.probabilities)
    return {
        "ece": calibration_error(classes, probabilities),
        "ece_scaled": calibration_error(classes, scaled.probabilities),
        "log_loss_scaled": float(np.mean(losses)),
        "temperature": scaled.temperature,
    }


def _logits(probabilities: Floats) -> Floats:
    """Return logits of probabilities; one of 0 counts as the smallest float64."""
    logits: Floats = np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))
    return logits
