from __future__ import annotations

import pytest

from dropnorm.evaluation.answers.other_tables import (
    Alternative,
    Expectation,
    expect,
    expect_of,
    tell_other_options,
    tell_other_tables,
)


def test_an_expectation_is_told_in_percent_with_both_intervals():
    expectation = Expectation(43, 43, -0.012, -0.031, 0.007, -0.062, 0.131, helps=3, hurts=1)

    assert expectation.told("dropout") == (
        "Dropout: −1.2 % on average (−3.1 % to +0.7 %), −6.2 % to +13 % on 19 of 20 new tables;"
        " shown to help on 3, to hurt on 1."
    )


def test_an_expectation_says_if_its_mean_leaves_tables_out():
    expectation = Expectation(43, 42, -0.012, -0.031, 0.007, -0.062, 0.131, helps=3, hurts=1)

    assert "−1.2 % on average of 42 tables (−3.1 % to +0.7 %)" in expectation.told("dropout")


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_every_task_has_an_expectation_of_each_layer(task):
    expected = expect(task)
    first, *layers = tell_other_tables(task)

    assert list(expected) == ["dropout", "batchnorm", "dropout_batchnorm"]
    assert len(layers) == 3
    for one in expected.values():
        assert f"On {one.tables} other {task} tables" in first
        assert one.averaged <= one.tables
        assert one.new_low <= one.low <= one.mean <= one.high <= one.new_high
        assert 0 <= one.helps + one.hurts <= one.tables


def test_another_option_is_told_in_percent_with_its_interval():
    other = Alternative("early_stopping", "baseline", 15, -0.085, -0.17, 0.009)

    assert other.told() == "−8.5 % on average (−17 % to +0.9 %)"


def test_every_option_that_is_told_of_was_compared_with_another():
    first, early, place = tell_other_options()

    known = expect_of("early_stopping", "baseline")
    assert first == (
        f"On {known.tables} tables of both tasks, other options changed the error too."
    )
    assert known.told() in early
    assert expect_of("early_stopping_dropout", "early_stopping").told() in early
    assert expect_of("batchnorm_before_activation", "batchnorm").told() in place
