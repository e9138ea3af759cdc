from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from dropnorm.tasks.calibration import (
    calibration_error,
    fit_temperature,
    scale_probabilities,
    scale_temperature,
    score_calibration,
)
from dropnorm.tasks.metrics import row_log_losses


def drawn(rows: int, classes: int = 3, seed: int = 0):
    """Probabilities, and classes that are drawn with them: they are calibrated."""
    chance = np.random.default_rng(seed)
    probabilities = chance.dirichlet(np.ones(classes), rows)
    picked = (chance.random((rows, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
    return picked, probabilities


def test_the_calibration_error_of_four_rows_is_that_by_hand():
    # Bins of 1/15: 0.90 and 0.92 share one, from 0.867 to 0.933; 0.60 and 0.75 have one each.
    probabilities = np.array([[0.90, 0.10], [0.08, 0.92], [0.60, 0.40], [0.25, 0.75]])
    classes = np.array([0, 0, 1, 1])

    by_hand = (abs(1 - 0.90 - 0.92) + abs(0 - 0.60) + abs(1 - 0.75)) / 4

    assert calibration_error(classes, probabilities) == pytest.approx(by_hand)


def test_of_certain_and_right_rows_the_calibration_error_is_zero():
    assert calibration_error(np.array([1, 0]), np.array([[0.0, 1.0], [1.0, 0.0]])) == 0
    assert calibration_error(np.array([0, 1]), np.array([[0.0, 1.0], [1.0, 0.0]])) == 1


def test_calibrated_probabilities_have_a_small_error_and_a_temperature_of_one():
    classes, probabilities = drawn(20_000)

    assert calibration_error(classes, probabilities) < 0.02
    assert fit_temperature(classes, probabilities) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("temperature", [0.3, 0.7, 2.0, 5.0])
def test_the_temperature_that_was_put_on_calibrated_probabilities_is_found_again(temperature):
    classes, probabilities = drawn(20_000, seed=1)
    spoilt = scale_probabilities(probabilities, 1 / temperature)

    assert fit_temperature(classes, spoilt) == pytest.approx(temperature, rel=0.04)
    np.testing.assert_allclose(scale_probabilities(spoilt, temperature), probabilities, atol=1e-9)


def test_the_temperature_of_two_classes_is_that_of_a_logistic_regression():
    """One slope without an intercept on the logit: scikit-learn's fit is an oracle."""
    classes, probabilities = drawn(400, classes=2, seed=2)
    spoilt = scale_probabilities(probabilities, 0.4)
    logits = np.log(spoilt[:, 1] / spoilt[:, 0])
    regression = LogisticRegression(C=1e9, fit_intercept=False).fit(logits[:, None], classes)

    assert fit_temperature(classes, spoilt) == pytest.approx(1 / regression.coef_[0, 0], rel=0.01)


def test_scaling_keeps_the_order_of_the_classes_and_sums_of_one():
    _, probabilities = drawn(100)

    scaled = scale_probabilities(probabilities, 3.0)

    np.testing.assert_allclose(scaled.sum(axis=1), 1)
    np.testing.assert_array_equal(scaled.argsort(axis=1), probabilities.argsort(axis=1))


def test_a_row_is_scaled_by_a_temperature_of_other_rows():
    """Whatever class a row has, its own probabilities are the same, and only others' move."""
    classes, probabilities = drawn(60, seed=3)
    before = scale_temperature(classes, probabilities).probabilities
    for row in (0, 17, 59):
        other = classes.copy()
        other[row] = (other[row] + 1) % 3
        after = scale_temperature(other, probabilities).probabilities
        moved = ~np.isclose(before, after, rtol=0, atol=1e-12).all(axis=1)

        assert not moved[row]
        assert moved.sum() == 54


def test_scaling_mends_overconfidence():
    classes, probabilities = drawn(4000, seed=4)
    spoilt = scale_probabilities(probabilities, 1 / 3)

    found = score_calibration(classes, spoilt)

    assert found["temperature"] == pytest.approx(3, rel=0.1)
    assert found["ece_scaled"] < found["ece"] / 4
    assert found["log_loss_scaled"] == pytest.approx(
        np.mean(row_log_losses(classes, probabilities)), abs=0.01
    )


def test_rows_that_are_all_right_have_a_temperature_above_zero():
    probabilities = np.tile([0.95, 0.05], (50, 1))

    temperature = fit_temperature(np.zeros(50, dtype=np.int64), probabilities)

    assert 0.1 < temperature < 1


def test_certain_rows_that_are_wrong_have_a_finite_loss():
    classes = np.arange(40) % 2
    probabilities = np.tile([1.0, 0.0], (40, 1))

    found = score_calibration(classes, probabilities)

    assert found["temperature"] > 20
    assert math.isfinite(found["log_loss_scaled"])


@pytest.mark.parametrize("spoil", [np.nan, np.inf])
def test_of_networks_that_diverged_nothing_is_known(spoil):
    classes, probabilities = drawn(10)
    probabilities[3, 1] = spoil

    assert all(map(math.isnan, score_calibration(classes, probabilities).values()))


def test_of_a_single_row_there_is_nothing_to_fit_to():
    found = score_calibration(np.array([0]), np.array([[0.9, 0.1]]))

    assert math.isnan(found["temperature"])
    assert found["ece"] == pytest.approx(0.1)
