from __future__ import annotations

from dataclasses import replace

import pytest

import made_results
from conftest import read_study
from dropnorm.evaluation.records import Override
from dropnorm.evaluation.runs.overrides import (
    Standing,
    differences,
    has_looked,
    judge,
    overridden,
    tell,
)

STUDY = read_study("concrete", replicas__splits=5)
OPTIONS = STUDY.model_dump(mode="json")


def options(**changes):
    return read_study("concrete", **{"replicas__splits": 5, **changes}).model_dump(mode="json")


def a_record(environment=None, by=None, **changes):
    of_run = options(**changes)
    changed = {
        key: {"run": run, "study": study, "by": by or "--params"}
        for key, (run, study) in differences(of_run, OPTIONS).items()
        if by != "nothing"
    }
    return made_results.a_record(
        study="concrete", options=of_run, environment=environment, overridden=changed
    )


def test_what_differs_is_told_by_dotted_key_but_not_what_no_result_depends_on():
    changed = options(title="Another", training__epochs=5, target__unit="psi")

    assert differences(changed, OPTIONS) == {
        "target.unit": ("psi", "MPa"), "training.epochs": (5, 100),
    }  # fmt: skip


def test_what_was_overridden_is_told_with_what_did_it():
    in_sample = options(training__epochs=5, replicas__splits=2)
    run = options(training__epochs=3, replicas__splits=2)

    changed = overridden(run, in_sample, OPTIONS, "sample")

    assert changed == {
        "replicas.splits": Override(2, 5, "--env=sample"),
        "training.epochs": Override(3, 100, "--params"),
    }
    assert tell(changed) == (
        "--params: training.epochs 3 (study: 100); --env=sample: replicas.splits 2 (study: 5)"
    )
    assert tell({}) == ""
    assert overridden(OPTIONS, OPTIONS, OPTIONS, None) == {}


def test_a_line_stays_short():
    changed = {f"key_{number}": Override("x" * 99, None, "--params") for number in range(9)}

    assert tell(changed).endswith(" and 5 more")
    assert len(tell(changed)) < 300


def test_a_run_of_the_options_of_today_is_the_studys_own():
    assert judge(a_record(), STUDY, None).standing is Standing.OWN
    assert judge(a_record(), STUDY, None).told == ""
    assert judge(a_record("local"), STUDY, "base").standing is Standing.OWN


def test_a_run_with_options_of_the_command_line_is_not():
    judged = judge(a_record(training__epochs=5), STUDY, None)

    assert judged.standing is Standing.OVERRIDDEN
    assert judged.told == "not the study's own options: training.epochs 5 (study: 100)"
    today = read_study("concrete", replicas__splits=5, training__epochs=5)
    assert judge(a_record(training__epochs=5), today, None).standing is Standing.OWN


def test_a_run_of_another_environment_is_not_unless_it_is_in_use():
    record = a_record("quick", "--env=quick", training__epochs=5)

    assert judge(record, STUDY, None).standing is Standing.OVERRIDDEN
    quick = read_study("concrete", replicas__splits=5, training__epochs=5)
    assert judge(record, quick, "quick").standing is Standing.OWN
    assert judge(record, quick, "quick").told == "--env=quick: training.epochs 5 (study: 100)"


def test_a_run_from_before_the_study_was_changed_is_its_own_and_the_change_is_told():
    judged = judge(a_record(by="nothing", training__epochs=50), STUDY, None)

    assert judged.standing is Standing.CHANGED
    assert judged.told == "options changed since: training.epochs 50 (study: 100)"


@pytest.mark.parametrize(
    ("command", "standing"),
    [
        ("kedro run --pipelines=concrete", Standing.CHANGED),
        ("kedro run --pipelines=concrete --params=concrete.training.epochs=5", Standing.OVERRIDDEN),
        ("kedro run --pipelines=concrete '--params=concrete.title=A b'", Standing.CHANGED),
        ("KERAS_BACKEND=jax kedro run --pipelines=concrete --env=quick", Standing.OVERRIDDEN),
    ],
)
def test_of_early_records_the_command_tells(command, standing):
    record = replace(a_record(training__epochs=5), command=command, overridden=None)

    assert judge(record, STUDY, None).standing is standing


def test_an_option_that_is_new_since_is_as_it_was_without():
    record = a_record()
    del record.options["silence"]

    assert judge(record, STUDY, None).standing is Standing.OWN


def test_of_a_study_that_cannot_be_read_today_the_record_alone_tells():
    assert judge(a_record(), None, None).standing is Standing.OWN
    assert judge(a_record(training__epochs=5), None, None).standing is Standing.OVERRIDDEN


def settled(splits, **changes):
    """The study as a run until it is settled leaves it, with the splits that it took."""
    study = read_study("concrete", replicas={"until": "settled", "splits": splits, **changes})
    return study, study.model_dump(mode="json")


def test_how_many_splits_a_run_until_settled_took_is_no_other_option():
    (study, ten), (_, forty) = settled(10), settled(40)

    assert differences(ten, forty) == {}
    assert set(differences(ten, OPTIONS)) == {"replicas.at_most", "replicas.until"}
    record = made_results.a_record(study="concrete", options=forty)
    assert judge(record, study, None).standing is Standing.OWN


@pytest.mark.parametrize(
    ("before", "looked"),
    [
        ({"replicas__splits": 2}, True),
        ({"replicas__splits": 5}, False),  # the same run
        ({"replicas__splits": 10}, False),
        ({"replicas__splits": 1}, False),  # one run of each gives no verdict
        ({"replicas__splits": 2, "training__epochs": 5}, False),
        ({"replicas": {"until": "settled", "splits": 5, "at_most": 5}, "replicas__starts": 1},
         False),
    ],
)  # fmt: skip
def test_an_earlier_look_has_the_same_options_and_fewer_replicas(before, looked):
    record = made_results.a_record(study="concrete", options=read_study_options(before))

    assert has_looked(record, STUDY) == looked


def read_study_options(changes):
    if "replicas" in changes:
        changes = {**changes, "replicas__splits": changes["replicas"]["splits"]}
    return read_study("concrete", **changes).model_dump(mode="json")


def test_looks_that_a_run_had_planned_are_none_beside_it():
    (now, _), (_, before), (_, other) = settled(20), settled(10), settled(10, at_most=10)

    assert not has_looked(made_results.a_record(study="concrete", options=before), now)
    assert has_looked(made_results.a_record(study="concrete", options=other), now)
    assert has_looked(made_results.a_record(study="concrete", options=OPTIONS), now)


def test_another_plan_of_looks_is_a_further_look_even_at_the_first_of_them():
    (first, _), (longer, _) = settled(5), settled(5, at_most=80)
    (_, whole), (_, short) = settled(40), settled(10, at_most=10)
    (more_starts, _), (fixed, _) = settled(5, starts=4), (read_study("concrete",
        replicas={"splits": 40, "starts": 1}), None)  # fmt: skip

    def before(options):
        return made_results.a_record(study="concrete", options=options)

    assert has_looked(before(whole), longer)
    assert has_looked(before(short), first)
    assert not has_looked(before(whole), first)
    assert has_looked(before(read_study_options({"replicas__splits": 20})), first)
    assert not has_looked(before(read_study_options({"replicas__splits": 60})), first)
    assert has_looked(before(whole), fixed)
    assert has_looked(before(whole), more_starts)
