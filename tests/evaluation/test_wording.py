from __future__ import annotations

import pytest

from dropnorm.evaluation import wording
from dropnorm.study.split import ColumnsSplit, GroupedSplit, RandomSplit, TimeSplit


@pytest.mark.parametrize(
    ("splits", "starts", "split", "told"),
    [
        (5, 1, RandomSplit(method="random"), "a new random split of such rows"),
        (5, 4, RandomSplit(method="random"), "5 splits of this table, 4 starts each"),
        (5, 1, RandomSplit(method="random", identical_rows=True), "such groups of rows"),
        (5, 1, RandomSplit(method="random", keep_together=("a",)), "such groups of rows"),
        (5, 1, GroupedSplit(method="grouped", by="a"), "such groups"),
        (5, 1, ColumnsSplit(method="columns", columns=("a",)), "columns of the table name"),
        (1, 4, RandomSplit(method="random"), "new rows to validate on"),
        (1, 4, TimeSplit(method="time", by="a"), "new stretches of such a time to validate on"),
        (1, 1, TimeSplit(method="time", by="a"), "what happened once"),
    ],
)
def test_each_kind_of_split_says_what_its_intervals_are_about(splits, starts, split, told):
    assert told in wording.estimand(splits, starts, split)
