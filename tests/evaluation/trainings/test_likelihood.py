"""Log likelihoods of targets, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from dropnorm.evaluation.trainings.likelihood import (
    held_out_likelihood,
    log_likelihood,
    most_likely_variance,
)


@given(st.integers(0, 99), st.floats(0.01, 100))
def test_one_draw_is_a_normal_distribution_around_the_prediction(seed, variance):
    chance = np.random.default_rng(seed)
    targets, predicted = chance.normal(size=30), chance.normal(size=30)

    found = log_likelihood(targets, predicted[np.newaxis], variance)

    density = scipy.stats.norm.logpdf(targets, predicted, np.sqrt(variance))
    assert found == pytest.approx(density.mean())


@given(st.integers(0, 99))
def test_several_draws_are_a_mixture(seed):
    chance = np.random.default_rng(seed)
    targets, draws = chance.normal(size=20), chance.normal(size=(7, 20))

    densities = scipy.stats.norm.pdf(targets, draws, 0.5).mean(axis=0)
    assert log_likelihood(targets, draws, 0.25) == pytest.approx(np.log(densities).mean())
    equal = np.repeat(draws[:1], 7, axis=0)
    assert log_likelihood(targets, equal, 0.25) == pytest.approx(
        log_likelihood(targets, draws[:1], 0.25)
    )


@given(st.integers(0, 99))
def test_no_other_variance_is_more_likely(seed):
    chance = np.random.default_rng(seed)
    targets = chance.normal(0, 2, 50)

    for draws in (chance.normal(size=(1, 50)), chance.normal(size=(9, 50))):
        best = most_likely_variance(targets, draws)

        reached = log_likelihood(targets, draws, best)
        for factor in (0.8, 0.95, 1.05, 1.25):
            assert log_likelihood(targets, draws, factor * best) <= reached + 1e-9


def test_draws_that_differ_as_the_targets_do_need_less_noise():
    """Targets and draws of variance 1 around a known mean: noise of their sum is 2 less 1."""
    chance = np.random.default_rng(0)
    mean = chance.normal(0, 5, 2000)
    draws = mean + chance.normal(0, 1, (200, 2000))
    targets = mean + np.sqrt(2) * chance.normal(0, 1, 2000)

    assert most_likely_variance(targets, draws) == pytest.approx(1, rel=0.1)


def test_the_noise_is_that_of_the_rows_that_choose_and_not_of_those_that_are_scored():
    zeros = np.zeros(2)
    chosen_by = (np.array([3.0, -3.0]), zeros[np.newaxis])

    found = held_out_likelihood(chosen_by, (np.array([1.0, -1.0]), zeros[np.newaxis]))

    assert found == pytest.approx(scipy.stats.norm.logpdf(1, 0, 3))


@pytest.mark.parametrize("predicted", [[np.nan, 1.0], [np.inf, 1.0], [1.0, 2.0]])
def test_there_is_none_of_predictions_that_are_not_finite_or_without_error(predicted):
    targets, draws = np.array([1.0, 2.0]), np.array([predicted])

    assert held_out_likelihood((targets, draws), (targets, draws)) is None
