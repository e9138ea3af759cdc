"""Rows that pass through a network that is trained: nothing in it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dropnorm.training.backend import load_keras

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from dropnorm.training.networks import KerasModel

    Floats = npt.NDArray[np.float32]

# Rows that pass at a time: bounds memory.
_AT_ONCE = 8192


def outputs_of(model: KerasModel, x: Floats) -> Floats:
    """Return the outputs of a model in inference, shape (n, ...), for inputs (n, inputs)."""
    keras = load_keras()
    if keras.backend.backend() == "jax":
        from dropnorm.training.loops import jax_passes  # noqa: PLC0415  # imports its engine

        return in_chunks(jax_passes.inference_of(model), x)
    to_numpy = keras.ops.convert_to_numpy
    return in_chunks(lambda chunk: to_numpy(model(chunk, training=False)), x)


def in_chunks(outputs_of: Callable[[Floats], Floats], x: Floats) -> Floats:
    """Return outputs of rows of which some thousands pass at a time: the numbers are the same."""
    firsts = range(0, max(1, len(x)), _AT_ONCE)
    return np.concatenate([outputs_of(x[first : first + _AT_ONCE]) for first in firsts])


def outputs_of_layers(model: KerasModel, x: Floats, *, training: bool) -> list[Floats]:
    """Return what each layer gives, where all rows pass in one batch.

    Args:
        model: Layers one after the other.
        x: Inputs, shape (n, inputs).
        training: Whether dropout is at work, and batch norms take the statistics of these rows.
    """
    keras = load_keras()
    if keras.backend.backend() == "jax":
        from dropnorm.training.loops import jax_passes  # noqa: PLC0415  # as above

        return jax_passes.outputs_of_layers(model, x, training=training)
    with keras.StatelessScope():  # running statistics and seeds stay as they are
        given = []
        passing = keras.ops.convert_to_tensor(x)  # PyTorch's layers take no arrays
        for layer in model.layers:
            passing = layer(passing, training=training)
            given.append(keras.ops.convert_to_numpy(passing))
    return given
