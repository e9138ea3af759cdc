"""What a mean over splits is about, and which splits have no interval over them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import read_study
from dropnorm.data.splits import assign_parts
from dropnorm.evaluation.estimation.contrasts import FOUR
from dropnorm.evaluation.estimation.effects import Evidence, estimate
from dropnorm.evaluation.estimation.estimands import are_in_order, estimand
from dropnorm.evaluation.estimation.verdicts import Verdict
from dropnorm.pipelines.reporting import nodes
from dropnorm.study.split import ColumnsSplit, FilesSplit, GroupedSplit, RandomSplit, TimeSplit
from handful import PROVENANCE, SPLIT, STUDY, references, some_outcomes

NOBODY = dict.fromkeys(FOUR.names, 0)
MARKED = ColumnsSplit(method="columns", columns=("a", "b", "c"))
FILES = FilesSplit(method="files", train="a{split}", test="b{split}", count=5)


@pytest.mark.parametrize(
    ("splits", "starts", "split", "told"),
    [
        (5, 1, RandomSplit(method="random"), "a new random split of such rows"),
        (5, 4, RandomSplit(method="random"), "5 splits of this table, 4 starts each"),
        (5, 1, RandomSplit(method="random", identical_rows=True), "such groups of rows"),
        (5, 1, RandomSplit(method="random", keep_together=("a",)), "such groups of rows"),
        (5, 1, GroupedSplit(method="grouped", by="a"), "such groups"),
        (3, 1, MARKED, "another split made as those of this protocol, and a new random start, from"
         " pairs on 3 splits that columns of the table name. They take"),
        (5, 2, FILES, "5 splits that index files give, 2 starts each. They take these splits as"),
        (1, 4, RandomSplit(method="random"), "new rows to validate on"),
        (1, 4, TimeSplit(method="time", by="a"), "new stretches of such a time to validate on"),
        (1, 1, TimeSplit(method="time", by="a"), "what happened once"),
    ],
)  # fmt: skip
def test_each_kind_of_split_says_what_its_intervals_are_about(splits, starts, split, told):
    said = estimand(splits, starts, split)

    assert told in said
    assert ("new random split" in said) == (split not in (MARKED, FILES) and splits > 1)


def test_on_test_rows_an_interval_is_about_rows_to_test_on():
    random = RandomSplit(method="random")

    assert "new rows to test on" in estimand(1, 4, random, "test")
    assert estimand(5, 1, random, "test") == estimand(5, 1, random)


def test_splits_in_order_say_that_they_have_no_interval():
    assert estimand(3, 2, MARKED, in_order=True) == (
        "Each difference is the mean over 3 splits that follow one another, 2 starts each. They"
        " share training rows and trend, so it has no interval."
    )


def parts_of(*columns, split=MARKED):
    table = pd.DataFrame(dict(zip("abc", columns, strict=True)))
    study = read_study("concrete", split=split.model_dump(), replicas={"splits": 3})
    return assign_parts(table, study)


def a_moving_origin(rows, origins, last="test"):
    """Rows before an origin train, and those from it on are held."""
    return [np.where(np.arange(rows) < origin, "train", last) for origin in origins]


@given(st.lists(st.integers(10, 39), min_size=3, max_size=3, unique=True), st.booleans())
def test_an_origin_that_moves_forward_is_found(origins, reverse):
    for last in ("test", "validation"):
        parts = parts_of(*a_moving_origin(40, sorted(origins, reverse=reverse), last))

        assert are_in_order(parts, MARKED) is not reverse


def test_drawn_splits_and_folds_are_not_in_order():
    chance = np.random.default_rng(0)
    drawn = [np.where(chance.random(40) < 0.3, "test", "train") for _ in range(3)]
    folds = [np.where(np.arange(40) % 3 == fold, "validation", "train") for fold in range(3)]
    equal = a_moving_origin(40, [20, 20, 20])

    assert not are_in_order(parts_of(*drawn), MARKED)
    assert not are_in_order(parts_of(*folds), MARKED)
    assert not are_in_order(parts_of(*equal), MARKED)
    assert not are_in_order(SPLIT, STUDY.split)
    said = MARKED.model_copy(update={"in_order": True})
    assert are_in_order(parts_of(*drawn), said)
    first = parts_of(*drawn).query("split == 0")
    assert not are_in_order(first, said)


def test_effects_over_splits_in_order_have_a_mean_and_no_interval():
    chance = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([range(8), [0]], names=["split", "start"])
    errors = pd.DataFrame(
        {name: 10 - 3 * place + chance.normal(0, 0.1, 8) for place, name in enumerate(FOUR.names)},
        index=index,
    )
    evidence = Evidence(errors, 0.4, root=False)

    drawn = estimate(evidence, NOBODY, 0.0, FOUR)
    found = estimate(dataclasses.replace(evidence, in_order=True), NOBODY, 0.0, FOUR)

    for name, effect in found.items():
        assert effect.difference == pytest.approx(drawn[name].difference)
        assert np.isnan([effect.low, effect.high, effect.p, effect.p_holm]).all()
        assert effect.verdict is Verdict.IN_ORDER
        assert effect.basis == "splits in order, which have no interval"
    assert drawn["dropout"].verdict is Verdict.HELPS


def test_the_answer_over_splits_in_order_gives_no_verdict_and_says_why():
    study = STUDY.model_copy(
        update={"split": ColumnsSplit(method="columns", columns=("a", "b"), in_order=True)}
    )

    found = nodes.estimate_effects(SPLIT, references(), study, PROVENANCE, **some_outcomes())

    assert {one["verdict"] for one in found["effects"].values()} == {"splits in order: no verdict"}
    card = found["cards"]["dropout"]
    assert card["verdict"] == "splits in order: no verdict"
    assert card["rules_out"] == (
        "The splits share training rows and trend: their mean has no interval."
    )
    assert card["effect"].startswith("−1.0")
    assert "interval" not in card["effect"]
    assert found["recommendation"]["use"] == "baseline"
    assert found["recommendation"]["open"].startswith("Splits in order have no interval")
    assert "On average it is" in found["recommendation"]["reference"]
    assert "DN012" not in {one["code"] for one in found["findings"]}
    assert nodes.plot_effects(found).axes
