from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dropnorm.evaluation.estimation.evidence import losses_by_split, losses_of_rows

HELD = pd.DataFrame(
    {
        "split": [0, 0, 0, 1, 1],
        "row": [3, 5, 8, 5, 9],
        "group": pd.Categorical(["b", "a", "b", "a", "c"], categories=["a", "b", "c", "d"]),
    }
)


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 2, 3, 0, 1]])
def test_losses_are_in_the_order_of_the_rows_of_each_split(order):
    losses = pd.Series([1.0, np.inf, 3.0, 4.0, 5.0])

    found = losses_of_rows(HELD.iloc[order], losses.iloc[order], HELD)

    np.testing.assert_array_equal(found[0], [1, np.nan, 3])
    np.testing.assert_array_equal(found[1], [4, 5])


def test_losses_are_means_over_the_starts_that_have_one():
    table = pd.concat([HELD, HELD], ignore_index=True)
    losses = pd.Series([1.0, np.nan, 3.0, 4.0, 5.0, 2.0, np.nan, np.inf, 6.0, 5.0])

    found = losses_of_rows(table, losses, HELD)

    np.testing.assert_array_equal(found[0], [1.5, np.nan, 3])
    np.testing.assert_array_equal(found[1], [5, 5])


@pytest.mark.parametrize("kind", ["category", "str"])
def test_groups_are_numbered_alike_in_all_splits_as_they_come(kind):
    losses = {"baseline": {0: np.zeros(3), 1: np.zeros(2)}}

    found = losses_by_split(losses, HELD.astype({"group": kind}))

    assert [list(one.groups) for one in found.values()] == [[0, 1, 0], [1, 2]]
    assert [list(one.rows) for one in found.values()] == [[3, 5, 8], [5, 9]]
