"""Steps on TensorFlow: one graph that loops over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from dropnorm.training.loops.loop import Floats, Losses
    from dropnorm.training.networks import KerasModel


class TensorFlowLoop:
    """See :class:`.loop.Loop`. Traced once, for batches of any number of rows."""

    def __init__(
        self, model: KerasModel, optimizer: Any, losses: Losses, steps: int, rows: int
    ) -> None:
        del steps  # TensorFlow takes any number
        self._rows = rows
        self._model, self._optimizer, self._losses = model, optimizer, losses
        inputs = model.input_shape[-1]
        self._train = tf.function(
            self._steps,
            input_signature=[
                tf.TensorSpec((None, None, inputs), tf.float32),
                tf.TensorSpec((None, None), tf.float32),
            ],
            autograph=False,
        )
        self._predict = tf.function(
            lambda x: model(x, training=False),
            input_signature=[tf.TensorSpec((None, inputs), tf.float32)],
            autograph=False,
        )

    def train(self, x: Floats, y: Floats) -> list[Floats]:
        """Cut rows into batches, and take a step on each."""
        rest = len(y) % self._rows
        whole = len(y) - rest
        taken = []
        if whole:
            steps = whole // self._rows
            taken.append(
                self._train(x[:whole].reshape(steps, self._rows, -1), y[:whole].reshape(steps, -1))
            )
        if rest:
            taken.append(self._train(x[None, whole:], y[None, whole:]))
        return [np.concatenate(losses) for losses in zip(*taken, strict=True)]

    def predict(self, x: Floats) -> Floats:
        """Return the outputs in inference."""
        return np.asarray(self._predict(x))

    def _steps(self, x: Any, y: Any) -> list[Any]:
        steps = tf.shape(x)[0]
        taken = [tf.TensorArray(tf.float32, steps) for _ in range(len(self._losses))]

        def step(number: Any, taken: list[Any]) -> tuple[Any, list[Any]]:
            losses = self._step(x[number], y[number])
            written = [array.write(number, loss) for array, loss in zip(taken, losses, strict=True)]
            return number + 1, written

        _, taken = tf.while_loop(
            lambda number, _: number < steps, step, (0, taken), parallel_iterations=1
        )
        return [array.stack() for array in taken]

    def _step(self, x: Any, y: Any) -> list[Any]:
        weights = self._model.trainable_variables
        with tf.GradientTape() as tape:
            losses = self._losses(y, self._model(x, training=True))
        self._optimizer.apply(tape.gradient(losses[0], weights), weights)
        return losses
