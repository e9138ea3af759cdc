from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from conftest import read_study
from dropnorm.data.new_numbers import tell_far_inputs, tell_far_predictions
from dropnorm.data.preprocessing import fit_preprocessors
from dropnorm.data.splits import assign_parts
from dropnorm.data.validation import check_new_rows, check_table
from handful import SPLIT, STUDY, TABLE

FITTED = fit_preprocessors(check_table(TABLE, STUDY), SPLIT, STUDY)


def fitted_to(ages: list[float], **changes: object):
    """A study of two splits, and what was fitted to rows of these ages."""
    study = read_study("concrete", replicas__splits=2, **changes)
    table = pd.concat([TABLE] * 4, ignore_index=True)
    rows = check_table(table.assign(Age=np.resize(ages, len(table))), study)
    return study, fit_preprocessors(rows, assign_parts(rows, study), study)


def told_of(ages: list[float], seen: list[float], caplog: pytest.LogCaptureFixture) -> str:
    study, fitted = fitted_to(seen)
    rows = pd.concat([TABLE] * len(ages), ignore_index=True).head(len(ages)).assign(Age=ages)
    tell_far_inputs(check_new_rows(rows, study), fitted, study)
    return caplog.text


def test_the_ranges_are_those_of_the_training_rows():
    rows = check_table(TABLE, STUDY)
    split = assign_parts(rows, STUDY)

    for number, one in fit_preprocessors(rows, split, STUDY).items():
        train = split[(split["split"] == number) & (split["part"] == "train")]["row"]
        seen = rows.loc[train, [*STUDY.preprocessing.numbers, "CompressiveStrength"]]
        assert one["ranges"] == {
            name: (seen[name].min(), seen[name].max()) for name in seen.columns
        }


@pytest.mark.parametrize(
    ("ages", "told"),
    [
        ([1.0, 40.0, 365.0], None),
        # In another unit.
        ([8760.0, 672.0, 24.0], r"'Age': 2 of 3 rows .* \(from 1 to 365; here from 24 to 8760\)"),
        # Of rows like the training rows, a few are outside, and not far.
        ([400.0, *[28.0] * 18], None),
        ([402.0, *[28.0] * 19], None),
        ([402.0, *[28.0] * 18], r"1 of 19 rows"),
        ([1000.0, *[28.0] * 99], r"1 of 100 rows .* here from 28 to 1000\)"),
    ],
)
def test_numbers_outside_those_of_the_training_rows_are_told(ages, told, caplog):
    text = told_of(ages, [1.0, 28.0, 365.0], caplog)

    if told is None:
        assert not text
    else:
        assert len(caplog.records) == 1
        assert pd.Series([text]).str.contains(told).all(), text


def test_any_other_number_is_outside_a_constant(caplog):
    assert "(28; here 29)" in told_of([29.0], [28.0], caplog)


def test_missing_values_are_not_outside(caplog):
    study, fitted = fitted_to([1.0, 365.0], missing="impute")

    tell_far_inputs(check_new_rows(TABLE.assign(Age=np.nan), study), fitted, study)

    assert not caplog.text


def test_of_many_columns_five_are_told_in_full_and_the_others_named(caplog):
    rows = TABLE.drop(columns="CompressiveStrength") * 1000.0 + 1.0

    tell_far_inputs(check_new_rows(rows, STUDY), FITTED, STUDY)

    assert len(caplog.records) == 6
    assert caplog.messages[-1].startswith("the same holds for the columns '")


@pytest.mark.parametrize(("worst", "told"), [(50.0, ""), (1e19, "1 of 100 predictions are")])
def test_predictions_far_from_all_targets_are_told(worst, told, caplog):
    tell_far_predictions(pd.Series([30.0] * 99 + [worst]), FITTED, STUDY)

    assert told in caplog.text
    assert len(caplog.records) == bool(told)


@pytest.mark.parametrize("worst", [math.inf, -math.inf, 1.7e308])
def test_predictions_without_bounds_are_told(worst, caplog):
    tell_far_predictions(pd.Series([30.0, worst, -1.7e308]), FITTED, STUDY)

    assert "2 of 3 predictions are outside" in caplog.text
    assert f"{worst:g}" in caplog.text


def test_what_an_earlier_version_saved_tells_nothing(caplog):
    earlier = {0: {name: FITTED[0][name] for name in ("inputs", "target")}}

    tell_far_inputs(check_new_rows(TABLE * 1e6, STUDY), earlier, STUDY)
    tell_far_predictions(pd.Series([1e19]), earlier, STUDY)

    assert not caplog.text


def test_classes_have_no_range():
    study = read_study(
        "concrete", task="classification", target={"column": "Age"},
        preprocessing={"standard_scale": ["Cement"]}, training__loss="cross_entropy",
        training__metrics=["accuracy"],
    )  # fmt: skip
    rows = check_table(TABLE.assign(Age=np.resize([1, 28], len(TABLE))), study)

    assert list(fit_preprocessors(rows, SPLIT, study)[0]["ranges"]) == ["Cement"]
