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
    Deviations,
    Effect,
    Evidence,
    RowLosses,
    estimate,
    share_of_wins,
    variance_components,
)
from dropnorm.evaluation.intervals import (
    Interval,
    holm,
    jackknife_variance,
    over_splits,
    over_starts,
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
        ([0.5, 0.5, 0.5], Interval(0.5, 0.5, 0.5, 0.0, 3)),
        ([0.0, 0.0, 0.0], Interval(0.0, 0.0, 0.0, 1.0, None)),
    ],
)
def test_differences_that_never_vary_leave_nothing_open(differences, found):
    assert over_splits(np.array(differences), 0.4, alpha=0.05) == found
    assert over_starts(np.array(differences), 0.0, units=9, alpha=0.05) == found


def test_chance_in_the_rows_widens_the_interval_and_bounds_what_more_starts_can_do():
    differences = np.array([0.2, 0.1, 0.15, 0.12])

    narrow = over_starts(differences, 0.0, units=50, alpha=0.05)
    wide = over_starts(differences, 0.1, units=50, alpha=0.05)

    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    assert narrow.needed is not None
    assert wide.needed is None


@given(st.lists(numbers, min_size=2, max_size=12), st.floats(0.01, 2))
def test_the_runs_needed_are_the_fewest_that_reach_the_power_asked_for(values, ratio):
    differences = np.array(values)
    needed = over_splits(differences, ratio, alpha=0.05).needed
    spread = differences.var(ddof=1)
    if needed is None or spread == 0:
        return

    def reaches(runs):
        error = math.sqrt(spread * (1 / runs + ratio))
        quantiles = stats.t.ppf(0.975, runs - 1) + stats.t.ppf(0.8, runs - 1)
        return quantiles * error <= abs(differences.mean())

    assert reaches(needed)
    assert needed == 2 or not reaches(needed - 1)


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


def test_ties_are_no_wins_and_the_share_has_wilsons_interval():
    found = share_of_wins(np.array([-1.0, 0.0, 2.0, -3.0, -1.0]))

    z = stats.norm.ppf(0.975)
    middle, half = 0.6 + z**2 / 10, z * math.sqrt(0.6 * 0.4 / 5 + z**2 / 100)
    assert (found.wins, found.pairs, found.share) == (3, 5, 0.6)
    assert found.low == pytest.approx((middle - half) / (1 + z**2 / 5))
    assert found.high == pytest.approx((middle + half) / (1 + z**2 / 5))


def test_without_pairs_there_is_no_share_of_wins():
    found = share_of_wins(np.array([]))

    assert (found.wins, found.pairs) == (0, 0)
    assert all(math.isnan(one) for one in (found.share, found.low, found.high))


def test_variance_is_taken_apart_into_rows_that_train_rows_that_validate_and_starts():
    chance = np.random.default_rng(0)
    splits, starts, rows = 400, 5, 25
    of_rows = chance.normal(0, 5.0, (splits, 1, rows))  # each split is validated on other rows
    losses = chance.normal(0, 3.0, (splits, 1, 1)) + chance.normal(0, 1.0, (splits, starts, 1))
    losses = losses + of_rows
    errors = errors_of({"e": losses.mean(axis=2).ravel()}, splits, starts)
    evidence = Evidence(
        errors, 0.4, root=False,
        rows={split: RowLosses({"e": one.mean(axis=0)}, None) for split, one in enumerate(losses)},
    )  # fmt: skip

    found = evidence.deviations({"e": 1})

    assert found.split == pytest.approx(3.0, rel=0.1)
    assert found.rows == pytest.approx(5 / math.sqrt(rows), rel=0.1)
    assert found.start == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize("rows", [{0: 0.02, 1: 0.03}, {0: 0.02, 1: math.nan}, {}])
def test_variance_components_are_those_of_the_textbooks_analysis_of_variance(rows):
    table = np.array([[1.0, 1.2], [1.5, 1.9]])

    found = variance_components(errors_of({"e": table.ravel()}, 2, 2)["e"], rows)

    within = (0.2**2 / 2 + 0.4**2 / 2) / 2
    known = rows.get(1, math.nan) == 0.03
    of_rows = 0.025 if known else 0.0
    assert found == Deviations(
        split=pytest.approx(math.sqrt(0.6**2 / 2 - within / 2 - of_rows)),
        rows=pytest.approx(math.sqrt(of_rows)) if known else None,
        start=pytest.approx(math.sqrt(within)),
    )


def test_a_component_that_comes_out_below_zero_is_none_at_all():
    alike = errors_of({"e": [1.0, 2.0, 1.1, 1.9]}, 2, 2)["e"]

    assert variance_components(alike, {}).split == 0.0


def test_of_one_split_nothing_is_said_of_what_lies_between_splits():
    found = variance_components(errors_of({"e": [1.0, 3.0]}, 1, 2)["e"], {0: 0.25})

    assert found == Deviations(None, 0.5, pytest.approx(math.sqrt(2)))


def test_with_one_start_each_splits_and_starts_are_not_told_apart():
    found = variance_components(errors_of({"e": [1.0, 2.0, 4.0]}, 3)["e"], {0: 4.0, 1: 4, 2: 4})

    assert found == Deviations(split=None, rows=2.0, start=None)


@pytest.mark.parametrize(
    ("interval", "p", "margin", "diverged", "verdict"),
    [
        (Interval(-1, -1.5, -0.5), 0.01, 0, 0, Verdict.HELPS),
        (Interval(1, 0.5, 1.5), 0.01, 0, 0, Verdict.HURTS),
        (Interval(-1, -1.5, -0.5), 0.06, 0, 0, Verdict.TOO_FEW),
        (Interval(-1, -1.5, -0.5), 0.01, 2, 0, Verdict.SAME),
        (Interval(-1, -2.5, 0.5), 0.2, 2, 0, Verdict.TOO_FEW),
        (Interval(0, -2.0, 2.0), 1.0, 2, 0, Verdict.SAME),
        (Interval(1, 0.0, 2.0), 1 - 0.95, 0, 0, Verdict.TOO_FEW),
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
    assert found["dropout"] == Effect(
        difference=alone.mean,
        low=alone.low,
        high=alone.high,
        percent_of_baseline=pytest.approx(100 * seen.mean() / columns["baseline"].mean()),
        p=alone.p,
        p_holm=pytest.approx(4 * alone.p),
        pairs=6,
        wins=share_of_wins(seen),
        deviations=Deviations(None, None, None),
        diverged={"dropout": 0, "baseline": 0},
        verdict=Verdict.HELPS,
        needed=alone.needed,
    )
    assert estimate(evidence, NOBODY, margin=0.5)["dropout"].verdict == Verdict.SAME


def test_a_diverged_replica_is_counted_and_its_pair_left_out_of_the_estimate():
    errors = errors_of({name: [1.0, 2.0, 3.0] for name in VARIANTS}, 3)
    errors["dropout"] = [0.9, math.nan, 2.7]

    found = estimate(Evidence(errors, 0.4, root=False), NOBODY | {"dropout": 1}, margin=0.0)

    assert found["dropout"].verdict == Verdict.DIVERGED
    assert found["dropout"].pairs == 2
    assert found["dropout"].difference == pytest.approx(-0.2)
    assert found["dropout"].diverged == {"dropout": 1, "baseline": 0}
    assert found["batchnorm"].verdict != Verdict.DIVERGED


def test_one_run_gives_a_difference_and_no_verdict():
    errors = errors_of({name: [float(n)] for n, name in enumerate(VARIANTS)}, 1)

    found = estimate(Evidence(errors, 0.4, root=False), NOBODY, margin=0.0)

    assert found["dropout"].difference == 1.0
    assert {one.verdict for one in found.values()} == {Verdict.NONE}
    assert math.isnan(found["dropout"].low)


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
