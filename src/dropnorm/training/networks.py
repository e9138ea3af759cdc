"""A study's network and a variant in, layers out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from dropnorm.errors import BadInputError
from dropnorm.study.network import BatchNorm
from dropnorm.tasks.metrics import mean_of_members
from dropnorm.training.backend import load_keras
from dropnorm.training.batch_ensemble import (
    ENSEMBLE_CLASSES,
    MEAN,
    ensemble_layer,
    for_members,
    start_members,
)
from dropnorm.training.layers import Layer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from dropnorm.study.network import LayerNorm, Network, Placement
    from dropnorm.study.variants import Variant
    from dropnorm.training.layers import LayerKind

Place = Literal["input", "before_activation", "after_hidden"]
# Where the layers of a placement stand.
_PLACES: dict[Placement, tuple[Place, ...]] = {
    "before_dense": ("input", "after_hidden"),
    "after_hidden": ("after_hidden",),
    "before_activation": ("before_activation",),
    "input": ("input",),
}
_PROBABILITIES = "probabilities"
_CLASSES = {
    "dense": "Dense",
    "activation": "Activation",
    "dropout": "Dropout",
    "batchnorm": "BatchNormalization",
    "layernorm": "LayerNormalization",
    "gaussian_noise": "GaussianNoise",
    **ENSEMBLE_CLASSES,
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


def plan_layers(
    network: Network, variant: Variant, outputs: int = 1, activation: str | None = None
) -> list[Layer]:
    """List a variant's layers, from the input to the linear outputs.

    Baseline is the hidden Dense layers and the output. Dropout follows each hidden layer; batch
    normalization stands where the study places it, and ``dropout.order`` says which comes first
    where both stand between two Dense layers. Layer normalization follows batch normalization where
    both stand in one place, and noise is the last there. The members of a batch ensemble
    share what stands at the input; all that follows is done for each of them.

    Args:
        network: What the study says.
        variant: Which of the two layers there are.
        outputs: Units of the last Dense layer.
        activation: What a further layer makes of them, as of a classification that is trained.
    """
    norms: list[tuple[LayerKind, BatchNorm | LayerNorm]] = []
    if variant.has_batchnorm:
        norms.append(("batchnorm", network.batchnorm))
    if network.layernorm is not None:
        norms.append(("layernorm", network.layernorm))
    noise = network.gaussian_noise
    layers: list[Layer] = []

    def named(kind: LayerKind) -> str:
        return f"{kind}_{1 + sum(layer.kind == kind for layer in layers)}"

    def normalize(place: Place) -> None:
        for kind, norm in norms:
            if place in _PLACES[norm.placement]:
                momentum = norm.momentum if isinstance(norm, BatchNorm) else None
                layers.append(Layer(kind, named(kind), momentum=momentum, epsilon=norm.epsilon))

    def disturb(place: Place) -> None:
        if noise is not None and noise.placement == place:
            layers.append(Layer("gaussian_noise", named("gaussian_noise"), stddev=noise.stddev))

    def dense(name: str, units: int, activation: str, max_norm: float | None = None) -> None:
        initializer = network.initializer
        layers.append(
            Layer("dense", name, units, activation, initializer=initializer, max_norm=max_norm)
        )

    apart = any("before_activation" in _PLACES[norm.placement] for _, norm in norms)
    normalize("input")
    disturb("input")
    sizes = zip(network.hidden, network.dropout_rates, strict=True)
    for number, (units, rate) in enumerate(sizes, start=1):
        activated = "linear" if apart else network.activation
        dense(f"hidden_{number}", units, activated, network.max_norm)
        if apart:
            normalize("before_activation")
            layers.append(Layer("activation", f"activation_{number}", None, network.activation))
        dropped = [Layer("dropout", f"dropout_{number}", rate=rate)] * variant.has_dropout
        first = network.dropout.order == "before_batchnorm"
        layers += dropped if first else []
        normalize("after_hidden")
        layers += [] if first else dropped
        disturb("after_hidden")
    dense("output", outputs, "linear")
    if activation is not None:
        layers.append(Layer("activation", _PROBABILITIES, None, activation))
    ensemble = network.batch_ensemble
    return layers if ensemble is None else for_members(layers, ensemble)


def weight_shapes(layers: Sequence[Layer], inputs: int) -> list[tuple[int, ...]]:
    """Return the shapes of a network's weights, as ``get_weights`` lists them.

    Args:
        layers: As :func:`plan_layers` lists them.
        inputs: Number of inputs.
    """
    shapes: list[tuple[int, ...]] = []
    for layer, width in zip(layers, _widths(layers, inputs), strict=True):
        of_members = () if layer.members is None else (layer.members,)
        match layer:
            case Layer(kind="dense" | "heads", units=int(units)):
                shared = layer.kind == "dense" and of_members
                shapes.append((width, units) if shared else (*of_members, width, units))
                shapes += [] if shared else [(*of_members, units)]
            case Layer(kind="scale_inputs"):
                shapes.append((*of_members, width))
            case Layer(kind="scale_outputs" | "layernorm"):  # factor and offset
                shapes += [(*of_members, width)] * 2
            case Layer(kind="batchnorm"):  # factor and offset, running mean and variance
                shapes += [(width,)] * 4
    return shapes


def _widths(layers: Sequence[Layer], inputs: int) -> Iterator[int]:
    """Yield how many numbers each layer takes of a row, or of each member of a batch ensemble."""
    width = inputs
    for layer in layers:
        yield width
        if layer.units is not None:
            width = layer.units
        elif layer.kind == "flatten":
            width *= layer.members or 1
        elif layer.kind == "unflatten":
            width //= layer.members or 1


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
    widths = _widths(layers, inputs)
    model: KerasModel = keras.Sequential(
        [
            keras.Input((inputs,)),
            *(
                ensemble_layer(layer, width)
                if layer.kind in ENSEMBLE_CLASSES
                else _keras_layer(keras, layer, seed)
                for layer, width in zip(layers, widths, strict=True)
            ),
        ]
    )
    for layer, built in zip(layers, model.layers, strict=True):
        if layer.members is not None:
            seeds = [_layer_seed(seed, layer, member) for member in range(layer.members)]
            start_members(built, layer, seeds)
    return model


def _keras_layer(keras: Any, layer: Layer, seed: np.random.SeedSequence) -> Any:
    match layer.kind:
        case "dense":
            config = {"seed": _layer_seed(seed, layer)}
            initializer = {"class_name": layer.initializer, "config": config}
            longest = layer.max_norm
            return keras.layers.Dense(
                layer.units,
                activation=layer.activation,
                use_bias=layer.members is None,
                kernel_initializer=keras.initializers.get(initializer),
                kernel_constraint=keras.constraints.MaxNorm(longest, axis=0) if longest else None,
                name=layer.name,
            )
        case "activation":
            return keras.layers.Activation(layer.activation, name=layer.name)
        case "dropout":
            return keras.layers.Dropout(layer.rate, seed=_layer_seed(seed, layer), name=layer.name)
        case "batchnorm":
            return keras.layers.BatchNormalization(
                momentum=layer.momentum, epsilon=layer.epsilon, name=layer.name
            )
        case "layernorm":
            return keras.layers.LayerNormalization(epsilon=layer.epsilon, name=layer.name)
        case "gaussian_noise":
            return keras.layers.GaussianNoise(
                layer.stddev, seed=_layer_seed(seed, layer), name=layer.name
            )


def up_to_outputs(network: KerasModel) -> KerasModel:
    """Return a network without what makes probabilities of its linear outputs; weights are shared.

    A probability in float32 is 1 from a logit of 17 on, and tells no more how sure the network is.
    Of a batch ensemble, these are the outputs of each member, shape (n, members, outputs).
    """
    layers = list(network.layers)
    while layers[-1].name in (_PROBABILITIES, MEAN):
        layers.pop()
    if len(layers) == len(network.layers):
        return network
    keras = load_keras()
    linear: KerasModel = keras.Sequential([keras.Input(network.input_shape[1:]), *layers])
    return linear


def join_members(
    network: KerasModel, outputs: npt.NDArray[np.floating]
) -> npt.NDArray[np.floating]:
    """Return the linear outputs of a network, shape (n, outputs).

    Args:
        network: The whole network.
        outputs: Of its layers :func:`up_to_outputs`.
    """
    if network.layers[-1].name != MEAN:
        return outputs
    return mean_of_members(outputs, classes=network.layers[-2].name == _PROBABILITIES)


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
    planned = [
        (_CLASSES[one.kind], one.name, None if one.kind == "heads" else one.units, one.activation)
        for one in layers
    ]
    found = [
        (
            type(layer).__name__,
            layer.name,
            getattr(layer, "units", None),
            getattr(getattr(layer, "activation", None), "__name__", None),
        )
        for layer in getattr(model, "layers", ())
    ]
    weights = [one.shape for one in getattr(model, "get_weights", list)()]
    if (
        found != planned
        or getattr(model, "input_shape", None) != (None, inputs)
        or weights != weight_shapes(layers, inputs)
    ):
        raise BadInputError(
            f"the network {name} is not the one that its run describes: its layers or their sizes"
            " are others; take another version, or run the study again"
        )


def trainable_parameters(model: KerasModel) -> int:
    """Count the numbers that training changes."""
    return int(sum(np.prod(weights.shape) for weights in model.trainable_variables))


def _layer_seed(seed: np.random.SeedSequence, layer: Layer, member: int = 0) -> int:
    own = (*layer.name.encode(), *((member,) if member else ()))
    named = np.random.SeedSequence(entropy=seed.entropy, spawn_key=(*seed.spawn_key, *own))
    return int(named.generate_state(1)[0] >> 1)  # Keras on JAX takes 31 bits
