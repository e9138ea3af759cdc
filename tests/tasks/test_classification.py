from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from conftest import read_study
from dropnorm.config_loader import project_config
from dropnorm.errors import BadInputError
from dropnorm.evaluation.json_form import to_json
from dropnorm.pipelines.reporting.nodes import measure
from dropnorm.tasks.metrics import training_loss
from dropnorm.tasks.registry import task_of
from dropnorm.tasks.targets import Classes
from made_results import a_training, some_facts

if TYPE_CHECKING:
    from dropnorm.tasks.base import Task

STUDY = read_study("wine", task="classification", target={"column": "quality"},
                   training__loss="cross_entropy")  # fmt: skip
TASK: Task = task_of(STUDY)


@given(
    y=hnp.arrays(np.float32, st.integers(4, 30), elements=st.sampled_from([0.0, 1.0, 2.0])),
    classes=st.sampled_from([2, 3]),
    other=hnp.arrays(np.float64, 3, elements=st.floats(-5, 5)),
)
def test_class_frequencies_are_the_constant_with_the_lowest_log_loss(y, classes, other):
    y = np.r_[np.arange(classes, dtype=np.float32), np.minimum(y, classes - 1)]
    target = Classes(tuple("abc"[:classes]))

    constant = TASK.constant(y, target, STUDY)

    np.testing.assert_allclose(target.invert(constant), np.bincount(y.astype(int)) / len(y))
    least = training_loss(y, constant, "cross_entropy")
    assert least <= training_loss(y, other[: target.outputs], "cross_entropy") + 1e-12


def test_collapsed_and_overconfident_trainings_are_distinguished():
    facts = TASK.constant_facts(np.array([0, 0, 1], dtype=np.float32), np.array([0.0]), STUDY)
    assert facts == pytest.approx({"val_loss": np.log(2), "accuracy": 2 / 3})

    def judged(loss: float, accuracy: float | None) -> list[str]:
        failures = TASK.judge(loss, {"accuracy": accuracy}, facts)
        return [name for name, failed in failures.items() if failed]

    assert judged(0.5, 1.0) == judged(0.5, 0.1) == []
    assert judged(0.9, 0.6) == judged(0.9, 2 / 3) == judged(0.9, None) == ["collapsed"]
    assert judged(0.9, 0.7) == ["overconfident"]


def test_a_committee_is_scored_by_its_mean_probability():
    members = pd.DataFrame({
        "row": [3, 4, 3, 4], "target": ["a", "b", "a", "b"], "prediction": ["a", "a", "b", "b"],
        "probability_a": [0.9, 0.8, 0.3, 0.0], "probability_b": [0.1, 0.2, 0.7, 1.0],
    })  # fmt: skip

    scores = TASK.score(TASK.committee(members))

    assert scores["log_loss"] == pytest.approx(-np.log(0.6))
    assert scores["accuracy"] == 1.0
    assert scores["auc"] == 1.0


def test_training_rows_of_one_class_are_refused():
    with pytest.raises(BadInputError, match=r"split 3: .* is 'a' in all 2 training rows"):
        TASK.fit_target(pd.Series(["a", "a"]), 3, STUDY)


def test_the_wine_classification_differs_from_the_lesson_only_in_task(configured):
    amounts = project_config().study("wine")
    classes = project_config(env="classes").study("wine")

    assert (amounts.task, classes.task) == ("regression", "classification")
    for same in ("preprocessing", "split", "replicas", "network"):
        assert getattr(amounts, same) == getattr(classes, same)
    changed = {"loss": "cross_entropy", "metrics": ("accuracy",)}
    assert amounts.training.model_copy(update=changed) == classes.training


def test_metrics_of_a_missing_class_are_strict_json_without_auc():
    table = pd.DataFrame({
        "split": 0, "start": 0, "row": [3, 4], "target": ["a", "a"], "prediction": ["a", "b"],
        "probability_a": [0.5, 0.25], "probability_b": [0.5, 0.75],
    })  # fmt: skip
    history = pd.DataFrame({"split": 0, "start": 0, "epoch": [1], "loss": 0.5, "val_loss": 1.0})
    constant = {"val_loss": 0.6, "accuracy": 0.2}
    training = a_training(some_facts(epochs=1, chosen_epoch=1, constant=constant))

    metrics = measure(history, table, table.head(0), training, STUDY)

    assert json.loads(json.dumps(to_json(metrics), allow_nan=False))["validation_auc"] is None
    assert metrics.validation["log_loss"] == pytest.approx(1.5 * np.log(2))
    assert metrics.validation["accuracy"] == 0.5
    assert metrics.failures == {"collapsed": 0, "overconfident": 1}
    assert [one.code.code for one in metrics.findings] == ["DN014"]
