from __future__ import annotations

import pytest

from dropnorm.pipelines.training.nodes import (
    VariantTrainer,
    examine_networks,
    predict_references,
)
from dropnorm.tasks.registry import task_of
from handful import STUDY, some_inputs

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def trained():
    return VariantTrainer("dropout_batchnorm").train(some_inputs(), STUDY)


def test_train_leaves_a_network_and_a_history_for_each_replica(trained):
    assert list(trained.models) == ["split_0-start_0", "split_1-start_0"]
    assert trained.history.groupby("split")["epoch"].apply(list).tolist() == [[1, 2], [1, 2]]
    assert trained.test_predictions.empty
    assert trained.training.variant == "dropout_batchnorm"
    assert {"dropout", "batchnorm"} <= {one.kind for one in trained.training.layers}


def test_train_gives_the_same_numbers_again(trained):
    again = VariantTrainer("dropout_batchnorm").train(some_inputs(), STUDY)

    assert again.history.equals(trained.history)
    assert again.validation_predictions.equals(trained.validation_predictions)


def test_examine_networks_looks_into_each_finite_network(trained):
    found = examine_networks(trained.models, some_inputs(), trained.training, STUDY)

    assert [(one.split, one.start) for one in found.replicas] == [(0, 0), (1, 0)]
    assert set(found.replicas[0].found.dead_units) == {"hidden_1"}


def test_predict_references_predicts_the_validation_rows_with_every_model():
    inputs = some_inputs()

    predicted = predict_references(inputs, STUDY)

    assert set(predicted["model"]) == set(task_of(STUDY).references)
    of_one = predicted.loc[(predicted["model"] == "constant") & (predicted["split"] == 0)]
    assert of_one["row"].tolist() == list(inputs[0].validation.rows)
