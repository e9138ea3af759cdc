from __future__ import annotations

import dataclasses
from concurrent.futures import Future
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from conftest import read_study, read_table
from dropnorm.evaluation.references.reference_models import plan_linear_network
from dropnorm.pipelines.preparation import nodes as preparation
from dropnorm.pipelines.training.nodes import predict_references
from dropnorm.tasks.registry import task_of
from dropnorm.training import begun
from dropnorm.training.cache import key_of
from dropnorm.training.networks import plan_layers
from dropnorm.training.trainer import train_replica

if TYPE_CHECKING:
    from dropnorm.training.trainer import TrainedReplica


def inputs_of(study):
    rows = preparation.check_rows(read_table(study.name, "data/sample/01_raw"), study)
    split = preparation.assign_parts(rows, study)
    fitted = preparation.fit_preprocessors(rows, split, study)
    return preparation.make_inputs(rows, split, fitted, study)


@pytest.mark.training
@pytest.mark.parametrize("loss", ["mae", "mse"])
def test_reference_models_predict_validation_rows_in_the_units_of_the_target(loss):
    study = read_study("spotify", replicas={"splits": 2, "starts": 2}, training__loss=loss,
                       training__epochs=3, training__batch_size=32)  # fmt: skip
    inputs = inputs_of(study)

    predicted = predict_references(inputs, study)

    assert predicted["model"].dtype == "category"  # of all splits
    by_model = dict(list(predicted.groupby("model", observed=True)))
    assert set(by_model) == set(task_of(study).references)
    for one in by_model.values():
        assert len(one) == 2 * sum(len(split.validation.rows) for split in inputs)
        assert np.isfinite(one["prediction"]).all()
    first = by_model["constant"].query("split == 0")
    centre = np.median if loss == "mae" else np.mean
    assert first["prediction"].to_numpy() == pytest.approx(100 * centre(inputs[0].train.y))
    assert first["target"].to_numpy()[: len(inputs[0].validation.rows)] == pytest.approx(
        100 * inputs[0].validation.y
    )
    squares = by_model["least_squares"].query("split == 1 and start == 1")["prediction"]
    x = np.c_[np.ones(len(inputs[1].train.x)), inputs[1].train.x]
    solved = np.linalg.lstsq(x.astype(float), inputs[1].train.y.astype(float), rcond=None)[0]
    held = np.c_[np.ones(len(inputs[1].validation.x)), inputs[1].validation.x]
    assert squares.to_numpy() == pytest.approx(100 * held @ solved, rel=1e-3, abs=1e-2)
    linear = by_model["linear_network"]
    starts = [linear.query(f"split == 0 and start == {r}")["prediction"].to_numpy() for r in (0, 1)]
    assert not np.allclose(*starts)


@pytest.mark.training
def test_reference_models_predict_test_rows_with_the_fit_of_the_training_rows():
    options = {"replicas": {"splits": 1, "starts": 1}, "training__epochs": 3,
               "split__train_fraction": 0.5}  # fmt: skip
    study = read_study("concrete", **options, split__test_fraction=0.2)
    inputs = inputs_of(study)

    predicted = predict_references(inputs, study)

    assert list(predicted["part"].cat.categories) == ["validation", "test"]
    held = {"validation": inputs[0].validation, "test": inputs[0].test}
    for (model, part), one in predicted.groupby(["model", "part"], observed=True):
        assert list(one["row"]) == list(held[part].rows), model
        assert one["target"].to_numpy() == pytest.approx(held[part].y)
        assert np.isfinite(one["prediction"]).all()
    alone = dataclasses.replace(inputs[0], test=None)
    expected = predict_references([alone], study)
    assert "part" not in expected
    validated = predicted.loc[predicted["part"] == "validation"]
    assert validated["prediction"].to_numpy() == pytest.approx(expected["prediction"], rel=1e-9)
    x, y = (np.asarray(one, dtype=float) for one in (inputs[0].train.x, inputs[0].train.y))
    solved = np.linalg.lstsq(np.c_[np.ones(len(x)), x], y, rcond=None)[0]
    rows = np.c_[np.ones(len(held["test"].x)), held["test"].x] @ solved
    squares = predicted.query("model == 'least_squares' and part == 'test'")["prediction"]
    assert squares.to_numpy() == pytest.approx(rows, rel=1e-3, abs=1e-2)


@pytest.mark.training
def test_a_linear_network_that_diverges_predicts_nothing():
    study = read_study("concrete", replicas={"splits": 1, "starts": 1}, training__epochs=2,
                       training__learning_rate=1e3, training__loss="mse")  # fmt: skip

    predicted = predict_references(inputs_of(study), study)

    linear = predicted.loc[predicted["model"] == "linear_network", "prediction"]
    assert linear.isna().all()
    assert predicted.loc[predicted["model"] != "linear_network", "prediction"].notna().all()


@pytest.mark.parametrize("placement", ["input", "before_dense"])
def test_the_linear_network_of_a_study_with_layer_normalization_is_linear(placement):
    study = read_study("spotify", network__layernorm={"placement": placement})

    planned, variant, *_ = plan_linear_network(inputs_of(study)[0], 0, study)

    layers = plan_layers(planned.network, variant)
    assert [layer.kind for layer in layers] == ["dense"]


@pytest.mark.training
def test_a_linear_network_that_has_begun_elsewhere_is_taken(monkeypatch):
    study = read_study("concrete", replicas={"splits": 1, "starts": 1}, training__epochs=2)
    (inputs,) = inputs_of(study)
    here = predict_references([inputs], study)
    job = plan_linear_network(inputs, 0, study)
    elsewhere: Future[TrainedReplica] = Future()
    elsewhere.set_result(train_replica(*job))
    begun.add(key_of(*job), elsewhere)
    monkeypatch.setattr("dropnorm.evaluation.references.reference_models.recall_or_train", None)

    pd.testing.assert_frame_equal(predict_references([inputs], study), here)
