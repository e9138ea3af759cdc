"""What every engine's loop does, and the losses that all of them compute alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dropnorm.training.backend import load_keras

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

# More steps than this at a time gain nothing more.
MOST_STEPS = 256


class Loop(Protocol):
    """Trains one network on one engine; between two calls all state is in the Keras variables."""

    def train(self, x: Floats, y: Floats) -> list[Floats]:
        """Cut rows into batches as they come, and take a step on each, one after the other.

        Args:
            x: Inputs, shape (n, inputs), of at most :data:`MOST_STEPS` batches; the last batch may
                have fewer rows.
            y: Targets, shape (n,).

        Returns:
            Per loss the mean over each batch, shape (batches,), before its step was taken.
        """

    def predict(self, x: Floats) -> Floats:
        """Return the outputs in inference, shape (n, outputs), for inputs of shape (n, inputs)."""


class Losses:
    """Mean losses of a batch, in Keras' words, so that every engine computes the same ones.

    Args:
        functions: Of targets, shape (rows, 1), and outputs, shape (rows, outputs); the first is
            minimized.
        members: Of a batch ensemble, whose outputs have the shape (rows, members, outputs). A row's
            loss is then the mean of its members' losses, not the loss of their mean.
    """

    def __init__(self, functions: Sequence[Any], members: int | None = None) -> None:
        self._functions, self._members = functions, members
        self._ops = load_keras().ops

    def __call__(self, y: Any, outputs: Any, mask: Any = None) -> list[Any]:
        """Return the losses of targets, shape (rows,), and outputs, shape (rows, outputs).

        Args:
            y: Targets.
            outputs: Of the network.
            mask: Shape (rows,), false in rows that do not count; None if all do.
        """
        by_row = self._of_rows(y[:, None], outputs)
        if mask is None:
            return [self._ops.mean(losses) for losses in by_row]
        count = self._ops.sum(self._ops.cast(mask, "float32"))
        return [self._ops.sum(self._ops.where(mask, losses, 0.0)) / count for losses in by_row]

    def _of_rows(self, targets: Any, outputs: Any) -> list[Any]:
        if self._members is None:
            return [loss(targets, outputs) for loss in self._functions]
        targets = self._ops.repeat(targets, self._members, axis=0)
        outputs = self._ops.reshape(outputs, (-1, outputs.shape[-1]))
        by_member = [loss(targets, outputs) for loss in self._functions]
        return [
            self._ops.mean(self._ops.reshape(losses, (-1, self._members)), axis=1)
            for losses in by_member
        ]

    def __len__(self) -> int:
        return len(self._functions)
