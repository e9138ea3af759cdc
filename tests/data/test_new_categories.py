from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from conftest import read_study, read_table
from dropnorm.data.new_categories import spelt_as_seen, tell_unseen
from dropnorm.data.preprocessing import Preprocessor, fit_preprocessor
from dropnorm.data.splits import assign_parts
from dropnorm.data.transformers import make_preprocessor
from dropnorm.data.validation import check_new_rows, check_table

if TYPE_CHECKING:
    from dropnorm.study.schema import Study


def songs() -> pd.DataFrame:
    return read_table("spotify", "data/sample/01_raw")


def prepared():
    study = read_study("spotify")
    rows = check_table(songs().assign(track_artist=songs()["track_artist"].fillna("?")), study)
    preprocessor = fit_preprocessor(rows, assign_parts(rows, study), 0, study)
    return study, {0: preprocessor}


def test_categories_that_training_rows_had_are_not_named(caplog):
    study, preprocessors = prepared()

    tell_unseen(check_new_rows(songs(), study), preprocessors, study)

    assert not caplog.text


def seen(*categories: str) -> tuple[Study, dict[int, Preprocessor]]:
    """A study with one column of categories, and what was fitted to rows with these."""
    study = read_study("concrete", preprocessing={"one_hot": ["Age"]})
    rows = pd.DataFrame({"Age": list(categories) * 4})
    steps = make_preprocessor(study.preprocessing, len(rows), impute=False).fit(rows)
    return study, {0: Preprocessor(inputs=steps, target={})}


@pytest.mark.parametrize(
    ("categories", "new", "numbered", "expected"),
    [
        # As pandas read them: true and false, and codes that became numbers.
        (("True", "False"), ["TRUE", "false", None], True, ["True", "False", None]),
        (("1", "2", "10"), ["01", "2", "010", "1.0", "03", "A"], True,
         ["1", "2", "10", "1", "03", "A"]),
        (("A", "01"), ["01", "1", "A"], True, ["01", "1", "A"]),
        # As they are written.
        (("TRUE", "FALSE"), ["True", "FALSE"], False, ["TRUE", "FALSE"]),
        (("TRUE", "True"), ["true"], False, ["true"]),
        (("1", "2"), ["01", "2"], False, ["01", "2"]),
    ],
)  # fmt: skip
def test_categories_are_spelt_as_the_training_rows_spelt_them(categories, new, numbered, expected):
    study, preprocessors = seen(*categories)
    rows = pd.DataFrame({"Age": pd.Series(new, dtype=object)})

    spelt = spelt_as_seen(rows, preprocessors, study, numbered=numbered)

    assert list(spelt["Age"]) == expected
    assert list(rows["Age"]) == new
