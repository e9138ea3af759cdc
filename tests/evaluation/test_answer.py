from __future__ import annotations

import html
import json
import re

import numpy as np
import pandas as pd
import pytest

from conftest import read_study, read_table
from dropnorm.data.splits import assign_parts
from dropnorm.data.validation import check_table
from dropnorm.evaluation import wording
from dropnorm.evaluation.answer import find_answer, gather_evidence
from dropnorm.evaluation.records import Provenance, TableRead
from dropnorm.evaluation.results import TableFindings
from dropnorm.findings import Code, Finding
from dropnorm.pipelines.reporting.nodes import make_report, measure, plot_effects, write_report
from dropnorm.study.variants import Variant
from dropnorm.tasks.registry import task_of
from dropnorm.training.switches import switches_of
from made_results import a_training, an_outcome, some_facts
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


def made(study, diverged=()):
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
            some_facts(k, r, diverged_at_epoch=3 if (k, r) in lost else None) for k, r in replicas
        ]
        training = a_training(*facts, variant=name)
        metrics[name] = measure(history, predictions[name], predictions[name].head(0), training,
                                study)  # fmt: skip
    references = pd.concat(
        [predictions_of(split, study, 8.5 + place, 50 + place).assign(model=model)
         for place, model in enumerate(task_of(study).references)]
    )  # fmt: skip
    return metrics, predictions, references, split


def answered(study, diverged=()):
    metrics, predictions, references, split = made(study, diverged)
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
    pairs = splits * starts
    assert re.fullmatch(
        r"Dropout helps: it lowers the error by [12]\.\d+ MPa \(95 % interval [\d.]+ to [\d.]+;"
        rf" (19|20|21) %\); better in {pairs} of {pairs} pairs\. Batch normalization hurts:"
        rf" it raises the error by [23]\.\d+ MPa \(.*\); better in 0 of {pairs} pairs\.",
        found["answer"],
    )
    assert ("this split:" in found["estimand"]) == (splits == 1)
    assert found["references"]["constant"]["error"] == pytest.approx(8.5, abs=0.1)
    beside = found["references"]["constant"]["networks_minus_this"]
    assert beside["dropout"]["high"] < 0 < beside["baseline"]["low"]
    told = {one["code"]: one for one in found["findings"]}
    assert told["DN010"]["where"] == "baseline, batchnorm, dropout + batchnorm"
    assert told["DN010"]["found"].startswith("the MAE of constant is 8.5")
    assert "DN012" not in told


def test_a_diverged_arm_is_said_with_how_often_and_the_estimate_with_its_pairs():
    study = read_study("concrete", replicas={"splits": 4, "starts": 1})

    found, _ = answered(study, {("baseline", 1, 0), ("baseline", 3, 0)})

    assert found["effects"]["dropout"]["pairs"] == 2
    assert found["sentences"]["dropout"] == (
        "Dropout cannot be compared: baseline diverged in 2 of 4 runs."
    )
    assert found["variants"]["baseline"]["finite"] == 2


def test_with_every_replica_of_an_arm_lost_the_answer_is_strict_json():
    study = read_study("concrete", replicas={"splits": 2, "starts": 1})

    found, _ = answered(study, {("baseline", 0, 0), ("baseline", 1, 0)})

    json.dumps(found, allow_nan=False)
    assert found["variants"]["baseline"]["error"] is None
    assert found["effects"]["dropout"]["difference"] is None
    assert found["sentences"]["batchnorm"] == (
        "Batch normalization makes this training work at all: without, both runs diverged; with"
        " it, none. There is no error to compare with."
    )


def test_one_run_gives_no_verdict():
    found, _ = answered(read_study("concrete", replicas={"splits": 1, "starts": 1}))

    assert found["sentences"]["dropout"] == (
        "Dropout lowers the error by 2.00 MPa in the one run: no verdict."
    )
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
    training = a_training(some_facts(0, 0), some_facts(0, 1))

    found = measure(history, opposed, opposed.head(0), training, study)

    assert found.validation["mae"] == pytest.approx(4)
    assert [one.validation["mae"] for one in found.replicas] == pytest.approx([4, 4])
    assert found.committee["mae"] == pytest.approx(0)
    assert wording.committee(
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
        assert set(one["deviations"]) == {"split", "rows", "start"}
        assert one["deviations"]["rows"] > 0
    assert re.fullmatch(
        r"The error of baseline moves by [\d.]+ MPa with the rows that train, 0\.\d+ MPa with the"
        r" rows that validate, [\d.]+ MPa with the start \(standard deviations\)\. The paired"
        r" difference of dropout moves by .* MPa with the start\.",
        found["spread"],
    )
    alone, _ = answered(read_study("concrete", replicas={"splits": 3, "starts": 1}))
    assert alone["spread"] == alone["committee"] == ""


def test_a_code_that_the_study_silences_is_told_nowhere():
    study = read_study("concrete", replicas={"splits": 2, "starts": 1}, silence=["DN010"])

    found, _ = answered(study)

    assert "DN010" not in {one["code"] for one in found["findings"]}


PROVENANCE = Provenance(
    command="kedro run --pipelines=concrete",
    environment=None,
    overridden={},
    table=TableRead("data/01_raw/concrete.csv", "ab" * 32),
    switches=switches_of(),
    packages={"keras": "3"},
    python="3.11",
    platform="any",
)


def page_of(study, findings=(), diverged=()):
    found, _ = answered(study, diverged)
    comparison = pd.DataFrame({"fit_seconds": [1.0, 2.0]})
    diagnostics = pd.DataFrame(
        {"variant": list(Variant), "training_loss": 0.5, "val_loss": 0.75, "gap": 0.25,
         "val_loss_sd": np.nan, "reached_baseline": 1, "epoch_of_baseline_best": 3.0,
         "dead_units": 0.125, "variance_shift": [np.nan, np.nan, 1.0, 0.5]}
    )  # fmt: skip
    data = make_report(study, found, TableFindings(study.name, False, (), findings), comparison,
                       diagnostics, PROVENANCE, an_outcome())  # fmt: skip
    json.dumps(data, allow_nan=False)
    return data, write_report(data)


@pytest.mark.parametrize("diverged", [(), (("baseline", 0, 0), ("baseline", 1, 0))])
def test_the_report_is_one_small_page_that_asks_for_nothing_from_elsewhere(diverged):
    study = read_study("concrete", replicas={"splits": 2, "starts": 1})

    data, page = page_of(study, diverged=diverged)

    assert data["answer"] in page
    assert "kedro run --pipelines=concrete" in page
    assert len(page) < 2_000_000
    assert "– to" not in page
    assert "– %" not in page
    assert not re.search(r"(src|srcset|href)=\"(?!data:)", page)
    assert "<script" not in page
    assert re.search(r'alt="Mean validation error: baseline (9\.\d+ MPa|10\.0 MPa|diverged)', page)


def test_what_stands_in_a_table_cannot_put_markup_into_the_report():
    study = read_study("concrete", title="<script>alert(1)</script>",
                       replicas={"splits": 2, "starts": 1})  # fmt: skip

    said = "<img src=x onerror=alert(2)>"
    _, page = page_of(study, (Finding(Code(said, said, said, said, said), said, said, 1, 2),))

    assert "<script" not in page
    assert "<img src=x" not in page


def test_title_unit_and_columns_stand_on_the_page_as_they_are_written():
    title, unit, column = "日本語 <b>&amp;</b> $^{$ [red]'\"", "$\\badmacro$ <i>", "a<b 'ß'"
    study = read_study("concrete", title=title, target__unit=unit,
                       replicas={"splits": 2, "starts": 1})  # fmt: skip
    data, _ = page_of(study)
    data["options"]["preprocessing"]["passthrough"] = [column]

    seen = html.unescape(re.sub(r"<[^>]*>", "", write_report(data)))

    assert f"help the network on {title}?" in seen
    assert f"Validation MAE, {unit}, mean" in seen
    assert f'"{column}"' in seen


def test_the_plot_of_effects_shows_each_variant_reference_and_verdict():
    found, _ = answered(read_study("concrete", replicas={"splits": 3, "starts": 1}, margin=0.5))

    figure = plot_effects(found)

    errors, differences = figure.axes
    labels = [label.get_text().replace("\n", " ") for label in errors.get_yticklabels()]
    assert labels == ["gradient boosting", "linear network", "least squares", "constant",
                      "dropout + batchnorm", "batchnorm", "dropout", "baseline"]  # fmt: skip
    assert [text.get_text() for text in differences.texts] == ["helps", "helps", "hurts", "helps"]
