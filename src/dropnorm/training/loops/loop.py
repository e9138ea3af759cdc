"""Many training steps in one call, as each engine does it best.

What an engine pays per step beside the arithmetic (Python, dispatch, a data pipeline) is more than
the arithmetic itself for networks of this size. Measured for concrete's ``batchnorm`` and spotify's
``dropout``, see docs/benchmarks.md:

- TensorFlow: a ``tf.function`` with the loop over the steps inside. Not compiled by XLA: its random
  numbers, which dropout needs, are many times slower there on a CPU, and compiling a network takes
  longer than it saves. oneDNN stays on.
- JAX: a loop over the steps inside one jitted function. Compiling it takes as long as a third of a
  training or more, so it is done once: the numbers of steps and of rows are arguments, and the last
  batch of an epoch, which has fewer rows than the others, is filled up and masked.
- PyTorch: step by step. A plain loop that works; nothing there was tuned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dropnorm.training.backend import load_keras

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import numpy as np
    import numpy.typing as npt

    from dropnorm.training.networks import KerasModel

    Floats = npt.NDArray[np.float32]

# More steps than this at a time gain nothing more.
MOST_STEPS = 256


class Loop(Protocol):
    """Trains one network on one engine; between two calls all state is in the Keras variables."""

    def train(self, x: Floats, y: Floats) -> list[Floats]:
        """Take a step on each batch, one after the other.

        Args:
            x: Inputs, shape (steps, rows, inputs), at most :data:`MOST_STEPS` steps.
            y: Targets, shape (steps, rows).

        Returns:
            Per loss the mean over each batch, shape (steps,), before its step was taken.
        """

    def predict(self, x: Floats) -> Floats:
        """Return the outputs in inference, shape (n, outputs), for inputs of shape (n, inputs)."""


class Losses:
    """Mean losses of a batch, in Keras' words, so that every engine computes the same ones.

    Args:
        functions: Of targets, shape (rows, 1), and outputs, shape (rows, outputs); the first is
            minimized.
    """

    def __init__(self, functions: Sequence[Any]) -> None:
        self._functions = functions
        self._ops = load_keras().ops

    def __call__(self, y: Any, outputs: Any, mask: Any = None) -> list[Any]:
        """Return the losses of targets, shape (rows,), and outputs, shape (rows, outputs).

        Args:
            y: Targets.
            outputs: Of the network.
            mask: Shape (rows,), false in rows that do not count; None if all do.
        """
        by_row = [loss(y[:, None], outputs) for loss in self._functions]
        if mask is None:
            return [self._ops.mean(losses) for losses in by_row]
        count = self._ops.sum(self._ops.cast(mask, "float32"))
        return [self._ops.sum(self._ops.where(mask, losses, 0.0)) / count for losses in by_row]

    def __len__(self) -> int:
        return len(self._functions)


def make_loop(model: KerasModel, optimizer: Any, losses: Losses, steps: int, rows: int) -> Loop:
    """Return the loop of the engine in use.

    Args:
        model: Built; the loop changes its variables.
        optimizer: Built for the model's trainable variables.
        losses: The first is minimized.
        steps: The most that a call of ``train`` will be given.
        rows: The most that a batch will have.
    """
    # Each is imported by its name, and when it is used: it imports its engine.
    match load_keras().backend.backend():
        case "jax":
            from dropnorm.training.loops.jax import JaxLoop  # noqa: PLC0415

            return JaxLoop(model, optimizer, losses, steps, rows)
        case "torch":
            from dropnorm.training.loops.torch import TorchLoop  # noqa: PLC0415

            return TorchLoop(model, optimizer, losses, steps, rows)
        case _:
            from dropnorm.training.loops.tensorflow import TensorFlowLoop  # noqa: PLC0415

            return TensorFlowLoop(model, optimizer, losses, steps, rows)
