"""Losses and scores of predictions."""

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
    """A score of predictions.

    Attributes:
        name: Name in ``metrics.json``, after ``validation_``.
        label: Label in tables.
        words: Label of axes.
        spoken: Name in sentences, after an article.
        root: Whether the score is the root of a mean over the rows and not the mean.
    """

    name: str
    label: str
    words: str
    spoken: str = "error"
    root: bool = False


# Labels of the losses for axes.
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
    """Return the constant with the lowest loss: the median for mae, the mean for mse.

    For the Huber loss, a numerical search finds it.

    Args:
        targets: Shape (n,).
        loss: Loss to minimize.
        huber_delta: Limit between squared and linear errors.
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
    """Return a loss or metric of outputs in training units, as a mean over the rows.

    For numbers it is the absolute (mae), squared (mse) or Huber error. For classes it is the
    cross-entropy in nats, or the accuracy, the share of rows whose class has the largest output.

    Args:
        targets: Numbers, or class numbers from 0, shape (n,).
        outputs: Network outputs, shape (n, outputs), or (outputs,) if equal for all rows.
        loss: Loss or metric to compute.
        huber_delta: Limit between squared and linear errors (Huber 1964).
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
    """Return the value of each row's own class, from an array of shape (n, classes)."""
    own: npt.NDArray[np.float64] = of_classes[np.arange(len(classes)), classes]
    return own


def log_probabilities(outputs: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return the log probabilities of the classes, shape (..., classes).

    Args:
        outputs: Logits, shape (..., classes), or (..., 1) for the second of two classes.
    """
    logits = np.asarray(outputs, dtype=np.float64)
    if logits.shape[-1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=-1)
    logs: npt.NDArray[np.float64] = scipy.special.log_softmax(logits, axis=-1)
    return logs


def mean_of_members(outputs: npt.NDArray[np.floating], *, classes: bool) -> npt.NDArray[np.float64]:
    """Return the outputs of a batch ensemble's mean prediction, shape (n, outputs).

    Args:
        outputs: Of its members, shape (n, members, outputs).
        classes: Whether they are logits: then the mean is that of the probabilities.
    """
    if not classes:
        return np.asarray(np.mean(outputs, axis=1, dtype=np.float64))
    logs = scipy.special.logsumexp(log_probabilities(outputs), axis=1) - math.log(outputs.shape[1])
    two = outputs.shape[-1] == 1
    return np.asarray(logs[:, 1:] - logs[:, :1] if two else logs)


def row_log_losses(
    classes: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the log loss of each row in nats, at most 708.4.

    Args:
        classes: Class numbers from 0, shape (n,).
        probabilities: Shape (n, classes).
    """
    own = _own(probabilities, classes)
    # A probability of 0 counts as the smallest float64.
    losses: npt.NDArray[np.float64] = -np.log(np.maximum(own, np.finfo(np.float64).tiny))
    return losses


def score_classes(
    classes: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float64]
) -> dict[str, float]:
    """Score the probabilities of classes.

    Args:
        classes: Class numbers from 0, shape (n,).
        probabilities: Shape (n, classes).

    Returns:
        ``log_loss`` in nats, at least 0; ``accuracy``, the share of rows whose most probable class
        is correct; ``auc``, the area under the ROC curve. For more than two classes, ``auc`` is the
        unweighted mean over the classes, each against the rest (Fawcett 2006, "An introduction to
        ROC analysis", Pattern Recognition Letters 27). All are nan if a probability is not finite,
        and ``auc`` is nan if a class has no rows.
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


def auc_of_rows(
    classes: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return for each row a number whose mean is the AUC, so that rows tell how sure the AUC is.

    It is the AUC and the row's influence on it, by the structural components of DeLong, DeLong and
    Clarke-Pearson (1988, "Comparing the areas under two or more correlated receiver operating
    characteristic curves", Biometrics 44); of more than two classes, the mean over the classes,
    each against the rest.

    Args:
        classes: Class numbers from 0, shape (n,).
        probabilities: Shape (n, classes); all is nan if one is not finite, or a class has no rows.
    """
    count = probabilities.shape[1]
    present = np.bincount(classes, minlength=count)
    if (present == 0).any() or not np.isfinite(probabilities).all():
        return np.full(len(classes), np.nan)
    judged = [1] if count == _TWO else range(count)
    rows: npt.NDArray[np.float64] = np.mean(
        [_auc_of_rows(classes == one, probabilities[:, one]) for one in judged], axis=0
    )
    return rows


def _auc_of_rows(
    own: npt.NDArray[np.bool_], scores: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    below = scipy.stats.rankdata(scores)
    for part in (own, ~own):
        below[part] -= scipy.stats.rankdata(scores[part])
    # Share of the rows of the other kind that each row is ranked rightly against.
    placed = np.where(own, below / (~own).sum(), 1 - below / own.sum())
    auc = placed[own].mean()
    rows: npt.NDArray[np.float64] = auc + (placed - auc) / np.where(own, own.mean(), (~own).mean())
    return rows


def score_predictions(
    targets: npt.NDArray[np.float64], predictions: npt.NDArray[np.float64]
) -> dict[str, float]:
    """Score predictions of numbers.

    Args:
        targets: Shape (n,), finite.
        predictions: Shape (n,).

    Returns:
        ``mae`` and ``rmse`` in the target's units, and ``r2``, at most 1. All are nan if a
        prediction is not finite, and ``r2`` is nan if the target is constant.
    """
    if not np.isfinite(predictions).all():
        return dict.fromkeys(("mae", "rmse", "r2"), math.nan)
    errors = targets - predictions
    with np.errstate(over="ignore"):
        squares = errors**2
    # The mean of equal numbers may differ from them by rounding, so test for a spread of 0.
    spread = float(np.sum((targets - targets.mean()) ** 2)) if np.ptp(targets) else 0.0
    return {
        "mae": float(np.mean(np.abs(errors))),
        "rmse": float(np.sqrt(np.mean(squares))),
        "r2": 1 - float(np.sum(squares)) / spread if spread else math.nan,
    }
