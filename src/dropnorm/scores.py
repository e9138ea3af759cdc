"""How good predictions are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar

if TYPE_CHECKING:
    import numpy.typing as npt

    from dropnorm.study import Loss


@dataclass(frozen=True)
class Score:
    """One way to say how good predictions are.

    Attributes:
        name: As in ``metrics.json``, behind ``validation_``.
        label: For the heads of tables.
        words: For sentences and axes.
        root: Whether it is the root of a mean over the rows, or the mean itself.
    """

    name: str
    label: str
    words: str
    root: bool = False


SCORES = {
    one.name: one
    for one in (
        Score("mae", "MAE", "mean absolute error"),
        Score("rmse", "RMSE", "root mean squared error", root=True),
        Score("r2", "R²", "share of the variance explained"),
    )
}


def constant_prediction(
    targets: npt.NDArray[np.floating], loss: Loss, huber_delta: float = 1.0
) -> float:
    """Return the constant with the least loss on ``targets``: of mae the median, of mse the mean.

    The constant of the Huber loss has no formula; a search finds it.
    """
    median, mean = float(np.median(targets)), float(np.mean(targets, dtype=np.float64))
    if loss == "huber":
        found = minimize_scalar(
            lambda constant: training_loss(targets, np.array([constant]), loss, huber_delta),
            bounds=(float(np.min(targets)), float(np.max(targets))),
            method="bounded",
        )
        return float(found.x)
    return median if loss == "mae" else mean


def training_loss(
    targets: npt.NDArray[np.floating],
    outputs: npt.NDArray[np.floating],
    loss: Loss,
    huber_delta: float = 1.0,
) -> float:
    """Return the mean absolute (mae), mean squared (mse) or mean Huber error.

    Args:
        targets: Shape (n,).
        outputs: Of a network, shape (n, outputs), or (outputs,) for all alike.
        loss: Which.
        huber_delta: Errors up to this count half their square, larger ones linearly (Huber 1964).
    """
    errors = np.abs(np.asarray(targets, dtype=np.float64) - outputs[..., 0])
    match loss:
        case "mae":
            return float(np.mean(errors))
        case "mse":
            return float(np.mean(errors**2))
        case "huber":
            linear = huber_delta * (errors - huber_delta / 2)
            return float(np.mean(np.where(errors <= huber_delta, errors**2 / 2, linear)))


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
