"""Batch ensembles against their definition, member by member."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from conftest import read_study
from dropnorm.evaluation.references.reference_models import plan_linear_network
from dropnorm.evaluation.trainings.network_diagnostics import examine_network
from dropnorm.study.variants import Variant
from dropnorm.tasks.metrics import mean_of_members, training_loss
from dropnorm.tasks.targets import Classes, TargetScale
from dropnorm.training.backend import load_keras
from dropnorm.training.loops.loop import Losses
from dropnorm.training.losses import keras_loss
from dropnorm.training.monte_carlo import draw_outputs
from dropnorm.training.networks import (
    build_network,
    check_network,
    plan_layers,
    up_to_outputs,
    weight_shapes,
)
from dropnorm.training.trainer import predict_rows, train_replica, trained_network
from small_trainings import a_study, an_input

SEED = np.random.SeedSequence(7, spawn_key=(0, 0))
MEMBERS = 3
TWO, THREE = Classes(("no", "yes")), Classes(("a", "b", "c"))


def an_ensemble(members=MEMBERS, **changes):
    return a_study(**{"network__batch_ensemble": {"members": members}, **changes})


def built(study, variant="baseline", outputs=1, activation=None, inputs=4):
    layers = plan_layers(study.network, Variant(variant), outputs, activation)
    return build_network(layers, inputs, SEED)


def give_random_weights(network):
    """Move all weights away from where they begin; variances stay above 0."""
    chance = np.random.default_rng(0)
    network.set_weights(
        [one + chance.uniform(0.1, 0.5, one.shape) for one in network.get_weights()]
    )


def of_layer(network, name):
    return next(one.get_weights() for one in network.layers if one.name == name)


def some_x(rows=10, inputs=4):
    return np.random.default_rng(1).normal(size=(rows, inputs)).astype(np.float32)


def plain_member(study, ensemble, member, variant, outputs=1):
    """Return the plain network that a member is, with its factors multiplied into the weights."""
    plain = built(study, variant, outputs)
    for layer in plain.layers:
        kind, number = layer.name.rpartition("_")[::2]
        if layer.name == "output":
            layer.set_weights([one[member] for one in of_layer(ensemble, "output")])
        elif kind == "hidden":
            (before,) = of_layer(ensemble, f"scale_inputs_{number}")
            (kernel,) = of_layer(ensemble, layer.name)
            after, bias = of_layer(ensemble, f"scale_outputs_{number}")
            layer.set_weights([before[member][:, None] * kernel * after[member], bias[member]])
        elif kind == "batchnorm":
            weights = of_layer(ensemble, layer.name)
            own = weights[0].size // MEMBERS
            own = slice(member * own, (member + 1) * own) if number != "1" else slice(None)
            layer.set_weights([one[own] for one in weights])
        elif layer.get_weights():
            layer.set_weights(of_layer(ensemble, layer.name))
    return plain


@pytest.mark.training
@pytest.mark.parametrize("placement", ["before_dense", "before_activation"])
def test_each_member_is_the_plain_network_with_its_factors_in_the_weights(placement):
    options = {
        "network__batchnorm": {"placement": placement},
        "network__layernorm": {"placement": "after_hidden"},
        "network__activation": "tanh",
    }
    # Batch norms that stand at the input are shared: they are number 1 of this placement alone.
    variant = "batchnorm" if placement == "before_dense" else "dropout"
    ensemble = built(an_ensemble(**options), variant)
    give_random_weights(ensemble)
    x = some_x()

    members = load_keras().ops.convert_to_numpy(up_to_outputs(ensemble)(x, training=False))

    assert members.shape == (10, MEMBERS, 1)
    each = [
        predict_rows(plain_member(a_study(**options), ensemble, member, variant), x)
        for member in range(MEMBERS)
    ]
    np.testing.assert_allclose(members, np.stack(each, axis=1), rtol=2e-4, atol=1e-4)
    assert np.ptp(members, axis=1).min() > 0
    np.testing.assert_allclose(predict_rows(ensemble, x), np.mean(each, axis=0), rtol=2e-4)


@pytest.mark.training
def test_one_member_with_factors_of_one_begins_as_the_plain_network():
    one, plain = built(an_ensemble(1)), built(a_study())
    factors = next(layer for layer in one.layers if layer.name == "scale_inputs_1")
    assert set(np.unique(factors.get_weights()[0])) == {-1.0, 1.0}

    factors.set_weights([np.ones((1, 4))])

    np.testing.assert_array_equal(of_layer(one, "hidden_2")[0], of_layer(plain, "hidden_2")[0])
    np.testing.assert_array_equal(of_layer(one, "output")[0][0], of_layer(plain, "output")[0])
    expected = predict_rows(plain, some_x())
    np.testing.assert_allclose(predict_rows(one, some_x()), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.training
def test_members_begin_apart_and_the_same_start_begins_the_same():
    networks = [built(an_ensemble(16)) for _ in range(2)]

    for mine, other in zip(*(one.get_weights() for one in networks), strict=True):
        np.testing.assert_array_equal(mine, other)
    (signs,) = of_layer(networks[0], "scale_inputs_1")
    assert len(np.unique(signs, axis=0)) > 8
    kernel, bias = of_layer(networks[0], "output")
    assert len(np.unique(kernel[:, 0, 0])) == 16
    # Each head begins as a Dense layer of its own does, within the limits of Glorot and Bengio.
    assert np.sqrt(6 / 9) * 0.9 < np.abs(kernel).max() <= np.sqrt(6 / 9)
    assert not bias.any()
    (ones,) = of_layer(networks[0], "scale_inputs_2")
    assert (ones == 1).all()
    normal = built(an_ensemble(200, network__batch_ensemble={"members": 200, "scaling": "normal"}))
    (factors,) = of_layer(normal, "scale_inputs_1")
    assert factors.std() == pytest.approx(1, abs=0.1)
    assert abs(factors.mean()) < 0.15


@pytest.mark.training
@pytest.mark.parametrize(
    ("name", "target"),
    [("mae", TargetScale()), ("mse", TargetScale()), ("huber", TargetScale()),
     ("cross_entropy", TWO), ("accuracy", TWO), ("cross_entropy", THREE), ("accuracy", THREE)],
)  # fmt: skip
@pytest.mark.parametrize("masked", [False, True])
def test_a_loss_is_the_mean_over_the_members_of_each_members_loss(name, target, masked):
    chance = np.random.default_rng(0)
    outputs = chance.normal(size=(6, MEMBERS, target.outputs)).astype(np.float32)
    count = len(target.labels) if isinstance(target, Classes) else 0
    y = (chance.integers(0, count, 6) if count else chance.normal(size=6)).astype(np.float32)
    mask = np.array([True] * 4 + [False] * 2) if masked else None
    training = a_study().training

    losses = Losses([keras_loss(name, training, target.outputs)], MEMBERS)
    (found,) = losses(y, load_keras().ops.convert_to_tensor(outputs), mask)

    rows = slice(4) if masked else slice(None)
    expected = [
        training_loss(y[rows], outputs[rows, member], name, training.huber_delta)
        for member in range(MEMBERS)
    ]
    assert float(found) == pytest.approx(np.mean(expected), rel=1e-5)


def test_the_mean_of_the_members_is_that_of_amounts_or_of_probabilities():
    chance = np.random.default_rng(0)
    amounts = chance.normal(size=(5, MEMBERS, 1))
    np.testing.assert_allclose(mean_of_members(amounts, classes=False), amounts.mean(axis=1))
    for target in (TWO, THREE):
        logits = 5 * chance.normal(size=(5, MEMBERS, target.outputs))

        found = target.invert(mean_of_members(logits, classes=True))

        np.testing.assert_allclose(found, target.invert(logits).mean(axis=1), rtol=1e-12)
    sure = np.full((1, 2, 1), 900.0)
    assert mean_of_members(sure, classes=True)[0, 0] == pytest.approx(900)


def of_classification():
    small = {"loss": "cross_entropy", "metrics": ["accuracy"], "epochs": 2, "batch_size": 16}
    return read_study(
        "wine", task="classification", target={"column": "quality"}, training=small,
        network={"hidden": [8, 8], "batch_ensemble": {"members": MEMBERS}},
    )  # fmt: skip


def of_classes(target):
    inputs = an_input(0)
    labels = [(part.y > 0) + (part.y > 1) * (len(target.labels) > 2) for part in
              (inputs.train, inputs.validation)]  # fmt: skip
    return dataclasses.replace(
        inputs,
        train=dataclasses.replace(inputs.train, y=labels[0].astype(np.float32)),
        validation=dataclasses.replace(inputs.validation, y=labels[1].astype(np.float32)),
        target=target,
    )


@pytest.mark.training
@pytest.mark.parametrize("target", [TargetScale(), TWO, THREE])
def test_a_training_predicts_the_mean_that_its_saved_network_predicts(target, tmp_path):
    classes = isinstance(target, Classes)
    inputs = of_classes(target) if classes else an_input(0)
    study, variant = of_classification() if classes else an_ensemble(), Variant.DROPOUT_BATCHNORM

    trained = train_replica(study, variant, inputs, 0)

    network = trained_network(study, variant, inputs, 0, trained)
    network.save(tmp_path / "network.keras")
    keras = load_keras()
    loaded = keras.saving.load_model(tmp_path / "network.keras", compile=False, safe_mode=True)
    layers = plan_layers(study.network, variant, target.outputs, target.activation)
    check_network("split_0-start_0", loaded, layers, 4)
    x = inputs.validation.x
    np.testing.assert_array_equal(predict_rows(loaded, x), trained.outputs)
    whole = keras.ops.convert_to_numpy(loaded(x, training=False))
    expected = target.invert(trained.outputs)
    expected = expected[:, 1:] if target.outputs == 1 and classes else expected
    np.testing.assert_allclose(whole, expected, rtol=1e-4, atol=1e-6)
    # The loss of the mean, of the same outputs.
    own = training_loss(inputs.validation.y, trained.outputs, study.training.loss)
    assert trained.history["val_loss"].iloc[-1] == pytest.approx(own, rel=1e-4)
    assert [one.shape for one in trained.weights] == weight_shapes(layers, 4)
    examined = examine_network(network, inputs, study)
    own = training_loss(inputs.train.y, predict_rows(network, inputs.train.x), study.training.loss)
    assert examined.training_loss == pytest.approx(own, rel=1e-6)
    assert set(examined.dead_units) == {"scale_outputs_1", "scale_outputs_2"}
    drawn = draw_outputs(network, x, 5)
    assert drawn.shape == (5, len(x), target.outputs)
    assert drawn.std(axis=0).min() > 0


@pytest.mark.training
def test_a_step_of_plain_gradient_descent_is_that_of_the_mean_loss_of_the_members():
    """Heads move by 1 / members of what a member of its own would move."""
    options = {"training__optimizer": "sgd", "training__learning_rate": 0.1, "training__epochs": 1,
               "training__batch_size": 60, "training__loss": "mse"}  # fmt: skip
    study, inputs = an_ensemble(**options), an_input(0)
    before = build_network(
        plan_layers(study.network, Variant.BASELINE), 4,
        np.random.SeedSequence(study.training.seed, spawn_key=(0, 0)),
    )  # fmt: skip
    kernel, bias = of_layer(before, "output")

    trained = train_replica(study, Variant.BASELINE, inputs, 0)

    keras = load_keras()
    body = keras.Sequential([keras.Input((4,)), *up_to_outputs(before).layers[:-1]])
    hidden = keras.ops.convert_to_numpy(body(inputs.train.x)).astype(np.float64)
    errors = np.einsum("nmi,mio->nm", hidden, kernel) + bias[:, 0] - inputs.train.y[:, None]
    slope = 2 * np.einsum("nm,nmi->mi", errors, hidden) / len(errors) / MEMBERS
    np.testing.assert_allclose(
        trained.weights[-2][:, :, 0], kernel[:, :, 0] - 0.1 * slope, rtol=1e-3, atol=1e-6
    )
    np.testing.assert_allclose(
        trained.weights[-1][:, 0], bias[:, 0] - 0.1 * 2 * errors.mean(axis=0) / MEMBERS, atol=1e-6
    )
    first = trained.history["loss"].iloc[0]
    assert first == pytest.approx((errors**2).mean(), rel=1e-5)
    assert first > ((errors.mean(axis=1)) ** 2).mean()  # not the loss of the mean


@pytest.mark.training
def test_a_network_with_other_members_is_refused():
    study = an_ensemble()
    layers = plan_layers(study.network, Variant.BASELINE)
    check_network("a", built(study), layers, 4)

    with pytest.raises(ValueError, match="is not the one that its run describes"):
        check_network("a", built(an_ensemble(MEMBERS + 1)), layers, 4)


def test_the_linear_network_that_a_study_is_compared_with_is_no_ensemble():
    jobs = [plan_linear_network(an_input(0), 0, study) for study in (an_ensemble(), a_study())]

    mine, plain = (plan_layers(job.study.network, job.variant) for job in jobs)

    assert mine == plain


def test_a_limit_on_weights_that_members_scale_is_refused():
    with pytest.raises(ValueError, match="'max_norm' and 'batch_ensemble'"):
        an_ensemble(network__max_norm=3)


def test_a_study_may_compare_an_ensemble_and_leaves_it_out_of_its_record_otherwise():
    study = read_study(
        "concrete", compare={"baseline": {}, "tabm": {"network": {"batch_ensemble": {}}}}
    )

    assert study.compare["tabm"].network == {"batch_ensemble": {}}
    assert "batch_ensemble" not in study.network.model_dump()
