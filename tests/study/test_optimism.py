from __future__ import annotations

import pytest

from dropnorm.study.optimism import (
    optimistic_networks,
    sets_rows_aside,
    tell_choice,
    tell_optimism,
)
from dropnorm.study.parsing import parse_recorded, parse_study
from small_trainings import a_study

VALIDATION = {"rows": "validation"}
PLATEAU = {"method": "reduce_on_plateau"}
STOPS = {"training": {"early_stopping": VALIDATION}}
ALL = ("baseline", "dropout", "batchnorm", "dropout_batchnorm")


@pytest.mark.parametrize(
    ("changes", "optimistic", "told"),
    [
        ({}, (), ""),
        (
            {"training__early_stopping": {}}, (),
            "Epochs are chosen on one in five of the training rows; validation rows only score.",
        ),
        (
            {"training__early_stopping": VALIDATION}, ALL,
            "Scores are optimistic: epochs are chosen on the rows that score.",
        ),
        (
            {"training__schedule": {**PLATEAU, **VALIDATION}}, ALL,
            "Scores are optimistic: learning rates are chosen on the rows that score.",
        ),
        (
            {"training__early_stopping": VALIDATION, "training__schedule": PLATEAU}, ALL,
            "Scores are optimistic: epochs are chosen on the rows that score. Learning rates are"
            " chosen on one in five of the training rows; validation rows only score.",
        ),
        (
            {"compare": {"baseline": {}, "stops": STOPS}}, ("stops",),
            "Scores of stops are optimistic: epochs are chosen on the rows that score.",
        ),
        ({"training__schedule": {"method": "cosine"}}, (), ""),
    ],
)  # fmt: skip
def test_it_is_told_which_rows_choose(changes, optimistic, told):
    study = a_study(**changes)

    assert optimistic_networks(study) == optimistic
    assert tell_choice(study) == told
    assert bool(tell_optimism(study)) == bool(optimistic)
    assert sets_rows_aside(study) == ("training rows" in told)


def test_in_records_of_earlier_versions_validation_rows_chose():
    study = a_study(training__early_stopping={"patience": 3}, training__schedule=PLATEAU)
    options = study.model_dump(mode="json")
    del options["training"]["early_stopping"]["rows"], options["training"]["schedule"]["rows"]
    now = parse_study("concrete", options).training
    recorded = parse_recorded("concrete", options).training

    assert (now.early_stopping.rows, now.schedule.rows) == ("training", "training")
    assert (recorded.early_stopping.rows, recorded.schedule.rows) == ("validation", "validation")
    assert recorded.early_stopping.patience == 3


COMPARED = {
    "baseline": {},
    "stopped": {"training": {"early_stopping": {"patience": 3}}},
    "slowed": {"training": {"schedule": PLATEAU}},
    "falling": {"training": {"schedule": {"method": "cosine"}}},
}


def without_rows(options):
    """Return options as a record of version 0.2.0 has them."""
    if isinstance(options, dict):
        return {key: without_rows(one) for key, one in options.items() if key != "rows"}
    return options


def test_networks_of_earlier_records_chose_on_validation_rows_as_well():
    study = a_study(compare=COMPARED)

    recorded = parse_recorded("concrete", without_rows(study.model_dump(mode="json")))

    assert optimistic_networks(study) == ()
    assert optimistic_networks(recorded) == ("stopped", "slowed")
    assert parse_recorded("concrete", study.model_dump(mode="json")) == study


@pytest.mark.parametrize("rows", ["training", "validation"])
def test_a_network_that_changes_a_part_of_early_stopping_keeps_the_rows_of_the_study(rows):
    study = a_study(compare=COMPARED, training__early_stopping={"rows": rows})

    recorded = parse_recorded("concrete", without_rows(study.model_dump(mode="json")))

    assert ("stopped" in optimistic_networks(study)) == (rows == "validation")
    assert optimistic_networks(recorded) == tuple(COMPARED)
    assert parse_recorded("concrete", study.model_dump(mode="json")) == study


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"training__early_stopping": {}}, {"training__schedule": {"method": "cosine"}},
        {"training__early_stopping": VALIDATION, "training__schedule": PLATEAU},
    ],
)  # fmt: skip
def test_a_record_of_today_is_the_study(changes):
    study = a_study(**changes)

    assert parse_recorded("concrete", study.model_dump(mode="json")) == study
