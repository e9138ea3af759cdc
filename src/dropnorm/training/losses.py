"""Keras' losses and metrics, as a study names them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from dropnorm.training.backend import load_keras

if TYPE_CHECKING:
    from dropnorm.study.training import Metric, Training


def keras_loss(name: Metric, training: Training, outputs: int) -> Any:
    """Return what gives a loss of each row, of targets (rows, 1) and outputs (rows, outputs)."""
    keras = load_keras()
    match name, outputs:
        case "huber", _:
            return functools.partial(keras.losses.huber, delta=training.huber_delta)
        case "cross_entropy", 1:
            return functools.partial(keras.losses.binary_crossentropy, from_logits=True)
        case "cross_entropy", _:
            return functools.partial(keras.losses.sparse_categorical_crossentropy, from_logits=True)
        case "accuracy", 1:
            return _accuracy_of_two
        case "accuracy", _:
            return keras.metrics.sparse_categorical_accuracy
    return keras.losses.get(name)


def _accuracy_of_two(targets: Any, logits: Any) -> Any:
    """Return 1 for each row whose logit is on its side of 0, that of one half, shape (rows,)."""
    keras = load_keras()
    right = keras.metrics.binary_accuracy(targets, logits, threshold=0.0)
    return keras.ops.mean(right, axis=-1)
