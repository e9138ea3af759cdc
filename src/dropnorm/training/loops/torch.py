"""Steps on PyTorch, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from dropnorm.training.loops.loop import Floats, Losses
    from dropnorm.training.networks import KerasModel


class TorchLoop:
    """See :class:`dropnorm.training.loops.loop.Loop`."""

    def __init__(
        self, model: KerasModel, optimizer: Any, losses: Losses, steps: int, rows: int
    ) -> None:
        del steps  # they are taken one by one
        self._rows = rows
        self._model, self._optimizer, self._losses = model, optimizer, losses

    def train(self, x: Floats, y: Floats) -> list[Floats]:
        """Cut rows into batches, and take a step on each."""
        batches = (slice(first, first + self._rows) for first in range(0, len(y), self._rows))
        taken = [self._step(x[batch], y[batch]) for batch in batches]
        return list(np.asarray(taken, dtype=np.float32).T)

    def predict(self, x: Floats) -> Floats:
        """Return the outputs in inference."""
        with torch.no_grad():
            outputs: Floats = self._model(x, training=False).cpu().numpy()
        return outputs

    def _step(self, x: Floats, y: Floats) -> list[float]:
        weights = self._model.trainable_variables
        outputs = self._model(x, training=True)
        losses = self._losses(torch.from_numpy(y).to(outputs.device), outputs)
        gradients = torch.autograd.grad(losses[0], [variable.value for variable in weights])
        with torch.no_grad():
            self._optimizer.apply(list(gradients), weights)
        return [loss.item() for loss in losses]
