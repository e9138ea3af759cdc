"""Parts of published protocols: cells of a table, and index files."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import read_study
from dropnorm.data.parts import PARTS, combine_parts, read_row_numbers, written_parts
from dropnorm.data.splits import TEST, TRAIN, VALIDATION, assign_parts, rows_of
from dropnorm.errors import BadInputError

MARKED = {"method": "columns", "columns": ["a", "b"]}


def marked(table, *, splits=2, **split):
    study = read_study("concrete", split={**MARKED, **split}, replicas={"splits": splits})
    return assign_parts(table, study)


def train_and_test(rows=50, seed=0):
    """A table whose columns mark a fifth of the rows for testing."""
    chance = np.random.default_rng(seed)
    tested = {name: chance.permutation(rows) < rows // 5 for name in ("a", "b")}
    return pd.DataFrame({name: np.where(one, "test", "train") for name, one in tested.items()})


@given(fraction=st.floats(0.1, 0.9), seed=st.integers(0, 99))
def test_validation_rows_are_drawn_from_the_training_rows_with_the_seed(fraction, seed):
    table = train_and_test()

    split = marked(table, validation_fraction=fraction, seed=seed)

    for number, name in enumerate(("a", "b")):
        train = table.index[table[name] == "train"]
        assert list(rows_of(split, number, TEST)) == list(table.index[table[name] == "test"])
        kept = rows_of(split, number, TRAIN)
        assert len(kept) == round(len(train) * (1 - fraction))
        assert sorted([*kept, *rows_of(split, number, VALIDATION)]) == list(train)
    pd.testing.assert_frame_equal(split, marked(table, validation_fraction=fraction, seed=seed))
    other = marked(table, validation_fraction=fraction, seed=seed + 1)
    assert set(rows_of(other, 0, VALIDATION)) != set(rows_of(split, 0, VALIDATION))
    # Split k uses seed + k, whatever the column says.
    same = marked(table.assign(b=table["a"]), validation_fraction=fraction, seed=seed)
    following = marked(table, validation_fraction=fraction, seed=seed + 1)
    assert list(rows_of(same, 1, TRAIN)) == list(rows_of(following, 0, TRAIN))


def test_a_fifth_of_the_training_rows_validates_by_default():
    split = marked(train_and_test())

    assert split["part"].value_counts().to_dict() == {TRAIN: 64, TEST: 20, VALIDATION: 16}


def test_without_a_share_to_validate_the_test_rows_do():
    table = train_and_test()

    split = marked(table, validation_fraction=0)

    assert list(rows_of(split, 0, VALIDATION)) == list(table.index[table["a"] == "test"])
    assert TEST not in set(split["part"])


def test_marked_validation_rows_are_all_there_are():
    table = train_and_test().assign(a=["train", "validation"] * 20 + ["test"] * 10)

    split = marked(table)

    assert list(rows_of(split, 0, VALIDATION)) == list(range(1, 40, 2))


def test_classes_keep_their_shares_among_drawn_validation_rows():
    table = train_and_test(100).assign(y=["x", "x", "x", "y", "z"] * 20)
    study = read_study(
        "wine", task="classification", target={"column": "y"}, training__loss="cross_entropy",
        preprocessing={"passthrough": ["n"]}, split=MARKED, replicas={"splits": 2},
    )  # fmt: skip

    split = assign_parts(table, study)

    train = table.loc[table["a"] == "train", "y"].value_counts(normalize=True)
    drawn = table.loc[rows_of(split, 0, VALIDATION), "y"].value_counts(normalize=True)
    assert drawn.to_dict() == pytest.approx(train.to_dict(), abs=1 / 16)


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ([0, 1, 0], {"train": [0], "test": [1]}),
        ([0.0, 1.0, 0.0], {"train": [0], "test": [1]}),
        (["0", "1", "0"], {"train": [0], "test": [1]}),
        ([0, 1, 0], {"train": ["0"], "test": ["1"]}),
        ([False, True, False], {"train": [False], "test": [True]}),
        (["tr", "te", "dev"], {"train": ["tr", "dev"], "test": ["te"]}),
        (["train", "test", "train"], {}),
    ],
)
def test_cells_are_mapped_to_parts_whether_they_are_numbers_or_text(cells, values):
    assert list(written_parts(pd.Series(cells), values)) == [TRAIN, TEST, TRAIN]


def lines_of(rows, first_row, how):
    return [how(row + first_row) for row in rows]


@given(
    rows=st.lists(st.integers(0, 99), unique=True),
    first_row=st.sampled_from([0, 1]),
    how=st.sampled_from([str, "{:.18e}".format, " {}\t".format]),
)
def test_row_numbers_are_read_as_they_were_written(rows, first_row, how):
    lines = [*lines_of(rows, first_row, how), ""]

    assert list(read_row_numbers(lines, 100, first_row, "f")) == rows


@pytest.mark.parametrize(
    ("lines", "first_row", "told"),
    [
        (["1", "x"], 0, "f, line 2: 'x' is not a whole number; an index file holds"),
        (["1.5"], 0, "f, line 1: '1.5' is not a whole number"),
        (["nan"], 0, "f, line 1: 'nan' is not a whole number"),
        (["inf"], 0, "f, line 1: 'inf' is not a whole number"),
        (["1_0"], 0, "f, line 1: '1_0' is not a whole number"),
        (["1 2"], 0, "f, line 1: '1 2' is not a whole number"),
        (["0", "", "10"], 0, "f, line 3: the table has no row 10; its rows are 0 to 9; if the file"
         " counts from 1, write split.first_row: 1"),
        (["11"], 0, "f, line 1: the table has no row 11; its rows are 0 to 9"),
        (["-1"], 0, "f, line 1: the table has no row -1; its rows are 0 to 9"),
        (["0"], 1, "f, line 1: the table has no row 0; its rows are 1 to 10; if the file counts"
         " from 0, write split.first_row: 0"),
        (["11"], 1, "f, line 1: the table has no row 11; its rows are 1 to 10"),
        (["3", "4", "3"], 0, "f, line 3: row 3 is already on line 1; write each row once"),
        (["9" * 5000], 0, "f, line 1: '99999"),
    ],
)  # fmt: skip
def test_a_line_that_names_no_row_is_refused_with_its_number(lines, first_row, told):
    with pytest.raises(BadInputError) as error:
        read_row_numbers(lines, 10, first_row, "f")

    assert str(error.value).startswith(told)
    assert len(str(error.value)) < 200


@given(st.lists(st.sampled_from(PARTS), min_size=1), st.sampled_from([0, 1]))
def test_the_parts_of_index_files_are_those_they_were_made_of(parts, first_row):
    numbers = {part: np.flatnonzero(np.array(parts) == part) for part in PARTS}

    combined = combine_parts(numbers, {part: part for part in PARTS}, len(parts), first_row)

    assert list(combined) == parts


@pytest.mark.parametrize(
    ("train", "test", "told"),
    [
        ([0, 1, 2], [2, 1, 3], "test.txt: row 3 is also in train.txt, and so is 1 more; a row"),
        ([0, 1], [3], "train.txt and test.txt: row 3 of the table is in none of them; each of the"
         " 4 rows needs a part"),
    ],
)  # fmt: skip
def test_a_row_in_two_parts_or_in_none_is_refused(train, test, told):
    numbers = {TRAIN: np.array(train), TEST: np.array(test)}

    with pytest.raises(BadInputError) as error:
        combine_parts(numbers, {TRAIN: "train.txt", TEST: "test.txt"}, 4, first_row=1)

    assert str(error.value).startswith(told)
