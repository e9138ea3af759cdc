from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from conftest import read_table
from dropnorm.data.profile import inspect_table
from dropnorm.data.suggest import propose_study
from dropnorm.study.parsing import parse_study


def proposed(table: pd.DataFrame, target: str = "y", groups: str | None = None):
    look = inspect_table(table, target, groups)
    return propose_study("tried", look)


def numbers(rows: int = 100, **columns: object) -> pd.DataFrame:
    chance = np.random.default_rng(0)
    made = {"x": chance.normal(size=rows), "y": chance.normal(size=rows)}
    return pd.DataFrame({**made, **columns})


def test_every_option_is_one_of_a_study():
    study = parse_study("tried", proposed(numbers()).options())

    assert study.preprocessing.standard_scale == ("x",)
    assert (study.replicas.splits, study.replicas.starts) == (5, 1)


def test_an_ambiguous_target_is_told_unless_the_task_was():
    look = inspect_table(read_table("wine"), "quality")

    assert "an amount or a class?" in propose_study("wine", look).target.why
    assert "class" not in propose_study("wine", look, told_task=True).target.why


@pytest.mark.parametrize(
    ("target", "scale"),
    [
        (np.linspace(-1, 1, 100), "standardize"),
        (np.exp(np.random.default_rng(0).normal(3, 2, 100)), "log1p"),
        (-np.exp(np.random.default_rng(0).normal(3, 2, 100)), "standardize"),
    ],
)
def test_the_logarithm_is_learnt_of_a_target_that_spans_orders_of_magnitude(target, scale):
    assert proposed(numbers(y=target)).scale.value == scale


def test_a_target_that_is_mostly_one_value_is_learnt_by_its_mean():
    """With mae, a network that always says 0 is hard to beat."""
    visits = np.random.default_rng(0).negative_binomial(0.2, 0.1, 100)
    assert (visits == 0).mean() > 0.5

    mostly_none = proposed(numbers(y=visits))

    assert mostly_none.loss.value == "mse"
    assert "the target is 0 in" in mostly_none.loss.why
    assert mostly_none.scale.value == "standardize"
    assert "log1p may suit" in mostly_none.scale.why
    assert proposed(numbers()).loss.value == "mae"
    assert "log1p" not in proposed(numbers(y=[2.5] * 60 + [7.5] * 40)).scale.why


@pytest.mark.parametrize(
    ("gaps", "missing"), [({}, "refuse"), ({"y": 3}, "drop"), ({"x": 3, "y": 3}, "impute")]
)
def test_what_is_missing_decides_what_is_done_about_it(gaps, missing):
    table = numbers()
    for column, count in gaps.items():
        table.loc[: count - 1, column] = None
    table.loc[50:59, "x"] = None if "x" in gaps else table.loc[50:59, "x"]

    proposal = proposed(table)

    assert proposal.missing.value == missing
    assert bool(proposal.fills) == (missing == "impute")
    if proposal.fills:
        assert proposal.fills["indicator"].value is True


def test_rows_that_would_be_recognised_stand_together():
    shops = [f"shop {n % 30}" for n in range(100)]
    twice = pd.concat([numbers(50), numbers(50)])

    assert proposed(numbers(shop=shops)).options()["split"]["keep_together"] == ["shop"]
    assert proposed(twice).options()["split"]["identical_rows"] is True
    assert proposed(numbers()).options()["split"].keys() == {
        "method", "train_fraction", "test_fraction", "seed"
    }  # fmt: skip
    # Rows without a shop could not be split by it.
    gaps = proposed(numbers(shop=[None, *shops[1:]])).options()["split"]
    assert "keep_together" not in gaps


def test_few_combinations_of_inputs_are_split_row_by_row():
    design = pd.DataFrame({"dose": np.arange(400) % 8, "visit": np.arange(400) // 8 % 10})
    table = design.assign(y=np.random.default_rng(0).normal(size=400))

    assert "identical_rows" not in proposed(table).options()["split"]


def test_groups_are_split_as_asked():
    split = proposed(numbers(g=np.arange(100) % 7), groups="g").options()["split"]

    assert (split["method"], split["by"]) == ("grouped", "g")


def test_more_rows_get_a_larger_network_larger_batches_and_fewer_epochs():
    few, many = proposed(numbers(60)), proposed(numbers(60_000))

    assert sum(few.hidden.value) < sum(many.hidden.value)
    assert few.batch_size.value < many.batch_size.value
    assert few.epochs.value > many.epochs.value
    assert few.seconds < many.seconds
