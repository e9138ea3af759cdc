from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from dropnorm.evaluation.estimation.deviations import Deviations, variance_components
from dropnorm.evaluation.estimation.effects import Evidence, RowLosses


def errors_of(columns, splits, starts=1):
    index = pd.MultiIndex.from_product([range(splits), range(starts)], names=["split", "start"])
    return pd.DataFrame(columns, index=index)


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
    assert found.split == pytest.approx(math.sqrt(0.6**2 / 2 - within / 2 - of_rows))
    assert found.rows == (pytest.approx(math.sqrt(of_rows)) if known else None)
    assert found.start == pytest.approx(math.sqrt(within))


def test_a_component_that_comes_out_below_zero_is_none_at_all():
    alike = errors_of({"e": [1.0, 2.0, 1.1, 1.9]}, 2, 2)["e"]

    assert variance_components(alike, {}).split == 0.0


def test_of_one_split_nothing_is_said_of_what_lies_between_splits():
    found = variance_components(errors_of({"e": [1.0, 3.0]}, 1, 2)["e"], {0: 0.25})

    assert (found.split, found.rows) == (None, 0.5)
    assert found.start == pytest.approx(math.sqrt(2))


def test_with_one_start_each_splits_and_starts_are_not_told_apart():
    found = variance_components(errors_of({"e": [1.0, 2.0, 4.0]}, 3)["e"], {0: 4.0, 1: 4, 2: 4})

    assert found == Deviations(split=None, rows=2.0, start=None)


@pytest.mark.parametrize("of_splits", [0.0, 0.5, 3.0])
def test_intervals_of_components_hold_the_true_ones(of_splits):
    chance, held = np.random.default_rng(1), []
    for _ in range(400):
        values = chance.normal(0, of_splits, (8, 1)) + chance.normal(0, 1, (8, 3))
        found = variance_components(errors_of({"e": values.ravel()}, 8, 3)["e"], {})
        held.append(
            [
                found.split_range[0] <= of_splits <= found.split_range[1],
                found.start_range[0] <= 1 <= found.start_range[1],
            ]
        )
        assert found.split_range[0] <= found.split <= found.split_range[1]
        assert found.start_range[0] <= found.start <= found.start_range[1]
    assert np.mean(held, axis=0) == pytest.approx([0.96, 0.95], abs=0.035)


def test_a_component_that_begins_at_zero_is_not_told_apart_from_it():
    alike = errors_of({"e": [1.0, 2.0, 1.1, 1.9]}, 2, 2)["e"]
    apart = errors_of({"e": [1.0, 1.1, 9.0, 9.1, 5.0, 5.1]}, 3, 2)["e"]

    assert variance_components(alike, {}).split_range[0] == 0
    assert variance_components(apart, {}).split_range[0] > 0
