from __future__ import annotations

import logging

import numpy as np
import pytest

from dropnorm.errors import BadInputError
from dropnorm.pipelines.preparation.nodes import (
    assign_parts,
    check_data,
    check_rows,
    fit_preprocessors,
    make_inputs,
)
from handful import SPLIT, STUDY, TABLE


def test_check_rows_keeps_the_columns_of_the_study_and_changes_nothing():
    before = TABLE.copy()

    rows = check_rows(TABLE.assign(note="x"), STUDY)

    assert list(rows) == list(TABLE)
    assert TABLE.equals(before)


def test_check_rows_refuses_a_table_without_the_target():
    with pytest.raises(BadInputError, match="CompressiveStrength"):
        check_rows(TABLE.drop(columns="CompressiveStrength"), STUDY)


def test_assign_parts_puts_every_row_into_one_part_of_each_split():
    split = assign_parts(TABLE, STUDY)

    assert split.groupby("split")["row"].apply(sorted).tolist() == [list(range(12))] * 2
    assert set(split["part"]) == {"train", "validation"}


def test_check_data_finds_and_logs_that_there_are_few_rows(caplog):
    caplog.set_level(logging.WARNING, "dropnorm")

    found = check_data(TABLE, SPLIT, STUDY)

    assert "DN006" in {one.code.code for one in found.findings}
    assert "DN006 few rows or groups in a part" in caplog.text


def test_fit_preprocessors_fits_one_for_each_split():
    assert list(fit_preprocessors(TABLE, SPLIT, STUDY)) == [0, 1]


def test_make_inputs_turns_the_rows_of_each_split_into_arrays():
    inputs = make_inputs(TABLE, SPLIT, fit_preprocessors(TABLE, SPLIT, STUDY), STUDY)

    for one in inputs:
        assert one.train.x.shape == (len(one.train.rows), 8)
        assert sorted([*one.train.rows, *one.validation.rows]) == list(range(12))
        assert one.train.x.dtype == np.float32
