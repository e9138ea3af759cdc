from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from conftest import read_study
from dropnorm.data.splits import assign_parts
from dropnorm.evaluation.predictions.conformal import (
    Calibration,
    calibrate,
    interval,
    least_units,
    tell_interval,
)


def of_one_split(residuals, units=None) -> Calibration:
    rows = len(residuals)
    return Calibration(
        np.asarray(residuals, dtype=float),
        np.array([[True]]),
        np.zeros(rows, dtype=np.intp),
        np.arange(rows) if units is None else np.asarray(units),
    )


def held(*splits: dict[int, float], target: float = 0.0) -> pd.DataFrame:
    """Validation predictions: of each split, those of its rows."""
    return pd.DataFrame(
        [
            {"split": k, "start": 0, "row": row, "target": target, "prediction": value}
            for k, rows in enumerate(splits)
            for row, value in rows.items()
        ]
    )


def parts(rows: int, **columns) -> pd.DataFrame:
    return pd.DataFrame({"split": 0, "row": range(rows), "part": "validation", **columns})


@pytest.mark.parametrize(
    ("level", "rows", "rank"),
    [(90, 9, 9), (90, 10, 10), (90, 19, 18), (90, 100, 91), (80, 4, 4), (80, 9, 8), (50, 1, 1),
     (95, 19, 19), (99, 99, 99)],
)  # fmt: skip
def test_half_the_width_is_the_residual_of_the_corrected_rank(level, rows, rank):
    residuals = np.random.default_rng(0).permutation(np.arange(1.0, rows + 1))

    low, high = interval(np.array([[10.0, -3.0]]), of_one_split(residuals), level)

    np.testing.assert_allclose(high - [10, -3], rank)
    np.testing.assert_allclose([10, -3] - low, rank)


@pytest.mark.parametrize(("level", "least"), [(50, 1), (80, 4), (90, 9), (95, 19), (99, 99)])
def test_below_the_least_count_no_finite_interval_has_the_level(level, least):
    assert least_units(level) == least
    assert of_one_split(np.ones(least)).holds(level)
    assert not of_one_split(np.ones(least - 1)).holds(level)


@pytest.mark.parametrize(("rows", "level"), [(9, 90), (15, 90), (40, 80)])
def test_coverage_of_exchangeable_residuals_is_the_known_one(rows, level):
    """Of continuous residuals, the coverage is exactly rank / (rows + 1)."""
    generator, trials = np.random.default_rng(3), 4000
    covered = 0
    for _ in range(trials):
        *residuals, new = generator.standard_cauchy(rows + 1)
        low, high = interval(np.zeros((1, 1)), of_one_split(np.abs(residuals)), level)
        covered += int(low[0] <= new <= high[0])

    expected = math.ceil(level / 100 * (rows + 1) - 1e-9) / (rows + 1)
    error = math.sqrt(expected * (1 - expected) / trials)
    assert expected >= level / 100
    assert abs(covered / trials - expected) < 4 * error


def test_coverage_of_rows_of_new_groups_is_that_of_groups():
    """Rows of a group share an offset, so that rows counted one by one would cover too few."""
    generator, trials, covered, naive = np.random.default_rng(4), 2000, 0, 0
    for _ in range(trials):
        offsets = generator.normal(size=13)
        units = np.repeat(np.arange(12), generator.integers(1, 30, size=12))
        rows = np.abs(offsets[units] + 0.1 * generator.normal(size=len(units)))
        new = offsets[12] + 0.1 * generator.normal()
        for grouped in (True, False):
            calibration = of_one_split(rows, units if grouped else None)
            low, high = interval(np.zeros((1, 1)), calibration, 90)
            if grouped:
                covered += int(low[0] <= new <= high[0])
            else:
                naive += int(low[0] <= new <= high[0])

    error = math.sqrt(0.09 / trials)
    assert covered / trials > 0.9 - 3 * error
    assert naive / trials < 0.9 - 3 * error


def test_groups_of_equal_size_count_as_groups():
    calibration = of_one_split(np.repeat(np.arange(1.0, 10.0), 3), np.repeat(np.arange(9), 3))

    _, high = interval(np.zeros((1, 1)), calibration, 90)

    assert calibration.count == 9
    assert high[0] == 9.0


def test_a_row_is_judged_by_the_networks_that_did_not_train_on_it():
    predictions = held({0: 1.0, 1: 2.0}, {1: 6.0, 2: -3.0})

    found = calibrate(predictions, parts(4), [(0, 0), (1, 0)], read_study("concrete"))

    np.testing.assert_allclose(found.residuals, [1.0, 4.0, 3.0])
    assert found.committees[found.of_row].tolist() == [[True, False], [True, True], [False, True]]


@pytest.mark.parametrize(
    ("scale", "forth", "back"), [("none", np.array, np.array), ("log1p", np.log1p, np.expm1)]
)
def test_each_residual_stands_around_its_own_networks(scale, forth, back):
    """Against the definition, term by term (Barber et al. 2021, equation 3.1)."""
    generator = np.random.default_rng(5)
    splits = [
        dict(zip(generator.choice(40, 12, replace=False), generator.gamma(2, size=12), strict=True))
        for _ in range(4)
    ]
    replicas = [(k, 0) for k in range(4)]
    new = generator.gamma(2, size=(4, 5))
    study = read_study("concrete", target={"column": "CompressiveStrength", "scale": scale})

    calibration = calibrate(held(*splits, target=1.5), parts(40), replicas, study)
    low, high = interval(new, calibration, 80)

    rows = sorted({row for one in splits for row in one})
    below, above = [], []
    for row in rows:
        mine = [k for k, one in enumerate(splits) if row in one]
        residual = abs(forth(1.5) - forth(np.mean([splits[k][row] for k in mine])))
        below.append(forth(new[mine].mean(axis=0)) - residual)
        above.append(forth(new[mine].mean(axis=0)) + residual)
    count = len(rows)
    up, down = math.ceil(0.8 * (count + 1)), math.floor(0.2 * (count + 1))
    np.testing.assert_allclose(high, back(np.sort(above, axis=0)[up - 1]))
    np.testing.assert_allclose(low, back(np.sort(below, axis=0)[down - 1]))


LOGARITHMIC = read_study("concrete", target={"column": "CompressiveStrength", "scale": "log1p"})


def test_of_a_logarithmic_target_the_distance_is_a_factor():
    """The largest residual of nine is a factor of 2, of 1 + target: 1 + 99 for 1 + 49."""
    predictions = held({**dict.fromkeys(range(8), 99.0), 8: 49.0}, target=99.0)

    calibration = calibrate(predictions, parts(9), [(0, 0)], LOGARITHMIC)
    low, high = interval(np.array([[9.0, 999.0, -0.5]]), calibration, 90)

    np.testing.assert_allclose(low, [4.0, 499.0, -0.75])
    np.testing.assert_allclose(high, [19.0, 1999.0, 0.0], atol=1e-12)
    assert "the residuals, as logarithms, of 9 validation rows" in tell_interval(
        calibration, 90, LOGARITHMIC
    )


def test_of_a_logarithmic_target_no_interval_reaches_what_has_no_logarithm():
    """Neither where a prediction is rounded to -1, nor beyond what float64 holds."""
    predictions = held({**dict.fromkeys(range(8), 0.0), 8: -1.0})

    calibration = calibrate(predictions, parts(9), [(0, 0)], LOGARITHMIC)
    low, high = interval(np.array([[-1.0, 0.0, 1e300]]), calibration, 90)

    assert (low >= -1).all()
    np.testing.assert_allclose(high, [0.0, 2.0**53 - 1, np.inf])


def test_coverage_of_a_logarithmic_target_is_the_known_one_for_small_and_large_predictions():
    """Log-normal targets around predictions from 1 to 1,000."""
    generator = np.random.default_rng(7)
    predicted = np.exp(generator.uniform(0, 7, 4000)) - 1
    targets = (1 + predicted) * np.exp(generator.normal(size=4000)) - 1
    rows = pd.DataFrame({"split": 0, "start": 0, "row": range(2000), "target": targets[:2000],
                         "prediction": predicted[:2000]})  # fmt: skip
    new, known = predicted[2000:], targets[2000:]

    low, high = interval(new[np.newaxis], calibrate(rows, parts(2000), [(0, 0)], LOGARITHMIC), 90)

    inside = (low <= known) & (known <= high)
    for third in np.array_split(np.argsort(new), 3):
        assert inside[third].mean() == pytest.approx(0.9, abs=4 * math.sqrt(0.09 / len(third)))


def test_replicas_that_are_not_named_have_no_say():
    predictions = held({0: 1.0}, {0: math.nan, 1: math.nan})

    found = calibrate(predictions, parts(2), [(0, 0)], read_study("concrete"))

    assert found.residuals.tolist() == [1.0]


def test_many_rows_are_thinned_and_many_new_rows_are_taken_in_parts():
    rows = {row: float(row) for row in range(20_000)}
    calibration = calibrate(held(rows), parts(20_000), [(0, 0)], read_study("concrete"))

    low, high = interval(np.arange(2000.0)[np.newaxis], calibration, 90)

    assert len(calibration.residuals) == 2000
    np.testing.assert_allclose(high - np.arange(2000), 0.9 * 20_000, rtol=0.002)
    np.testing.assert_allclose(low + high, 2 * np.arange(2000.0))


def test_splits_in_order_of_time_give_no_guarantee():
    table = pd.DataFrame({"a": ["train", "train", "test", "unused"],
                          "b": ["train", "train", "train", "test"]})  # fmt: skip
    marked = {"method": "columns", "columns": ["a", "b"], "validation_fraction": 0}
    study = read_study("concrete", split=marked, replicas={"splits": 2})
    predictions = pd.DataFrame({"split": [0, 1], "start": 0, "row": [2, 3], "target": 1.0,
                                "prediction": 2.0})  # fmt: skip

    calibration = calibrate(predictions, assign_parts(table, study), [(0, 0), (1, 0)], study)

    assert calibration.in_order
    told = tell_interval(replace(calibration, units=np.arange(20)), 90, study)
    assert "It has no guarantee: new rows are later" in told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "It assumes new rows like those of this table."),
        ({"split": {"method": "grouped", "by": "Age"}}, "It assumes rows of new groups"),
        ({"split": {"method": "time", "by": "Age"}, "replicas": {"splits": 1}},
         "It has no guarantee: new rows are later"),
        ({"split": {"method": "columns", "columns": ["part"]}, "replicas": {"splits": 1}},
         "like those that the published split holds out"),
        ({"training__early_stopping": {"patience": 3, "rows": "validation"}},
         "also chose the epoch"),
        ({"training__schedule": {"method": "reduce_on_plateau", "rows": "validation"}},
         "lowered the learning rate"),
    ],
)  # fmt: skip
def test_the_sentence_says_what_the_interval_assumes(options, told):
    sentence = tell_interval(of_one_split(np.ones(20)), 90, read_study("concrete", **options))

    assert sentence.startswith("The 90 % interval, lower_90 to upper_90, is from the residuals of")
    assert told in sentence


def test_of_a_grouped_split_groups_are_counted():
    study = read_study("concrete", split={"method": "grouped", "by": "Age"})
    predictions = held(dict.fromkeys(range(24), 1.0))
    groups = parts(24, group=pd.Categorical(np.arange(24) // 3))

    found = calibrate(predictions, groups, [(0, 0)], study)

    assert found.count == 8
    assert tell_interval(found, 90, study) == (
        "No 90 % interval: it needs at least 9 validation groups, and there are 8; take a lower"
        " --level, or a study with more rows to validate on."
    )
    assert "24 validation rows in 8 groups" in tell_interval(found, 80, study)


def test_of_a_split_by_time_rows_are_counted():
    study = read_study(
        "concrete", split={"method": "time", "by": "Age"}, replicas={"splits": 1}
    )  # fmt: skip

    found = calibrate(
        held(dict.fromkeys(range(24), 1.0)), parts(24, group=np.arange(24) // 3), [(0, 0)], study
    )

    assert found.count == 24


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("spread", [0.0, 0.3, 5.0])
def test_leaving_small_residuals_out_changes_no_end(grouped, spread):
    """Against all weights of all rows, in the order of their values."""
    generator = np.random.default_rng(6)
    committees = np.array([[True, False, False], [False, True, True], [True, True, True]])
    units = np.repeat(np.arange(40), generator.integers(1, 6, 40)) if grouped else np.arange(150)
    rows = len(units)
    calibration = Calibration(
        generator.exponential(size=rows), committees, generator.integers(0, 3, rows), units
    )
    each = generator.normal(size=20) + spread * generator.normal(size=(3, 20))

    ends = interval(each, calibration, 90)

    weights = 1 / (np.bincount(units)[units] * (units.max() + 2))
    for new in range(20):
        centres = np.array([each[one, new].mean() for one in committees])[calibration.of_row]
        for end, sign in zip(ends, (-1, 1), strict=True):
            values = sign * centres + calibration.residuals
            least = min(v for v in values if weights[values <= v].sum() >= 0.9 - 1e-9)
            assert sign * end[new] == pytest.approx(least)
