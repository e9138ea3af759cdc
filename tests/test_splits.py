from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import read_study, read_table
from dropnorm.errors import BadInputError
from dropnorm.preprocessing import fit_preprocessor, make_split_inputs
from dropnorm.splits import TRAIN, VALIDATION, assign_parts, rows_of
from dropnorm.tables import check_table


@pytest.mark.parametrize(("name", "sizes"), [("concrete", (721, 309)), ("wine", (1119, 480))])
def test_split_0_has_the_lessons_rows_index_for_index(name, sizes):
    study, table = read_study(name), read_table(name)

    split = assign_parts(check_table(table, study), study)

    train = table.sample(frac=0.7, random_state=0)
    assert sorted(rows_of(split, 0, TRAIN)) == sorted(train.index)
    assert list(rows_of(split, 0, VALIDATION)) == list(table.drop(train.index).index)
    assert (len(rows_of(split, 0, TRAIN)), len(rows_of(split, 0, VALIDATION))) == sizes


@given(
    rows=st.integers(10, 200),
    fraction=st.floats(0.2, 0.8),
    seed=st.integers(0, 1000),
    splits=st.integers(1, 4),
)
@settings(max_examples=40, deadline=None)
def test_every_row_stands_in_one_part_of_every_split_and_seeds_repeat(rows, fraction, seed, splits):
    study = read_study(
        "concrete", split={"method": "random", "train_fraction": fraction, "seed": seed},
        replicas={"splits": splits, "starts": 1},
    )  # fmt: skip
    table = pd.DataFrame({"x": range(rows)}, index=np.arange(rows) * 3)

    split = assign_parts(table, study)

    assert len(split) == rows * splits
    for number in range(splits):
        parts = [rows_of(split, number, part) for part in (TRAIN, VALIDATION)]
        assert sorted(np.concatenate(parts)) == list(table.index)
        assert len(parts[0]) == round(rows * fraction)
    pd.testing.assert_frame_equal(split, assign_parts(table, study))


@given(groups=st.lists(st.integers(0, 8), min_size=20, max_size=80), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_no_group_stands_on_both_sides_of_a_grouped_split(groups, seed):
    study = read_study(
        "concrete",
        split={"method": "grouped", "by": "group", "train_fraction": 0.5, "seed": seed},
        replicas={"splits": 2, "starts": 1},
    )
    table = pd.DataFrame({"group": groups})
    if table["group"].nunique() == 1:
        with pytest.raises(BadInputError, match="column 'group' has 1 group only"):
            assign_parts(table, study)
        return

    split = assign_parts(table, study)

    for number in range(2):
        sides = [set(table.loc[rows_of(split, number, p), "group"]) for p in (TRAIN, VALIDATION)]
        assert sides[0]
        assert sides[1]
        assert not sides[0] & sides[1]


def test_a_split_that_leaves_a_part_empty_is_refused():
    study = read_study("concrete", split={"method": "random", "train_fraction": 0.01})

    with pytest.raises(BadInputError, match="leaves no row to train on"):
        assign_parts(pd.DataFrame({"x": [1, 2, 3]}), study)


def test_spotify_gives_18_dense_float32_inputs_scaled_by_training_rows_alone():
    study = read_study("spotify")
    rows = check_table(read_table("spotify", "data/sample/01_raw"), study)
    split = assign_parts(rows, study)

    inputs = make_split_inputs(rows, split, 0, fit_preprocessor(rows, split, 0, study), study)

    assert inputs.train.x.shape[1] == inputs.validation.x.shape[1] == 18
    assert inputs.train.x.dtype == inputs.train.y.dtype == np.float32
    np.testing.assert_allclose(inputs.train.x[:, :12].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(inputs.train.x[:, :12].std(axis=0), 1, atol=1e-4)
    assert abs(inputs.validation.x[:, :12].mean(axis=0)).max() > 1e-3
    assert list(inputs.train.y * 100) == pytest.approx(
        list(rows.loc[inputs.train.rows, "track_popularity"])
    )
