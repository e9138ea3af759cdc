import math

import numpy as np
import pandas as pd
import pytest
import yaml
from atlas.networks import (
    LISTS,
    Networks,
    every_fourth,
    lines_of,
    pool_changes,
    pool_networks,
    read_networks,
    with_hidden,
    write_environment,
)
from atlas.recipe import Table
from scipy import stats

from conftest import read_study
from dropnorm.study.arms import arm_names


def a_table(name):
    return Table(name, "P", "T", "y", None, None, {}, ())


def test_the_fourth_table_is_taken_and_every_fourth_from_there_but_for_large_ones():
    tables = [a_table(f"t{n}") for n in range(1, 13)]
    rows = {table.name: 100 for table in tables} | {"t8": 6_000}

    assert [one.name for one in every_fourth(tables, rows, 5_000)] == ["t4", "t12"]


@pytest.mark.parametrize("name", LISTS)
def test_every_contrast_is_between_networks_that_a_study_can_compare(name):
    networks = read_networks(name)

    compare = {one: with_hidden(options, [8, 4]) for one, options in networks.compare.items()}
    names = arm_names(read_study("concrete", compare=compare))
    assert list(names) == list(networks.compare)
    for network, against in networks.contrasts:
        assert names.index(network) > names.index(against)
    for change in networks.changes:
        assert set(change) <= set(networks.contrasts)


def test_the_units_of_more_and_fewer_layers_are_those_of_the_study(tmp_path):
    networks = Networks(
        "depths",
        {
            "baseline": {},
            "flat": {"layers": ["dropout"], "network": {"hidden": "first"}},
            "deep": {"network": {"hidden": "each_twice", "activation": "relu"}},
        },
        [],
    )
    studies = tmp_path / "conf" / "base" / "parameters"
    studies.mkdir(parents=True)
    (studies / "t.yml").write_text("t: {network: {hidden: [64, 32]}}")

    write_environment(tmp_path, a_table("t"), networks)

    written = yaml.safe_load((tmp_path / "conf" / "depths" / "parameters" / "t.yml").read_text())
    assert written["t"]["compare"] == {
        "baseline": {},
        "flat": {"layers": ["dropout"], "network": {"hidden": [64]}},
        "deep": {"network": {"hidden": [64, 64, 32, 32], "activation": "relu"}},
    }


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


def some_lines(network, against, shares, half=1e-3):
    return pd.DataFrame(
        {
            "table": [f"t{place}" for place in range(len(shares))],
            "network": network,
            "against": against,
            "share": shares,
            "low": np.subtract(shares, half),
            "high": np.add(shares, half),
        }
    )


def test_a_change_is_the_ratio_of_two_ratios_on_the_same_tables():
    before, after = [0.5, 1.0, 0.25, 0.1], [2.0, 3.0, 1.5, math.nan]
    lines = pd.concat(
        [some_lines("deep_dropout", "deep", after), some_lines("flat_dropout", "flat", before)]
    )
    change = (("deep_dropout", "deep"), ("flat_dropout", "flat"))

    told = pool_changes(lines, [change]).iloc[0]

    assert told["mean"] == pytest.approx(1.0, rel=1e-6)  # each ratio is twice that before
    assert told["tables"] == 3  # the fourth has no share after
    assert told[["network", "from_network"]].tolist() == ["deep_dropout", "flat_dropout"]


def test_a_change_is_as_uncertain_as_two_independent_estimates():
    lines = pd.concat(
        [
            some_lines("deep_dropout", "deep", [0.0, 0.0, 0.0], half=0.03),
            some_lines("flat_dropout", "flat", [0.0, 0.0, 0.0], half=0.04),
        ]
    )

    told = pool_changes(lines, [(("deep_dropout", "deep"), ("flat_dropout", "flat"))]).iloc[0]

    t = stats.t.ppf(0.975, 2) / stats.norm.ppf(0.975)
    assert math.log1p(told["high"]) == pytest.approx(t * 0.05 / math.sqrt(3), rel=1e-6)
