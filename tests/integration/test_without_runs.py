"""Commands that work with what a run has left, where there is none, or nowhere to write to."""

from __future__ import annotations

import shutil

import pytest

from conftest import assert_refused
from dropnorm.pipelines.prediction.nodes import _chunks

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
        ("new/", "--output: new is a folder"),
        ("out.xlsx", "--output: out.xlsx is named as another kind of file; .* as .csv"),
        ("out.json.gz", "--output: out.json.gz is named as another kind of file"),
        ("out.parquet.gz", "--output: out.parquet.gz is named as another kind of file"),
        (f"{TABLE}/new/out.csv", f"--output: {TABLE} is a file, and no folder for"),
        ("s3://there/out.csv", "--output: s3://there/out.csv is an address"),
    ],
)
def test_predictions_are_refused_a_place_where_they_cannot_be(command, configured, output, told):
    before = sorted(configured.rglob("*"))

    assert_refused(command("predict", "concrete", "--input", TABLE, "--output", output), told)
    assert sorted(configured.rglob("*")) == before


@pytest.mark.parametrize("link", ["none", "hard", "symbolic"])
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_predictions_never_replace_the_new_rows(command, configured, link, scheme):
    source, output = configured / "mine.csv", configured / "out.csv"
    shutil.copy(configured / TABLE, source)
    match link:
        case "none":
            output = source
        case "hard":
            output.hardlink_to(source)
        case "symbolic":
            output.symlink_to(source)
    before = source.read_bytes()
    words = ("--input", f"{scheme}{source}", "--output", output, "--overwrite")

    assert_refused(command("predict", "concrete", *words), "is the file of --input")
    assert source.read_bytes() == before


def test_predictions_never_replace_the_table_of_a_study(command, configured):
    (configured / "link.csv").symlink_to(configured / "data/01_raw/red-wine.csv")

    for output in ("data/01_raw/red-wine.csv", "link.csv"):
        words = ("--input", TABLE, "--output", output, "--overwrite")
        told = f"{output} is the table of the study 'wine'"
        assert_refused(command("predict", "concrete", *words), told)


def test_draws_without_end_are_refused_with_the_limit(command):
    words = ("--input", TABLE, "--output", "out.csv", "--mc-dropout", 100_000_000)

    done = command("predict", "concrete", *words)

    assert done.exit_code == 2
    assert "100000000 is not in the range 2<=x<=10000" in done.stderr


@pytest.mark.parametrize("level", [49, 100])
def test_a_level_out_of_range_is_refused_with_the_range(command, level):
    words = ("--input", TABLE, "--output", "out.csv", "--level", level)

    done = command("predict", "concrete", *words)

    assert done.exit_code == 2
    assert f"{level} is not in the range 50<=x<=99" in done.stderr


def test_draws_are_taken_for_so_many_rows_at_a_time_as_memory_allows():
    for rows, numbers in ((2000, 1), (2000, 100_000), (3, 10**9)):
        chunks = list(_chunks(rows, numbers))

        covered = [row for chunk in chunks for row in range(rows)[chunk]]
        assert covered == list(range(rows))
        longest = max(len(range(rows)[chunk]) for chunk in chunks)
        assert longest == 1 or longest * numbers <= 20_000_000
    assert len(list(_chunks(2000, 1))) == 2
