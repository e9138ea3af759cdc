from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import made_up
from dropnorm.data.splits import TRAIN, VALIDATION, assign_parts, rows_of
from dropnorm.data.validation import check_table
from dropnorm.errors import BadInputError
from dropnorm.tuning.inner import make_inner_inputs
from small_trainings import a_study

if TYPE_CHECKING:
    import pandas as pd


def divided(table: pd.DataFrame, **changes: object):
    study = a_study(**changes)
    rows = check_table(table, study)
    split = assign_parts(rows, study)
    return study, rows, split, make_inner_inputs(rows, split, study)


def test_the_training_rows_alone_are_divided_and_four_of_five_train():
    _, _, split, inner = divided(made_up.concrete(rows=100), replicas__splits=3)

    assert [one.split for one in inner] == [0, 1, 2]
    for one in inner:
        outer = set(rows_of(split, one.split, TRAIN))
        assert {*one.train.rows, *one.validation.rows} == outer
        assert (len(one.train.rows), len(one.validation.rows)) == (56, 14)
        assert one.test is None


def test_rows_of_one_group_train_or_choose_together():
    table = made_up.concrete(rows=100)
    table["mix"] = np.arange(100) // 5
    _, rows, _, inner = divided(table, split={"method": "grouped", "by": "mix"})

    train, choose = (
        set(rows["mix"].loc[part.rows]) for part in (inner[0].train, inner[0].validation)
    )
    assert train
    assert choose
    assert not train & choose


def test_of_rows_in_the_order_of_time_the_later_ones_choose():
    table = made_up.concrete(rows=100)
    table["day"] = np.arange(100)
    _, rows, split, inner = divided(table, split={"method": "time", "by": "day"})

    days = rows["day"]
    assert days.loc[inner[0].train.rows].max() < days.loc[inner[0].validation.rows].min()
    assert days.loc[inner[0].validation.rows].max() < days.loc[rows_of(split, 0, VALIDATION)].min()


def test_a_class_keeps_its_share_among_the_rows_that_choose():
    table = made_up.concrete(rows=200)
    table["kind"] = np.where(np.arange(200) % 10 == 0, "rare", "usual")
    _, rows, _, inner = divided(
        table, task="classification", target={"column": "kind"},
        training={"batch_size": 16, "epochs": 2},
    )  # fmt: skip

    assert (rows["kind"].loc[inner[0].validation.rows] == "rare").mean() == pytest.approx(
        0.1, abs=0.02
    )


def test_too_few_training_rows_are_told_in_one_line():
    with pytest.raises(
        BadInputError, match="the 1 training rows of split 0 cannot be divided once"
    ):
        divided(made_up.concrete(rows=2), split={"method": "random", "train_fraction": 0.5})


def test_a_schedule_that_looks_at_the_scoring_rows_is_refused():
    with pytest.raises(BadInputError, match=r"concrete.training.schedule is reduce_on_plateau"):
        divided(made_up.concrete(rows=50), training__schedule={"method": "reduce_on_plateau"})


def test_a_schedule_of_one_network_that_looks_at_losses_is_refused_too():
    plateau = {"training": {"schedule": {"method": "reduce_on_plateau"}}}
    with pytest.raises(BadInputError, match=r"concrete.compare.slower.training.schedule is reduce"):
        divided(made_up.concrete(rows=50), compare={"baseline": {}, "slower": plateau})


def test_the_rows_that_choose_are_those_that_they_have_been():
    *_, inner = divided(made_up.concrete(rows=30), replicas__splits=2)

    assert [list(one.validation.rows) for one in inner] == [[8, 10, 18, 23], [3, 4, 25, 27]]
