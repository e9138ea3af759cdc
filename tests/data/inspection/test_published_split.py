from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dropnorm.data.inspection.column_kinds import Kind
from dropnorm.data.inspection.profile import inspect_table
from dropnorm.data.inspection.published_split import published_parts
from dropnorm.data.inspection.suggest import propose_study
from dropnorm.data.splits import assign_parts, rows_of
from dropnorm.data.validation import check_table
from dropnorm.study.parsing import parse_study

ROWS = 100
ROW = np.arange(ROWS)


def words(*names):
    return np.array(names, dtype=object)[ROW % len(names)]


@pytest.mark.parametrize(
    ("name", "cells", "values", "told"),
    [
        ("split", words("train", "validation", "test"), None, "train in 34 rows"),
        ("usage", words("train", "train", "test"), None, "train in 67 rows, test in 33 rows"),
        ("split", words("Train", "val"), {"train": "Train", "validation": "val"}, "val in 50"),
        ("set", words("training", "dev", "testing"),
         {"train": "training", "validation": "dev", "test": "testing"}, "dev in 33 rows"),
        ("is_train", ROW % 2, {"train": 1, "test": 0}, "0 in 50 rows, 1 in 50"),
        ("isTest", ROW % 2, {"train": 0, "test": 1}, "1 in 50"),
        ("in test", ROW % 4 == 0, {"train": False, "test": True}, "True in 25"),
        ("split_3", ROW % 2 * 1.0, {"train": 0, "test": 1}, "which of them trains is not known"),
        ("cv_fold", ROW % 5, {"train": [1, 2, 3, 4], "test": 0}, "folds 0 to 4"),
        ("Fold 1", ROW % 3 + 1, {"train": [2, 3], "test": 1}, "here 1"),
    ],
)  # fmt: skip
def test_what_looks_like_a_published_split_is_no_input_and_can_be_used_as_it_is_suggested(
    name, cells, values, told
):
    chance = np.random.default_rng(0)
    table = pd.DataFrame(
        {"x": chance.normal(size=ROWS), "y": chance.normal(size=ROWS), name: cells}
    )

    look = inspect_table(table, "y")
    proposal = propose_study("tried", look)

    (column,) = look.of_kind(Kind.SPLIT)
    assert (column.name, column in proposal.left_out) == (name, True)
    assert told in column.why
    assert column.split.get("values") == values
    options = proposal.options()
    assert options["split"]["method"] == "random"
    study = parse_study("tried", {**options, "split": column.split, "replicas": {}})
    parts = assign_parts(check_table(table, study), study)
    held = len(rows_of(parts, 0, "test")) or len(rows_of(parts, 0, "validation"))
    assert 0 < held < ROWS / 1.5


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("split", words("train", "bus", "test")),
        ("transport", words("train", "bus")),
        ("stage", words("validation", "test")),
        ("what", words("train", "training", "test")),
        ("smoker", ROW % 2),
        ("settled", ROW % 2),
        ("trained", ROW % 2),
        ("set", ROW % 3 + 1),
        ("fold", ROW % 5 + 2),
        ("fold", ROW % 5 * 2),
        ("fold", ROW % 30),
        ("fold", ROW / 7),
        ("split", ROW % 2 + 1),
    ],
)
def test_other_columns_are_none(name, cells):
    assert published_parts(pd.Series(cells, name=name)) is None


def test_missing_cells_are_told():
    cells = np.where(ROW < 3, None, words("train", "test"))
    table = pd.DataFrame({"x": ROW * 1.5, "y": ROW * 1.0, "split": cells})

    (column,) = inspect_table(table, "y").of_kind(Kind.SPLIT)

    assert column.why.endswith("; missing in 3 rows")


def test_a_column_that_is_given_another_use_keeps_it():
    table = pd.DataFrame({"x": ROW * 1.5, "y": ROW * 1.0, "fold": ROW % 5})

    assert inspect_table(table, "y", "fold").of_kind(Kind.SPLIT) == []
    assert inspect_table(table, "y", drop=["fold"]).of_kind(Kind.SPLIT) == []
    assert inspect_table(table, "fold").of_kind(Kind.SPLIT) == []
