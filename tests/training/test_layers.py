"""The two layers against their definition, and against PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from conftest import read_study
from dropnorm.study.variants import Variant
from dropnorm.training.backend import load_keras
from dropnorm.training.layers import Layer
from dropnorm.training.networks import build_network, plan_layers

pytestmark = pytest.mark.training

RATE = 0.3


def network(*layers: Layer, inputs: int):
    return build_network(layers, inputs, np.random.SeedSequence(0))


def outputs(model, x, training):
    return load_keras().ops.convert_to_numpy(model(x.astype(np.float32), training=training))


def a_table(rows=500, seed=0):
    """Columns of different mean and spread, as raw columns have."""
    chance = np.random.default_rng(seed)
    return chance.normal([0, 5, -300], [1, 10, 70], (rows, 3))


def a_dropout():
    return network(Layer("dropout", "dropout", rate=RATE), inputs=3)


def a_batchnorm(momentum=0.9, epsilon=1e-6):
    return network(Layer("batchnorm", "norm", momentum=momentum, epsilon=epsilon), inputs=3)


def settled(x, batch=50, epochs=60):
    model = a_batchnorm()
    chance = np.random.default_rng(1)
    for _ in range(epochs):
        for rows in np.split(chance.permutation(len(x)), len(x) // batch):
            outputs(model, x[rows], training=True)
    return model


def test_in_inference_dropout_scales_nothing():
    x = a_table()

    np.testing.assert_array_equal(outputs(a_dropout(), x, training=False), x.astype(np.float32))


def test_in_training_dropout_keeps_the_expectation_and_switches_off_what_its_rate_says():
    x = np.ones((20_000, 3))

    found = outputs(a_dropout(), x, training=True)

    kept = np.float32(1 / (1 - RATE))
    assert set(np.unique(found)) == {np.float32(0), kept}
    # Standard errors of a mean and of a share of 60,000 draws.
    assert found.mean() == pytest.approx(1, abs=5 * np.sqrt(RATE / (1 - RATE) / x.size))
    assert (found == 0).mean() == pytest.approx(RATE, abs=5 * np.sqrt(RATE * (1 - RATE) / x.size))
    columns = (found == 0).astype(float).T
    assert np.abs(np.corrcoef(columns) - np.eye(3)).max() < 0.05  # each on its own


def test_in_training_batch_normalization_standardizes_the_batch_by_its_own_mean_and_variance():
    x = a_table(50)

    found = outputs(a_batchnorm(epsilon=0.001), x, training=True)

    expected = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 0.001)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_one_batch_moves_the_running_statistics_by_what_momentum_leaves():
    x = a_table(50)
    model = a_batchnorm(momentum=0.9)

    outputs(model, x, training=True)

    _, _, mean, variance = model.get_weights()
    np.testing.assert_allclose(mean, 0.1 * x.mean(axis=0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(variance, 0.9 + 0.1 * x.var(axis=0), rtol=1e-4)


def test_running_statistics_converge_to_those_of_the_data():
    x = a_table()

    _, _, mean, variance = settled(x).get_weights()

    # Of batches of 50 rows, averaged over some twenty of them.
    np.testing.assert_allclose(mean, x.mean(axis=0), atol=0.15 * x.std(axis=0).max())
    np.testing.assert_allclose((mean - x.mean(axis=0)) / x.std(axis=0), 0, atol=0.15)
    np.testing.assert_allclose(variance / x.var(axis=0), 1, atol=0.2)


def test_inference_takes_the_running_statistics_and_leaves_them():
    model, x = settled(a_table()), a_table(7, seed=9)
    gamma, beta, mean, variance = model.get_weights()

    found = outputs(model, x, training=False)

    expected = gamma * (x - mean) / np.sqrt(variance + 1e-6) + beta
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(model.get_weights()[2], mean)


def test_a_batch_normalization_at_the_input_that_has_settled_is_a_standard_scaler():
    x, new = a_table(), a_table(20, seed=9)
    study = read_study("concrete", network__batchnorm={"placement": "input"})
    assert plan_layers(study.network, Variant.BATCHNORM)[0].kind == "batchnorm"

    found = outputs(settled(x, batch=len(x), epochs=200), new, training=False)

    np.testing.assert_allclose(found, StandardScaler().fit(x).transform(new), rtol=1e-3, atol=1e-3)


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is an extra: pip install -e '.[torch]'")


def test_batch_normalization_is_that_of_pytorch_but_for_its_running_variance(torch):
    x = a_table(50).astype(np.float32)
    ours, theirs = a_batchnorm(0.9, 0.001), torch.nn.BatchNorm1d(3, eps=0.001, momentum=0.1)
    weights = [np.float32([1, 2, 3]), np.float32([-1, 0, 1]), np.zeros(3), np.ones(3)]
    ours.set_weights(weights)
    with torch.no_grad():
        theirs.weight.copy_(torch.from_numpy(weights[0]))
        theirs.bias.copy_(torch.from_numpy(weights[1]))

    training = outputs(ours, x, training=True), theirs.train()(torch.from_numpy(x))

    np.testing.assert_allclose(training[0], training[1].detach(), rtol=1e-4, atol=1e-4)
    _, _, mean, variance = ours.get_weights()
    np.testing.assert_allclose(mean, theirs.running_mean, rtol=1e-5)
    # PyTorch keeps the variance that a batch estimates of all rows, Keras that of the batch.
    rows = len(x)
    np.testing.assert_allclose(
        (variance - 0.9) * rows / (rows - 1), theirs.running_var - 0.9, rtol=1e-4
    )
    with torch.no_grad():
        theirs.running_var.copy_(torch.from_numpy(variance))
        inference = outputs(ours, x, training=False), theirs.eval()(torch.from_numpy(x))
    np.testing.assert_allclose(*inference, rtol=1e-4, atol=1e-4)


def test_dropout_is_that_of_pytorch_but_for_the_draw(torch):
    x = np.ones((20_000, 3), np.float32)
    theirs = torch.nn.Dropout(RATE)
    torch.manual_seed(0)

    drawn, other = outputs(a_dropout(), x, training=True), theirs.train()(torch.from_numpy(x))

    np.testing.assert_allclose(np.unique(drawn), np.unique(other), rtol=1e-6)
    spread = np.sqrt(RATE * (1 - RATE) / x.size)
    assert (drawn == 0).mean() == pytest.approx(float((other == 0).float().mean()), abs=7 * spread)
    np.testing.assert_array_equal(
        outputs(a_dropout(), x, training=False), theirs.eval()(torch.from_numpy(x))
    )


@pytest.mark.parametrize(
    "placement", ["before_dense", "after_hidden", "before_activation", "input"]
)
def test_a_network_in_inference_is_the_same_one_in_pytorch(torch, placement):
    study = read_study("concrete", network__hidden=[7, 5],
                       network__batchnorm={"placement": placement})  # fmt: skip
    layers = plan_layers(study.network, Variant.DROPOUT_BATCHNORM)
    ours = network(*layers, inputs=3)
    chance = np.random.default_rng(4)
    ours.set_weights([chance.uniform(0.5, 1.5, array.shape) for array in ours.get_weights()])
    x = chance.normal(size=(9, 3)).astype(np.float32)

    theirs = torch.nn.Sequential(
        *(_in_torch(torch, layer, of) for layer, of in zip(layers, ours.layers, strict=True))
    ).eval()

    with torch.no_grad():
        np.testing.assert_allclose(
            outputs(ours, x, training=False), theirs(torch.from_numpy(x)), rtol=1e-4
        )


def _in_torch(torch, layer, of):
    """Return PyTorch's own layer with the weights of one of ours."""
    weights = [torch.from_numpy(array) for array in of.get_weights()]
    match layer.kind:
        case "dropout":
            return torch.nn.Dropout(layer.rate)
        case "activation":
            return torch.nn.ReLU()
        case "dense":
            dense = torch.nn.Linear(*weights[0].shape)
            dense.load_state_dict({"weight": weights[0].T.contiguous(), "bias": weights[1]})
            relu = [torch.nn.ReLU()] if layer.activation == "relu" else []
            return torch.nn.Sequential(dense, *relu)
        case _:
            norm = torch.nn.BatchNorm1d(len(weights[0]), eps=layer.epsilon)
            names = ("weight", "bias", "running_mean", "running_var")
            norm.load_state_dict(dict(zip(names, weights, strict=True)), strict=False)
            return norm
