"""Steps on JAX: one compiled function that loops over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from dropnorm.training.loops.jax_passes import fill_up, inference_of

if TYPE_CHECKING:
    from dropnorm.training.loops.loop import Floats, Losses
    from dropnorm.training.networks import KerasModel


class JaxLoop:
    """See :class:`dropnorm.training.loops.loop.Loop`.

    Compiled once: fewer rows than a call may have are filled up, and what was added is masked.
    """

    def __init__(
        self, model: KerasModel, optimizer: Any, losses: Losses, steps: int, rows: int
    ) -> None:
        self._model, self._optimizer, self._losses = model, optimizer, losses
        self._most, self._rows = steps, rows
        self._variables = (
            model.trainable_variables,
            model.non_trainable_variables,
            optimizer.variables,
        )
        self._train = jax.jit(self._steps)
        self._inference = inference_of(model)

    def train(self, x: Floats, y: Floats) -> list[Floats]:
        """Cut rows into batches, and take a step on each."""
        rows, size = len(y), self._rows
        filled_x, filled_y = (fill_up(part, self._most * size) for part in (x, y))
        state = [[variable.value for variable in group] for group in self._variables]
        state, taken = self._train(
            state, filled_x.reshape(self._most, size, -1), filled_y.reshape(-1, size), rows
        )
        for group, values in zip(self._variables, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        return [np.asarray(losses)[: -(-rows // size)] for losses in taken]

    def predict(self, x: Floats) -> Floats:
        """Return the outputs in inference."""
        return self._inference(x)

    def _steps(self, state: Any, x: Any, y: Any, rows: Any) -> tuple[Any, Any]:
        most, size = y.shape

        def step(number: Any, carried: tuple[Any, Any]) -> tuple[Any, Any]:
            state, taken = carried
            mask = jnp.arange(size) < rows - number * size
            state, losses = self._step(state, x[number], y[number], mask)
            return state, [
                array.at[number].set(loss) for array, loss in zip(taken, losses, strict=True)
            ]

        nothing = [jnp.zeros(most, jnp.float32) for _ in range(len(self._losses))]
        steps = (rows + size - 1) // size
        state, taken = jax.lax.fori_loop(0, steps, step, (state, nothing))
        return state, taken

    def _step(self, state: Any, x: Any, y: Any, mask: Any) -> tuple[Any, Any]:
        weights, others, optimizer = state

        def loss(weights: Any) -> tuple[Any, Any]:
            outputs, changed = self._model.stateless_call(
                weights, others, x, training=True, mask=mask
            )
            losses = self._losses(y, outputs, mask)
            return losses[0], (losses, changed)

        gradients, (losses, others) = jax.grad(loss, has_aux=True)(weights)
        weights, optimizer = self._optimizer.stateless_apply(optimizer, gradients, weights)
        return [weights, others, optimizer], losses
