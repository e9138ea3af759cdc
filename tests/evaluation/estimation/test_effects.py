from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropnorm.evaluation.estimation.contrasts import FOUR
from dropnorm.evaluation.estimation.effects import (
    Evidence,
    RowLosses,
    estimate,
    margin_of,
)
from dropnorm.evaluation.estimation.intervals import (
    Interval,
    holm,
    jackknife_variance,
    over_splits,
    over_starts,
)
from dropnorm.evaluation.estimation.verdicts import Verdict, judge

VARIANTS = ("baseline", "dropout", "batchnorm", "dropout_batchnorm")
NOBODY = dict.fromkeys(VARIANTS, 0)
numbers = st.floats(-100, 100).map(lambda x: round(x, 6))


def errors_of(columns, splits, starts=1):
    index = pd.MultiIndex.from_product([range(splits), range(starts)], names=["split", "start"])
    return pd.DataFrame(columns, index=index)


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

    found = estimate(Evidence(errors, 0.4, root=False), NOBODY, margin=0.0, design=FOUR)

    assert found["dropout"].difference == pytest.approx(-1, abs=0.02)
    assert found["batchnorm"].difference == pytest.approx(2, abs=0.02)
    assert found["interaction"].difference == pytest.approx(-0.5, abs=0.03)
    verdicts = [one.verdict for one in found.values()]
    assert verdicts == ["helps", "hurts", "hurts", "helps"]
    assert found["dropout"].wins.wins == 6
    difference = found["dropout"].difference
    assert found["dropout"].percent_of_baseline == pytest.approx(100 * difference / base.mean())


def test_all_four_differences_are_judged_together():
    columns = dict(zip(VARIANTS, np.random.default_rng(5).normal(2, 0.1, (4, 6)), strict=True))
    columns["dropout"] = columns["baseline"] - np.linspace(0.15, 0.25, 6)
    evidence = Evidence(errors_of(columns, 6), 0.4, root=False)

    found = estimate(evidence, NOBODY, margin=0.0, design=FOUR)

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
    assert estimate(evidence, NOBODY, margin=0.5, design=FOUR)["dropout"].verdict == Verdict.SAME


def test_a_diverged_replica_is_counted_and_its_pair_left_out_of_the_estimate():
    errors = errors_of({name: [1.0, 2.0, 3.0] for name in VARIANTS}, 3)
    errors["dropout"] = [0.9, math.nan, 2.7]

    found = estimate(
        Evidence(errors, 0.4, root=False), NOBODY | {"dropout": 1}, margin=0.0, design=FOUR
    )

    assert found["dropout"].verdict == Verdict.DIVERGED
    assert found["dropout"].pairs == 2
    assert found["dropout"].difference == pytest.approx(-0.2)
    assert found["dropout"].diverged == {"dropout": 1, "baseline": 0}
    assert found["dropout"].sensitivity == pytest.approx((-0.7 / 3, -0.5 / 3))
    assert found["batchnorm"].verdict != Verdict.DIVERGED


def test_one_run_gives_a_difference_and_no_verdict():
    errors = errors_of({name: [float(n)] for n, name in enumerate(VARIANTS)}, 1)

    found = estimate(Evidence(errors, 0.4, root=False), NOBODY, margin=0.0, design=FOUR)

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

    first = estimate(Evidence(errors, 0.4, root=False), NOBODY, margin=0.0, design=FOUR)
    second = estimate(Evidence(shifted, 0.4, root=False), NOBODY, margin=0.0, design=FOUR)

    for contrast in first:
        for key in ("difference", "low", "high"):
            assert getattr(first[contrast], key) == pytest.approx(
                getattr(second[contrast], key), abs=1e-6, nan_ok=True
            )
