from __future__ import annotations

import pytest

from conftest import read_study
from dropnorm.evaluation.answers.pace import duration, tell_pace
from made_up_answers import NAN, an_outcome, an_outcome_named


def pace(answer, seconds=600.0, study="concrete", **changes):
    return tell_pace(answer.as_json(), seconds, read_study(study, **changes))


def test_what_is_not_settled_is_told_with_the_time_that_as_many_splits_again_take():
    told = pace(an_outcome((10, 9.8, 10.3, 9.9)))

    assert told == (
        "At the pace of this run, 5 more splits take about 10 min of training on this machine, and"
        " less where trainings run side by side."
    )


def test_after_one_run_it_is_the_time_of_the_splits_that_are_asked_for():
    one = {"replicas": {"splits": 1, "starts": 1}}
    told = pace(an_outcome((10, 8, 10, 8), half=NAN, runs=1), 10.0, **one)

    assert "4 more splits take about 40 s" in told


def test_a_split_by_time_is_told_the_time_of_starts_because_it_has_no_further_splits():
    by_time = {"split": {"method": "time", "by": "Age"}, "replicas": {"splits": 1, "starts": 1}}

    told = pace(an_outcome((10, 8, 10, 8), half=NAN, runs=1), 10.0, **by_time)

    assert "4 more starts take about 40 s" in told


@pytest.mark.parametrize("name", ["both layers hurt", "boosting is better", "all diverge",
                                  "batch normalization rescues", "it does not matter"])  # fmt: skip
def test_where_more_runs_would_change_nothing_no_time_is_told(name):
    assert pace(an_outcome_named(name)) == ""


def test_without_a_measured_time_none_is_told():
    assert pace(an_outcome((10, 9.8, 10.3, 9.9)), 0.0) == ""


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.2, "about 1 s"), (59, "about 59 s"), (100, "about 2 min"), (5400, "about 1.5 hours")],
)
def test_a_time_has_the_precision_of_an_estimate(seconds, told):
    assert duration(seconds) == told
