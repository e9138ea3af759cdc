from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import made_up
from conftest import read_study, read_table
from dropnorm.data.preprocessing import fit_preprocessor, make_split_inputs
from dropnorm.data.splits import TRAIN, VALIDATION, assign_parts, rows_of
from dropnorm.data.transformers import make_preprocessor
from dropnorm.data.validation import check_table
from dropnorm.study.preprocessing import Preprocessing

SONGS = read_study("spotify")
GENRES = slice(12, 18)  # where the inputs of the genre stand, after the 12 scaled ones


def prepared(rows, split, number=0, study=SONGS):
    preprocessor = fit_preprocessor(rows, split, number, study)
    return make_split_inputs(rows, split, number, preprocessor, study)


def songs(study=SONGS):
    rows = check_table(read_table("spotify", "data/sample/01_raw"), study)
    return rows, assign_parts(rows, study)


def a_split(parts):
    rows = [(0, row, part) for part, some in parts.items() for row in some]
    return pd.DataFrame(rows, columns=["split", "row", "part"])


def test_spotify_has_18_dense_float32_inputs_of_which_the_training_rows_are_standardized():
    rows, split = songs()

    inputs = prepared(rows, split)

    for part, name in ((inputs.train, TRAIN), (inputs.validation, VALIDATION)):
        assert type(part.x) is np.ndarray
        assert part.x.shape == (len(rows_of(split, 0, name)), 18)
        assert part.x.dtype == part.y.dtype == np.float32
        assert part.y.shape == (len(part.x),)
        assert list(part.rows) == list(rows_of(split, 0, name))
    np.testing.assert_allclose(inputs.train.x[:, :12].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(inputs.train.x[:, :12].std(axis=0), 1, atol=1e-4)
    loudness = rows.loc[inputs.train.rows, "loudness"]
    expected = (rows.loc[inputs.validation.rows, "loudness"] - loudness.mean()) / loudness.std(
        ddof=0
    )
    np.testing.assert_allclose(inputs.validation.x[:, 3], expected, rtol=1e-4, atol=1e-5)
    genres = rows.loc[inputs.validation.rows, "playlist_genre"].to_numpy()
    assert [made_up.GENRES[one] for one in inputs.validation.x[:, GENRES].argmax(axis=1)] == list(
        genres
    )
    assert (inputs.validation.x[:, GENRES].sum(axis=1) == 1).all()


def test_what_stands_in_validation_rows_changes_no_training_input_and_no_scale():
    rows, split = songs()
    changed = rows.copy()
    validation = rows_of(split, 0, VALIDATION)
    for column in SONGS.preprocessing.standard_scale:
        changed[column] = changed[column].astype(np.float64)
        changed.loc[validation, column] = changed.loc[validation, column] * 1000 + 7
    changed.loc[validation, "playlist_genre"] = "unheard of"
    changed.loc[validation, "track_popularity"] = 0

    before, after = prepared(rows, split), prepared(changed, split)

    np.testing.assert_array_equal(after.train.x, before.train.x)
    np.testing.assert_array_equal(after.train.y, before.train.y)
    # the same scale: what is in another unit comes out in that unit
    scale = rows.loc[before.train.rows, "tempo"].std(ddof=0)
    shift = (rows.loc[validation, "tempo"].to_numpy() * 999 + 7) / scale
    moved = after.validation.x[:, 10] - before.validation.x[:, 10]
    np.testing.assert_allclose(moved, shift, rtol=1e-3)


def test_a_category_that_no_training_row_has_becomes_zeros():
    rows, split = songs()
    first, *others = rows_of(split, 0, VALIDATION)
    changed = rows.copy()
    changed.loc[first, "playlist_genre"] = "unheard of"

    inputs = prepared(changed, split)

    assert inputs.validation.x.shape[1] == 18
    assert (inputs.validation.x[0, GENRES] == 0).all()
    assert (inputs.validation.x[1:, GENRES].sum(axis=1) == 1).all()
    assert list(inputs.validation.rows) == [first, *others]


def test_each_split_is_scaled_by_its_own_training_rows():
    study = read_study("spotify", replicas={"splits": 2, "starts": 1})
    rows, split = songs(study)

    for number in range(2):
        inputs = prepared(rows, split, number, study)
        assert inputs.split == number
        assert list(inputs.train.rows) == list(rows_of(split, number, TRAIN))
        np.testing.assert_allclose(inputs.train.x[:, :12].mean(axis=0), 0, atol=1e-5)


def test_raw_columns_pass_unchanged_in_the_order_of_the_study():
    study = read_study("concrete")
    rows = made_up.concrete(30)
    split = assign_parts(rows, study)

    inputs = prepared(rows[rows.columns[::-1]].assign(extra="no input"), split, study=study)

    for part in (inputs.train, inputs.validation):
        table = rows.loc[part.rows, list(study.preprocessing.columns)]
        np.testing.assert_array_equal(part.x, table.to_numpy(dtype=np.float32))


def test_inputs_stand_scaled_first_then_categories_then_raw_and_rows_keep_their_names():
    study = read_study(
        "concrete",
        preprocessing={"passthrough": ["raw"], "one_hot": ["kind"], "standard_scale": ["scaled"]},
        target={"column": "y", "divide_by": 4},
    )
    rows = pd.DataFrame(
        {"raw": [7, 8, 9], "kind": ["b", "a", "b"], "scaled": [1.0, 3.0, 5.0], "y": [2, 4, 6]},
        index=[10, 20, 40],
    )

    inputs = prepared(rows, a_split({TRAIN: [10, 20], VALIDATION: [40]}), study=study)

    np.testing.assert_array_equal(inputs.train.x, [[-1, 0, 1, 7], [1, 1, 0, 8]])
    np.testing.assert_array_equal(inputs.validation.x, [[3, 0, 1, 9]])
    np.testing.assert_array_equal(inputs.train.y, np.float32([0.5, 1.0]))
    np.testing.assert_array_equal(inputs.validation.y, np.float32([1.5]))
    assert (list(inputs.train.rows), list(inputs.validation.rows)) == ([10, 20], [40])


def test_the_target_is_divided_by_the_studys_constant():
    rows, split = songs()

    inputs = prepared(rows, split)

    for part in (inputs.train, inputs.validation):
        popularity = rows.loc[part.rows, "track_popularity"].to_numpy()
        np.testing.assert_array_equal(part.y, (popularity / 100).astype(np.float32))


def test_many_categories_still_come_out_dense():
    rows = pd.DataFrame({"kind": [f"kind {n}" for n in range(50)]})

    inputs = make_preprocessor(
        Preprocessing(one_hot=("kind",)), len(rows), impute=False
    ).fit_transform(rows)

    assert type(inputs) is np.ndarray
    assert inputs.shape == (50, 50)


@pytest.mark.parametrize("name", ["spotify", "concrete", "wine"])
def test_the_table_the_split_and_the_preprocessor_are_left_as_they_were(name):
    study = read_study(name)
    rows = check_table(read_table(name, "data/sample/01_raw"), study)
    split = assign_parts(rows, study)
    rows_before, split_before = rows.copy(deep=True), split.copy(deep=True)
    preprocessor = fit_preprocessor(rows, split, 0, study)

    first = make_split_inputs(rows, split, 0, preprocessor, study)
    first.train.x[:] = 0
    first.train.y[:] = 0

    pd.testing.assert_frame_equal(rows, rows_before)
    pd.testing.assert_frame_equal(split, split_before)
    again = make_split_inputs(rows, split, 0, preprocessor, study)
    np.testing.assert_array_equal(again.train.x, prepared(rows, split, study=study).train.x)
