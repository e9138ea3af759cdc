from __future__ import annotations

import pytest

from dropnorm.evaluation.answers.other_tables import Expectation, expect, tell_other_tables


def test_an_expectation_is_told_in_percent_with_both_intervals():
    expectation = Expectation(43, -0.012, -0.031, 0.007, -0.062, 0.131, helps=3, hurts=1)

    assert expectation.told("dropout") == (
        "Dropout: −1.2 % on average (−3.1 % to +0.7 %), −6.2 % to +13 % on 19 of 20 new tables;"
        " shown to help on 3, to hurt on 1."
    )


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_every_task_has_an_expectation_of_each_layer(task):
    expected = expect(task)
    first, *layers = tell_other_tables(task)

    assert list(expected) == ["dropout", "batchnorm", "dropout_batchnorm"]
    assert len(layers) == 3
    for one in expected.values():
        assert f"On {one.tables} other {task} tables" in first
        assert one.new_low <= one.low <= one.mean <= one.high <= one.new_high
        assert 0 <= one.helps + one.hurts <= one.tables
