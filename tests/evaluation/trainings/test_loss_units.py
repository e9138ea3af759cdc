from __future__ import annotations

import pandas as pd
import pytest

from conftest import read_study
from dropnorm.evaluation.trainings.loss_units import loss_units
from dropnorm.tasks.targets import Classes, TargetScale

SCALED = {0: TargetScale(mean=1.0, scale=2.0), 1: TargetScale(mean=1.0, scale=4.0)}


@pytest.mark.parametrize(
    ("loss", "label", "value"), [("mae", "MAE, MPa", 9 * 4.0), ("mse", "RMSE, MPa", 3 * 4.0)]
)
def test_a_loss_becomes_an_error_in_the_targets_unit_by_its_own_split(loss, label, value):
    units = loss_units(SCALED, read_study("concrete", training__loss=loss))

    assert units.label == label
    assert units.value(9.0, 1) == value
    table = pd.DataFrame({"split": [0, 1], "loss": [9.0, 9.0]})
    assert units.table(table, ("loss",))["loss"].tolist() == [value / 2, value]
    assert units.mean(9.0) == 0.75 * value


def test_a_loss_without_such_a_unit_stays_and_says_so():
    huber = loss_units(SCALED, read_study("concrete", training__loss="huber"))
    logarithms = loss_units({0: TargetScale(log1p=True)}, read_study("concrete"))

    assert (huber.label, huber.value(9.0, 1)) == ("Huber loss, training units", 9.0)
    assert logarithms.label == "mean absolute error, training units"


def test_the_cross_entropy_has_no_other_unit():
    study = read_study("wine", task="classification", target={"column": "quality"},
                       training__loss="cross_entropy")  # fmt: skip

    units = loss_units({0: Classes(("3", "4", "5"))}, study)

    assert (units.label, units.value(0.5, 0)) == ("cross-entropy, nats", 0.5)
