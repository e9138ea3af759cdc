import math

import numpy as np
import pandas as pd
import pytest
from atlas.recipe import Table
from atlas.searches import in_drawn_order, lines_of, pool_budgets

from dropnorm.tuning.results import EqualBudget, LayerEffect, NetworkAtBudget, Size


def table(name):
    return Table(name, "P", name, "y", None, None, {}, ())


def network(name, configured, chosen):
    nothing = Size(None, None, None)
    return NetworkAtBudget(name, configured, chosen, 1.0, nothing, 0, 0, 0, 100, (0,), (), {})


def found(change):
    sizes = (Size(-1.0, -2.0, 0.0, "not settled"), Size(-0.2, -0.4, 0.2, "not settled"), change)
    return EqualBudget(
        "cars", "Cars", False, "mae", "mpg", 5, 1, 20, 0, "new splits", "", "",
        tuple(LayerEffect(one, *sizes) for one in ("dropout", "batchnorm", "dropout_batchnorm")),
        (network("baseline", 10.0, 4.0), network("dropout", 9.0, 3.8)), None,
    )  # fmt: skip


def lines(layer, budget, shares, half):
    return pd.DataFrame(
        {
            "table": [f"t{number}" for number in range(len(shares))],
            "layer": layer,
            "budget": budget,
            "share": shares,
            "low": np.asarray(shares) - half,
            "high": np.asarray(shares) + half,
        }
    )


def test_tables_that_are_too_large_do_not_change_the_order_of_the_others():
    tables = [table(f"t{number}") for number in range(30)]
    rows = {one.name: 100 * number for number, one in enumerate(tables)}

    every = in_drawn_order(tables, rows, 10**6)
    small = in_drawn_order(tables, rows, 1500)

    assert sorted(one.name for one in every) == sorted(rows)
    assert every != tables
    assert small == [one for one in every if rows[one.name] <= 1500]


def test_an_effect_is_a_share_of_the_baseline_at_its_own_budget_and_the_change_of_that_configured():
    change = Size(0.8, -0.4, 2.0, "")

    told = pd.DataFrame(lines_of(found(change), "regression")).set_index(["layer", "budget"])

    shares = told.loc["dropout", "share"].to_dict()
    assert shares == pytest.approx({"configured": -0.1, "equal_budget": -0.05, "change": 0.08})
    assert told.loc[("dropout", "equal_budget"), "low"] == pytest.approx(-0.1)


def test_a_search_in_which_a_training_diverged_has_no_change():
    told = pd.DataFrame(lines_of(found(Size(None, None, None, "cannot be compared")), "regression"))

    assert told.loc[told["budget"] == "change", "share"].isna().all()


def test_means_are_of_the_same_tables_at_both_budgets():
    rng = np.random.default_rng(0)
    configured = rng.normal(-0.10, 0.01, 40)
    tuned = rng.normal(-0.02, 0.01, 40)
    three = [
        lines("dropout", "configured", configured, 0.02),
        lines("dropout", "equal_budget", tuned, 0.02),
        lines("dropout", "change", tuned - configured, 0.02),
    ]
    lost = three[2].copy()
    lost.loc[:4, ["share", "low", "high"]] = math.nan

    whole = pool_budgets(pd.concat(three)).set_index("budget")
    fewer = pool_budgets(pd.concat([*three[:2], lost])).set_index("budget")

    assert whole.loc["configured", "mean"] == pytest.approx(-0.10, abs=0.005)
    assert whole.loc["equal_budget", "mean"] == pytest.approx(-0.02, abs=0.005)
    assert whole.loc["change", "mean"] == pytest.approx(0.08, abs=0.007)
    assert fewer["tables"].tolist() == [35] * 3


def test_two_tables_have_no_mean():
    assert pool_budgets(lines("dropout", "configured", [0.1, 0.2], 0.02)).empty
