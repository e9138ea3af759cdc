from __future__ import annotations

import dataclasses
import json
import re

import numpy as np
import pandas as pd
import pytest

from conftest import read_study, read_table
from dropnorm.data.splits import assign_parts
from dropnorm.data.validation import check_table
from dropnorm.evaluation.answers import sentences
from dropnorm.evaluation.answers.build import find_answer
from dropnorm.evaluation.estimation.deviations import Deviations
from dropnorm.evaluation.estimation.evidence import gather_evidence
from dropnorm.evaluation.estimation.intervals import Basis
from dropnorm.pipelines.reporting.nodes import measure, plot_effects
from dropnorm.study.variants import Variant
from dropnorm.tasks.registry import task_of
from made_results import a_training, some_facts
from made_up_answers import a_variant

NAMES = [variant.value for variant in Variant]
SHIFTS = dict(zip(NAMES, (0.0, -2.0, 3.0, -1.0), strict=True))


def predictions_of(split, study, wrong_by, seed):
    """Predictions that are wrong by about so much, whatever the row."""
    rng = np.random.default_rng(seed)
    parts = []
    for number in range(study.replicas.splits):
        held = split.loc[(split["split"] == number) & (split["part"] == "validation"), "row"]
        for start in range(study.replicas.starts):
            wrong = wrong_by + rng.normal(0, 0.05, len(held)) + rng.normal(0, 0.01)
            parts.append(pd.DataFrame({"split": number, "start": start, "row": held,
                                       "target": 30.0, "prediction": 30.0 + wrong}))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def made(study, diverged=(), chosen_epoch=3):
    """What the trainings of a study might leave, with known errors: 10 and SHIFTS."""
    split = assign_parts(check_table(read_table(study.name, "data/sample/01_raw"), study), study)
    replicas = [(k, r) for k in range(study.replicas.splits) for r in range(study.replicas.starts)]
    predictions, metrics = {}, {}
    for seed, name in enumerate(NAMES):
        predictions[name] = predictions_of(split, study, 10 + SHIFTS[name], seed)
        lost = {replica for replica in replicas if (name, *replica) in diverged}
        history = pd.DataFrame(
            [{"split": k, "start": r, "epoch": epoch, "loss": 9.0, "val_loss": val_loss}
             for k, r in replicas
             for epoch, val_loss in ((1, 12.0), (2, 9.5), (3, np.nan if (k, r) in lost else 10.0))]
        )  # fmt: skip
        facts = [
            some_facts(k, r, diverged_at_epoch=3 if (k, r) in lost else None,
                       chosen_epoch=chosen_epoch)
            for k, r in replicas
        ]  # fmt: skip
        training = a_training(*facts, variant=name)
        metrics[name] = measure(history, predictions[name], predictions[name].head(0), training,
                                study)  # fmt: skip
    references = pd.concat(
        [predictions_of(split, study, 16 - 2 * place, 50 + place).assign(model=model)
         for place, model in enumerate(task_of(study).references)]
    )  # fmt: skip
    return metrics, predictions, references, split


def answered(study, diverged=(), chosen_epoch=3):
    metrics, predictions, references, split = made(study, diverged, chosen_epoch)
    evidence = gather_evidence(metrics, predictions, references, split, study)
    return find_answer(evidence, metrics, study).as_json(), evidence


@pytest.mark.parametrize(("splits", "starts"), [(4, 1), (3, 2), (1, 4)])
def test_known_differences_are_found_and_told(splits, starts):
    study = read_study("concrete", replicas={"splits": splits, "starts": starts})

    found, evidence = answered(study)

    assert len(evidence.errors) == splits * starts
    assert evidence.held_to_trained == pytest.approx(60 / 140)
    for name in ("dropout", "batchnorm", "dropout_batchnorm"):
        assert found["effects"][name]["difference"] == pytest.approx(SHIFTS[name], abs=0.05)
    assert found["effects"]["interaction"]["difference"] == pytest.approx(-2, abs=0.1)
    assert [one["verdict"] for one in found["cards"].values()] == ["helps", "hurts", "help"]
    assert found["recommendation"]["use"] == "dropout"
    assert found["answer"].startswith("Use the network with dropout: its error is ")
    assert re.fullmatch(r"−[12]\.\d+ MPa \(95 % interval −[\d.]+ to −[\d.]+\), −(19|20|21) %",
                        found["cards"]["dropout"]["effect"])  # fmt: skip
    assert ("this split:" in found["estimand"]) == (splits == 1)
    assert found["references"]["constant"]["error"] == pytest.approx(16, abs=0.1)
    beside = found["references"]["gradient_boosting"]["networks_minus_this"]
    assert beside["dropout"]["high"] < 0 < beside["batchnorm"]["low"]
    told = {one["code"]: one for one in found["findings"]}
    assert "batchnorm" in told["DN010"]["where"]
    assert told["DN010"]["found"].startswith("the MAE of gradient boosting is ")
    assert told["DN010"]["severity"] == "note"
    assert "DN012" not in told


@pytest.mark.parametrize(("chosen_epoch", "flatters"), [(3, 0.5), (2, 0.0), (1, 2.5)])
def test_the_least_loss_is_optimistic_by_its_distance_to_the_network_that_is_kept(
    chosen_epoch, flatters
):
    found, _ = answered(read_study("concrete"), chosen_epoch=chosen_epoch)

    assert found["variants"]["dropout"]["minimum_flatters_by"] == pytest.approx(flatters)


def test_a_diverged_arm_is_said_with_how_often_and_the_estimate_with_its_pairs():
    study = read_study("concrete", replicas={"splits": 4, "starts": 1})

    found, _ = answered(study, {("baseline", 1, 0), ("baseline", 3, 0)})

    assert found["effects"]["dropout"]["pairs"] == 2
    assert found["cards"]["dropout"]["verdict"] == "rescues training"
    assert found["cards"]["dropout"]["rules_out"].startswith("Without it, 2 of 4 runs diverged; ")
    assert found["variants"]["baseline"]["finite"] == 2


def test_with_every_replica_of_an_arm_lost_the_answer_is_strict_json():
    study = read_study("concrete", replicas={"splits": 2, "starts": 1})

    found, _ = answered(study, {("baseline", 0, 0), ("baseline", 1, 0)})

    json.dumps(found, allow_nan=False)
    assert found["variants"]["baseline"]["error"] is None
    assert found["effects"]["dropout"]["difference"] is None
    assert found["cards"]["batchnorm"]["verdict"] == "rescues training"
    assert found["answer"].startswith(
        "Use the network with dropout: without it, both runs diverged"
    )


@pytest.mark.parametrize(
    ("splits", "groups", "diverged", "told"),
    [
        (4, None, (), [("dropout, batchnorm, dropout + batchnorm, interaction",
                        "4 splits are fewer than 5", 4)]),
        (5, None, (), []),
        (5, 30, (), []),
        (5, 12, (), [("dropout, batchnorm, dropout + batchnorm, interaction",
                      "12 groups of rows that are held out are fewer than 20", 4)]),
        (5, None, [("dropout", 2, 0)],
         [("dropout, interaction", "4 splits are fewer than 5", 2)]),
    ],
)  # fmt: skip
def test_an_interval_that_rests_on_the_splits_alone_is_named_with_its_reason(
    splits, groups, diverged, told
):
    study = read_study("concrete", replicas={"splits": splits, "starts": 1})
    metrics, predictions, references, split = made(study, diverged)
    if groups:
        split["group"] = split["row"] % groups
    evidence = gather_evidence(metrics, predictions, references, split, study)
    found = find_answer(evidence, metrics, study)

    assert [
        (one.where, one.found, one.count) for one in found.findings if one.code.code == "DN026"
    ] == told
    alone = [name for name, one in found.effects.items() if one.basis is Basis.SPLITS]
    assert len(alone) == sum(count for *_, count in told)


def test_losses_of_rows_that_are_not_finite_leave_the_splits_alone():
    study = read_study("concrete", replicas={"splits": 5, "starts": 1})
    metrics, predictions, references, split = made(study)
    evidence = gather_evidence(metrics, predictions, references, split, study)
    losses = {**evidence.rows[1].losses, "dropout": np.full(60, np.nan)}
    rows = {**evidence.rows, 1: dataclasses.replace(evidence.rows[1], losses=losses)}
    evidence = dataclasses.replace(evidence, rows=rows)

    found = find_answer(evidence, metrics, study)
    silenced = find_answer(evidence, metrics, study.model_copy(update={"silence": ("DN026",)}))

    told = [one for one in found.findings if one.code.code == "DN026"]
    assert [(one.where, one.found) for one in told] == [
        ("dropout, interaction", "the losses of single rows are not known")
    ]
    assert "rests on the splits alone" in told[0].sentence()
    assert "DN026" not in {one.code.code for one in silenced.findings}


def test_one_run_gives_no_verdict():
    found, _ = answered(read_study("concrete", replicas={"splits": 1, "starts": 1}))

    assert found["cards"]["dropout"]["verdict"] == "one run: no verdict"
    assert found["cards"]["dropout"]["effect"].startswith("−2.0")
    assert found["effects"]["dropout"]["low"] is None


def test_whole_groups_are_what_chance_draws_in_a_grouped_split():
    study = read_study("spotify", replicas={"splits": 1, "starts": 3})
    metrics, predictions, references, split = made(study)

    evidence = gather_evidence(metrics, predictions, references, split, study)

    held = split.loc[split["part"] == "validation"]
    assert len(evidence.rows[0].groups) == len(held)
    assert len(set(evidence.rows[0].groups)) == held["group"].nunique() < len(held)


def test_a_committee_is_better_than_its_members_where_their_errors_differ():
    study = read_study("concrete", replicas={"splits": 1, "starts": 2})
    predictions = made(study)[1]
    table = predictions["baseline"]
    sign = np.where(table["start"] == 0, 1.0, -1.0)
    opposed = table.assign(prediction=table["target"] + 4 * sign)
    history = pd.DataFrame(
        [{"split": 0, "start": r, "epoch": 1, "loss": 1.0, "val_loss": 4.0} for r in (0, 1)]
    )
    training = a_training(*(some_facts(0, r, epochs=1, chosen_epoch=1) for r in (0, 1)))

    found = measure(history, opposed, opposed.head(0), training, study)

    assert found.validation["mae"] == pytest.approx(4)
    assert [one.validation["mae"] for one in found.replicas] == pytest.approx([4, 4])
    assert found.committee["mae"] == pytest.approx(0)
    assert sentences.committee(
        {variant: a_variant(4.0 - 3 * (variant == "dropout"), committee=found.committee)
         for variant in Variant}, "mae", "MPa"
    ) == (
        "One network, and a committee of all starts of a split: baseline 4.00 and 0, dropout 1.00"
        " and 0, batchnorm 4.00 and 0, dropout + batchnorm 4.00 and 0 MPa. Dropout in one network"
        " is 3.00 better, a committee of networks without it 4.00 better, than one without it."
    )  # fmt: skip


def test_a_crossed_design_tells_the_rows_that_train_the_rows_that_validate_and_the_start_apart():
    found, _ = answered(read_study("concrete", replicas={"splits": 3, "starts": 2}))

    for one in (found["variants"]["baseline"], found["effects"]["dropout"]):
        assert {"split", "rows", "start", "split_range", "start_range"} == set(one["deviations"])
        assert one["deviations"]["rows"] > 0
    assert re.fullmatch(
        r"The error of baseline moves by [\d.]+ MPa with the rows that train, 0\.\d+ MPa with the"
        r" rows that validate, [\d.]+ MPa with the start \(standard deviations\)\. The paired"
        r" difference of dropout moves by .* MPa with the start\.",
        found["spread"],
    )
    alone, _ = answered(read_study("concrete", replicas={"splits": 3, "starts": 1}))
    assert alone["spread"] == alone["committee"] == ""


@pytest.mark.parametrize(
    ("split", "split_range", "told"),
    [
        (0.5, (0.1, 2.0), "0.500 MPa with"),
        (0.0, (0.0, 2.0), "an amount that is not told apart from 0 (at most 2.00 MPa) with"),
        (0.0, (0.0, 0.0), "an amount that is not told apart from 0 with"),
    ],
)
def test_what_rows_and_starts_leave_nothing_of_is_not_told_to_be_zero(split, split_range, told):
    found = Deviations(split, 3.0, 0.2, split_range, (0.1, 0.4))

    assert sentences.spread({"baseline": a_variant(4.0, deviations=found)}, {}, "error", "MPa") == (
        f"The error of baseline moves by {told} the rows that train, 3.00 MPa with the rows that"
        " validate, 0.200 MPa with the start (standard deviations)."
    )


def test_a_code_that_the_study_silences_is_told_nowhere():
    study = read_study("concrete", replicas={"splits": 2, "starts": 1}, silence=["DN010"])

    found, _ = answered(study)

    assert "DN010" not in {one["code"] for one in found["findings"]}


def test_the_plot_of_effects_shows_each_variant_reference_and_verdict():
    found, _ = answered(read_study("concrete", replicas={"splits": 3, "starts": 1}, margin=0.5))

    figure = plot_effects(found)

    errors, differences = figure.axes
    labels = [label.get_text().replace("\n", " ") for label in errors.get_yticklabels()]
    assert labels == ["gradient boosting", "linear network", "least squares", "constant",
                      "dropout + batchnorm", "batchnorm", "dropout", "baseline"]  # fmt: skip
    assert [text.get_text() for text in differences.texts] == ["helps", "helps", "hurts", "helps"]
