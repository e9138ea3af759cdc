from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import made_up
from dropnorm.data.inner_rows import choosing_rows
from dropnorm.data.preprocessing import fit_preprocessors, make_all_inputs
from dropnorm.data.splits import PARTS, TRAIN, assign_parts, rows_of
from dropnorm.data.validation import check_table
from dropnorm.errors import BadInputError
from small_trainings import a_study

if TYPE_CHECKING:
    from dropnorm.data.preprocessing import SplitInputs

STOPS = {"training__early_stopping": {}}


def prepared(table: pd.DataFrame, **changes: object) -> tuple[pd.DataFrame, list[SplitInputs]]:
    study = a_study(**{**STOPS, **changes})
    rows = check_table(table, study)
    split = assign_parts(rows, study)
    return rows, make_all_inputs(rows, split, fit_preprocessors(rows, split, study), study)


def with_columns(rows: int, **columns: object) -> pd.DataFrame:
    return made_up.concrete(rows=rows).assign(**columns)


def test_one_in_five_training_rows_choose_and_no_row_that_scores():
    _, inputs = prepared(
        made_up.concrete(rows=100),
        replicas__splits=3,
        split={"method": "random", "train_fraction": 0.6, "test_fraction": 0.1},
    )

    for whole in inputs:
        one = whole.divided
        assert (len(one.train.rows), len(one.inner.rows)) == (48, 12)
        assert {*one.train.rows, *one.inner.rows} == {*whole.train.rows}
        assert not {*one.train.rows} & {*one.inner.rows}
        assert not {*one.inner.rows} & {*one.validation.rows, *one.test.rows}
        assert one.validation is whole.validation
        assert one.test is whole.test
        for part in (one.train, one.inner):
            known = np.searchsorted(whole.train.rows, part.rows)
            np.testing.assert_array_equal(part.x, whole.train.x[known])
            np.testing.assert_array_equal(part.y, whole.train.y[known])


def test_each_split_seed_and_training_seed_draws_other_rows():
    table = made_up.concrete(rows=100)
    _, (first, second) = prepared(table, replicas__splits=2)
    _, (again, _) = prepared(table, replicas__splits=2)
    _, (reseeded,) = prepared(table, training__seed=7)

    chosen = [set(one.divided.inner.rows) for one in (first, second, again, reseeded)]
    assert chosen[0] == chosen[2]
    assert chosen[0] != chosen[1]
    assert chosen[0] != chosen[3]


@pytest.mark.parametrize(
    "split",
    [
        {"method": "grouped", "by": "mix"},
        {"method": "random", "keep_together": ["mix"]},
        {"method": "random", "identical_rows": True},
    ],
)
def test_groups_stay_whole(split):
    table = with_columns(20).loc[np.repeat(np.arange(20), 5)].reset_index(drop=True)
    table["mix"] = np.arange(100) // 5
    table["CompressiveStrength"] += np.arange(100) % 7
    rows, (one,) = prepared(table, split=split)

    parts = [set(table["mix"].loc[part.rows])
             for part in (one.divided.train, one.divided.inner, one.validation)]  # fmt: skip
    assert all(parts)
    assert sum(map(len, parts)) == len(set.union(*parts)) == 20
    assert len(rows) == 100


def test_classes_keep_their_shares():
    kinds = np.where(np.arange(200) % 10 == 0, "rare", "usual")
    rows, (one,) = prepared(
        with_columns(200, kind=kinds),
        task="classification",
        target={"column": "kind"},
        training={"batch_size": 16, "epochs": 2, "early_stopping": {}},
    )

    share = (rows["kind"].loc[one.divided.inner.rows] == "rare").mean()
    assert share == pytest.approx(0.1, abs=0.02)


def test_of_rows_in_the_order_of_time_the_latest_fifth_chooses():
    _, (one,) = prepared(
        with_columns(100, day=np.arange(100)), split={"method": "time", "by": "day"}
    )

    assert list(one.divided.train.rows) == list(range(56))
    assert list(one.divided.inner.rows) == list(range(56, 70))


def test_of_a_written_split_rows_are_drawn_at_random():
    part = np.where(np.arange(100) < 60, "train", "validation")
    _, (one,) = prepared(
        with_columns(100, part=part), split={"method": "columns", "columns": ["part"]}
    )

    assert (len(one.divided.train.rows), len(one.divided.inner.rows)) == (48, 12)
    assert set(one.divided.inner.rows) < set(range(60))


@pytest.mark.parametrize(
    ("changes", "draws"),
    [
        ({"training__early_stopping": None}, False),
        ({"training__early_stopping": {"rows": "validation"}}, False),
        ({"training__early_stopping": {}}, True),
        ({"training__early_stopping": None,
          "training__schedule": {"method": "reduce_on_plateau"}}, True),
        ({"training__early_stopping": None,
          "compare": {"baseline": {}, "stops": {"training": {"early_stopping": {}}}}}, True),
        ({"training__early_stopping": None, "references__boosting_trials": 2}, True),
    ],
)  # fmt: skip
def test_rows_are_drawn_only_if_a_model_sets_some_aside(changes, draws):
    study = a_study(**changes)
    rows = check_table(made_up.concrete(rows=30), study)
    split = assign_parts(rows, study)

    chosen = choosing_rows(rows, split, 0, study)
    assert (chosen is not None) == draws
    if chosen is not None:
        assert chosen.shape == rows_of(split, 0, TRAIN).shape


def test_a_network_without_early_stopping_trains_on_all_training_rows():
    table = made_up.concrete(rows=50)
    stops = {"baseline": {}, "stops": {"training": {"early_stopping": {}}}}
    _, (one,) = prepared(table, training__early_stopping=None, compare=stops)
    plain = a_study().training

    assert one.as_seen_by(plain) is one
    assert one.as_seen_by(a_study(**STOPS).training) is one.divided
    assert one.checksum != one.divided.checksum


def test_inputs_without_drawn_rows_cannot_be_divided():
    _, (one,) = prepared(made_up.concrete(rows=50), training__early_stopping=None)

    with pytest.raises(ValueError, match="no training rows were drawn"):
        one.divided  # noqa: B018


def test_too_few_training_rows_are_told_in_one_line():
    table = with_columns(3, part=["train", "validation", "validation"])
    study = a_study(**STOPS, split={"method": "columns", "columns": ["part"]})
    rows = check_table(table, study)
    split = assign_parts(rows, study)

    with pytest.raises(
        BadInputError,
        match=r"^the 1 training rows of split 0 cannot be divided once more, .*, or write rows:"
        r" validation in training.early_stopping or training.schedule$",
    ):
        choosing_rows(rows, split, 0, study)


def test_the_parts_of_the_split_stay_as_they_are():
    table = made_up.concrete(rows=50)
    plain, stops = a_study(), a_study(**STOPS)
    rows = check_table(table, plain)

    pd.testing.assert_frame_equal(assign_parts(rows, plain), assign_parts(rows, stops))
    assert set(assign_parts(rows, stops)["part"]) < set(PARTS)
