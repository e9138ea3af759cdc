from __future__ import annotations

import copy
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from conftest import read_study
from dropnorm.data.splits import assign_parts
from dropnorm.evaluation.estimation.contrasts import FOUR
from dropnorm.evaluation.estimation.verdicts import Verdict
from dropnorm.evaluation.records import Seeds
from dropnorm.evaluation.runs.run_comparison import (
    Run,
    changes,
    error_changes,
    sentence,
    shared_splits,
    what_differs,
)
from dropnorm.study.variants import Variant
from made_results import a_record, measured, some_metrics

SPLITS = 6


def a_run(name, dropout=0.0, engine="tensorflow", verdict="too few runs to say", **options):
    """A run whose dropout lowers the error by so much in every split, give or take a little."""
    chance = np.random.default_rng(len(name))
    errors = {
        variant: 5 + np.arange(SPLITS) + chance.normal(scale=0.01, size=SPLITS)
        - (dropout if variant.has_dropout else 0)
        for variant in Variant
    }  # fmt: skip
    return Run(
        name=name,
        record=a_record(
            engine=engine,
            command=name,
            table={"path": "x.csv", "sha256": "ab"},
            packages={"numpy": "2.0"},
            options={"title": name, "replicas": {"splits": SPLITS}, **options},
        ),
        effects={
            "error": "mae",
            "unit": "MPa",
            "effects": {one.name: {"verdict": verdict} for one in FOUR.contrasts},
        },
        metrics={
            variant.value: some_metrics(
                *(measured(split, mae=error) for split, error in enumerate(errors[variant]))
            )
            for variant in Variant
        },
    )


def test_what_differs_is_engine_table_packages_and_options_and_not_what_every_run_has_of_its_own():
    one, other = a_run("one", batch=8), a_run("other", batch=16, engine="jax")

    assert what_differs(one, other) == {
        "engine": ("tensorflow", "jax"),
        "options.batch": (8, 16),
    }


def test_an_engine_that_gives_the_same_effects_does_not_change_the_answer():
    one, other = a_run("one", 0.5), a_run("other", 0.5, engine="jax")

    assert re.fullmatch(
        r"The engine does not change the answer: all four verdicts are the same, and no effect is"
        r" shown to differ; the one that differs most, that of [a-z +]+, does by −?0\.0\d+ MPa"
        r" \(95 % interval −0\.\d+ to 0\.\d+\)\.",
        sentence(one, other),
    )
    change = {one.contrast: one for one in changes(one, other)}["dropout"]
    assert change.difference.low < 0 < change.difference.high


def test_an_effect_that_is_other_in_every_pair_is_told_with_its_size():
    one, other = a_run("one", 0.5), a_run("other", 1.5, engine="jax")

    change = {one.contrast: one for one in changes(one, other)}["dropout"]
    assert change.difference.mean == pytest.approx(-1, abs=0.05)
    assert change.difference.high < 0
    errors = error_changes(one, other)
    assert errors["dropout"].high < 0
    assert errors["baseline"].low < 0 < errors["baseline"].high
    assert sentence(one, other).startswith(
        "The engine changes what the layers do. Dropout: its effect on the error is 1.0"
    )


def test_other_verdicts_are_told():
    one = a_run("one")
    other = copy.deepcopy(a_run("other", batch=3))
    other.effects["effects"]["batchnorm"]["verdict"] = Verdict.HELPS.value

    assert sentence(one, other) == (
        "The changed options may change the answer: verdicts differ, though no effect is shown to."
        " Batch normalization: 'not settled' in one, 'helps' in other."
    )


def test_runs_on_other_rows_are_not_paired():
    one, other = a_run("one"), a_run("other", 3, split={"seed": 9})

    assert all(np.isnan(change.difference.mean) for change in changes(one, other))
    assert sentence(one, other) == (
        "The changed options do not change the answer: all four verdicts are the same; how far the"
        " effects differ cannot be told from pairs."
    )


def inputs(*columns, **options):
    return {"preprocessing": {"standard_scale": [*columns]}, **options}


TOGETHER = {"method": "random", "seed": 0, "identical_rows": True}


@pytest.mark.parametrize(
    ("one", "other", "paired"),
    [
        ({"target": {"column": "a"}}, {"target": {"column": "b"}}, False),
        # Rows with a missing value in a column that is used are left out.
        (inputs("a", missing="drop"), inputs("a", "b", missing="drop"), False),
        (inputs("a", "b", missing="drop"), inputs("b", "a", missing="drop"), True),
        (inputs("a", missing="drop"), inputs("a", missing="impute"), False),
        (inputs("a", missing="refuse"), inputs("a", "b", missing="impute"), True),
        # A table that was not refused has no missing values to drop.
        (inputs("a", "b", missing="refuse"), inputs("a", missing="drop"), True),
        (inputs("a", "b", missing="drop"), inputs("a", missing="refuse"), False),
        # Other groups of identical rows are drawn.
        (inputs("a", split=TOGETHER), inputs("a", "b", split=TOGETHER), False),
        (inputs("a"), inputs("a", "b"), True),
        ({"preprocessing": {"unknown": 1}}, inputs("a"), True),
    ],
)
def test_runs_are_paired_only_if_they_predict_one_target_of_the_same_rows(one, other, paired):
    found = error_changes(a_run("one", **one), a_run("other", **other))

    assert all(np.isfinite(change.mean) == paired for change in found.values())


def test_runs_with_other_index_files_are_not_paired_and_say_so():
    one, other = a_run("one"), a_run("other")
    split = {"index_train_0.txt": "cd"}
    table = replace(other.record.table, index_files=split)
    other = replace(other, record=replace(other.record, table=table))

    assert what_differs(one, other) == {"table.index_files.index_train_0.txt": (None, "cd")}
    assert all(np.isnan(change.difference.mean) for change in changes(one, other))


def test_a_replica_that_diverged_in_one_run_takes_part_in_no_pair():
    one, other = a_run("one", 0.5), a_run("other", 0.5, engine="jax")
    for run, lost in ((one, 1), (other, 2)):
        metrics = run.metrics["dropout"]
        diverged = [measured(split, mae=None, diverged_at_epoch=1) for split in range(lost)]
        run.metrics["dropout"] = some_metrics(*diverged, *metrics.replicas[lost:])

    change = {one.contrast: one for one in changes(one, other)}["dropout"]

    assert np.isfinite(change.difference.low)
    assert change.difference.mean == pytest.approx(0, abs=0.05)


def seeded(name, seed, splits=SPLITS, **options):
    split = {"method": "random", "train_fraction": 0.7, "seed": seed}
    run = a_run(name, **{"split": split, "missing": "refuse", **options})
    record = replace(run.record, seeds=Seeds(split=tuple(range(seed, seed + splits))))
    return replace(run, record=record)


def test_runs_with_neighbouring_seeds_are_told_to_share_splits():
    assert shared_splits(seeded("one", 0), seeded("other", 2, 4)) == (
        "The runs are not independent: 4 of the 6 splits of one are 4 of the 4 splits of other,"
        " because split k uses the seed split.seed + k (here 0 to 5, and 2 to 5). For other splits,"
        " choose seeds that are at least 6 apart."
    )


def test_splits_with_equal_seeds_are_the_same_rows():
    rows = pd.DataFrame({"x": np.arange(30.0)})
    first, second = (
        assign_parts(rows, read_study("concrete", split__seed=seed, replicas__splits=3))
        for seed in (0, 1)
    )

    for number in (1, 2):
        one = first.query(f"split == {number}")["part"].tolist()
        assert one == second.query(f"split == {number - 1}")["part"].tolist()


@pytest.mark.parametrize(
    "other",
    [
        seeded("other", SPLITS),  # far enough
        seeded("other", 0),  # the same splits: the runs are paired
        seeded("other", 1, split={"method": "random", "train_fraction": 0.8, "seed": 1}),
        seeded("other", 1, missing="drop"),
        seeded("other", 1, target={"column": "another"}),
        a_run("other"),  # of which no seeds are known
    ],
)
def test_of_runs_that_share_no_split_or_all_nothing_is_told(other):
    assert shared_splits(seeded("one", 0), other) == ""
