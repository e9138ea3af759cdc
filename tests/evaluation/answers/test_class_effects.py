from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from conftest import read_study
from dropnorm.evaluation.answers.build import find_answer
from dropnorm.evaluation.answers.class_effects import calibrate_variant, find_class_effects
from dropnorm.evaluation.estimation.evidence import gather_evidence
from dropnorm.pipelines.reporting import nodes
from dropnorm.study.variants import Variant
from dropnorm.tasks.calibration import scale_probabilities, score_calibration
from dropnorm.tasks.registry import task_of
from handful import PROVENANCE
from made_results import a_training, an_outcome, some_facts

ROWS, SPLITS = 800, 6
NAMES = ("no", "yes")
COLUMNS = [f"probability_{name}" for name in NAMES]
STUDY = read_study(
    "wine", task="classification", target={"column": "quality"}, replicas={"splits": SPLITS},
    training={"batch_size": 32, "epochs": 2},
)  # fmt: skip


def truth(seed: int = 0):
    """Probabilities of two classes, and classes drawn with them."""
    chance = np.random.default_rng(seed)
    yes = chance.beta(0.7, 0.7, ROWS)
    probabilities = np.column_stack([1 - yes, yes])
    return probabilities, (chance.random(ROWS) < yes).astype(np.int64)


def a_split() -> pd.DataFrame:
    chance = np.random.default_rng(9)
    found = []
    for number in range(SPLITS):
        part = np.where(np.arange(ROWS) < ROWS // 2, "validation", "train")
        found.append(pd.DataFrame({"split": number, "row": chance.permutation(ROWS), "part": part}))
    return pd.concat(found, ignore_index=True)


def predictions(temperature: float, noise: float, seed: int) -> pd.DataFrame:
    """What a network says whose probabilities are too sure by a temperature, and noisy."""
    probabilities, classes = truth()
    chance, split, found = np.random.default_rng(seed), a_split(), []
    for number in range(SPLITS):
        rows = split.query(f"split == {number} and part == 'validation'")["row"].to_numpy()
        logits = np.log(probabilities[rows]) + chance.normal(0, noise, (len(rows), 2))
        noisy = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        said = scale_probabilities(noisy, temperature)
        names = np.array(NAMES)
        found.append(
            pd.DataFrame(
                {"split": number, "start": 0, "row": rows, "target": names[classes[rows]],
                 "prediction": names[said.argmax(axis=1)], COLUMNS[0]: said[:, 0],
                 COLUMNS[1]: said[:, 1]}
            )
        )  # fmt: skip
    return pd.concat(found, ignore_index=True)


def outcome_of(name: str, said: pd.DataFrame):
    facts = [
        some_facts(k, epochs=2, chosen_epoch=2, constant={"val_loss": 0.69, "accuracy": 0.5})
        for k in range(SPLITS)
    ]
    training = a_training(*facts, variant=name)
    task = task_of(STUDY)
    losses = [task.score(one)["log_loss"] for _, one in said.groupby("split")]
    history = pd.DataFrame(
        [{"split": k, "start": 0, "epoch": epoch, "loss": 0.5, "val_loss": loss}
         for k, loss in enumerate(losses) for epoch in (1, 2)]
    )  # fmt: skip
    metrics = nodes.measure(history, said, said.head(0), training, STUDY)
    return an_outcome(training=training, metrics=metrics, history=history,
                      first_steps=history.head(0), validation_predictions=said)  # fmt: skip


@pytest.fixture(scope="module")
def outcomes():
    """Dropout mends overconfidence alone; batch normalization knows more; both do nothing."""
    said = {
        "baseline": predictions(0.5, 0.7, 1),
        "dropout": predictions(1.0, 0.7, 1),
        "batchnorm": predictions(0.5, 0.0, 2),
        "dropout_batchnorm": predictions(0.5, 0.7, 3),
    }
    return {name: outcome_of(name, one) for name, one in said.items()}


@pytest.fixture(scope="module")
def found(outcomes):
    return effects_of(outcomes)


def effects_of(outcomes):
    constant = predictions(1.0, 0.5, 5).assign(**dict.fromkeys(COLUMNS, 0.5))
    references = pd.concat([constant.assign(model=name) for name in task_of(STUDY).references])
    metrics = {name: one.metrics for name, one in outcomes.items()}
    tables = {name: one.validation_predictions for name, one in outcomes.items()}
    evidence = gather_evidence(metrics, tables, references, a_split(), STUDY)
    told = find_answer(evidence, metrics, STUDY)
    return told, find_class_effects(outcomes, evidence, told, a_split(), STUDY)


def test_effects_on_accuracy_are_those_recomputed_from_the_predictions(outcomes, found):
    _, classes = found

    for name in ("dropout", "batchnorm", "dropout_batchnorm"):
        shares = {
            one: np.mean(
                [(t["prediction"] == t["target"]).mean()
                 for _, t in outcomes[one].validation_predictions.groupby("split")]
            ) for one in (name, "baseline")
        }  # fmt: skip
        effect = classes["effects"]["accuracy"][name]
        assert effect["difference"] == pytest.approx(shares[name] - shares["baseline"])
        assert effect["pairs"] == SPLITS
        assert effect["low"] is None or effect["low"] <= effect["difference"] <= effect["high"]


def test_effects_on_auc_are_differences_of_aucs(outcomes, found):
    _, classes = found

    for name in ("dropout", "batchnorm"):
        aucs = {one: outcomes[one].metrics.validation["auc"] for one in (name, "baseline")}
        effect = classes["effects"]["auc"][name]
        assert effect["difference"] == pytest.approx(aucs[name] - aucs["baseline"])
    assert classes["effects"]["auc"]["batchnorm"]["difference"] > 0
    assert classes["effects"]["auc"]["batchnorm"]["verdict"] == "helps"


def test_an_auc_that_is_defined_in_no_split_is_told_as_such(outcomes):
    alike = {
        name: replace(one, validation_predictions=one.validation_predictions.assign(target="yes"))
        for name, one in outcomes.items()
    }

    _, classes = effects_of(alike)

    for effect in classes["effects"]["auc"].values():
        assert (effect["difference"], effect["pairs"]) == (None, 0)
        assert effect["verdict"] == "not defined: a class has no validation row"
    assert classes["effects"]["accuracy"]["dropout"]["pairs"] == SPLITS


@pytest.mark.parametrize(("splits", "verdict"), [(1, "defined in one split only: no verdict"),
                                                 (5, "helps")])  # fmt: skip
def test_an_auc_that_is_defined_in_some_splits_tells_in_how_many(outcomes, splits, verdict):
    def alike(said):
        return said.assign(target=said["target"].where(said["split"] < splits, "yes"))

    of_some = {
        name: replace(one, validation_predictions=alike(one.validation_predictions))
        for name, one in outcomes.items()
    }

    _, classes = effects_of(of_some)

    effect = classes["effects"]["auc"]["batchnorm"]
    assert (effect["splits"], effect["of_splits"]) == (splits, SPLITS)
    assert effect["verdict"] == verdict
    aucs = [
        [roc_auc_score(one["target"], one[COLUMNS[1]]) for split, one
         in outcomes[name].validation_predictions.groupby("split") if split < splits]
        for name in ("batchnorm", "baseline")
    ]  # fmt: skip
    assert effect["difference"] == pytest.approx(np.mean(aucs[0]) - np.mean(aucs[1]))
    assert classes["effects"]["accuracy"]["batchnorm"]["splits"] == SPLITS


def test_an_effect_of_overconfidence_alone_is_gone_after_scaling(found):
    told, classes = found

    assert told.effects["dropout"].verdict == "helps"
    assert told.effects["dropout"].difference < -0.05
    scaled = classes["effects"]["scaled_log_loss"]
    assert abs(scaled["dropout"]["difference"]) < 0.01
    assert scaled["batchnorm"]["verdict"] == "helps"
    assert classes["told"][0].startswith(
        "Dropout: the lower log loss is not shown to be more than mended overconfidence. After"
        " temperature scaling, which mends it too, the difference is "
    )
    assert classes["told"][1].startswith(
        "Batch normalization: the lower log loss is more than mended overconfidence."
    )
    assert len(classes["told"]) == 2


def test_scaled_losses_are_those_of_each_network_by_itself(outcomes, found):
    _, classes = found
    of_networks = []
    for _, one in outcomes["baseline"].validation_predictions.groupby("split"):
        numbers = (one["target"] == "yes").to_numpy(dtype=np.int64)
        of_networks.append(score_calibration(numbers, one[COLUMNS].to_numpy()))

    baseline = classes["calibration"]["baseline"]
    assert baseline["ece"] == pytest.approx(np.mean([one["ece"] for one in of_networks]))
    assert baseline["scaled_log_loss"] == pytest.approx(
        np.mean([one["log_loss_scaled"] for one in of_networks])
    )
    assert baseline["temperature"] == pytest.approx(
        np.exp(np.mean([np.log(one["temperature"]) for one in of_networks]))
    )
    assert baseline["temperature"] > 1.5 > classes["calibration"]["dropout"]["temperature"]
    assert baseline["scaled_ece"] < baseline["ece"]


def test_the_result_is_strict_json_also_where_a_network_diverged(outcomes):
    lost = outcomes["dropout"].validation_predictions.copy()
    lost.loc[lost["split"] == 1, COLUMNS] = np.nan

    calibrated = calibrate_variant(lost, outcomes["dropout"].metrics.replicas[:1])

    assert calibrated.temperature == pytest.approx(
        calibrate_variant(lost.query("split == 0"), outcomes["dropout"].metrics.replicas[:1])
        .temperature
    )  # fmt: skip
    assert np.isnan(calibrate_variant(lost, []).ece)


def test_the_node_adds_them_to_the_effects_of_classes(outcomes):
    constant = predictions(1.0, 0.5, 5).assign(**dict.fromkeys(COLUMNS, 0.5))
    references = pd.concat([constant.assign(model=name) for name in task_of(STUDY).references])

    found = nodes.estimate_effects(a_split(), references, STUDY, PROVENANCE, **outcomes)

    assert list(found["classes"]["calibration"]) == [one.value for one in Variant]
    json.dumps(found, allow_nan=False)
    compared = nodes.compare(STUDY, **outcomes).set_index("variant")
    for name, one in found["classes"]["calibration"].items():
        assert compared.loc[name, "scaled_log_loss"] == pytest.approx(one["scaled_log_loss"])


@pytest.mark.parametrize("collapsed", [0, 1])
def test_a_network_whose_overconfidence_counts_as_failure_is_told_unless_it_collapsed(
    outcomes, collapsed
):
    unsure = outcome_of("baseline", predictions(0.15, 0.7, 1))
    failures = {"collapsed": collapsed, "overconfident": SPLITS - collapsed}
    unsure = replace(unsure, metrics=replace(unsure.metrics, failures=failures))

    told, classes = effects_of({**outcomes, "baseline": unsure})

    assert told.effects["dropout"].verdict == "rescues training"
    # Of scores that overconfidence does not touch, the difference alone counts.
    assert classes["effects"]["accuracy"]["dropout"]["verdict"] == "not settled"
    dropout = [one for one in classes["told"] if one.startswith("Dropout: the lower log loss is")]
    assert len(dropout) == 1 - collapsed
