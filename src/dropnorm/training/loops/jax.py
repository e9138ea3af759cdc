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

    Compiled once: a call with fewer steps, or with a batch of fewer rows, is filled up, and what
    was added is masked.
    """

    def __init__(
        self, model: KerasModel, optimizer: Any, losses: Losses, steps: int, rows: int
    ) -> None:
        self._model, self._optimizer, self._losses = model, optimizer, losses
        self._most = steps, rows
        self._train = jax.jit(self._steps)
        self._inference = inference_of(model)

    def train(self, x: Floats, y: Floats) -> list[Floats]:
        """Take a step on each batch."""
        steps, rows = y.shape
        x, y = (fill_up(fill_up(part, self._most[1], axis=1), self._most[0]) for part in (x, y))
        variables = self._variables()
        state = [[variable.value for variable in group] for group in variables]
        state, taken = self._train(state, x, y, steps, rows)
        for group, values in zip(variables, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        return [np.asarray(losses)[:steps] for losses in taken]

    def predict(self, x: Floats) -> Floats:
        """Return the outputs in inference."""
        return self._inference(x)

    def _variables(self) -> tuple[Any, Any, Any]:
        return (
            self._model.trainable_variables,
            self._model.non_trainable_variables,
            self._optimizer.variables,
        )

    def _steps(self, state: Any, x: Any, y: Any, steps: Any, rows: Any) -> tuple[Any, Any]:
        mask = jnp.arange(y.shape[1]) < rows

        def step(number: Any, carried: tuple[Any, Any]) -> tuple[Any, Any]:
            state, taken = carried
            state, losses = self._step(state, x[number], y[number], mask)
            return state, [
                array.at[number].set(loss) for array, loss in zip(taken, losses, strict=True)
            ]

        nothing = [jnp.zeros(x.shape[0], jnp.float32) for _ in range(len(self._losses))]
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
