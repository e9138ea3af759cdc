"""How good predictions are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

if TYPE_CHECKING:
    import numpy.typing as npt

    from dropnorm.study.training import Loss, Metric


_TWO = 2


@dataclass(frozen=True)
class Score:
    """One way to say how good predictions are.

    Attributes:
        name: As in ``metrics.json``, behind ``validation_``.
        label: For the heads of tables.
        words: For axes.
        spoken: For sentences, behind an article.
        root: Whether it is the root of a mean over the rows, or the mean itself.
    """

    name: str
    label: str
    words: str
    spoken: str = "error"
    root: bool = False


# What a training can minimize, for axes.
LOSSES: dict[Loss, str] = {
    "mae": "mean absolute error",
    "mse": "mean squared error",
    "huber": "Huber loss",
    "cross_entropy": "cross-entropy",
}
SCORES = {
    one.name: one
    for one in (
        Score("mae", "MAE", "mean absolute error"),
        Score("rmse", "RMSE", "root mean squared error", root=True),
        Score("r2", "R²", "share of the variance explained"),
        Score("log_loss", "log loss", "log loss", spoken="log loss"),
        Score("accuracy", "accuracy", "share of the rows whose class is right"),
        Score("auc", "AUC", "area under the ROC curve"),
    )
}


def constant_prediction(
    targets: npt.NDArray[np.floating], loss: Metric, huber_delta: float = 1.0
) -> float:
    """Return the constant with the least loss on ``targets``: of mae the median, of mse the mean.

    The constant of the Huber loss has no formula; a search finds it.
    """
    median, mean = float(np.median(targets)), float(np.mean(targets, dtype=np.float64))
    if loss == "huber":
        found = scipy.optimize.minimize_scalar(
            lambda constant: training_loss(targets, np.array([constant]), loss, huber_delta),
            bounds=(float(np.min(targets)), float(np.max(targets))),
            method="bounded",
        )
        return float(found.x)
    return median if loss == "mae" else mean


def training_loss(
    targets: npt.NDArray[np.floating],
    outputs: npt.NDArray[np.floating],
    loss: Metric,
    huber_delta: float = 1.0,
) -> float:
    """Return a mean over rows, as trainings know it.

    Of amounts the absolute (mae), squared (mse) or Huber error; of classes the cross-entropy in
    nats, or the accuracy, the share of rows whose largest output is that of their class.

    Args:
        targets: Shape (n,): amounts, or numbers of classes, from 0.
        outputs: Of a network, shape (n, outputs), or (outputs,) for all alike.
        loss: Which.
        huber_delta: Errors up to this count half their square, larger ones linearly (Huber 1964).
    """
    match loss:
        case "mae":
            return float(np.mean(_errors(targets, outputs)))
        case "mse":
            return float(np.mean(_errors(targets, outputs) ** 2))
        case "huber":
            errors = _errors(targets, outputs)
            linear = huber_delta * (errors - huber_delta / 2)
            return float(np.mean(np.where(errors <= huber_delta, errors**2 / 2, linear)))
        case "cross_entropy":
            logs = log_probabilities(outputs)
            of_rows = np.broadcast_to(logs, (len(targets), logs.shape[-1]))
            return float(-np.mean(_own(of_rows, targets.astype(np.int64))))
        case "accuracy":
            return float(np.mean(log_probabilities(outputs).argmax(axis=-1) == targets))


def _errors(
    targets: npt.NDArray[np.floating], outputs: npt.NDArray[np.floating]
) -> npt.NDArray[np.float64]:
    errors: npt.NDArray[np.float64] = np.abs(
        np.asarray(targets, dtype=np.float64) - outputs[..., 0]
    )
    return errors


def _own(
    of_classes: npt.NDArray[np.float64], classes: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return of each row, shape (n, classes), what stands at its own class."""
    own: npt.NDArray[np.float64] = of_classes[np.arange(len(classes)), classes]
    return own


def log_probabilities(outputs: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return the logarithms of the probabilities of classes, shape (..., classes).

    Args:
        outputs: Logits, shape (..., classes); of two classes one is enough, that of the second.
    """
    logits = np.asarray(outputs, dtype=np.float64)
    if logits.shape[-1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=-1)
    logs: npt.NDArray[np.float64] = scipy.special.log_softmax(logits, axis=-1)
    return logs


def row_log_losses(
    classes: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return what each row adds to the log loss, in nats: at most 708.4, as for the smallest float.

    Args:
        classes: Shape (n,), from 0.
        probabilities: Shape (n, classes).
    """
    own = _own(probabilities, classes)
    # 0 stands for what is too small for float64; nan stays nan.
    losses: npt.NDArray[np.float64] = -np.log(np.maximum(own, np.finfo(np.float64).tiny))
    return losses


def score_classes(
    classes: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float64]
) -> dict[str, float]:
    """Score probabilities of classes.

    Args:
        classes: Shape (n,), from 0.
        probabilities: Shape (n, classes).

    Returns:
        ``log_loss`` in nats, at least 0; ``accuracy``, the share of rows whose most probable class
        is theirs; ``auc``, the area under the ROC curve, of the second of two classes, or of more
        the mean over the classes, each against the rest (Fawcett 2006, "An introduction to ROC
        analysis", Pattern Recognition Letters 27, on more than two classes, without weights). nan
        where it is not defined: for probabilities that are not finite, and ``auc`` where a class
        has no row.
    """
    if not np.isfinite(probabilities).all():
        return dict.fromkeys(("log_loss", "accuracy", "auc"), math.nan)
    return {
        "log_loss": float(np.mean(row_log_losses(classes, probabilities))),
        "accuracy": float(np.mean(probabilities.argmax(axis=1) == classes)),
        "auc": _auc(classes, probabilities),
    }


def _auc(classes: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float64]) -> float:
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415  # takes long, and regression does without

    count = probabilities.shape[1]
    present = np.bincount(classes, minlength=count)
    if (present == 0).any():
        return math.nan
    if count == _TWO:
        return float(roc_auc_score(classes, probabilities[:, 1]))
    return float(
        np.mean([roc_auc_score(classes == one, probabilities[:, one]) for one in range(count)])
    )


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
