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
        del steps, rows  # TensorFlow takes any number
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
        """Take a step on each batch."""
        return [losses.numpy() for losses in self._train(x, y)]

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
