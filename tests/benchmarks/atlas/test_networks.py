import math

import numpy as np
import pandas as pd
import pytest
from atlas.networks import every_fourth, lines_of, pool_networks, read_networks
from atlas.recipe import Table

from conftest import read_study
from dropnorm.study.arms import arm_names


def test_the_fourth_table_is_taken_and_every_fourth_from_there_but_for_large_ones():
    tables = [Table(f"t{n}", "P", "T", "y", None, None, {}, ()) for n in range(1, 13)]
    rows = {table.name: 100 for table in tables} | {"t8": 6_000}

    assert [one.name for one in every_fourth(tables, rows, 5_000)] == ["t4", "t12"]


def test_every_contrast_is_between_networks_that_a_study_can_compare():
    compare, contrasts = read_networks()

    names = arm_names(read_study("concrete", compare=compare))
    assert list(names) == list(compare)
    for network, against in contrasts:
        assert names.index(network) > names.index(against)


def an_answer(diverged=0):
    def effect(difference, verdict):
        return {"difference": difference, "low": -2.0, "high": 1.0, "verdict": verdict}

    def variant(error, diverged=0):
        return {"error": error, "diverged": diverged}

    return {
        "error": "mae",
        "splits": 10,
        "against": "baseline",
        "variants": {
            "baseline": variant(10.0),
            "dropout": variant(9.0),
            "early_stopping": variant(8.0, diverged),
        },
        "effects": {"dropout": effect(-1.0, "helps"), "early_stopping": effect(-2.0, "helps")},
        "comparisons": [
            {"network": "early_stopping", "other": "dropout", **effect(-1.0, "not settled")}
        ],
    }


CONTRASTS = [("dropout", "baseline"), ("early_stopping", "dropout")]


def test_a_difference_is_a_share_of_the_error_of_the_network_that_it_is_told_against():
    told = pd.DataFrame(lines_of(an_answer(), CONTRASTS))

    assert told["share"].tolist() == pytest.approx([-1 / 10, -1 / 9])
    assert told["low"].tolist() == pytest.approx([-2 / 10, -2 / 9])
    assert told["high"].tolist() == pytest.approx([1 / 10, 1 / 9])
    assert told["verdict"].tolist() == ["helps", "not settled"]


def test_a_network_of_which_a_training_diverged_has_no_share():
    told = pd.DataFrame(lines_of(an_answer(diverged=1), CONTRASTS))

    assert told["share"].tolist() == [pytest.approx(-0.1), pytest.approx(math.nan, nan_ok=True)]


def test_the_mean_of_tables_is_that_of_the_ratios_and_counts_what_is_shown():
    shares = [0.5, 1.0, 1 / 3]
    lines = pd.DataFrame(
        {
            "table": ["a", "b", "c", "d"],
            "network": "dropout",
            "against": "baseline",
            "share": [*shares, math.nan],
            "low": [*np.subtract(shares, 1e-3), math.nan],
            "high": [*np.add(shares, 1e-3), math.nan],
            "verdict": ["helps", "rescues training", "hurts", "breaks training"],
        }
    )

    told = pool_networks(lines).iloc[0]

    assert told["mean"] == pytest.approx(4.0 ** (1 / 3) - 1, rel=1e-3)  # 1.5, 2 and 4/3
    assert told["predicted_low"] < told["low"] < told["mean"] < told["high"]
    assert (told["tables"], told["better"], told["worse"]) == (3, 2, 2)
    assert pool_networks(lines[:2]).empty
