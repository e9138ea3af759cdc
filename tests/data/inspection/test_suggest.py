from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from conftest import read_table
from dropnorm.cli.study.check import find_problems
from dropnorm.data.inspection.profile import inspect_table
from dropnorm.data.inspection.suggest import propose_study
from dropnorm.study.parsing import parse_study


def proposed(table: pd.DataFrame, target: str = "y", groups: str | None = None):
    look = inspect_table(table, target, groups)
    return propose_study("tried", look)


def numbers(rows: int = 100, **columns: object) -> pd.DataFrame:
    chance = np.random.default_rng(0)
    made = {"x": chance.normal(size=rows), "y": chance.normal(size=rows)}
    return pd.DataFrame({**made, **columns})


def test_the_proposed_options_form_a_study():
    study = parse_study("tried", proposed(numbers()).options())

    assert study.preprocessing.standard_scale == ("x",)
    assert (study.replicas.splits, study.replicas.starts) == (5, 1)


def test_the_title_is_the_name_with_the_case_that_its_words_have():
    assert propose_study("used_BMW", inspect_table(numbers(), "y")).title == "Used BMW"


def test_an_ambiguous_target_is_noted_unless_the_task_is_given():
    look = inspect_table(read_table("wine"), "quality")

    assert "amounts or classes" in propose_study("wine", look).target.why
    assert "class" not in propose_study("wine", look, task_given=True).target.why


@pytest.mark.parametrize(
    ("target", "scale"),
    [
        (np.linspace(-1, 1, 100), "standardize"),
        (np.exp(np.random.default_rng(0).normal(3, 2, 100)), "log1p"),
        (-np.exp(np.random.default_rng(0).normal(3, 2, 100)), "standardize"),
    ],
)
def test_a_target_spanning_orders_of_magnitude_gets_a_logarithm(target, scale):
    assert proposed(numbers(y=target)).scale.value == scale


def test_a_target_that_is_mostly_one_value_gets_mse():
    """With mae, a network that always predicts 0 is hard to beat."""
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
def test_missing_values_decide_the_missing_option(gaps, missing):
    table = numbers()
    for column, count in gaps.items():
        table.loc[: count - 1, column] = None
    table.loc[50:59, "x"] = None if "x" in gaps else table.loc[50:59, "x"]

    proposal = proposed(table)

    assert proposal.missing.value == missing
    assert bool(proposal.fills) == (missing == "impute")
    if proposal.fills:
        assert proposal.fills["indicator"].value is True


def test_numeric_codes_become_usable_categories():
    sexes, stores = np.arange(100) % 2 + 1, [None, *np.arange(99) % 7]
    table = numbers(sex=sexes, store=stores)

    study = parse_study("tried", proposed(table).options())

    assert study.preprocessing.one_hot == ("sex", "store")
    assert find_problems(table, study) == []


def test_rows_of_entities_and_equal_rows_are_kept_together():
    shops = [f"shop {n % 30}" for n in range(100)]
    twice = pd.concat([numbers(50), numbers(50)])

    assert proposed(numbers(shop=shops)).options()["split"]["keep_together"] == ["shop"]
    assert proposed(twice).options()["split"]["identical_rows"] is True
    assert proposed(numbers()).options()["split"].keys() == {
        "method", "train_fraction", "test_fraction", "seed"
    }  # fmt: skip
    # Rows without a shop cannot be split by it.
    gaps = proposed(numbers(shop=[None, *shops[1:]])).options()["split"]
    assert "keep_together" not in gaps


def test_few_combinations_of_inputs_are_not_kept_together():
    design = pd.DataFrame({"dose": np.arange(400) % 8, "visit": np.arange(400) // 8 % 10})
    table = design.assign(y=np.random.default_rng(0).normal(size=400))

    assert "identical_rows" not in proposed(table).options()["split"]


def test_given_groups_make_a_grouped_split():
    split = proposed(numbers(g=np.arange(100) % 7), groups="g").options()["split"]

    assert (split["method"], split["by"]) == ("grouped", "g")


@pytest.mark.parametrize(("rows", "steps"), [(100, 500), (768, 540), (2000, 1400), (9000, 2600)])
def test_a_classification_gets_about_one_step_per_training_row(rows, steps):
    labels = np.where(np.arange(rows) % 2 == 0, "yes", "no")

    classes, amounts = proposed(numbers(rows, y=labels)), proposed(numbers(rows))

    per_epoch = int(classes.batch_size.why.split()[0])
    assert classes.epochs.value * per_epoch == pytest.approx(steps, rel=0.05)
    assert ("would raise the log loss" in classes.epochs.why) == (rows < 9000)
    assert classes.epochs.value <= amounts.epochs.value
    assert "log loss" not in amounts.epochs.why


def test_more_rows_get_a_larger_network_larger_batches_and_fewer_epochs():
    few, many = proposed(numbers(60)), proposed(numbers(60_000))

    assert sum(few.hidden.value) < sum(many.hidden.value)
    assert few.batch_size.value < many.batch_size.value
    assert few.epochs.value > many.epochs.value
    assert few.seconds < many.seconds
