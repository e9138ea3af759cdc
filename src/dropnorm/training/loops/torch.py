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
        del steps, rows  # they come one by one
        self._model, self._optimizer, self._losses = model, optimizer, losses

    def train(self, x: Floats, y: Floats) -> list[Floats]:
        """Take a step on each batch."""
        taken = [self._step(*batch) for batch in zip(x, y, strict=True)]
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
        return [float(loss) for loss in losses]
