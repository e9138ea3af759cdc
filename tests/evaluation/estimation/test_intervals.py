from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dropnorm.evaluation.estimation.intervals import (
    Basis,
    Interval,
    RowsVariance,
    effect_of_rows,
    holm,
    jackknife_variance,
    over_splits,
    over_starts,
    rows_variance,
    simultaneous,
)

numbers = st.floats(-100, 100).map(lambda x: round(x, 6))


def test_splits_are_corrected_for_their_overlap_as_nadeau_and_bengio_do():
    differences = np.array([-0.5, -0.3, -0.4, -0.6])

    found = over_splits(differences, 1 / 3, alpha=0.05)

    error = math.sqrt(differences.var(ddof=1) * (1 / 4 + 1 / 3))
    assert found.mean == pytest.approx(-0.45)
    assert found.high - found.low == pytest.approx(2 * stats.t.ppf(0.975, 3) * error)
    assert found.p == pytest.approx(2 * stats.t.sf(0.45 / error, 3))


def test_without_held_rows_the_interval_is_the_plain_t_interval():
    differences = np.array([1.0, 2.0, 4.0, 3.5, 0.5])

    found = over_splits(differences, 0.0, alpha=0.05)

    plain = stats.ttest_1samp(differences, 0)
    assert found.p == pytest.approx(plain.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(plain.confidence_interval(0.95)))


def test_starts_of_one_split_without_chance_in_the_rows_are_a_plain_t_test():
    differences = np.array([0.2, -0.1, 0.4, 0.3])

    found = over_starts(differences, 0.0, units=50, alpha=0.05)

    assert found.p == pytest.approx(stats.ttest_1samp(differences, 0).pvalue)


@pytest.mark.parametrize("exponent", [-400, 500])
def test_an_interval_has_the_digits_of_any_unit(exponent):
    unit = 2.0**exponent
    differences = np.array([0.2, 0.1, 0.15, 0.12])

    found = over_starts(unit * differences, unit**2 * 0.001, units=20, alpha=0.05)

    same = over_starts(differences, 0.001, units=20, alpha=0.05)
    assert (found.p, found.freedom) == (same.p, same.freedom)
    assert (found.low, found.high) == (unit * same.low, unit * same.high)


def test_degrees_of_freedom_of_starts_and_rows_are_welchs():
    differences = np.array([0.2, 0.1, 0.15, 0.12])

    found = over_starts(differences, 0.001, units=20, alpha=0.05)

    of_starts = differences.var(ddof=1) / 4
    total = of_starts + 0.001
    freedom = total**2 / (of_starts**2 / 3 + 0.001**2 / 19)
    assert found.high - found.mean == pytest.approx(stats.t.ppf(0.975, freedom) * math.sqrt(total))
    assert found.p == pytest.approx(2 * stats.t.sf(differences.mean() / math.sqrt(total), freedom))


@pytest.mark.parametrize(
    ("differences", "found"),
    [
        ([0.5, 0.5, 0.5], (0.5, math.nan, math.nan, math.nan)),
        ([0.5, 0.5], (0.5, math.nan, math.nan, math.nan)),
        ([0.0, 0.0, 0.0], (0.0, 0.0, 0.0, 1.0)),
    ],
)
def test_equal_differences_are_no_proof_unless_there_is_none(differences, found):
    for one in (
        over_splits(np.array(differences), 0.4, alpha=0.05),
        over_starts(np.array(differences), 0.0, units=9, alpha=0.05),
    ):
        assert (one.mean, one.low, one.high, one.p) == pytest.approx(found, nan_ok=True)


def test_chance_in_the_rows_widens_the_interval_and_bounds_what_more_starts_can_do():
    differences = np.array([0.2, 0.1, 0.15, 0.12])

    narrow = over_starts(differences, 0.0, units=50, alpha=0.05)
    wide = over_starts(differences, 0.1, units=50, alpha=0.05)

    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    assert wide.detectable > 2 * narrow.detectable


@given(st.lists(numbers, min_size=3, max_size=12), st.floats(0.05, 2))
def test_no_number_of_splits_shows_less_than_what_the_rows_leave_open(values, ratio):
    differences = np.array(values)

    found = over_splits(differences, ratio, alpha=0.05)

    spread = float(differences.var(ddof=1))
    if spread == 0:
        return
    lasting = math.sqrt(spread * ratio)
    quantiles = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert found.detectable == pytest.approx(quantiles * lasting, rel=0.01, abs=1e-6)


def rows_of_splits(splits, rows=40, held=15, seed=0):
    """Differences of validation rows, and which rows they are, by split."""
    chance = np.random.default_rng(seed)
    of_row = chance.normal(0.3, 1, rows)
    units = [chance.permutation(rows)[:held] for _ in range(splits)]
    return [of_row[of] + chance.normal(0, 0.3, held) for of in units], units


def test_over_splits_rows_count_twice_and_splits_once():
    of_rows, units = rows_of_splits(6)
    by_split = np.array([one.mean() for one in of_rows])
    rows = rows_variance(by_split, [one - one.mean() for one in of_rows], units)

    found = over_splits(by_split, 0.6, 0.05, rows)

    of_splits, lasting = by_split.var(ddof=1) / 6, 2 * rows.variance
    error = math.sqrt(of_splits + lasting)
    freedom = (of_splits + lasting) ** 2 / (of_splits**2 / 5 + lasting**2 / (rows.units - 1))
    assert found.high - found.mean == pytest.approx(stats.t.ppf(0.975, freedom) * error)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(found.mean) / error, freedom))
    assert found.deviation == pytest.approx(error)
    assert found.basis is Basis.ROWS_AND_SPLITS


@pytest.mark.parametrize(("splits", "units"), [(2, 40), (4, 40), (6, 19)])
def test_few_splits_or_rows_fall_back_to_nadeau_and_bengio(splits, units):
    differences = np.linspace(0.1, 0.4, splits)

    found = over_splits(differences, 0.4, 0.05, RowsVariance(1e-4, units))

    assert found.basis is Basis.SPLITS
    assert found == over_splits(differences, 0.4, 0.05)


def test_rows_that_validate_again_are_one_cluster():
    once = rows_variance([0.0], [np.array([1.0, -1.0, 2.0, -2.0])], [np.arange(4)])
    moved, units = [np.array([1.0, -1.0, 2.0, -2.0])] * 5, [np.arange(4)] * 5

    again = rows_variance([0.0] * 5, moved, units)
    apart = rows_variance([0.0] * 5, moved, [np.arange(4) + 4 * split for split in range(5)])

    assert again == once
    assert once.variance == pytest.approx(4 / 3 * 10 / 16)
    assert apart.variance < again.variance / 4


@given(st.lists(st.integers(0, 30), min_size=2, max_size=60), st.sampled_from([0, 10_000]))
def test_units_have_the_same_variance_as_numbers_and_as_names(numbers, first):
    moved = np.random.default_rng(0).normal(size=len(numbers))
    units = np.array(numbers) + first
    names = np.array([f"{unit:06}" for unit in units])

    of_numbers, of_names = (rows_variance([0.0], [moved], [one]) for one in (units, names))

    np.testing.assert_equal(vars(of_numbers), vars(of_names))


@given(
    st.lists(st.tuples(*[st.floats(0.1, 9)] * 2), min_size=40, max_size=60),
    st.booleans(),
)
def test_on_one_split_the_clusters_of_rows_agree_with_the_jackknife(losses, root):
    table = np.array(losses).T
    means = table.mean(axis=1)
    difference = np.subtract(*(np.sqrt(means) if root else means))

    found = rows_variance(
        [difference], [effect_of_rows(table, [1, -1], root=root)], [np.arange(table.shape[1])]
    )
    variance, _ = jackknife_variance(table, [1, -1], None, root=root)

    assert found.variance == pytest.approx(variance, rel=0.25 if root else 1e-6, abs=1e-9)


@given(st.floats(-2, 2), st.floats(0.01, 2), st.floats(0, 3), st.integers(2, 40))
def test_shares_add_up_and_the_margin_is_kept_by_both_one_sided_tests(mean, half, margin, freedom):
    interval = Interval(mean, mean - half, mean + half, freedom=freedom)

    below, within, above = interval.shares(margin)

    assert below + within + above == pytest.approx(1)
    assert interval.p_beyond(margin) == max(below, above)
    inside = -margin <= interval.low and interval.high <= margin
    assert (interval.p_beyond(margin) <= 0.025 + 1e-9) == inside or (
        interval.p_beyond(margin) == pytest.approx(0.025)
    )


@given(st.lists(numbers, min_size=2, max_size=40), st.lists(numbers, min_size=2, max_size=40))
def test_the_jackknife_of_a_mean_difference_is_its_textbook_variance(first, second):
    rows = min(len(first), len(second))
    losses = np.array([first[:rows], second[:rows]])

    variance, units = jackknife_variance(losses, [1, -1], None, root=False)

    assert units == rows
    assert variance == pytest.approx((losses[0] - losses[1]).var(ddof=1) / rows, abs=1e-9)


def test_rows_of_one_group_are_left_out_together():
    losses = np.array([[1.0, 1.0, 5.0, 5.0, 3.0, 3.0]])
    groups = np.array(["a", "a", "b", "b", "c", "c"])

    by_group, units = jackknife_variance(losses, [1], groups, root=False)
    by_row, _ = jackknife_variance(losses, [1], None, root=False)

    assert units == 3
    assert by_group == pytest.approx(np.var([1, 5, 3], ddof=1) / 3)
    assert by_group > by_row


@given(
    losses=st.lists(st.tuples(*[st.floats(0.1, 9)] * 2), min_size=4, max_size=12),
    grouped=st.booleans(),
    root=st.booleans(),
)
def test_the_jackknife_leaves_out_each_row_or_group_in_turn(losses, grouped, root):
    table = np.array(losses).T
    groups = np.arange(table.shape[1]) // 2 if grouped else np.arange(table.shape[1])

    variance, units = jackknife_variance(table, [1, -1], groups if grouped else None, root=root)

    left_out = []
    for one in np.unique(groups):
        means = table[:, groups != one].mean(axis=1)
        left_out.append(np.subtract(*(np.sqrt(means) if root else means)))
    assert units == len(left_out)
    spread = np.sum((np.array(left_out) - np.mean(left_out)) ** 2)
    assert variance == pytest.approx((units - 1) / units * spread, abs=1e-12)


def test_one_group_alone_says_nothing_about_others():
    variance, units = jackknife_variance(np.ones((1, 4)), [1], np.array(["a"] * 4), root=False)

    assert units == 1
    assert math.isnan(variance)


def test_holm_multiplies_the_least_by_the_number_of_tests_and_never_falls():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    adjusted = holm([0.02, math.nan, 0.5])
    assert adjusted[0] == pytest.approx(0.04)
    assert math.isnan(adjusted[1])
    assert adjusted[2] == pytest.approx(0.5)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_lies_between_the_p_value_and_bonferroni(p_values):
    adjusted = holm(p_values)

    for p, corrected in zip(p_values, adjusted, strict=True):
        assert p <= corrected <= 1
    order = np.argsort(p_values, kind="stable")
    assert all(adjusted[a] <= adjusted[b] for a, b in itertools.pairwise(order))
    assert adjusted[order[0]] == pytest.approx(min(1, len(p_values) * min(p_values)))


def test_intervals_of_all_pairs_are_tukeys_and_of_two_means_the_plain_one():
    plain = over_splits(np.array([0.3, 0.1, 0.4, 0.5, 0.2]), 0.0, 0.05)

    alone, of_six = simultaneous(plain, 2), simultaneous(plain, 6)

    assert (alone.low, alone.high, alone.p) == pytest.approx((plain.low, plain.high, plain.p))
    quantile = stats.studentized_range.ppf(0.95, 6, 4) / math.sqrt(2)
    assert of_six.high - of_six.mean == pytest.approx(quantile * plain.deviation)
    assert (of_six.p < 0.05) == (of_six.low > 0)
