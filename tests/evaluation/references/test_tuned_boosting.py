from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import sklearn.ensemble  # noqa: F401  # loads the threads that are limited below
from threadpoolctl import threadpool_limits

import made_up
from dropnorm.data.preprocessing import Part, fit_preprocessors, make_all_inputs
from dropnorm.data.splits import assign_parts
from dropnorm.data.validation import check_table
from dropnorm.evaluation.references import tuned_boosting
from dropnorm.evaluation.references.tuned_boosting import (
    BoostingOptions,
    best_iterations,
    draw_options,
    predict_tuned,
)
from dropnorm.pipelines.training.nodes import predict_references
from dropnorm.tasks.base import TUNED_BOOSTING
from dropnorm.tasks.registry import task_of
from small_trainings import a_study

THREE = {"references": {"boosting_trials": 3}}
KINDS = {
    "task": "classification", "target": {"column": "kind"},
    "training": {"batch_size": 16, "epochs": 2},
}  # fmt: skip


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    """Fifty trees for each output tell as much of the choice as the five hundred of a run."""
    monkeypatch.setattr(tuned_boosting, "_MOST", 50)


@pytest.fixture(autouse=True)
def one_thread():
    """As the node that fits reference models does, so that threads do not wait for each other."""
    with threadpool_limits(1):
        yield


def inputs_of(study, table):
    rows = check_table(table, study)
    split = assign_parts(rows, study)
    return make_all_inputs(rows, split, fit_preprocessors(rows, split, study), study)


def of_table(table, **changes):
    study = a_study(**THREE, **changes)
    return study, inputs_of(study, table)[0]


def test_options_are_drawn_once_whatever_follows_them_and_the_defaults_come_first():
    few, many = list(draw_options(3, seed=5)), list(draw_options(40, seed=5))

    assert few == many[:3]
    assert few[0] == BoostingOptions(0.1, 31, 20, 0.0)
    assert list(draw_options(3, seed=6))[1:] != few[1:]
    assert list(draw_options(0, seed=5)) == []
    for name, low, high in (
        ("learning_rate", 0.02, 0.3), ("max_leaf_nodes", 4, 64), ("min_samples_leaf", 2, 60),
        ("l2_regularization", 1e-3, 10),
    ):  # fmt: skip
        values = [getattr(one, name) for one in many[1:]]
        assert low <= min(values) < max(values) <= high


@pytest.mark.parametrize("loss", ["mae", "mse"])
def test_the_trial_with_the_least_error_on_inner_rows_is_fitted_to_all_training_rows(loss):
    study, inputs = of_table(made_up.concrete(rows=120), training__loss=loss)
    trials = list(draw_options(3, study.training.seed))

    found = [best_iterations(one, inputs, study) for one in trials]
    best = int(np.argmin([error for error, _ in found]))
    model = task_of(study).boosting(
        inputs.train.y, study, max_iter=found[best][1], **vars(trials[best])
    )
    model.fit(inputs.train.x, inputs.train.y)
    expected = inputs.target.invert(model.predict(inputs.validation.x)[:, None])

    np.testing.assert_array_equal(predict_tuned(inputs, inputs.validation.x, study), expected)
    assert model.loss == ("absolute_error" if loss == "mae" else "squared_error")


def test_the_error_of_a_trial_is_that_of_its_iterations_on_the_inner_rows():
    study, inputs = of_table(made_up.concrete(rows=120))
    divided = inputs.divided

    error, iterations = best_iterations(BoostingOptions(), inputs, study)

    model = task_of(study).boosting(divided.train.y, study, max_iter=iterations)
    model.fit(divided.train.x, divided.train.y)
    wrong = inputs.target.invert(model.predict(divided.inner.x)[:, None])[:, 0]
    assert error == pytest.approx(np.abs(wrong - inputs.target.restore(divided.inner.y)).mean())
    assert iterations % 10 == 0


def test_rows_that_score_have_no_part_in_the_choice():
    study, inputs = of_table(made_up.concrete(rows=120))
    held = inputs.validation
    other = replace(inputs, validation=Part(held.rows, held.x, held.y[::-1] * 100))

    np.testing.assert_array_equal(
        predict_tuned(inputs, inputs.validation.x, study),
        predict_tuned(other, other.validation.x, study),
    )


def test_of_classes_it_tells_probabilities_also_where_inner_training_rows_lack_one():
    table = made_up.concrete(rows=60)
    table["kind"] = np.where(np.arange(60) % 3 == 0, "a", np.where(np.arange(60) % 3, "b", "c"))
    table.loc[table.index[:6], "kind"] = "c"
    study, inputs = of_table(table, **KINDS)
    lacking = replace(inputs, choosing=inputs.choosing | (inputs.train.y == 2))

    for one in (inputs, lacking):
        predicted = predict_tuned(one, one.validation.x, study)
        assert predicted.shape == (len(one.validation.rows), 3)
        np.testing.assert_allclose(predicted.sum(axis=1), 1)
        assert np.isfinite(best_iterations(BoostingOptions(), one, study)[0])


@pytest.mark.training
def test_it_is_a_reference_model_of_studies_that_ask_for_it_and_changes_no_other():
    plain, tuned = a_study(replicas__splits=2), a_study(replicas__splits=2, **THREE)

    table = made_up.concrete(rows=80)
    without = predict_references(inputs_of(plain, table), plain)
    found = predict_references(inputs_of(tuned, table), tuned)

    of_tuned = found["model"] == TUNED_BOOSTING
    assert of_tuned.sum() == (without["model"] == "constant").sum()
    assert np.isfinite(found.loc[of_tuned, "prediction"]).all()
    others = found.loc[~of_tuned].reset_index(drop=True)
    others["model"] = others["model"].cat.remove_unused_categories()
    pd.testing.assert_frame_equal(others, without)
    assert task_of(plain).references_of(plain) == task_of(plain).references
    assert "references" not in plain.model_dump(mode="json")


@pytest.fixture
def fitted(monkeypatch):
    """The trials that are fitted, one after the other."""
    found = []

    def noted(options, *rest):
        found.append(options)
        return best_iterations(options, *rest)

    monkeypatch.setattr(tuned_boosting, "best_iterations", noted)
    return found


def test_what_was_predicted_is_recalled_while_nothing_changes_that_it_depends_on(tmp_path, fitted):
    study, inputs = of_table(made_up.concrete(rows=120))
    held = inputs.validation.x

    first, again = (predict_tuned(inputs, held, study, tmp_path) for _ in range(2))

    assert len(fitted) == 3
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, predict_tuned(inputs, held, study))
    fitted.clear()
    epochs = a_study(**THREE, training__epochs=9)
    predict_tuned(inputs, held, epochs, tmp_path)
    assert not fitted
    for changes in (
        {"references": {"boosting_trials": 2}}, {"training__seed": 1}, {"training__loss": "mse"},
        {"training__threads": 2},
    ):  # fmt: skip
        fitted.clear()
        predict_tuned(inputs, held, a_study(**{**THREE, **changes}), tmp_path)
        assert fitted
    others = (
        replace(inputs, choosing=np.roll(inputs.choosing, 1)),
        replace(inputs, train=replace(inputs.train, y=inputs.train.y + 1)),
    )
    for other in others:
        fitted.clear()
        predict_tuned(other, held, study, tmp_path)
        assert fitted
    fitted.clear()
    predict_tuned(inputs, held[1:], study, tmp_path)
    assert fitted


@pytest.mark.parametrize("how", ["emptied", "pickled", "other shape", "not finite", "too large"])
def test_a_kept_file_that_is_no_prediction_is_told_and_computed_again(
    tmp_path, fitted, caplog, how
):
    study, inputs = of_table(made_up.concrete(rows=120))
    held = inputs.validation.x
    first = predict_tuned(inputs, held, study, tmp_path)
    (file,) = tmp_path.rglob("output.pkl")
    wrong = {
        "emptied": b"", "pickled": np.array([print]), "other shape": first.T,
        "not finite": first * np.nan, "too large": np.zeros(10_000),
    }[how]  # fmt: skip
    with file.open("wb") as changed:
        np.save(changed, wrong) if how != "emptied" else changed.write(b"")
    fitted.clear()

    found = predict_tuned(inputs, held, study, tmp_path)

    np.testing.assert_array_equal(found, first)
    assert len(fitted) == 3
    assert "computed again" in caplog.text
    predict_tuned(inputs, held, study, tmp_path)
    assert len(fitted) == 3
