"""Index files of a published protocol beside the table that they are about."""

from __future__ import annotations

import hashlib
import json
import re

import numpy as np
import pandas as pd
import pytest
import yaml

from conftest import assert_refused, read_table, shrink_networks
from dropnorm.datasets.index_files import with_parts
from dropnorm.errors import BadInputError
from dropnorm.study.split import FilesSplit
from whole_commands import newest

SPLITS, FIRST = 3, 5
FILES = {
    "method": "files", "train": "data/01_raw/folds/index_train_{split}.txt",
    "test": "data/01_raw/folds/index_test_{split}.txt", "first": FIRST, "count": SPLITS,
}  # fmt: skip


def write_index_files(project, rows, *, fmt="%d", first_row=0):
    """Write splits as they are published, and return the test rows of each."""
    folder = project / "data" / "01_raw" / "folds"
    folder.mkdir(exist_ok=True)
    tested = []
    for number in range(FIRST, FIRST + SPLITS):
        order = np.random.default_rng(number).permutation(rows)
        test, train = np.split(order, [rows // 10])
        np.savetxt(folder / f"index_train_{number}.txt", train + first_row, fmt=fmt)
        np.savetxt(folder / f"index_test_{number}.txt", test + first_row, fmt=fmt)
        tested.append(sorted(test))
    return tested


@pytest.mark.parametrize("first_row", [0, 1])
@pytest.mark.parametrize("fmt", ["%d", "%.18e"])
def test_a_table_gets_a_column_of_parts_for_each_split(configured, fmt, first_row):
    table = pd.DataFrame({"x": range(40)}, index=range(40, 0, -1))
    tested = write_index_files(configured, 40, fmt=fmt, first_row=first_row)
    split = FilesSplit(**FILES, first_row=first_row)

    found = with_parts(table, split)

    assert list(found.columns) == ["x", *split.columns]
    assert list(found.index) == list(table.index)
    for column, test in zip(split.columns, tested, strict=True):
        assert list(np.flatnonzero(found[column] == "test")) == test
        assert set(found[column]) == {"train", "test"}


def test_a_file_of_another_kind_is_refused(configured):
    write_index_files(configured, 40)
    table, split = pd.DataFrame({"x": range(40)}), FilesSplit(**FILES)
    file = configured / "data" / "01_raw" / "folds" / f"index_test_{FIRST}.txt"

    file.write_text("1 " * 10_000)
    with pytest.raises(BadInputError, match=r"index_test_5.txt: is too large for an index file of"):
        with_parts(table, split)
    file.write_bytes(b"\xef\xbb\xbf1\n\xff\n")
    with pytest.raises(
        BadInputError, match=r"index_test_5.txt, line 2: '\S' is not a whole number"
    ):
        with_parts(table, split)
    file.unlink()
    with pytest.raises(
        BadInputError, match=r"^data/01_raw/folds/index_test_5.txt: there is no such"
    ):
        with_parts(table, split)
    file.mkdir()
    with pytest.raises(BadInputError, match=r"index_test_5.txt: is not a file"):
        with_parts(table, split)


@pytest.fixture
def published(configured):
    """The project with a study of concrete whose splits are in index files."""
    yml = configured / "conf" / "base" / "parameters" / "concrete.yml"
    options = yaml.safe_load(yml.read_text())
    two = {"compare": {"batchnorm": {}, "dropout_batchnorm": {}}, "against": "batchnorm"}
    options["concrete"] |= {"split": FILES, "missing": "drop", **two}
    del options["concrete"]["replicas"]
    yml.write_text(yaml.safe_dump(options))
    sample = configured / "conf" / "sample" / "parameters" / "concrete.yml"
    options = yaml.safe_load(sample.read_text())
    options["concrete"]["replicas"] = {}
    options["concrete"]["training"]["epochs"] = 1
    sample.write_text(yaml.safe_dump(options))
    return configured


def test_a_run_splits_as_the_index_files_say(published, run_here, command):
    rows = len(read_table("concrete", "data/sample/01_raw"))
    tested = write_index_files(published, rows)
    checked = command("check", "concrete", "--env=sample")
    assert checked.exit_code == 0, checked.output

    done = run_here(
        "--env=sample", "--pipelines=concrete", "--to-nodes=concrete.prepare.make_inputs"
    )

    assert done.exit_code == 0, done.output
    split = pd.read_parquet(newest(published, "05_model_input/concrete/split.parquet"))
    for number, test in enumerate(tested):
        of_split = split.loc[split["split"] == number]
        assert list(of_split.loc[of_split["part"] == "test", "row"]) == test
        share = (of_split["part"] == "validation").sum() / (of_split["part"] != "test").sum()
        assert share == pytest.approx(0.2, abs=0.01)


def test_rows_without_a_value_are_left_out_of_their_parts(published, run_here):
    file = published / "data" / "sample" / "01_raw" / "concrete.csv"
    table = pd.read_csv(file)
    tested = write_index_files(published, len(table))
    table.loc[tested[0][0], "Age"] = np.nan
    table.to_csv(file, index=False)

    done = run_here(
        "--env=sample", "--pipelines=concrete", "--to-nodes=concrete.prepare.check_data"
    )

    assert done.exit_code == 0, done.output
    split = pd.read_parquet(newest(published, "05_model_input/concrete/split.parquet"))
    found = split.loc[(split["split"] == 0) & (split["part"] == "test"), "row"]
    assert list(found) == tested[0][1:]


def test_a_fault_in_a_file_is_one_line_of_a_run_and_of_a_check(published, run_here, command):
    write_index_files(published, len(read_table("concrete", "data/sample/01_raw")))
    file = published / "data" / "01_raw" / "folds" / f"index_test_{FIRST}.txt"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], *lines]))
    told = (
        rf"data/01_raw/folds/index_test_{FIRST}\.txt, line 2: row {lines[0]} is already on line 1"
    )

    assert_refused(run_here("--env=sample", "--pipelines=concrete"), told)
    checked = command("check", "concrete", "--env=sample")
    assert re.search(f"^Problem: {told}", checked.output, re.MULTILINE), checked.output


def test_a_part_of_a_run_gets_the_columns_of_the_index_files_too(published, run_here):
    write_index_files(published, len(read_table("concrete", "data/sample/01_raw")))
    prepared = ["--env=sample", "--pipelines=concrete", "--to-nodes=concrete.prepare.assign_parts"]
    assert run_here(*prepared).exit_code == 0
    version = newest(published, "05_model_input/concrete/split.parquet").parent.name

    done = run_here(
        "--env=sample", "--nodes=concrete.prepare.check_data",
        f"--load-versions=concrete.split:{version}",
    )  # fmt: skip

    assert done.exit_code == 0, done.output


@pytest.mark.training
def test_a_published_study_is_answered_on_its_test_rows(published, run_here, command):
    shrink_networks(published)
    write_index_files(published, len(read_table("concrete", "data/sample/01_raw")))

    done = run_here("--env=sample", "--pipelines=concrete")

    assert done.exit_code == 0, done.output
    reports = newest(published, "08_reporting/concrete/effects.json")
    found = json.loads(reports.read_text())["test"]
    predicted = [
        pd.read_parquet(
            newest(published, f"07_model_output/concrete/{name}/test_predictions.parquet")
        )
        for name in ("batchnorm", "dropout_batchnorm")
    ]
    errors = [
        (one["target"] - one["prediction"]).abs().groupby(one["split"]).mean().mean()
        for one in predicted
    ]
    shown = [found["variants"][name]["error"] for name in ("batchnorm", "dropout_batchnorm")]
    assert shown == pytest.approx(errors)
    record = json.loads(newest(published, "08_reporting/concrete/run.json").read_text())
    known = record["table"]["index_files"]
    assert len(known) == 2 * SPLITS
    for path, checksum in known.items():
        assert hashlib.sha256((published / path).read_bytes()).hexdigest() == checksum
    changed = published / "data" / "01_raw" / "folds" / f"index_test_{FIRST}.txt"
    changed.write_text(changed.read_text() + "\n")
    assert_refused(
        command("rerun", "concrete", "--env=sample"),
        f"data/01_raw/folds/index_test_{FIRST}.txt: has changed since that run",
    )
