"""Layers of a batch ensemble (Wen, Tran and Ba 2020, ICLR; Gorishniy et al. 2025, ICLR: TabM).

The members share the weights of the hidden Dense layers. Each has its own factors of what such a
layer takes and gives, its own biases and its own output layer. Only Keras' own layers are used, so
that a saved network needs no code of this project.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dropnorm.training.backend import load_keras
from dropnorm.training.layers import Layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dropnorm.study.network import BatchEnsemble

# Name of the layer that makes one prediction of those of the members.
MEAN = "mean_of_members"
# Keras' class of each kind of layer that only batch ensembles have.
ENSEMBLE_CLASSES = {
    "repeat": "RepeatVector",
    "scale_inputs": "EinsumDense",
    "scale_outputs": "EinsumDense",
    "heads": "EinsumDense",
    "flatten": "Reshape",
    "unflatten": "Reshape",
    "mean": "GlobalAveragePooling1D",
}
# Activations have the shape (rows, members, units).
_SCALE = "bmi,mi->bmi"
_HEADS = "bmi,mio->bmo"


def for_members(layers: Sequence[Layer], ensemble: BatchEnsemble) -> list[Layer]:
    """Return the layers of an ensemble whose members have these layers, the Dense ones shared.

    Args:
        layers: Of a plain network; what stands before its first Dense layer is shared as it is.
        ensemble: What the study says.
    """
    members = ensemble.members
    first = next(place for place, layer in enumerate(layers) if layer.kind == "dense")
    planned = [*layers[:first], Layer("repeat", "members", members=members)]
    for place, layer in enumerate(layers[first:]):
        number = layer.name.rpartition("_")[2]
        match layer.kind:
            case "dense" if layer.name == "output":
                planned.append(replace(layer, kind="heads", members=members))
            case "dense":
                start = "ones" if place else ensemble.scaling
                before, after = f"scale_inputs_{number}", f"scale_outputs_{number}"
                planned += [
                    Layer("scale_inputs", before, None, "linear", members=members, start=start),
                    replace(layer, activation="linear", members=members),
                    Layer("scale_outputs", after, None, layer.activation, members=members),
                ]
            case "batchnorm":
                planned += [
                    Layer("flatten", f"flatten_{number}", members=members),
                    layer,
                    Layer("unflatten", f"unflatten_{number}", members=members),
                ]
            case _:
                planned.append(layer)
    return [*planned, Layer("mean", MEAN)]


def ensemble_layer(layer: Layer, width: int) -> Any:
    """Return the Keras layer of a layer that only batch ensembles have.

    Args:
        layer: As planned.
        width: Units that each member gives to it.
    """
    layers, name, members = load_keras().layers, layer.name, layer.members
    made: Any
    match layer.kind:
        case "repeat":
            made = layers.RepeatVector(members, name=name)
        case "flatten":
            made = layers.Reshape((-1,), name=name)
        case "unflatten":
            made = layers.Reshape((members, -1), name=name)
        case "scale_inputs":
            made = layers.EinsumDense(
                _SCALE, (members, width), layer.activation, None, "ones", name=name
            )
        case "scale_outputs":
            made = layers.EinsumDense(
                _SCALE, (members, width), layer.activation, "mi", "ones", name=name
            )
        case "heads":
            # Weights are drawn for each member apart, see start_members.
            made = layers.EinsumDense(
                _HEADS, (members, layer.units), layer.activation, "mo", "zeros", name=name
            )
        case _:
            made = layers.GlobalAveragePooling1D(name=name)
    # A mask of rows goes on to the batch norms.
    made.supports_masking = True
    return made


def start_members(built: Any, layer: Layer, seeds: Sequence[int]) -> None:
    """Give the members their different beginnings, in a layer that is built.

    Args:
        built: The Keras layer.
        layer: As planned.
        seeds: Of the layer, one for each member.
    """
    keras = load_keras()
    if layer.kind == "heads":
        shape = tuple(built.kernel.shape)[1:]
        drawn = [
            keras.initializers.get({"class_name": layer.initializer, "config": {"seed": seed}})
            for seed in seeds
        ]
        built.kernel.assign(
            np.stack([keras.ops.convert_to_numpy(initializer(shape)) for initializer in drawn])
        )
    elif layer.start is not None and layer.start != "ones":
        chance, shape = np.random.default_rng(seeds[0]), tuple(built.kernel.shape)
        signs = layer.start == "random_signs"
        factors = chance.choice([-1.0, 1.0], shape) if signs else chance.normal(size=shape)
        built.kernel.assign(factors.astype(np.float32))
