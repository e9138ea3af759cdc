"""The answer on the test part, of predictions whose errors are known."""

from __future__ import annotations

import dataclasses
import html
import json
import re

import numpy as np
import pandas as pd
import pytest

import made_up
from dropnorm.data.splits import assign_parts
from dropnorm.data.validation import check_table
from dropnorm.evaluation.estimation.intervals import Basis
from dropnorm.evaluation.results import (
    Examination,
    ReplicaExamination,
    ScoresOnTest,
    TableFindings,
    VariantExamination,
)
from dropnorm.pipelines.reporting import nodes
from dropnorm.study.variants import Variant
from dropnorm.tasks.registry import task_of
from dropnorm.tasks.targets import TargetScale
from handful import PROVENANCE, an_outcome
from made_results import a_training, some_facts
from small_trainings import a_study

SPLITS = 6
STUDY = a_study(replicas__splits=SPLITS, split__train_fraction=0.5, split__test_fraction=0.25)
SPLIT = assign_parts(check_table(made_up.concrete(rows=160), STUDY), STUDY)
TARGETS = {split: {"target": TargetScale().fields()} for split in range(SPLITS)}
# By how much each variant is wrong on validation rows, and on test rows.
WRONG = dict(zip(Variant, ((4.0, 5.0), (3.0, 5.5), (2.0, 2.5), (1.0, 3.0)), strict=True))


def predictions(wrong, part, seed):
    chance = np.random.default_rng(seed)
    held = SPLIT.loc[SPLIT["part"] == part, ["split", "row"]]
    moved = wrong + chance.normal(0, 0.2, len(held)) + chance.normal(0, 0.1, SPLITS)[held["split"]]
    return held.assign(start=0, target=30.0, prediction=30.0 + moved)


def outcome(name, wrong, seed, lost=()):
    facts = [
        some_facts(k, epochs=2, chosen_epoch=2, diverged_at_epoch=2 if k in lost else None)
        for k in range(SPLITS)
    ]
    training = a_training(*facts, variant=name)
    history = pd.DataFrame(
        [{"split": k, "start": 0, "epoch": epoch, "loss": 9.0,
          "val_loss": np.nan if k in lost and epoch == 2 else 10.0}
         for k in range(SPLITS) for epoch in (1, 2)]
    )  # fmt: skip
    validated = predictions(wrong[0], "validation", seed)
    tested = predictions(wrong[1], "test", seed + 10)
    return dataclasses.replace(
        an_outcome(name, wrong[0]),
        training=training,
        metrics=nodes.measure(history, validated, tested, training, STUDY),
        history=history,
        validation_predictions=validated,
        test_predictions=tested,
    )


def outcomes(lost=()):
    return {
        name.value: outcome(name.value, wrong, seed, lost if name == "dropout" else ())
        for seed, (name, wrong) in enumerate(WRONG.items())
    }


def references():
    return pd.concat(
        [
            predictions(8.0 + place, part, 50 + place).assign(model=name, part=part)
            for place, name in enumerate(task_of(STUDY).references)
            for part in ("validation", "test")
        ]
    )


def effects_of(found, references=references):
    return nodes.estimate_effects(SPLIT, references(), STUDY, PROVENANCE, **found)


def mean_errors(table):
    """The mean absolute error of each split."""
    return (table["target"] - table["prediction"]).abs().groupby(table["split"]).mean()


def test_effects_on_test_rows_are_the_paired_differences_of_test_predictions():
    found = outcomes()

    told = effects_of(found)["test"]

    by_split = {name: mean_errors(one.test_predictions) for name, one in found.items()}
    for name in ("dropout", "batchnorm", "dropout_batchnorm"):
        moved = by_split[name] - by_split["baseline"]
        effect = told["effects"][name]
        assert effect["difference"] == pytest.approx(moved.mean())
        assert effect["pairs"] == SPLITS
        assert effect["low"] < moved.mean() < effect["high"]
        assert effect["basis"] == "splits and rows"
    added = by_split["dropout"] + by_split["batchnorm"] - by_split["baseline"]
    both = (by_split["dropout_batchnorm"] - added).mean()
    assert told["effects"]["interaction"]["difference"] == pytest.approx(both)
    assert told["effects"]["dropout"]["verdict"] == "hurts"
    assert told["effects"]["batchnorm"]["verdict"] == "helps"


def test_the_interval_rests_on_the_spread_of_the_test_rows_and_not_on_validation_rows():
    found = outcomes()
    changed = found | {
        "dropout": dataclasses.replace(
            found["dropout"], validation_predictions=predictions(2.0, "validation", 99)
        )
    }

    one, other = effects_of(found), effects_of(changed)

    assert one["test"] == other["test"]


def test_few_test_rows_leave_intervals_on_the_test_rows_to_the_splits_alone():
    def few(table):
        return table.loc[(table["part"] != "test") | (table["row"] < 15)]

    found = {
        name: dataclasses.replace(
            one, test_predictions=one.test_predictions.loc[one.test_predictions["row"] < 15]
        )
        for name, one in outcomes().items()
    }

    told = nodes.estimate_effects(few(SPLIT), few(references()), STUDY, PROVENANCE, **found)

    assert {one["basis"] for one in told["test"]["effects"].values()} == {Basis.SPLITS}
    assert {one["basis"] for one in told["effects"].values()} == {Basis.ROWS_AND_SPLITS}
    (note,) = [one for one in told["findings"] if one["code"] == "DN026"]
    assert note["where"] == (
        "dropout, batchnorm, dropout + batchnorm, interaction on the test rows"
    )
    held = few(SPLIT).query("part == 'test'")["row"].nunique()
    assert note["found"] == f"{held} rows that are held out are fewer than 20"


def test_reference_models_are_compared_on_the_test_rows():
    found = outcomes()

    told = effects_of(found)

    constant = mean_errors(references().query("model == 'constant' and part == 'test'"))
    beside = mean_errors(found["batchnorm"].test_predictions) - constant
    of_constant = told["test"]["references"]["constant"]
    assert of_constant["error"] == pytest.approx(constant.mean())
    assert of_constant["networks_minus_this"]["batchnorm"]["difference"] == pytest.approx(
        beside.mean()
    )
    validated = mean_errors(references().query("model == 'constant' and part == 'validation'"))
    assert told["references"]["constant"]["error"] == pytest.approx(validated.mean())
    errors = mean_errors(found["dropout"].test_predictions)
    of_dropout = told["test"]["variants"]["dropout"]
    assert of_dropout["error"] == pytest.approx(errors.mean())
    assert of_dropout["standard_deviation"] == pytest.approx(errors.std(ddof=1))
    assert told["test"]["margin"] == pytest.approx(
        0.01 * mean_errors(found["baseline"].test_predictions).mean()
    )


def test_networks_no_better_than_a_constant_on_test_rows_get_no_good_verdict():
    def worse():
        table = references()
        of_constant = (table["model"] == "constant") & (table["part"] == "test")
        return table.assign(prediction=table["prediction"].mask(of_constant, 30.1))

    told = effects_of(outcomes(), worse)

    assert told["effects"]["batchnorm"]["verdict"] == "helps"
    assert told["test"]["variants"]["batchnorm"]["health"] == "no better than a constant"
    assert told["test"]["effects"]["batchnorm"]["verdict"] == "both fail"


def test_a_replica_that_diverged_takes_part_in_no_pair_on_test_rows():
    found = outcomes(lost=(1, 4))

    told = effects_of(found)["test"]

    assert told["effects"]["dropout"]["pairs"] == SPLITS - 2
    assert told["effects"]["dropout"]["verdict"] == "breaks training"
    assert told["variants"]["dropout"]["finite"] == SPLITS - 2
    assert told["effects"]["batchnorm"]["pairs"] == SPLITS
    json.dumps(told, allow_nan=False)


def test_reference_models_of_an_earlier_run_leave_the_test_part_out():
    def earlier():
        return references().query("part == 'validation'").drop(columns="part")

    assert "test" not in effects_of(outcomes(), earlier)


def test_comparison_and_report_show_the_test_rows():
    found = outcomes()
    effects, comparison = effects_of(found), nodes.compare(STUDY, **found)

    tested = [mean_errors(one.test_predictions).mean() for one in found.values()]
    assert comparison["test_mae"].to_numpy() == pytest.approx(tested)
    diagnostics = nodes.compare_diagnostics(STUDY, TARGETS, **found)
    report = nodes.make_report(
        STUDY, effects, TableFindings("concrete", False, (), ()), comparison, diagnostics,
        PROVENANCE, found["baseline"],
    )  # fmt: skip
    page = nodes.write_report(STUDY, report, TARGETS, **found)
    section = page[page.index("On the test part</h2>") :]
    section = section[: section.index("<h2>", 10)]
    told = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", section)).split())
    assert "Dropout −1.0" in told
    assert "hurts" in told
    assert "gradient boosting" in told
    assert "log likelihood" not in told


def test_scores_that_need_the_networks_stand_in_comparison_and_report():
    def examined(name, *scores):
        replicas = tuple(
            ReplicaExamination(k, 0, Examination(8.0, {}, {}, ScoresOnTest(*one)))
            for k, one in enumerate(scores)
        )
        return VariantExamination(name, replicas)

    found = outcomes()
    of = {name: examined(name, (-3.0,), (-4.0,)) for name in found}
    of["dropout"] = examined("dropout", (-3.5, 5.25, -3.0), (None, 5.75, -2.0))
    found = {name: dataclasses.replace(one, examination=of[name]) for name, one in found.items()}

    comparison = nodes.compare(STUDY, **found).set_index("variant")

    assert comparison["test_log_likelihood"].to_dict() == pytest.approx(
        {"baseline": -3.5, "dropout": -3.5, "batchnorm": -3.5, "dropout_batchnorm": -3.5}
    )
    assert comparison.loc["dropout", "test_mc_rmse"] == 5.5
    assert comparison.loc["dropout", "test_mc_log_likelihood"] == -2.5
    assert comparison["test_mc_rmse"].isna().sum() == 3
    report = nodes.make_report(
        STUDY, effects_of(found), TableFindings("concrete", False, (), ()),
        comparison.reset_index(), nodes.compare_diagnostics(STUDY, TARGETS, **found), PROVENANCE,
        found["baseline"],
    )  # fmt: skip
    json.dumps(report, allow_nan=False)
    assert report["test"]["variants"]["dropout"]["mc_rmse"] == 5.5
    assert report["test"]["variants"]["baseline"]["mc_rmse"] is None
    page = nodes.write_report(STUDY, report, TARGETS, **found)
    assert "MC dropout draws 100 predictions" in page
