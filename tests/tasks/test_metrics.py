from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import (
    accuracy_score,
    log_loss,
    mean_absolute_error,
    mean_squared_error,
    r2_score,
    roc_auc_score,
)
from sklearn.metrics import root_mean_squared_error as rmse

from dropnorm.tasks.metrics import (
    auc_of_rows,
    constant_prediction,
    log_probabilities,
    row_log_losses,
    score_classes,
    score_predictions,
    training_loss,
)

LOSSES = st.sampled_from(["mae", "mse"])
numbers = st.floats(-1000, 1000, width=32)
targets_as_trained = hnp.arrays(np.float32, st.integers(1, 40), elements=numbers)
# Thousandths, so that rounding does not make equal numbers differ.
thousandths = st.integers(-(10**6), 10**6).map(lambda n: n / 1000)
pairs = st.lists(st.tuples(thousandths, thousandths), min_size=2, max_size=40).map(np.array)


@given(targets=targets_as_trained, other=st.floats(-2000, 2000), loss=LOSSES)
def test_no_constant_has_a_lower_loss_than_constant_prediction(targets, other, loss):
    best = training_loss(targets, np.array([constant_prediction(targets, loss)]), loss)

    assert best <= training_loss(targets, np.array([other]), loss) * (1 + 1e-9) + 1e-9


@pytest.mark.parametrize(("loss", "constant"), [("mae", 1.0), ("mse", 4.0)])
def test_the_constant_is_the_median_for_mae_and_mean_for_mse(loss, constant):
    assert constant_prediction(np.array([0, 11, 1], dtype=np.float32), loss) == constant


def test_the_mean_of_float32_targets_is_computed_in_float64():
    targets = np.full(100_001, 16_777_216 / 3, dtype=np.float32)

    assert constant_prediction(targets, "mse") == pytest.approx(float(targets[0]), rel=1e-12)


@given(pairs=pairs)
def test_the_training_loss_equals_that_of_scikit_learn(pairs):
    targets, predictions = pairs.T

    mae, mse = (training_loss(targets, predictions[:, None], loss) for loss in ("mae", "mse"))

    assert mae == pytest.approx(mean_absolute_error(targets, predictions))
    assert mse == pytest.approx(mean_squared_error(targets, predictions))


@given(pairs=pairs)
def test_scores_equal_those_of_scikit_learn(pairs):
    targets, predictions = pairs.T

    scores = score_predictions(targets, predictions)

    assert list(scores) == ["mae", "rmse", "r2"]
    assert scores["mae"] == pytest.approx(mean_absolute_error(targets, predictions))
    assert scores["rmse"] == pytest.approx(rmse(targets, predictions))
    if len(set(targets)) > 1:
        assert scores["r2"] == pytest.approx(r2_score(targets, predictions))
        assert scores["r2"] <= 1
    else:
        assert math.isnan(scores["r2"])


def test_r2_is_1_for_correct_predictions_and_0_for_the_mean():
    targets = np.array([1.0, 2.0, 6.0])

    assert score_predictions(targets, targets) == {"mae": 0, "rmse": 0, "r2": 1}
    assert score_predictions(targets, np.full(3, 3.0))["r2"] == pytest.approx(0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_one_prediction_that_is_not_finite_makes_scores_nan(bad):
    scores = score_predictions(np.array([1.0, 2.0, 3.0]), np.array([1.0, bad, 3.0]))

    assert list(scores) == ["mae", "rmse", "r2"]
    assert all(math.isnan(score) for score in scores.values())


@pytest.mark.parametrize("targets", [[5.0], [3.0, 3.0], [0.1, 0.1, 0.1]])
def test_r2_of_a_constant_target_is_nan(targets):
    scores = score_predictions(np.array(targets), np.array(targets) + 2)

    assert (scores["mae"], scores["rmse"]) == pytest.approx((2, 2))
    assert math.isnan(scores["r2"])


def probabilities(rows: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return classes, each with a row, and probabilities that are related to them."""
    chance = np.random.default_rng(seed)
    drawn = np.r_[np.arange(classes), chance.integers(0, classes, rows - classes)]
    logits = chance.normal(size=(rows, classes)) + 2 * np.eye(classes)[drawn]
    return drawn, np.exp(log_probabilities(logits))


@given(rows=st.integers(6, 40), classes=st.integers(2, 5), seed=st.integers(0, 999))
def test_scores_of_classes_equal_those_of_scikit_learn(rows, classes, seed):
    drawn, predicted = probabilities(rows, classes, seed)

    scores = score_classes(drawn, predicted)

    assert list(scores) == ["log_loss", "accuracy", "auc"]
    assert scores["log_loss"] == pytest.approx(log_loss(drawn, predicted))
    assert scores["log_loss"] == pytest.approx(row_log_losses(drawn, predicted).mean())
    assert scores["accuracy"] == accuracy_score(drawn, predicted.argmax(axis=1))
    auc = (
        roc_auc_score(drawn, predicted[:, 1])
        if classes == 2
        else roc_auc_score(drawn, predicted, multi_class="ovr", average="macro")
    )
    assert scores["auc"] == pytest.approx(auc)


@pytest.mark.parametrize("classes", [2, 3])
def test_only_auc_is_nan_if_a_class_has_no_rows(classes):
    drawn, predicted = probabilities(30, classes, 0)
    held = drawn > 0

    scores = score_classes(drawn[held], predicted[held])

    assert math.isnan(scores["auc"])
    assert scores["log_loss"] > 0
    assert 0 <= scores["accuracy"] <= 1


def test_the_log_loss_of_probability_0_is_finite():
    scores = score_classes(np.array([0, 1]), np.array([[1.0, 0.0], [1.0, 0.0]]))

    assert scores["log_loss"] == pytest.approx(708.396 / 2)
    assert scores["accuracy"] == 0.5


def test_scores_of_probabilities_that_are_not_finite_are_nan():
    assert all(map(math.isnan, score_classes(np.array([0, 1]), np.full((2, 2), np.nan)).values()))


@given(classes=st.integers(2, 4), seed=st.integers(0, 999), scale=st.sampled_from([1, 30, 100]))
def test_the_cross_entropy_of_logits_equals_the_log_loss(classes, seed, scale):
    chance = np.random.default_rng(seed)
    outputs = scale * chance.normal(size=(20, 1 if classes == 2 else classes))
    drawn = chance.integers(0, classes, 20)
    predicted = np.exp(log_probabilities(outputs))

    loss = training_loss(drawn.astype(np.float32), outputs.astype(np.float32), "cross_entropy")

    assert loss == pytest.approx(row_log_losses(drawn, predicted).mean(), rel=1e-5, abs=1e-9)
    right = training_loss(drawn.astype(np.float32), outputs, "accuracy")
    assert right == np.mean(predicted.argmax(axis=1) == drawn)


@pytest.mark.parametrize("classes", [2, 4])
def test_the_rows_of_an_auc_have_it_as_their_mean_and_its_jackknife_as_their_spread(classes):
    chance = np.random.default_rng(classes)
    numbers = np.resize(np.arange(classes), 120)
    probabilities = chance.dirichlet(np.ones(classes), 120) + 0.5 * np.eye(classes)[numbers]
    probabilities = (probabilities / probabilities.sum(axis=1, keepdims=True)).round(2)  # with ties

    rows = auc_of_rows(numbers, probabilities)

    assert rows.mean() == pytest.approx(score_classes(numbers, probabilities)["auc"])
    left_out = [
        score_classes(np.delete(numbers, row), np.delete(probabilities, row, axis=0))["auc"]
        for row in range(120)
    ]
    jackknife = 119 / 120 * np.sum((left_out - np.mean(left_out)) ** 2)
    assert rows.var(ddof=1) / 120 == pytest.approx(jackknife, rel=0.05)


def test_without_rows_of_a_class_or_with_nan_no_row_has_an_auc():
    probabilities = np.full((4, 2), 0.5)

    assert np.isnan(auc_of_rows(np.zeros(4, dtype=np.int64), probabilities)).all()
    probabilities[1] = np.nan
    assert np.isnan(auc_of_rows(np.array([0, 1, 0, 1]), probabilities)).all()
