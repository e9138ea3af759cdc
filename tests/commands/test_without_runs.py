"""Commands that work with what a run has left, where there is none, or nowhere to write to."""

from __future__ import annotations

import pytest

from conftest import assert_refused

TABLE = "data/01_raw/concrete.csv"


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "concrete", "--input", TABLE, "--output", "out.csv"),
        ("rerun", "concrete"),
        ("compare", "concrete", "newest", "newest"),
        ("compare", "concrete", "sample:newest", "newest"),
    ],
)
def test_a_study_without_a_complete_run_is_told_how_to_get_one(command, words):
    told = "no complete run of the study 'concrete' to .*: kedro run --pipelines=concrete"
    assert_refused(command(*words), told)


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (TABLE, f"{TABLE} is there already; --overwrite replaces it"),
        ("conf", "--output: conf is a folder"),
        (f"{TABLE}/new/out.csv", f"--output: {TABLE} is a file, and no folder for"),
        ("s3://there/out.csv", "--output: s3://there/out.csv is an address"),
    ],
)
def test_predictions_are_refused_a_place_where_they_cannot_be(command, configured, output, told):
    before = sorted(configured.rglob("*"))

    assert_refused(command("predict", "concrete", "--input", TABLE, "--output", output), told)
    assert sorted(configured.rglob("*")) == before
