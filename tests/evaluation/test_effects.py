from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dropnorm.evaluation.effects import (
    Contrast,
    Evidence,
    RowLosses,
    estimate,
    margin_of,
)
from dropnorm.evaluation.intervals import (
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
from dropnorm.evaluation.verdicts import Verdict, judge

VARIANTS = ("baseline", "dropout", "batchnorm", "dropout_batchnorm")
NOBODY = dict.fromkeys(VARIANTS, 0)
numbers = st.floats(-100, 100).map(lambda x: round(x, 6))


def errors_of(columns, splits, starts=1):
    index = pd.MultiIndex.from_product([range(splits), range(starts)], names=["split", "start"])
    return pd.DataFrame(columns, index=index)


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


def test_of_one_split_the_rows_that_validate_are_grouped_and_scored_as_the_split_says():
    chance = np.random.default_rng(3)
    losses = dict(zip(VARIANTS, chance.gamma(2, 1, (4, 12)), strict=True))
    groups = np.arange(12) // 3
    errors = errors_of(dict(zip(VARIANTS, chance.normal(2, 0.1, (4, 2)), strict=True)), 1, 2)
    evidence = Evidence(errors, 0.4, root=True, rows={0: RowLosses(losses, groups)})

    found, pairs = evidence.difference({"dropout": 1, "baseline": -1}, 0.05)

    both = np.array([losses["dropout"], losses["baseline"]])
    variance, units = jackknife_variance(both, [1, -1], groups, root=True)
    assert units == 4
    assert list(pairs) == list(errors["dropout"] - errors["baseline"])
    assert found == over_starts(pairs.to_numpy(), variance, units, 0.05)
    without_rows, _ = Evidence(errors, 0.4, root=True).difference(
        {"dropout": 1, "baseline": -1}, 0.05
    )
    assert math.isnan(without_rows.low)


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


@pytest.mark.parametrize(
    ("interval", "p", "margin", "diverged", "verdict"),
    [
        (Interval(-1, -1.5, -0.5), 0.01, 0, 0, Verdict.HELPS),
        (Interval(1, 0.5, 1.5), 0.01, 0, 0, Verdict.HURTS),
        (Interval(-1, -1.5, -0.5), 0.06, 0, 0, Verdict.NOT_SETTLED),
        (Interval(-1, -1.5, -0.5), 0.01, 2, 0, Verdict.SAME),
        (Interval(-1, -2.5, 0.5), 0.2, 2, 0, Verdict.NOT_SETTLED),
        (Interval(0, -2.0, 2.0), 1.0, 2, 0, Verdict.SAME),
        (Interval(1, 0.0, 2.0), 1 - 0.95, 0, 0, Verdict.NOT_SETTLED),
        (Interval(-1, -1.5, -0.5), 0.01, 0, 1, Verdict.DIVERGED),
        (Interval(-1), math.nan, 0, 0, Verdict.NONE),
    ],
)
def test_a_difference_is_judged(interval, p, margin, diverged, verdict):
    assert judge(interval, p, margin, {"baseline": diverged}) is verdict


def test_effects_are_differences_of_pairs_and_the_interaction_is_what_exceeds_their_sum():
    rng = np.random.default_rng(1)
    base = rng.normal(10, 5, 6)  # splits differ far more than variants do
    noise = rng.normal(0, 0.01, (3, 6))
    errors = errors_of(
        {
            "baseline": base,
            "dropout": base - 1 + noise[0],
            "batchnorm": base + 2 + noise[1],
            "dropout_batchnorm": base + 0.5 + noise[2],
        },
        6,
    )

    found = estimate(Evidence(errors, 0.4, root=False), NOBODY, margin=0.0)

    assert found["dropout"].difference == pytest.approx(-1, abs=0.02)
    assert found["batchnorm"].difference == pytest.approx(2, abs=0.02)
    assert found["interaction"].difference == pytest.approx(-0.5, abs=0.03)
    verdicts = [found[contrast].verdict for contrast in Contrast]
    assert verdicts == ["helps", "hurts", "hurts", "helps"]
    assert found["dropout"].wins.wins == 6
    difference = found["dropout"].difference
    assert found["dropout"].percent_of_baseline == pytest.approx(100 * difference / base.mean())


def test_all_four_differences_are_judged_together():
    columns = dict(zip(VARIANTS, np.random.default_rng(5).normal(2, 0.1, (4, 6)), strict=True))
    columns["dropout"] = columns["baseline"] - np.linspace(0.15, 0.25, 6)
    evidence = Evidence(errors_of(columns, 6), 0.4, root=False)

    found = estimate(evidence, NOBODY, margin=0.0)

    assert [one.p_holm for one in found.values()] == holm([one.p for one in found.values()])
    seen = columns["dropout"] - columns["baseline"]
    alone = over_splits(seen, 0.4, alpha=0.05 / 4)
    effect = found["dropout"]
    for name in ("low", "high", "p", "detectable", "basis"):
        assert getattr(effect, name) == getattr(alone, name)
    assert effect.difference == alone.mean
    assert effect.percent_of_baseline == pytest.approx(
        100 * seen.mean() / columns["baseline"].mean()
    )
    assert effect.p_holm == pytest.approx(4 * alone.p)
    assert (effect.pairs, effect.wins.wins, effect.sensitivity) == (6, 6, None)
    assert effect.median == pytest.approx(np.median(seen))
    assert effect.diverged == {"dropout": 0, "baseline": 0}
    assert effect.verdict == Verdict.HELPS
    assert (effect.p_beyond, effect.chances.better) == pytest.approx((1, 1), abs=0.01)
    assert estimate(evidence, NOBODY, margin=0.5)["dropout"].verdict == Verdict.SAME


def test_a_diverged_replica_is_counted_and_its_pair_left_out_of_the_estimate():
    errors = errors_of({name: [1.0, 2.0, 3.0] for name in VARIANTS}, 3)
    errors["dropout"] = [0.9, math.nan, 2.7]

    found = estimate(Evidence(errors, 0.4, root=False), NOBODY | {"dropout": 1}, margin=0.0)

    assert found["dropout"].verdict == Verdict.DIVERGED
    assert found["dropout"].pairs == 2
    assert found["dropout"].difference == pytest.approx(-0.2)
    assert found["dropout"].diverged == {"dropout": 1, "baseline": 0}
    assert found["dropout"].sensitivity == pytest.approx((-0.7 / 3, -0.5 / 3))
    assert found["batchnorm"].verdict != Verdict.DIVERGED


def test_one_run_gives_a_difference_and_no_verdict():
    errors = errors_of({name: [float(n)] for n, name in enumerate(VARIANTS)}, 1)

    found = estimate(Evidence(errors, 0.4, root=False), NOBODY, margin=0.0)

    assert found["dropout"].difference == 1.0
    assert {one.verdict for one in found.values()} == {Verdict.NONE}
    assert math.isnan(found["dropout"].low)


@pytest.mark.parametrize(("margin", "found"), [(None, 0.02), (0.0, 0.0), (0.3, 0.3)])
def test_the_margin_is_one_percent_of_the_baselines_error_unless_the_study_names_one(margin, found):
    assert margin_of(pd.Series([1.0, math.nan, 3.0]), margin) == pytest.approx(found)


def test_four_claims_of_no_practical_difference_need_more_than_one():
    within = Interval(0.0, -1.0, 1.0, p=1.0, freedom=9)

    assert judge(within, 1.0, 0.9, {}) is Verdict.SAME
    assert judge(within, 1.0, 0.9, {}, claims=4) is Verdict.NOT_SETTLED
    assert judge(within, 1.0, 1.3, {}, claims=4) is Verdict.SAME


def test_intervals_of_all_pairs_are_tukeys_and_of_two_means_the_plain_one():
    plain = over_splits(np.array([0.3, 0.1, 0.4, 0.5, 0.2]), 0.0, 0.05)

    alone, of_six = simultaneous(plain, 2), simultaneous(plain, 6)

    assert (alone.low, alone.high, alone.p) == pytest.approx((plain.low, plain.high, plain.p))
    quantile = stats.studentized_range.ppf(0.95, 6, 4) / math.sqrt(2)
    assert of_six.high - of_six.mean == pytest.approx(quantile * plain.deviation)
    assert (of_six.p < 0.05) == (of_six.low > 0)


def false_alarms(splits, starts, tables=400):
    """Share of tables on which two equal variants differ, rows and starts drawn by chance."""
    rng = np.random.default_rng(2)
    rows, alarms = 200, 0
    for _ in range(tables):
        easy = rng.gamma(2, 1, rows)  # some rows are harder for both
        held = [rng.choice(rows, 60, replace=False) for _ in range(splits)]
        columns = {}
        for name in VARIANTS:
            costs = [[easy[of] * rng.lognormal(0, 0.5, 60) + rng.normal(0, 0.05)
                      for _ in range(starts)] for of in held]  # fmt: skip
            columns[name] = np.array(costs)
        errors = errors_of({name: c.mean(axis=2).ravel() for name, c in columns.items()},
                           splits, starts)  # fmt: skip
        losses = RowLosses({name: c[0].mean(axis=0) for name, c in columns.items()}, None)
        evidence = Evidence(errors, 60 / 140, root=False, rows={0: losses})
        interval, _ = evidence.difference({"dropout": 1, "baseline": -1}, 0.05)
        alarms += not interval.low <= 0 <= interval.high
    return alarms / tables


@pytest.mark.parametrize(("splits", "starts"), [(5, 1), (5, 2), (1, 5), (1, 20)])
def test_equal_variants_seldom_seem_to_differ(splits, starts):
    assert false_alarms(splits, starts) <= 0.08


ROWS, TRAINED = 60, 40
WEIGHTS = np.array([1.0, -1.0, 0.5, 0.1, 0.0, -0.1])


def draw(rows, chance):
    """Rows of a made-up source, in which the last three inputs say next to nothing."""
    x = chance.normal(size=(rows, 6))
    return x, x @ WEIGHTS + chance.normal(size=rows)


def fit(x, y, inputs, chance):
    """Weights of least squares on the first inputs, from a start: rows drawn with replacement."""
    drawn = chance.integers(0, len(y), len(y))
    found, *_ = np.linalg.lstsq(x[drawn, :inputs], y[drawn], rcond=None)
    return np.append(found, np.zeros(6 - inputs))


def simulate(splits, starts, arms, seed):
    """The interval of a made-up study on a table of its own, and its first training rows."""
    chance = np.random.default_rng(seed)
    x, y = draw(ROWS, chance)
    columns, first = {"first": [], "second": []}, None
    for _ in range(splits):
        order = chance.permutation(ROWS)
        train, held = order[:TRAINED], order[TRAINED:]
        first = first or (x[train], y[train])
        for arm, inputs in zip(columns, arms, strict=True):
            weights = [fit(x[train], y[train], inputs, chance) for _ in range(starts)]
            columns[arm].append([np.abs(y[held] - x[held] @ one) for one in weights])
    losses = {arm: np.array(of_arm) for arm, of_arm in columns.items()}
    errors = errors_of({arm: one.mean(axis=2).ravel() for arm, one in losses.items()},
                       splits, starts)  # fmt: skip
    rows = {0: RowLosses({arm: one[0].mean(axis=0) for arm, one in losses.items()}, None)}
    evidence = Evidence(errors, (ROWS - TRAINED) / TRAINED, root=False, rows=rows)
    return evidence.difference({"second": 1, "first": -1}, 0.05)[0], first


def true_effect(arms, trainings, train=None):
    """The difference on all rows there could be, over new tables or new starts on the same rows."""
    chance = np.random.default_rng(9)
    weights = [[fit(*(train or draw(TRAINED, chance)), inputs, chance) for inputs in arms]
               for _ in range(trainings)]  # fmt: skip
    # The errors of such a model are normal with this variance.
    variances = 1 + ((np.array(weights) - WEIGHTS) ** 2).sum(axis=2)
    one, other = np.sqrt(2 / np.pi * variances).mean(axis=0)
    return other - one


@pytest.mark.parametrize(("splits", "starts"), [(5, 1), (20, 1), (1, 5), (1, 20)])
def test_intervals_of_trained_models_keep_their_word(splits, starts):
    repeats = range(100)
    alarms = [simulate(splits, starts, (6, 6), seed)[0] for seed in repeats]
    assert np.mean([not one.low <= 0 <= one.high for one in alarms]) <= 0.08

    found = [simulate(splits, starts, (3, 6), seed) for seed in repeats]
    everywhere = true_effect((3, 6), 400)
    assert everywhere > 0.02
    covered = [
        one.low <= (everywhere if splits > 1 else true_effect((3, 6), 100, train)) <= one.high
        for one, train in found
    ]
    assert np.mean(covered) >= 0.92


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[numbers] * 4), min_size=2, max_size=6))
def test_no_difference_depends_on_what_all_variants_share(rows):
    errors = errors_of(dict(zip(VARIANTS, np.array(rows).T, strict=True)), len(rows))
    shifted = errors.add(np.arange(len(rows)) * 7.0, axis="index")

    first = estimate(Evidence(errors, 0.4, root=False), NOBODY, margin=0.0)
    second = estimate(Evidence(shifted, 0.4, root=False), NOBODY, margin=0.0)

    for contrast in Contrast:
        for key in ("difference", "low", "high"):
            assert getattr(first[contrast], key) == pytest.approx(
                getattr(second[contrast], key), abs=1e-6
            )
