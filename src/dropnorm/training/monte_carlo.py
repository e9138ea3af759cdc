"""Predictions with dropout at work (Gal and Ghahramani 2016, ICML 48)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dropnorm.training.backend import load_keras
from dropnorm.training.networks import join_members, up_to_outputs

if TYPE_CHECKING:
    import numpy.typing as npt

    from dropnorm.training.networks import KerasModel

# Rows that pass through the layers at once, a row once for each draw: bounds memory.
_AT_ONCE = 8192


def drops(network: KerasModel) -> bool:
    """Tell whether a network has dropout layers."""
    return any(_is_dropout(layer) for layer in network.layers)


def draw_outputs(
    network: KerasModel, x: npt.NDArray[np.float32], draws: int
) -> npt.NDArray[np.float64]:
    """Draw linear outputs with dropout at work; batch norms stay in inference.

    Masks follow from the seeds of the dropout layers: the same network draws the same again, and
    stays as it is.

    Args:
        network: Trained.
        x: Inputs, shape (rows, inputs).
        draws: For each row.

    Returns:
        Shape (draws, rows, outputs).
    """
    ops = load_keras().ops
    layers = up_to_outputs(network).layers
    seeds = {
        layer.name: [variable.value for variable in layer.non_trainable_variables]
        for layer in layers
        if _is_dropout(layer)
    }
    together = max(1, _AT_ONCE // draws)
    drawn = []
    for first in range(0, len(x), together):
        rows = x[first : first + together]
        outputs: Any = ops.convert_to_tensor(np.tile(rows, (draws, 1)))
        for layer in layers:
            if _is_dropout(layer):
                outputs, seeds[layer.name] = layer.stateless_call(
                    [], seeds[layer.name], outputs, training=True
                )
            else:
                outputs = layer(outputs, training=False)
        joined = join_members(network, ops.convert_to_numpy(outputs)).astype(np.float64)
        drawn.append(joined.reshape(draws, len(rows), -1))
    return np.concatenate(drawn, axis=1)


def _is_dropout(layer: Any) -> bool:
    return type(layer).__name__ == "Dropout"
