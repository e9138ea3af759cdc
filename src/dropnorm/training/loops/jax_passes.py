"""Rows that pass through a network on JAX: compiled once for all networks that are alike.

Layer by layer, JAX would compile each operation by itself, for every process anew: a second for a
small network, which its training does not take.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import jax
import keras
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dropnorm.training.loops.loop import Floats
    from dropnorm.training.networks import KerasModel

# Rows are filled up to a multiple of this, for fewer shapes to compile.
_ROWS = 64
# What networks that compute alike may differ in.
_OF_ITS_OWN = ("seed", "kernel_initializer")


def inference_of(model: KerasModel) -> Callable[[Floats], Floats]:
    """Return what gives the outputs of a model in inference, with the weights that it has then."""
    compiled = _inference(_Alike(model))
    variables = _variables(model)

    def outputs_of(x: Floats) -> Floats:
        rows = len(x)
        filled = fill_up(x, -(-rows // _ROWS) * _ROWS) if rows else x
        return np.asarray(compiled(*_values(variables), filled))[:rows]

    return outputs_of


def outputs_of_layers(model: KerasModel, x: Floats, *, training: bool) -> list[Floats]:
    """Return what each layer gives."""
    given = _layer_by_layer(_Alike(model), training)(*_values(_variables(model)), x)
    return [np.asarray(one) for one in given]


def fill_up(array: Floats, length: int, axis: int = 0) -> Floats:
    """Repeat the first entry of an axis until there are ``length``; what is added is not read."""
    missing = length - array.shape[axis]
    if not missing:
        return array
    first = np.take(array, [0], axis=axis)
    return np.concatenate([array, np.repeat(first, missing, axis=axis)], axis=axis)


class _Alike:
    """A model that equals those of the same layers, whatever their weights.

    Args:
        model: Whose layers are meant; what is compiled is given the weights.
    """

    def __init__(self, model: KerasModel) -> None:
        self.model = model
        configs = [
            {name: value for name, value in layer.get_config().items() if name not in _OF_ITS_OWN}
            for layer in model.layers
        ]
        layers = [
            [type(layer).__name__, config]
            for layer, config in zip(model.layers, configs, strict=True)
        ]
        self._described = json.dumps([model.input_shape, layers], sort_keys=True, default=str)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Alike) and other._described == self._described

    def __hash__(self) -> int:
        return hash(self._described)


def _variables(model: KerasModel) -> tuple[Sequence[Any], Sequence[Any]]:
    return model.trainable_variables, model.non_trainable_variables


def _values(variables: tuple[Sequence[Any], Sequence[Any]]) -> list[list[Any]]:
    return [[variable.value for variable in group] for group in variables]


# More than a study has variants.
@functools.lru_cache(maxsize=8)
def _inference(alike: _Alike) -> Any:
    model = alike.model
    return jax.jit(
        lambda weights, others, x: model.stateless_call(weights, others, x, training=False)[0]
    )


@functools.lru_cache(maxsize=8)
def _layer_by_layer(alike: _Alike, training: bool) -> Any:
    model = alike.model

    def passed(weights: list[Any], others: list[Any], x: Any) -> list[Any]:
        values = [
            *zip(model.trainable_variables, weights, strict=True),
            *zip(model.non_trainable_variables, others, strict=True),
        ]
        given = []
        with keras.StatelessScope(state_mapping=values):
            for layer in model.layers:
                x = layer(x, training=training)
                given.append(x)
        return given

    return jax.jit(passed)
