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


def test_a_number_has_at_most_six_digits_however_narrow_its_interval():
    assert wording.number(12.3456789, 1e-15) == "12.3457"
    assert wording.number(0.00123456789, 1e-15) == "0.00123457"
    assert wording.number(0.0, 1e-15) == "0"
    assert wording.number(0.0, 0.02) == "0.000"
    assert wording.number(123456.7, 0.01) == "123,457"
