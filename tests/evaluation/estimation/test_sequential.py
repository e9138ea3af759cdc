from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from conftest import read_study
from dropnorm.evaluation.estimation.intervals import LEVEL, holm, over_splits
from dropnorm.evaluation.estimation.sequential import (
    at_look,
    level_of,
    levels,
    look_at,
    nominal_levels,
    tell_look,
    tell_looks,
)
from dropnorm.evaluation.records import Look, Seen
from dropnorm.study.schema import Replicas, looks_up_to

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
LOOKS, CLAIMS = (5, 10, 20, 40), 4
STUDY = read_study("concrete", replicas={"until": "settled"})
WORKS = {"health": "works", "collapsed": 0}


def found(*verdict, batchnorm="hurts", both="help", **variants):
    effect = {"difference": -1.0, "low": -2.0, "high": -0.1}
    verdicts = {
        "dropout": [*verdict, "helps"][0],
        "batchnorm": batchnorm,
        "dropout_batchnorm": both,
    }
    names = ("baseline", *verdicts)
    interaction = {**effect, "verdict": "not settled"}
    return {
        "cards": {name: {} for name in verdicts},
        "effects": {name: {**effect, "verdict": one} for name, one in verdicts.items()}
        | {"interaction": interaction},
        "variants": {name: variants.get(name, WORKS) for name in names},
    }


def a_look(splits, settled=True):
    verdict = "helps" if settled else "not settled"
    seen = Seen(-1.0, -2.0, -0.1, verdict, settled)
    return Look(splits, 0.99, {"dropout": seen, "batchnorm": replace(seen, settled=True)})


@pytest.mark.parametrize(
    ("at_most", "looks"),
    [(5, (5,)), (6, (5, 6)), (20, (5, 10, 20)), (30, (5, 10, 20, 30)), (40, LOOKS)],
)
def test_a_run_looks_at_twice_as_many_splits_each_time_and_at_the_most(at_most, looks):
    assert looks_up_to(at_most) == looks


def test_levels_are_the_published_ones_of_lan_and_demets():
    rejecting = nominal_levels([0.2, 0.4, 0.6, 0.8, 1.0], 0.05)

    bounds = [stats.norm.isf(one / 2) for one in rejecting]
    assert bounds == pytest.approx([2.438, 2.427, 2.410, 2.397, 2.386], abs=6e-4)


def test_the_chance_of_any_false_rejection_is_what_was_to_be_spent():
    rejecting = np.array(nominal_levels([1 / 8, 1 / 4, 1 / 2, 1], 0.05))
    times = np.array([1, 2, 4, 8]) / 8
    steps = np.random.default_rng(0).normal(size=(100_000, 4)) * np.sqrt(np.diff(times, prepend=0))

    sizes = np.abs(np.cumsum(steps, axis=1)) / np.sqrt(times)

    share = (sizes > stats.norm.isf(rejecting / 2)).any(axis=1).mean()
    assert share == pytest.approx(0.05, abs=0.0021)  # three Monte-Carlo errors


def test_one_look_is_at_95_percent_and_several_are_stricter_each():
    assert levels((5,), CLAIMS) == pytest.approx([LEVEL])
    assert level_of(Replicas(splits=20), CLAIMS) == LEVEL
    assert all(one > LEVEL for one in levels(LOOKS, CLAIMS))
    assert level_of(at_look(STUDY, 20).replicas, CLAIMS) == levels(LOOKS, CLAIMS)[2]
    assert sum(1 - one for one in levels(LOOKS, CLAIMS)) > 1 - LEVEL  # more than Bonferroni's


def test_interval_p_value_and_margin_follow_the_level_of_the_look():
    differences = np.random.default_rng(1).normal(1.0, 1.0, 10)

    usual, strict = (over_splits(differences, 0.3, 0.05, level=one) for one in (LEVEL, 0.99))

    assert (usual.mean, usual.p, usual.deviation) == pytest.approx(
        (strict.mean, strict.p, strict.deviation)
    )
    assert strict.low < usual.low < usual.high < strict.high
    # Zero is outside the interval of one difference exactly where its adjusted p is below 0.05.
    edge = replace(strict, mean=strict.mean - strict.low, low=0.0)
    p = 2 * stats.t.sf(edge.mean / strict.deviation, strict.freedom)
    assert holm([p], 0.99) == pytest.approx([0.05])
    assert holm([0.01, 0.02]) == pytest.approx([0.02, 0.02])


def test_beyond_its_boundary_a_difference_is_shown_whatever_the_others_show():
    differences = np.random.default_rng(1).normal(1.0, 1.0, 10)
    interval = over_splits(differences, 0.3, 0.05, level=0.99)

    boundary = interval.boundary(CLAIMS)

    at_it = 2 * stats.t.sf(boundary / interval.deviation, interval.freedom)
    assert holm([at_it, 0.9, 0.9, 0.9], 0.99)[0] == pytest.approx(0.05)
    assert boundary > interval.high - interval.mean
    assert np.isnan(replace(interval, low=np.nan).boundary(CLAIMS))


def test_a_look_is_settled_when_every_verdict_stands():
    study = at_look(STUDY, 10)

    settled = look_at(found(both="makes no practical difference"), study)
    open_ = look_at(found(batchnorm="not settled"), study)

    assert settled.is_settled
    assert settled.splits == 10
    assert settled.level == levels(LOOKS, CLAIMS)[1]
    assert not open_.is_settled
    assert [one.settled for one in open_.seen.values()] == [True, False, True]
    assert {one.boundary for one in settled.seen.values()} == {None}


def test_a_look_keeps_the_boundary_of_each_effect():
    told = found()
    told["effects"]["dropout"]["boundary"] = 0.7

    seen = look_at(told, at_look(STUDY, 10)).seen

    assert [seen[name].boundary for name in ("dropout", "batchnorm")] == [0.7, None]


@pytest.mark.parametrize(
    ("health", "collapsed", "stands"),
    [
        ("no better than a constant", 3, True),
        ("diverges", 0, True),
        ("not shown to be better than a constant", 1, True),
        ("not shown to be better than a constant", 0, False),
    ],
)
def test_that_both_fail_stands_unless_more_splits_may_show_a_network_to_work(
    health, collapsed, stands
):
    failing = {"health": health, "collapsed": collapsed}

    look = look_at(found("both fail", baseline=failing, dropout=failing), STUDY)

    assert look.seen["dropout"].settled == stands


@pytest.mark.parametrize(
    ("splits", "settled", "told"),
    [
        ((5, 10), True, "All verdicts stand at look 2 of at most 4, with 10 splits. It took 30"
         " trainings, 30 less than the 60 trainings of a fixed 20 splits."),
        ((5, 10, 20), True, "All verdicts stand at look 3 of at most 4, with 20 splits. It took 60"
         " trainings, as many as a fixed 20 splits."),
        (LOOKS, False, "Not settled at look 4 of at most 4, with 40 splits, which is the last:"
         " dropout. It took 120 trainings, 60 more than the 60 trainings of a fixed 20 splits."),
    ],
)  # fmt: skip
def test_the_answer_says_which_look_settled_it_and_what_was_saved(splits, settled, told):
    looks = [a_look(count, settled and count == splits[-1]) for count in splits]

    answer = tell_looks(looks, at_look(STUDY, splits[-1]))

    assert answer["stopped"] == told
    assert [one["splits"] for one in answer["looks"]] == list(splits)
    assert tell_looks((), STUDY) == {}


def test_each_look_is_told_in_one_line():
    assert tell_look(a_look(5, settled=False), 1, STUDY) == (
        "Concrete: look 1, 5 splits: dropout: not settled; batchnorm: not settled"
    )


def test_few_verdicts_on_equal_networks_are_false_at_any_look(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    benchmark = importlib.import_module("looks")
    name = "linear, starts matter most"

    repeats = [benchmark.repeat(name, number) for number in range(60)]
    told = benchmark.false_verdicts(name, [{"source": name, "truth": 0.0}, *repeats])

    assert told["spending"] <= 6 / 60
    assert told["spending"] < told["95 % each time"]
