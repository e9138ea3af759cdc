"""How good predictions are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dropnorm.study import Loss


def constant_prediction(targets: npt.NDArray[np.floating], loss: Loss) -> float:
    """Return the constant with the least loss on ``targets``: their median, or mean for mse."""
    return float(np.median(targets) if loss == "mae" else np.mean(targets, dtype=np.float64))


def training_loss(
    targets: npt.NDArray[np.floating], predictions: npt.NDArray[np.floating] | float, loss: Loss
) -> float:
    """Return the mean absolute (mae) or mean squared (mse) error."""
    errors = np.asarray(targets, dtype=np.float64) - predictions
    return float(np.mean(np.abs(errors) if loss == "mae" else errors**2))


def score_predictions(
    targets: npt.NDArray[np.float64], predictions: npt.NDArray[np.float64]
) -> dict[str, float]:
    """Score predictions in the units of the target.

    Args:
        targets: Shape (n,), finite.
        predictions: Shape (n,).

    Returns:
        ``mae`` and ``rmse`` in the target's units, and ``r2``, at most 1; nan where it is not
        defined, that is for predictions that are not finite, and ``r2`` of a constant target.
    """
    if not np.isfinite(predictions).all():
        return dict.fromkeys(("mae", "rmse", "r2"), math.nan)
    errors = targets - predictions
    # The mean of equal numbers may round to another one: their spread is not left to it.
    spread = float(np.sum((targets - targets.mean()) ** 2)) if np.ptp(targets) else 0.0
    return {
        "mae": float(np.mean(np.abs(errors))),
        "rmse": float(np.sqrt(np.mean(errors**2))),
        "r2": 1 - float(np.sum(errors**2)) / spread if spread else math.nan,
    }
