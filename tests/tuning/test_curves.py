from __future__ import annotations

import math

import numpy as np
import pytest

from dropnorm.tuning.curves import band, tuning_curve


def test_the_curve_is_the_expected_least_error_of_draws_with_replacement():
    first, drawn, worst = 4.0, [5.0, 3.0, 2.0, 7.0], 10.0
    chance = np.random.default_rng(0)

    curve = tuning_curve(first, drawn, worst)

    for point in curve:
        draws = chance.choice(drawn, (200_000, point.trials - 1))
        least = np.minimum(first, draws.min(axis=1, initial=first))
        assert point.expected == pytest.approx(least.mean(), abs=0.01)
        assert point.low <= point.expected <= point.high
    assert [point.trials for point in curve] == [1, 2, 3, 4, 5]


def test_one_trial_is_the_first_and_a_curve_never_rises():
    curve = tuning_curve(4.0, np.random.default_rng(1).normal(5, 1, 19).tolist(), 10.0)

    assert (curve[0].expected, curve[0].low, curve[0].high) == (4.0, 4.0, 4.0)
    for ends in ("expected", "low", "high"):
        values = [getattr(point, ends) for point in curve]
        assert values == sorted(values, reverse=True)


def test_a_trial_that_diverged_or_is_worse_than_a_constant_counts_as_the_constant():
    assert tuning_curve(math.nan, [math.nan, 50.0, 3.0], 8.0) == tuning_curve(
        8.0, [8.0, 8.0, 3.0], 8.0
    )
    assert tuning_curve(math.nan, [], 8.0)[0].expected == 8.0


def test_the_band_holds_of_the_whole_distribution_in_95_of_100_samples():
    low, high = band(19)
    chance, repeats = np.random.default_rng(7), 2000

    held = 0
    for _ in range(repeats):
        draws = np.sort(chance.random(19))
        # Of uniform draws the true function is the value: the ends of each stretch are the test.
        held += bool((low[1:] <= draws).all() and (draws <= high[:-1]).all())

    assert held / repeats == pytest.approx(0.95, abs=0.015)


def test_the_true_curve_is_in_the_band_of_most_searches():
    chance, repeats, count = np.random.default_rng(3), 300, 15

    held = 0
    for _ in range(repeats):
        curve = tuning_curve(1.0, chance.random(count).tolist(), 1.0)
        # Of k uniform draws the least is 1 / (k + 1) on average.
        held += all(point.low <= 1 / point.trials <= point.high for point in curve)

    assert held / repeats >= 0.93


def test_a_curve_of_twenty_trials_does_not_say_that_a_better_one_is_ruled_out():
    curve = tuning_curve(5.0, [4.0] * 19, 10.0)

    assert curve[-1].expected == pytest.approx(4.0)
    assert curve[-1].low < 1.0
