from __future__ import annotations

import json

import pandas as pd
import pytest

from dropnorm.evaluation.json_form import to_json
from dropnorm.evaluation.records import RunRecord, TableRead
from dropnorm.evaluation.results import (
    Examination,
    ReplicaExamination,
    SweepPoint,
    TableFindings,
    VarianceShift,
    VariantExamination,
    of_replica,
)
from dropnorm.findings import CODES, Finding
from dropnorm.training.layers import Layer
from dropnorm.training.switches import switches_of
from made_results import a_record, a_training, measured, some_facts, some_metrics

FINDING = Finding(CODES["DN007"], "dropout", "1 of 2 runs", 1, 2)
METRICS = some_metrics(
    measured(0), measured(1, diverged_at_epoch=2, min_val_loss=None, mae=None),
    test={"mae": 4.5}, findings=(FINDING,), committee={"mae": 3.0},
)  # fmt: skip


@pytest.mark.parametrize(
    "result",
    [
        a_training(
            some_facts(constant={"val_loss": 0.5, "accuracy": 0.25}),
            layers=(Layer("dense", "hidden_1", 8, "relu"), Layer("dropout", "dropout_1", rate=0.5)),
        ),
        METRICS,
        VariantExamination(
            "batchnorm",
            (
                ReplicaExamination(
                    1, 0, Examination(0.5, {"hidden_1": 0.25}, {"b_1": VarianceShift(1, 2, None)})
                ),
            ),
        ),
        TableFindings("wine", False, ("DN001",), (FINDING,)),
        SweepPoint("0.1, 0.2", None, METRICS),
        SweepPoint(0.3, "input", METRICS),
        RunRecord("wine", table=TableRead("x.csv", "ab", {"sep": ";"}), switches=switches_of()),
        a_record(overridden={"a.b": {"run": 1, "study": None, "by": "--params"}}),
    ],
)
def test_a_result_is_the_same_read_from_its_json(result):
    written = json.loads(json.dumps(to_json(result), allow_nan=False))

    assert type(result).from_json(written) == result


def test_metrics_are_written_with_scores_and_failures_beside_the_other_keys():
    written = to_json(METRICS)

    assert list(written) == [
        "study", "made_up", "variant", "engine", "loss", "rows", "trainable_parameters",
        "min_val_loss", "final_val_loss", "constant_val_loss", "validation_mae", "validation_rmse",
        "validation_r2", "committee", "test_mae", "unit", "diverged", "collapsed", "findings",
        "replicas", "chosen_val_loss",
    ]  # fmt: skip
    assert list(written["replicas"][0]) == [
        "split", "start", "min_val_loss", "best_epoch", "final_loss", "final_val_loss",
        "validation_mae", "diverged_at_epoch", "collapsed", "fit_seconds",
    ]  # fmt: skip
    assert written["findings"] == [FINDING.described()]


def test_errors_are_by_split_and_start_and_nan_where_a_training_diverged():
    errors = METRICS.errors("mae")

    assert errors.index.names == ["split", "start"]
    assert errors[0, 0] == 4.0
    assert errors.isna().tolist() == [False, True]
    assert [one.split for one in METRICS.finite] == [0]


def test_of_replica_keeps_the_rows_of_one_split_and_start():
    table = pd.DataFrame({"split": [0, 0, 1], "start": [0, 1, 0], "loss": [1.0, 2.0, 3.0]})

    assert of_replica(table, 0, 1)["loss"].tolist() == [2.0]


@pytest.mark.parametrize("written", [None, "DN001", {"code": "DN001"}, {}])
def test_what_is_no_finding_is_refused(written):
    with pytest.raises(ValueError, match="a finding has"):
        Finding.read(written)
