"""What a study may say of networks and training, and what it does."""

from __future__ import annotations

import numpy as np
import pytest

from conftest import read_study
from dropnorm.data.preprocessing import Part, SplitInputs
from dropnorm.errors import BadInputError
from dropnorm.study.training import Training
from dropnorm.study.variants import Variant
from dropnorm.training.networks import plan_layers
from dropnorm.training.optimizer import make_optimizer
from dropnorm.training.trainer import train_replica


def refusal(**changes: object) -> str:
    with pytest.raises(BadInputError) as refused:
        read_study("concrete", **changes)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"network__dropout__rate": 1.5},
            "network.dropout.rate is 1.5; it should be at least 0 and below 1",
        ),
        ({"network__dropout__rate": [0.1, 0.2, -1]}, "network.dropout.rate.2 is -1"),
        ({"network__dropout__rate": [0.1, 0.2]}, "network has 3 hidden layers, but 2 rates"),
        ({"network__dropout__rate": []}, "is []; it should be a list that is not empty"),
        (
            {"network__batchnorm__momentum": 1.0},
            "momentum is 1.0; it should be at least 0 and below 1",
        ),
        ({"network__batchnorm__epsilon": 0}, "epsilon is 0; it should be above 0 and at most 1"),
        ({"network__initializer": "he_norml"}, "did you mean 'he_normal'?"),
        ({"training__threads": 0}, "threads is 0; it should be from 1 to 1024"),
        ({"training__loss": "hubber"}, "did you mean 'huber'?"),
        ({"training__huber_delta": 0}, "huber_delta is 0; it should be from 1e-18 to 1e+18"),
        ({"training__learning_rate": 1e300}, "learning_rate is 1e+300; it should be from 1e-30 to"),
        ({"training__learning_rate": 1e-300}, "learning_rate is 1e-300; it should be from 1e-30"),
        ({"training__schedule": {"method": "cosin"}}, "schedule.method is 'cosin'; did you mean"),
        ({"training__schedule": {}}, "one of cosine, exponential, reduce_on_plateau"),
        (
            {"training__schedule": {"method": "exponential", "factor": 2}},
            "schedule.factor is 2; it should be above 0 and at most 1",
        ),
        (
            {"training__schedule": {"method": "cosine", "final_fractoin": 0.1}},
            "schedule.final_fractoin: no such key; did you mean 'final_fraction'?",
        ),
        (
            {"training__schedule": {"method": "cosine", "warmup_epochs": 100}},
            "warms up for 100 of 100 epochs",
        ),
        ({"training__early_stopping": {"patience": 0}}, "early_stopping.patience is 0"),
        (
            {"training__optimizer_options": {"beta_1": 0.8}},
            "has 'beta_1' in 'optimizer_options', which sgd does not take (it takes: momentum",
        ),
        (
            {"training__optimizer_options": {"clipnorm": 1, "clipvalue": 1}},
            "optimizer_options clips gradients in two ways: clipnorm and clipvalue",
        ),
        ({"training__optimizer_options": {"weight_decay": 1}}, "should be at least 0 and below 1"),
    ],
)
def test_an_option_out_of_its_range_is_refused_in_one_line_with_the_range(changes, told):
    assert told in refusal(**changes)


def test_options_of_the_network_reach_its_layers():
    study = read_study(
        "concrete",
        network__dropout__rate=[0.1, 0.0, 0.5],
        network__initializer="he_normal",
        network__batchnorm__momentum=0.9,
        network__batchnorm__epsilon=0.01,
    )

    layers = plan_layers(study.network, Variant.DROPOUT_BATCHNORM)

    assert [one.rate for one in layers if one.kind == "dropout"] == [0.1, 0.0, 0.5]
    assert {one.initializer for one in layers if one.kind == "dense"} == {"he_normal"}
    norms = {(one.momentum, one.epsilon) for one in layers if one.kind == "batchnorm"}
    assert norms == {(0.9, 0.01)}


def optimizer(**training: object):
    return make_optimizer(Training.model_validate({"batch_size": 8, "epochs": 10, **training}), 5)


@pytest.mark.training
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("sgd", {"momentum": 0.5, "nesterov": True, "clipvalue": 0.5}),
        ("adam", {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-5, "amsgrad": True}),
        ("adamw", {"weight_decay": 0.01, "global_clipnorm": 2.0}),
        ("rmsprop", {"rho": 0.8, "momentum": 0.1, "centered": True, "clipnorm": 1.0}),
        ("nadam", {"beta_1": 0.85}),
    ],
)
def test_an_optimizer_is_keras_own_with_the_options_that_the_study_gives(name, options):
    made = optimizer(optimizer=name, optimizer_options=options)

    config = made.get_config()
    assert type(made).__name__.lower() == name
    assert {key: config[key] for key in options} == options


@pytest.mark.training
def test_schedules_by_steps_start_at_the_learning_rate_and_end_where_they_say():
    cosine = optimizer(learning_rate=0.2, schedule={"method": "cosine", "final_fraction": 0.1})
    shrinking = optimizer(schedule={"method": "exponential", "factor": 0.5})
    warming = optimizer(learning_rate=0.2, schedule={"method": "cosine", "warmup_epochs": 2})

    def rates(made, steps):
        schedule = made._learning_rate
        return [float(schedule(step)) for step in steps]

    assert rates(cosine, [0, 25, 50]) == pytest.approx([0.2, 0.11, 0.02], rel=1e-5)
    assert rates(shrinking, [0, 5, 10]) == pytest.approx([0.001, 0.0005, 0.00025], rel=1e-5)
    assert rates(warming, [0, 5, 10, 50]) == pytest.approx([0, 0.1, 0.2, 0], abs=1e-6)


def train(variant: Variant = Variant.DROPOUT_BATCHNORM, **training: object):
    """Train on 60 rows of four normal inputs; the target is the first and some noise."""
    chance = np.random.default_rng(0)
    x = chance.normal(size=(90, 4)).astype(np.float32)
    y = (x[:, 0] + 0.1 * chance.normal(size=90)).astype(np.float32)
    inputs = SplitInputs(
        0, Part(np.arange(60), x[:60], y[:60]), Part(np.arange(60, 90), x[60:], y[60:])
    )
    study = read_study(
        "concrete",
        network={"hidden": [8, 8], "dropout": {"rate": 0.2}},
        training={
            "optimizer": "sgd", "learning_rate": 0.1, "batch_size": 16, "epochs": 8, **training
        },
    )  # fmt: skip
    return study, inputs, train_replica(study, variant, inputs, 0)


@pytest.mark.training
def test_early_stopping_keeps_the_weights_of_the_epoch_with_the_least_val_loss():
    _, inputs, trained = train(epochs=60, early_stopping={"patience": 3})

    losses = trained.history["val_loss"].to_numpy()
    assert trained.chosen_epoch == losses.argmin() + 1
    assert trained.chosen_epoch == len(losses) - 3
    error = np.abs(inputs.validation.y - trained.outputs[:, 0]).mean()
    assert error == pytest.approx(losses.min(), rel=1e-5)


@pytest.mark.training
def test_early_stopping_changes_no_epoch_that_it_lets_run():
    _, _, stopped = train(epochs=60, early_stopping={"patience": 3})
    _, _, whole = train(epochs=60)

    same = whole.history.head(len(stopped.history))
    np.testing.assert_array_equal(stopped.history.to_numpy(), same.to_numpy())
    assert whole.chosen_epoch == 60


@pytest.mark.training
def test_a_training_that_diverges_under_early_stopping_chooses_nothing():
    _, _, trained = train(
        Variant.BASELINE, learning_rate=1e30, early_stopping={"patience": 3}, loss="mse"
    )

    assert trained.diverged_at_epoch == trained.chosen_epoch == len(trained.history)


@pytest.mark.training
def test_on_a_plateau_the_learning_rate_shrinks_and_the_epochs_before_it_stay_the_same():
    _, _, plain = train(learning_rate=3.0, epochs=12)
    schedule = {"method": "reduce_on_plateau", "factor": 0.001, "patience": 1}
    _, _, reduced = train(learning_rate=3.0, epochs=12, schedule=schedule)

    losses = plain.history["val_loss"].to_numpy()
    first = int(np.argmax(np.diff(losses) >= 0)) + 1  # index of the first epoch that is no better
    found = reduced.history["val_loss"].to_numpy()
    np.testing.assert_array_equal(found[: first + 1], losses[: first + 1])
    assert (found[first + 1 :] != losses[first + 1 :]).all()


@pytest.mark.training
def test_the_learning_rate_of_one_training_is_not_left_to_the_next():
    options = {
        "learning_rate": 3.0,
        "epochs": 12,
        "schedule": {"method": "reduce_on_plateau", "factor": 0.001, "patience": 1},
    }

    (*_, first), (*_, again) = train(**options), train(**options)

    np.testing.assert_array_equal(first.history.to_numpy(), again.history.to_numpy())
    for one, other in zip(first.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.training
def test_weight_decay_leaves_smaller_weights():
    *_, plain = train()
    *_, decayed = train(optimizer_options={"weight_decay": 0.5})

    # The first Dense layer stands after the first batch normalization's four arrays.
    assert np.abs(decayed.weights[4]).sum() < np.abs(plain.weights[4]).sum()


@pytest.mark.training
def test_the_huber_loss_of_large_errors_is_linear_and_of_small_ones_half_the_square():
    *_, small = train(loss="huber", huber_delta=1e3, metrics=["mse"])
    *_, large = train(loss="huber", huber_delta=1e-3, metrics=["mae"])

    np.testing.assert_allclose(small.history["loss"], small.history["mse"] / 2, rtol=1e-5)
    np.testing.assert_allclose(small.history["val_loss"], small.history["val_mse"] / 2, rtol=1e-5)
    np.testing.assert_allclose(large.history["loss"], large.history["mae"] * 1e-3, rtol=0.02)
    np.testing.assert_allclose(
        large.history["val_loss"], large.history["val_mae"] * 1e-3, rtol=0.02
    )
