"""A study's network and a variant in, layers out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from dropnorm.errors import BadInputError
from dropnorm.training.backend import load_keras

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dropnorm.study.network import Network
    from dropnorm.study.variants import Variant

LayerKind = Literal["dense", "activation", "dropout", "batchnorm"]
_PROBABILITIES = "probabilities"
_CLASSES = {
    "dense": "Dense",
    "activation": "Activation",
    "dropout": "Dropout",
    "batchnorm": "BatchNormalization",
}


class KerasModel(Protocol):
    """What this project asks of a ``keras.Model``: a type that needs no engine to be named."""

    layers: Sequence[Any]
    input_shape: tuple[int | None, int]
    stop_training: bool
    variables: Sequence[Any]
    trainable_variables: Sequence[Any]
    non_trainable_variables: Sequence[Any]

    def __call__(self, x: Any, *, training: bool) -> Any:
        """Return outputs, shape (n, outputs), as the engine holds them."""

    def stateless_call(
        self, trainable: Any, non_trainable: Any, x: Any, *, training: bool, mask: Any = None
    ) -> tuple[Any, Any]:
        """Return outputs and the new state of what is not trained; change nothing.

        Rows where ``mask`` is false are not among those whose statistics batch norms take.
        """

    def compile(self, *, optimizer: Any) -> None:
        """Take an optimizer."""

    def get_weights(self) -> list[Any]:
        """Return all weights as arrays."""

    def set_weights(self, weights: list[Any]) -> None:
        """Replace all weights."""

    def save(self, filepath: str) -> None:
        """Write a ``.keras`` file."""


@dataclass(frozen=True)
class Layer:
    """One layer of a network, as data: no engine is needed to make or compare it.

    Attributes:
        kind: dense, activation, dropout or batchnorm.
        name: Unique in the network.
        units: Outputs of a dense layer.
        activation: Of a dense or an activation layer; ``linear`` is none.
        rate: Share of outputs that a dropout layer switches off in training.
        initializer: Of the weights of a dense layer.
        momentum: Of a batchnorm layer's running mean and variance.
        epsilon: What a batchnorm layer adds to the variance.
    """

    kind: LayerKind
    name: str
    units: int | None = None
    activation: str | None = None
    rate: float | None = None
    initializer: str | None = None
    momentum: float | None = None
    epsilon: float | None = None

    def described(self) -> dict[str, Any]:
        """Return the attributes that say something, for JSON."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def plan_layers(
    network: Network, variant: Variant, outputs: int = 1, activation: str | None = None
) -> list[Layer]:
    """List a variant's layers, from the input to the linear outputs.

    Baseline is the hidden Dense layers and the output. Dropout follows each hidden layer; batch
    normalization stands where the study places it, and ``dropout.order`` says which comes first
    where both stand between two Dense layers.

    Args:
        network: What the study says.
        variant: Which of the two layers there are.
        outputs: Units of the last Dense layer.
        activation: What a further layer makes of them, as of a classification that is trained.
    """
    norm = network.batchnorm
    placement = norm.placement if variant.has_batchnorm else None
    layers: list[Layer] = []
    norms = 0

    def normalize() -> None:
        nonlocal norms
        norms += 1
        name = f"batchnorm_{norms}"
        layers.append(Layer("batchnorm", name, momentum=norm.momentum, epsilon=norm.epsilon))

    def dense(name: str, units: int, activation: str) -> None:
        layers.append(Layer("dense", name, units, activation, initializer=network.initializer))

    if placement in ("before_dense", "input"):
        normalize()
    sizes = zip(network.hidden, network.dropout_rates, strict=True)
    for number, (units, rate) in enumerate(sizes, start=1):
        if placement == "before_activation":
            dense(f"hidden_{number}", units, "linear")
            normalize()
            layers.append(Layer("activation", f"activation_{number}", None, network.activation))
        else:
            dense(f"hidden_{number}", units, network.activation)
        dropped = Layer("dropout", f"dropout_{number}", rate=rate)
        between = placement in ("before_dense", "after_hidden")
        if variant.has_dropout and network.dropout.order == "before_batchnorm":
            layers.append(dropped)
        if between:
            normalize()
        if variant.has_dropout and network.dropout.order == "after_batchnorm":
            layers.append(dropped)
    dense("output", outputs, "linear")
    if activation is not None:
        layers.append(Layer("activation", _PROBABILITIES, None, activation))
    return layers


def weight_shapes(layers: Sequence[Layer], inputs: int) -> list[tuple[int, ...]]:
    """Return the shapes of a network's weights, as ``get_weights`` lists them.

    Args:
        layers: As :func:`plan_layers` lists them.
        inputs: Number of inputs.
    """
    shapes: list[tuple[int, ...]] = []
    width = inputs
    for layer in layers:
        if layer.units is not None:
            shapes += [(width, layer.units), (layer.units,)]
            width = layer.units
        elif layer.kind == "batchnorm":  # factor and offset, running mean and variance
            shapes += [(width,)] * 4
    return shapes


def build_network(layers: Sequence[Layer], inputs: int, seed: np.random.SeedSequence) -> KerasModel:
    """Build a ``keras.Sequential`` of ``layers``, not compiled.

    Every layer that draws random numbers has a seed of its own, a function of ``seed`` and the
    layer's name: a start's Dense layers begin with the same weights in every variant, and nothing
    depends on what else was built in the process.

    Args:
        layers: As :func:`plan_layers` lists them.
        inputs: Number of inputs.
        seed: Of the start.
    """
    keras = load_keras()
    stack: list[Any] = [keras.Input((inputs,))]
    for layer in layers:
        match layer.kind:
            case "dense":
                initializer = keras.initializers.get(
                    {
                        "class_name": layer.initializer,
                        "config": {"seed": _layer_seed(seed, layer)},
                    }
                )
                stack.append(
                    keras.layers.Dense(
                        layer.units,
                        activation=layer.activation,
                        kernel_initializer=initializer,
                        name=layer.name,
                    )
                )
            case "activation":
                stack.append(keras.layers.Activation(layer.activation, name=layer.name))
            case "dropout":
                stack.append(
                    keras.layers.Dropout(layer.rate, seed=_layer_seed(seed, layer), name=layer.name)
                )
            case "batchnorm":
                stack.append(
                    keras.layers.BatchNormalization(
                        momentum=layer.momentum, epsilon=layer.epsilon, name=layer.name
                    )
                )
    model: KerasModel = keras.Sequential(stack)
    return model


def up_to_outputs(network: KerasModel) -> KerasModel:
    """Return a network without what makes probabilities of its linear outputs; weights are shared.

    A probability in float32 is 1 from a logit of 17 on, and tells no more how sure the network is.
    """
    if network.layers[-1].name != _PROBABILITIES:
        return network
    keras = load_keras()
    linear: KerasModel = keras.Sequential(
        [keras.Input(network.input_shape[1:]), *network.layers[:-1]]
    )
    return linear


def check_network(name: str, model: object, layers: Sequence[Layer], inputs: int) -> None:
    """Refuse a saved network that is not the one that its run describes.

    Args:
        name: Of the network.
        model: As it was loaded, whatever it is.
        layers: As :func:`plan_layers` lists them.
        inputs: How many numbers it is given of a row.

    Raises:
        BadInputError: Names the network.
    """
    planned = [(_CLASSES[one.kind], one.name, one.units, one.activation) for one in layers]
    found = [
        (
            type(layer).__name__,
            layer.name,
            getattr(layer, "units", None),
            getattr(getattr(layer, "activation", None), "__name__", None),
        )
        for layer in getattr(model, "layers", ())
    ]
    if found != planned or getattr(model, "input_shape", None) != (None, inputs):
        raise BadInputError(
            f"the network {name} is not the one that its run describes: its layers or their sizes"
            " are others; take another version, or run the study again"
        )


def trainable_parameters(model: KerasModel) -> int:
    """Count the numbers that training changes."""
    return int(sum(np.prod(weights.shape) for weights in model.trainable_variables))


def _layer_seed(seed: np.random.SeedSequence, layer: Layer) -> int:
    named = np.random.SeedSequence(
        entropy=seed.entropy, spawn_key=(*seed.spawn_key, *layer.name.encode())
    )
    return int(named.generate_state(1)[0] >> 1)  # Keras on JAX takes 31 bits
