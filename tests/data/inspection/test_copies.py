from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropnorm.data.inspection.copies import combine, count_copies

CHANCE = np.random.default_rng(0)


def measured(rows: int = 100) -> pd.DataFrame:
    return pd.DataFrame(CHANCE.normal(size=(rows, 3)), columns=["a", "b", "y"])


def test_rows_of_measured_values_that_repeat_are_copies():
    table = pd.concat([measured(), measured(10), measured(10)], ignore_index=True)
    table.loc[110:, ["a", "b"]] = table.loc[100:109, ["a", "b"]].to_numpy()

    assert count_copies(table, ["a", "b"], "y") == 20
    assert count_copies(table.loc[:109], ["a", "b"], "y") == 0


def test_a_table_repeated_three_times_consists_of_copies():
    assert count_copies(pd.concat([measured()] * 3), ["a", "b"], "y") == 300


def test_repeated_design_values_are_not_copies():
    visits = pd.DataFrame(
        {
            "treatment": np.arange(600) % 3,
            "visit": np.arange(600) // 3 % 5,
            "y": CHANCE.normal(size=600),
        }
    )

    assert count_copies(visits, ["treatment", "visit"], "y") == 0


def test_repeated_group_measurements_with_different_targets_are_not_copies():
    """Shuffled columns hardly repeat here, so only the different targets decide."""
    schools = CHANCE.normal(size=(8, 3))
    pupils = pd.DataFrame(np.repeat(schools, 40, axis=0), columns=["a", "b", "c"])

    assert count_copies(pupils.assign(y=CHANCE.normal(size=320)), ["a", "b", "c"], "y") == 0


@pytest.mark.parametrize(("values", "copies"), [(8, 0), (1000, 4)])
def test_only_more_repeats_than_chance_gives_are_copies(values, copies):
    """Two columns with 8 values repeat by chance in 60 rows; with 1000 values, hardly ever."""
    chance = np.random.default_rng(1)
    table = pd.DataFrame(chance.integers(values, size=(60, 2)), columns=["a", "b"])
    table.loc[[1, 3]] = table.loc[[0, 2]].to_numpy()

    assert count_copies(table.assign(y=chance.normal(size=60)), ["a", "b"], "y") == copies


def test_missing_values_are_equal_and_no_inputs_have_no_copies():
    table = measured()
    table.loc[[3, 4], "a"] = np.nan
    table.loc[4, "b"] = table.loc[3, "b"]

    assert count_copies(table, ["a", "b"], "y") == 2
    assert count_copies(table, [], "y") == 0


def test_missing_values_are_equal_however_they_are_written():
    table = measured().assign(a=lambda rows: rows["a"].astype(object))
    table.loc[:9, "a"] = None
    table.loc[10:19, "a"] = float("nan")
    table.loc[10:19, "b"] = table.loc[:9, "b"].to_numpy()

    assert count_copies(table, ["a", "b"], "y") == 20


@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=30))
def test_rows_share_a_number_if_all_columns_are_equal(rows):
    table = pd.DataFrame(rows)

    numbers = combine(table[name].to_numpy() for name in table)

    expected = table.groupby([0, 1, 2], sort=False).ngroup()
    assert numbers.tolist() == expected.tolist()
