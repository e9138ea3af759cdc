from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import read_study
from dropnorm.errors import BadInputError
from dropnorm.study.network import BatchNorm, Dropout, Network
from dropnorm.study.variants import Variant
from dropnorm.training.backend import load_keras
from dropnorm.training.layers import Layer
from dropnorm.training.networks import (
    build_network,
    check_network,
    plan_layers,
    trainable_parameters,
    weight_shapes,
)

SEED = np.random.SeedSequence(7, spawn_key=(0, 0))
ACTIVATIONS = get_args(Network.model_fields["activation"].annotation)
PLACEMENTS = get_args(BatchNorm.model_fields["placement"].annotation)
ORDERS = get_args(Dropout.model_fields["order"].annotation)

# The networks that the lesson prints: layer for layer, none more.
LESSON = {
    ("wine", "dropout_batchnorm"): (11, [
        ("Dense", 1024, "relu"), ("Dropout", 0.3), ("BatchNormalization",),
        ("Dense", 1024, "relu"), ("Dropout", 0.3), ("BatchNormalization",),
        ("Dense", 1024, "relu"), ("Dropout", 0.3), ("BatchNormalization",),
        ("Dense", 1, "linear"),
    ]),
    ("spotify", "dropout"): (18, [
        ("Dense", 128, "relu"), ("Dropout", 0.3),
        ("Dense", 64, "relu"), ("Dropout", 0.3),
        ("Dense", 1, "linear"),
    ]),
    ("spotify", "baseline"): (18, [
        ("Dense", 128, "relu"), ("Dense", 64, "relu"), ("Dense", 1, "linear"),
    ]),
    ("concrete", "batchnorm"): (8, [
        ("BatchNormalization",), ("Dense", 512, "relu"),
        ("BatchNormalization",), ("Dense", 512, "relu"),
        ("BatchNormalization",), ("Dense", 512, "relu"),
        ("BatchNormalization",), ("Dense", 1, "linear"),
    ]),
    ("concrete", "baseline"): (8, [
        ("Dense", 512, "relu"), ("Dense", 512, "relu"), ("Dense", 512, "relu"),
        ("Dense", 1, "linear"),
    ]),
}  # fmt: skip

# D is Dense, A its activation on its own, X dropout, B batch normalization; two hidden layers.
BOTH_LAYERS = {
    ("before_dense", "before_batchnorm"): "B D X B D X B D",
    ("before_dense", "after_batchnorm"): "B D B X D B X D",
    ("after_hidden", "before_batchnorm"): "D X B D X B D",
    ("after_hidden", "after_batchnorm"): "D B X D B X D",
    ("before_activation", "before_batchnorm"): "D B A X D B A X D",
    ("before_activation", "after_batchnorm"): "D B A X D B A X D",
    ("input", "before_batchnorm"): "B D X D X D",
    ("input", "after_batchnorm"): "B D X D X D",
}
LETTERS = {
    "Dense": "D", "Activation": "A", "Dropout": "X", "BatchNormalization": "B",
    "LayerNormalization": "L", "GaussianNoise": "N",
}  # fmt: skip

networks = st.builds(
    Network,
    hidden=st.lists(st.integers(1, 2000), min_size=1, max_size=12).map(tuple),
    activation=st.sampled_from(ACTIVATIONS),
    dropout=st.builds(Dropout, rate=st.floats(0, 0.9), order=st.sampled_from(ORDERS)),
    batchnorm=st.builds(BatchNorm, placement=st.sampled_from(PLACEMENTS)),
)


def a_network(placement="after_hidden", order="before_batchnorm", **options):
    return Network(
        **{"hidden": (5, 4), **options},
        dropout=Dropout(order=order),
        batchnorm=BatchNorm(placement=placement),
    )


def built(network, variant="dropout_batchnorm", inputs=3, seed=SEED):
    return build_network(plan_layers(network, Variant(variant)), inputs, seed)


def facts(layer):
    match type(layer).__name__:
        case "Dense":
            return ("Dense", layer.units, layer.activation.__name__)
        case "Activation":
            return ("Activation", layer.activation.__name__)
        case "Dropout":
            return ("Dropout", layer.rate)
        case other:
            return (other,)


def kernels(model):
    return {
        layer.name: np.asarray(layer.get_weights()[0])
        for layer in model.layers
        if type(layer).__name__ == "Dense"
    }


def masks(model):
    """Which of 1,000 outputs each dropout layer switches off first."""
    ones = np.ones((1, 1000), dtype=np.float32)
    to_numpy = load_keras().ops.convert_to_numpy
    return {
        layer.name: to_numpy(layer(ones, training=True))[0] == 0
        for layer in model.layers
        if type(layer).__name__ == "Dropout"
    }


@pytest.mark.parametrize(("name", "variant"), LESSON)
def test_the_network_is_the_lessons_layer_for_layer(name, variant):
    inputs, layers = LESSON[name, variant]

    model = built(read_study(name).network, variant, inputs)

    assert isinstance(model, load_keras().Sequential)
    assert [facts(layer) for layer in model.layers] == layers
    assert tuple(model.input_shape) == (None, inputs)


@pytest.mark.parametrize(("placement", "order"), BOTH_LAYERS)
def test_a_placement_and_an_order_say_where_both_layers_stand(placement, order):
    network = a_network(placement, order, activation="tanh")

    model = built(network)

    letters = " ".join(LETTERS[type(layer).__name__] for layer in model.layers)
    assert letters == BOTH_LAYERS[placement, order]
    dense = [layer for layer in model.layers if type(layer).__name__ == "Dense"]
    assert [layer.units for layer in dense] == [5, 4, 1]
    alone = placement == "before_activation"
    own = "linear" if alone else "tanh"
    assert [layer.activation.__name__ for layer in dense] == [own, own, "linear"]
    separate = [layer for layer in model.layers if type(layer).__name__ == "Activation"]
    assert [layer.activation.__name__ for layer in separate] == ["tanh", "tanh"] * alone


@pytest.mark.parametrize(
    ("placement", "letters"),
    [
        ("before_dense", "L D X B L D X B L D"),
        ("after_hidden", "D X B L D X B L D"),
        ("before_activation", "D L A X B D L A X B D"),
        ("input", "L D X B D X B D"),
    ],
)
def test_layer_normalization_stands_where_its_placement_says(placement, letters):
    network = a_network("after_hidden", layernorm={"placement": placement, "epsilon": 0.002})

    model = built(network)

    assert " ".join(LETTERS[type(layer).__name__] for layer in model.layers) == letters
    norms = [layer for layer in model.layers if type(layer).__name__ == "LayerNormalization"]
    assert {layer.epsilon for layer in norms} == {0.002}


@pytest.mark.parametrize(
    ("placement", "letters"), [("input", "N D D D"), ("after_hidden", "D N D N D")]
)
def test_noise_stands_where_its_placement_says(placement, letters):
    network = a_network(gaussian_noise={"placement": placement, "stddev": 0.2})

    model = built(network, Variant.BASELINE)

    assert " ".join(LETTERS[type(layer).__name__] for layer in model.layers) == letters
    x = np.ones((4, 3), np.float32)
    noise = next(layer for layer in model.layers if type(layer).__name__ == "GaussianNoise")
    assert noise.stddev == 0.2
    assert not np.array_equal(np.asarray(noise(x, training=True)), x)
    assert np.array_equal(np.asarray(noise(x, training=False)), x)


def test_max_norm_limits_the_weights_into_each_hidden_unit_alone():
    model = built(a_network(max_norm=0.5), Variant.BASELINE)

    *hidden, output = model.layers
    for layer in hidden:
        limited = np.asarray(layer.kernel_constraint(10 * layer.kernel))
        np.testing.assert_allclose(np.linalg.norm(limited, axis=0), 0.5, rtol=1e-5)
    assert output.kernel_constraint is None


def test_weight_shapes_are_those_of_the_built_network():
    network = a_network("before_dense", layernorm={}, gaussian_noise={}, max_norm=1.0)
    for variant in Variant:
        layers = plan_layers(network, variant)

        weights = build_network(layers, 3, SEED).get_weights()

        assert [one.shape for one in weights] == weight_shapes(layers, 3)


def test_options_that_a_study_does_not_name_are_left_out_of_its_record():
    recorded = a_network().model_dump(mode="json")

    assert not {"layernorm", "gaussian_noise", "max_norm"} & recorded.keys()


def test_every_placement_and_order_that_a_study_may_name_has_its_place_above():
    assert set(BOTH_LAYERS) == {(place, order) for place in PLACEMENTS for order in ORDERS}


@given(network=networks, variant=st.sampled_from(Variant))
def test_a_variant_is_the_hidden_layers_and_what_it_switches_on(network, variant):
    layers = plan_layers(network, variant)

    names = [layer.name for layer in layers]
    assert len(set(names)) == len(names)
    dense = [layer for layer in layers if layer.kind == "dense"]
    assert [layer.units for layer in dense] == [*network.hidden, 1]
    assert layers[-1] == Layer("dense", "output", 1, "linear", initializer="glorot_uniform")
    dropout = [layer for layer in layers if layer.kind == "dropout"]
    assert len(dropout) == len(network.hidden) * variant.has_dropout
    assert all(layer.rate == network.dropout.rate for layer in dropout)
    norms = {"input": 1, "before_dense": len(network.hidden) + 1}
    norms_if_any = norms.get(network.batchnorm.placement, len(network.hidden))
    assert sum(n.startswith("batchnorm") for n in names) == norms_if_any * variant.has_batchnorm
    activations = [layer.activation for layer in layers if layer.activation not in (None, "linear")]
    assert activations == [network.activation] * len(network.hidden)


@given(network=networks)
def test_switching_a_layer_off_takes_out_its_layers_and_leaves_the_rest_in_order(network):
    kinds = {
        v: [x.kind for x in plan_layers(network, v) if x.kind != "activation"] for v in Variant
    }
    both = kinds[Variant.DROPOUT_BATCHNORM]

    assert kinds[Variant.DROPOUT] == [kind for kind in both if kind != "batchnorm"]
    assert kinds[Variant.BATCHNORM] == [kind for kind in both if kind != "dropout"]
    assert kinds[Variant.BASELINE] == ["dense"] * (len(network.hidden) + 1)


def test_a_layer_describes_what_it_has_and_no_more():
    layers = plan_layers(a_network(hidden=(5,)), Variant.DROPOUT_BATCHNORM)

    assert [layer.described() for layer in layers] == [
        {"kind": "dense", "name": "hidden_1", "units": 5, "activation": "relu",
         "initializer": "glorot_uniform"},
        {"kind": "dropout", "name": "dropout_1", "rate": 0.3},
        {"kind": "batchnorm", "name": "batchnorm_1", "momentum": 0.99, "epsilon": 0.001},
        {"kind": "dense", "name": "output", "units": 1, "activation": "linear",
         "initializer": "glorot_uniform"},
    ]  # fmt: skip


def test_a_dropout_rate_of_0_is_described_too():
    assert Layer("dropout", "dropout_1", rate=0.0).described() == {
        "kind": "dropout", "name": "dropout_1", "rate": 0.0,
    }  # fmt: skip


def test_what_a_study_does_not_say_is_keras_default():
    keras = load_keras()
    model = built(a_network("before_activation", hidden=(5,)))

    hidden, norm, activation, dropout, output = (layer.get_config() for layer in model.layers)

    for layer, units in ((hidden, 5), (output, 1)):
        assert layer["kernel_initializer"]["config"].pop("seed") is not None
        default = keras.layers.Dense(units, name=layer["name"]).get_config()
        assert default["kernel_initializer"]["config"].pop("seed") is None
        assert layer == default
    assert norm == keras.layers.BatchNormalization(name="batchnorm_1").get_config()
    assert activation == keras.layers.Activation("relu", name="activation_1").get_config()
    assert dropout.pop("seed") is not None
    default = keras.layers.Dropout(0.3, name="dropout_1").get_config()
    default.pop("seed")
    assert dropout == default


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_that_a_study_may_name_is_one_of_keras(activation):
    model = built(a_network(activation=activation), "baseline")

    assert [layer.activation.__name__ for layer in model.layers] == [activation] * 2 + ["linear"]


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_the_same_start_begins_with_the_same_dense_weights_in_every_variant(placement):
    network = a_network(placement)
    baseline = kernels(built(network, "baseline"))
    assert set(baseline) == {"hidden_1", "hidden_2", "output"}

    for variant in ("dropout", "batchnorm", "dropout_batchnorm"):
        others = kernels(built(network, variant))
        assert set(others) == set(baseline)
        for name, kernel in baseline.items():
            np.testing.assert_array_equal(others[name], kernel)


def test_the_same_start_switches_off_the_same_outputs_with_and_without_batch_normalization():
    one, other = (masks(built(a_network(), v)) for v in ("dropout", "dropout_batchnorm"))

    assert set(one) == set(other) == {"dropout_1", "dropout_2"}
    for name, mask in one.items():
        np.testing.assert_array_equal(mask, other[name])
        assert 230 < mask.sum() < 370  # 0.3 of 1,000, five standard deviations either way


@pytest.mark.parametrize("place", [(1, 0), (0, 1)])
def test_another_split_or_start_begins_with_other_weights_and_masks(place):
    other = np.random.SeedSequence(7, spawn_key=place)
    first, second = built(a_network()), built(a_network(), seed=other)

    for of in (kernels, masks):
        ones, others = of(first), of(second)
        assert all((ones[name] != others[name]).any() for name in ones)


def test_layers_of_one_shape_in_one_network_draw_numbers_of_their_own():
    model = built(a_network(hidden=(5, 5, 5)), "dropout")

    weights, off = kernels(model), masks(model)

    assert (weights["hidden_2"] != weights["hidden_3"]).any()
    assert (off["dropout_1"] != off["dropout_2"]).any()
    assert (off["dropout_2"] != off["dropout_3"]).any()


def test_building_leaves_the_seed_of_the_start_as_it_was():
    seed = np.random.SeedSequence(7, spawn_key=(0, 0))

    first, second = kernels(built(a_network(), seed=seed)), kernels(built(a_network(), seed=seed))

    assert seed.n_children_spawned == 0
    np.testing.assert_array_equal(first["hidden_1"], second["hidden_1"])


@pytest.mark.parametrize(
    ("variant", "parameters"),
    [
        # 8 * 512 + 512, twice 512 * 512 + 512, 512 + 1
        ("baseline", 4_608 + 2 * 262_656 + 513),
        ("dropout", 4_608 + 2 * 262_656 + 513),
        # and a scale and a shift for each of 8 + 3 * 512 inputs; running statistics do not count
        ("batchnorm", 4_608 + 2 * 262_656 + 513 + 2 * (8 + 3 * 512)),
    ],
)
def test_trainable_parameters_of_concrete_are_those_counted_by_hand(variant, parameters):
    model = built(read_study("concrete").network, variant, inputs=8)

    assert trainable_parameters(model) == parameters


def test_a_network_is_the_one_that_its_run_describes_or_refused():
    keras = load_keras()
    network = read_study("concrete", network={"hidden": [4, 3]}).network
    layers = plan_layers(network, Variant.DROPOUT_BATCHNORM)
    good = build_network(layers, 3, SEED)
    others = {
        "a layer more": [*good.layers, keras.layers.Lambda(keras.ops.exp)],
        "a layer less": good.layers[:-1],
        "another activation": [
            *good.layers[:-1],
            keras.layers.Dense(1, "exponential", name="output"),
        ],
        "more units": [*good.layers[:-1], keras.layers.Dense(2, name="output")],
    }

    check_network("one", good, layers, 3)
    for layer_list in others.values():
        with pytest.raises(BadInputError, match="the network one is not the one that its run"):
            check_network("one", keras.Sequential([keras.Input((3,)), *layer_list]), layers, 3)
    for other in (keras.layers.Dense(1), {"a": 1}, build_network(layers, 4, SEED)):
        with pytest.raises(BadInputError, match="the network one is not the one that its run"):
            check_network("one", other, layers, 3)
