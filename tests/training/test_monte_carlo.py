"""Predictions drawn with dropout at work."""

from __future__ import annotations

import numpy as np
import pytest

from dropnorm.study.variants import Variant
from dropnorm.training.backend import load_keras
from dropnorm.training.monte_carlo import draw_outputs, drops
from dropnorm.training.networks import build_network, plan_layers
from dropnorm.training.trainer import predict_rows
from small_trainings import a_study

RATE, DRAWS = 0.3, 4000
STUDY = a_study(network__hidden=[30], network__dropout={"rate": RATE})


def a_network(variant, study=STUDY):
    return build_network(plan_layers(study.network, Variant(variant)), 4, np.random.SeedSequence(3))


@pytest.mark.training
def test_draws_have_the_mean_and_the_variance_of_dropout_before_a_linear_layer():
    """The output is b + sum of w h m / (1 - p), with m = 1 in a share 1 - p of the draws."""
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    network = a_network("dropout")

    drawn = draw_outputs(network, x, DRAWS)

    assert drawn.shape == (DRAWS, 5, 1)
    hidden = load_keras().ops.convert_to_numpy(network.layers[0](x)).astype(np.float64)
    weights = np.asarray(network.layers[-1].get_weights()[0], dtype=np.float64)[:, 0]
    variance = ((hidden * weights) ** 2).sum(axis=1) * RATE / (1 - RATE)
    plain = predict_rows(network, x)[:, 0]
    error = np.sqrt(variance / DRAWS)
    assert (np.abs(drawn[..., 0].mean(axis=0) - plain) < 4.5 * error).all()
    assert drawn[..., 0].var(axis=0) == pytest.approx(variance, rel=0.15)


@pytest.mark.training
def test_a_network_draws_the_same_again_and_stays_as_it_is():
    x = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    # No unit is off, as some of relu are: each mask gives another output.
    network = a_network("dropout", a_study(network__hidden=[30], network__activation="tanh"))
    before = predict_rows(network, x)

    first, second = draw_outputs(network, x, 50), draw_outputs(network, x, 50)

    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(before, predict_rows(network, x))
    # Masks are drawn anew for each row and draw, also beyond the rows that pass at once.
    same = draw_outputs(network, np.repeat(x[:1], 300, axis=0), 50)
    assert len(np.unique(same)) > 10_000


@pytest.mark.training
def test_batch_norms_stay_in_inference_and_a_network_without_dropout_has_no_spread():
    x = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    network = a_network("batchnorm")

    drawn = draw_outputs(network, x, 3)

    assert not drops(network)
    assert drops(a_network("dropout_batchnorm"))
    for one in drawn:
        np.testing.assert_allclose(one, predict_rows(network, x), rtol=1e-5, atol=1e-6)
