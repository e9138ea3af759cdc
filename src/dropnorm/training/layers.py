"""A layer of a network, as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

LayerKind = Literal[
    "dense", "activation", "dropout", "batchnorm", "layernorm", "gaussian_noise",
    "repeat", "scale_inputs", "scale_outputs", "heads", "flatten", "unflatten", "mean",
]  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """One layer of a network, as data: no engine is needed to make or compare it.

    Attributes:
        kind: dense, activation, dropout, batchnorm, layernorm or gaussian_noise. A batch ensemble
            also has repeat (the inputs, for each member), scale_inputs and scale_outputs (of a
            dense layer, which the members share; the latter adds their biases), heads (an output
            layer for each member), flatten and unflatten (around a batchnorm layer, so that its
            statistics are each member's own) and mean (of the members).
        name: Unique in the network.
        units: Outputs of a dense layer, or of each of the heads.
        activation: Of a dense or an activation layer; ``linear`` is none.
        rate: Share of outputs that a dropout layer switches off in training.
        initializer: Of the weights of a dense layer.
        momentum: Of a batchnorm layer's running mean and variance.
        epsilon: What a batchnorm or layernorm layer adds to the variance.
        stddev: Of a gaussian_noise layer's noise.
        max_norm: Longest vector of weights into one unit of a dense layer.
        members: Of the batch ensemble that the layer is part of; its dense layers have no biases.
        start: Factors that a scale_inputs layer begins with: ones, random_signs or normal.
    """

    kind: LayerKind
    name: str
    units: int | None = None
    activation: str | None = None
    rate: float | None = None
    initializer: str | None = None
    momentum: float | None = None
    epsilon: float | None = None
    stddev: float | None = None
    max_norm: float | None = None
    members: int | None = None
    start: str | None = None

    def described(self) -> dict[str, Any]:
        """Return the attributes that say something, for JSON."""
        return {key: value for key, value in asdict(self).items() if value is not None}
