from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dropnorm.evaluation.estimation.intervals import Interval, over_splits
from dropnorm.evaluation.estimation.wins import share_of_wins


def pairs_of(table):
    """Differences, a row for each split."""
    values = np.array(table, dtype=float)
    index = pd.MultiIndex.from_product([range(n) for n in values.shape], names=["split", "start"])
    return pd.Series(values.ravel(), index=index)


def wilson(wins, pairs):
    return tuple(stats.binomtest(wins, pairs).proportion_ci(0.95, method="wilson"))


def test_ties_are_no_wins_and_independent_splits_have_wilsons_interval():
    pairs = pairs_of([[-1.0], [0.0], [2.0], [-3.0], [-1.0]])
    independent = over_splits(pairs.to_numpy(), 0.0, alpha=0.05)

    found = share_of_wins(pairs, independent)

    assert (found.wins, found.ties, found.pairs, found.share) == (3, 1, 5, 0.6)
    assert (found.low, found.high) == pytest.approx(wilson(3, 5))


def test_starts_of_a_split_are_one_piece_of_evidence():
    once, often = (
        pairs_of([[-1.0], [-2.0], [3.0]]),
        pairs_of([[-1.0] * 20, [-2.0] * 20, [3.0] * 20]),
    )
    independent = over_splits(np.array([-1.0, -2.0, 3.0]), 0.0, alpha=0.05)

    found = share_of_wins(often, independent)

    assert (found.wins, found.pairs) == (40, 60)
    assert (found.low, found.high) == pytest.approx(wilson(2, 3))
    assert share_of_wins(once, independent).low == pytest.approx(found.low)


@given(st.lists(st.floats(-9, 9).map(lambda one: round(one, 3)), min_size=2, max_size=30))
def test_splits_that_share_rows_say_less_than_independent_ones(values):
    pairs = pairs_of([[one] for one in values])
    independent, shared = (over_splits(np.array(values), q, alpha=0.05) for q in (0.0, 0.5))

    narrow, wide = share_of_wins(pairs, independent), share_of_wins(pairs, shared)

    assert 0 <= wide.low <= wide.share <= wide.high <= 1
    assert wide.high - wide.low >= narrow.high - narrow.low - 1e-9


def test_of_one_pair_little_is_known():
    found = share_of_wins(pairs_of([[-1.0]]), Interval(-1.0))

    assert (found.low, found.high) == pytest.approx(wilson(1, 1))


def test_without_pairs_there_is_no_share_of_wins():
    found = share_of_wins(pairs_of(np.empty((0, 1))), Interval(math.nan))

    assert (found.wins, found.pairs) == (0, 0)
    assert all(math.isnan(one) for one in (found.share, found.low, found.high))
