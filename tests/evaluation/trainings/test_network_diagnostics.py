from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import scipy

from conftest import read_study
from dropnorm.data.preprocessing import Part, SplitInputs
from dropnorm.evaluation.json_form import to_json
from dropnorm.evaluation.results import Examination, ReplicaExamination, VariantExamination
from dropnorm.evaluation.trainings.loss_units import LossUnits
from dropnorm.evaluation.trainings.network_diagnostics import compare_diagnostics, examine_network
from dropnorm.study.variants import Variant
from dropnorm.tasks.targets import TargetScale
from dropnorm.training.backend import load_keras
from dropnorm.training.networks import build_network, plan_layers
from dropnorm.training.trainer import predict_rows
from made_results import a_training, some_facts


def an_input(rows=2000, columns=3):
    chance = np.random.default_rng(0)
    x = chance.normal(size=(rows, columns)).astype(np.float32)
    y = x.sum(axis=1)
    return SplitInputs(0, Part(np.arange(rows), x, y), Part(np.arange(rows), x, y))


def a_study(order="before_batchnorm"):
    """Two hidden layers; a batch norm at the input, and one behind each."""
    dropout, batchnorm = (
        {"rate": 0.5, "order": order},
        {"placement": "before_dense", "momentum": 0.5},
    )
    return read_study(
        "concrete", network={"hidden": [400, 30], "dropout": dropout, "batchnorm": batchnorm}
    )


def examine(study, variant, inputs, change=lambda network: None):
    layers = plan_layers(study.network, Variant(variant))
    network = build_network(layers, inputs.train.x.shape[1], np.random.SeedSequence(1))
    settle(network, inputs.train.x)
    change(network)
    before = [np.array(weights) for weights in network.get_weights()]
    examined = examine_network(network, inputs, study)
    for mine, other in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, other)  # examining changes nothing
    return network, examined


def settle(network, x):
    """Let the running statistics be those that training with these rows comes to."""
    for _ in range(40):
        network(x, training=True)


@pytest.mark.training
def test_dropout_before_a_batch_norm_shifts_its_variance_and_batchnorm_alone_does_not():
    """What is left of a unit is scaled by 1 / (1 - p) in training: its variance there is
    (v + m² p) / (1 - p) with the mean m and the variance v of inference (Li et al. 2018)."""
    inputs = an_input()

    network, both = examine(a_study(), "dropout_batchnorm", inputs)
    _, alone = examine(a_study(), "batchnorm", inputs)

    assert set(both.batchnorms) == {"batchnorm_2", "batchnorm_3"}  # not the one at the input
    norm, hidden = (layer for layer in network.layers[:2])
    given = load_keras().ops.convert_to_numpy(hidden(norm(inputs.train.x)))
    mean, variance = given.mean(axis=0), given.var(axis=0)
    expected = np.median((variance / ((variance + mean**2 * 0.5) / 0.5))[variance > 0])
    assert both.batchnorms["batchnorm_2"].shift == pytest.approx(expected, rel=0.05)
    assert alone.batchnorms["batchnorm_2"].shift == pytest.approx(1, rel=0.01)
    assert alone.batchnorms["batchnorm_3"].shift == pytest.approx(1, rel=0.01)


@pytest.mark.training
def test_test_rows_are_scored_with_and_without_dropout_at_work_where_there_are_some():
    inputs = an_input(200)
    rows, x, y = np.arange(200), inputs.train.x, inputs.train.y
    held = dataclasses.replace(inputs, test=Part(rows, -x, y), target=TargetScale(scale=10.0))
    study = a_study()

    network, without = examine(study, "batchnorm", held)
    _, both = examine(study, "dropout_batchnorm", held)
    _, no_test = examine(study, "dropout_batchnorm", inputs)

    errors = [
        10 * (y.astype(float) - predict_rows(network, rows_of_part)[:, 0])
        for rows_of_part in (x, -x)
    ]
    noise = np.sqrt(np.mean(errors[0] ** 2))
    expected = scipy.stats.norm.logpdf(errors[1], 0, noise).mean()
    assert without.test.log_likelihood == pytest.approx(expected, rel=1e-4)
    assert (without.test.mc_rmse, without.test.mc_log_likelihood) == (None, None)
    assert both.test.mc_rmse > 0
    assert np.isfinite(both.test.mc_log_likelihood)
    assert no_test.test is None
    assert "test" not in to_json(no_test)
    for found in (without, no_test):
        assert Examination.from_json(to_json(found)) == found


@pytest.mark.training
def test_dropout_after_the_batch_norm_shifts_only_what_comes_behind_it():
    study = a_study("after_batchnorm")

    _, found = examine(study, "dropout_batchnorm", an_input())

    assert found.batchnorms["batchnorm_2"].shift == pytest.approx(1, rel=0.01)


@pytest.mark.training
def test_units_that_never_answer_are_dead_and_the_training_loss_is_that_of_inference():
    def kill_a_quarter(network):
        kernel, bias, *rest = network.get_weights()
        bias = np.full_like(bias, 0.1)
        kernel[:, :100], bias[:100] = 0, -1
        network.set_weights([kernel, bias, *rest])

    inputs = an_input()
    network, found = examine(a_study(), "dropout", inputs, kill_a_quarter)

    assert found.dead_units["hidden_1"] == 0.25
    assert found.batchnorms == {}
    outputs = load_keras().ops.convert_to_numpy(network(inputs.train.x, training=False))[:, 0]
    loss = np.abs(inputs.train.y - outputs).mean()
    assert found.training_loss == pytest.approx(loss, rel=1e-5)


# Losses as they are.
UNITS = LossUnits("loss", root=False, factors={})


def history(*replicas):
    return pd.concat(
        pd.DataFrame(
            {"split": 0, "start": start, "epoch": range(1, len(values) + 1), "val_loss": values}
        )
        for start, values in enumerate(replicas)
    )


def trained(*chosen, diverged=()):
    lost = dict.fromkeys(diverged, 1)
    return a_training(
        *(
            some_facts(start=start, chosen_epoch=epoch, diverged_at_epoch=lost.get(start))
            for start, epoch in enumerate(chosen)
        )
    )


def examined(*losses):
    return VariantExamination(
        "dropout",
        tuple(
            ReplicaExamination(0, start, Examination(loss, {"hidden_1": 0.1 * start}, {}))
            for start, loss in enumerate(losses)
        ),
    )


def test_gap_spread_and_the_epoch_in_which_a_variant_reaches_the_baselines_best_of_its_own_pair():
    names = ["baseline", "dropout"]
    table = compare_diagnostics(
        dict(zip(names, (examined(1.0, 2.0), examined(2.5, 3.5)), strict=True)),
        dict(zip(names, (history([5, 4, 6], [9, 8, 8.5]), history([7, 6, 4], [8, 5, 4])),
                 strict=True)),
        dict(zip(names, (trained(3, 3), trained(3, 3)), strict=True)),
        "baseline",
        UNITS,
    ).set_index("variant")  # fmt: skip

    assert table.loc["baseline", "gap"] == pytest.approx(7.25 - 1.5)
    assert table.loc["baseline", "val_loss_sd"] == pytest.approx(np.std([6, 8.5], ddof=1))
    assert table.loc["dropout", "reached_baseline"] == 2
    assert table.loc["dropout", "epoch_of_baseline_best"] == 2  # epochs 3 and 1
    assert table.loc["dropout", "dead_units"] == pytest.approx(0.05)
    assert np.isnan(table.loc["dropout", "variance_shift"])


def test_losses_are_those_of_the_epoch_that_early_stopping_chose():
    table = compare_diagnostics(
        {"baseline": examined(1.0, 2.0)},
        {"baseline": history([5, 3, 9], [4, 6, 8])},
        {"baseline": trained(2, 1)},
        "baseline",
        UNITS,
    ).iloc[0]

    assert table["val_loss"] == 3.5
    assert table["gap"] == 2.0
    assert table["val_loss_sd"] == pytest.approx(np.std([3, 4], ddof=1))


def test_where_the_baseline_diverged_there_is_nothing_to_reach():
    names = ["baseline", "dropout"]
    table = compare_diagnostics(
        dict(zip(names, (examined(), examined(2.5)), strict=True)),
        dict(zip(names, (history([np.inf]), history([7, 6])), strict=True)),
        dict(zip(names, (trained(1, diverged=[0]), trained(2)), strict=True)),
        "baseline",
        UNITS,
    ).set_index("variant")

    assert table["reached_baseline"].tolist() == [0, 0]
    assert table["epoch_of_baseline_best"].isna().all()
    assert np.isnan(table.loc["baseline", "gap"])
