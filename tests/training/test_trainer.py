from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from typing import TYPE_CHECKING, get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import read_study
from dropnorm.data.preprocessing import Part, SplitInputs
from dropnorm.study.training import Training
from dropnorm.study.variants import Variant
from dropnorm.training import trainer
from dropnorm.training.backend import load_keras
from dropnorm.training.networks import build_network, plan_layers
from dropnorm.training.trainer import predict_rows, start_seed, train_replica, trained_network

if TYPE_CHECKING:
    from dropnorm.study.schema import Study

OPTIMIZERS = get_args(Training.model_fields["optimizer"].annotation)


def a_part(rows, first, chance):
    x = chance.normal(size=(rows, 3)).astype(np.float32)
    y = (5 + x.sum(axis=1)).astype(np.float32)
    for array in (x, y):
        array.flags.writeable = False  # a training that wrote to its inputs would fail
    return Part(np.arange(first, first + rows), x, y)


def an_input(train=25, validation=13, split=0):
    chance = np.random.default_rng(3)
    return SplitInputs(split, a_part(train, 0, chance), a_part(validation, train, chance))


def a_study(**training):
    """A tiny network: 25 rows in batches of 8, so that the last has one row."""
    network = {"hidden": [6, 5], "activation": training.pop("activation", "relu")}
    options = {"optimizer": "sgd", "metrics": [], "batch_size": 8, "epochs": 3, **training}
    return read_study("concrete", network=network, training=options)


def train(variant="baseline", inputs=None, start=0, on_epoch=lambda _: None, **training):
    study = a_study(**training)
    return train_replica(study, Variant(variant), inputs or an_input(), start, on_epoch)


def network_of(trained, variant="baseline", **training):
    return trained_network(a_study(**training), Variant(variant), an_input(), 0, trained)


def assert_same(one, other):
    for field in fields(one):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if field.name == "weights":
            for weights, others in zip(mine, theirs, strict=True):
                np.testing.assert_array_equal(weights, others)
        elif isinstance(mine, pd.DataFrame):
            pd.testing.assert_frame_equal(mine, theirs, check_exact=True)
        elif field.name != "fit_seconds":
            np.testing.assert_array_equal(mine, theirs)


@pytest.fixture(scope="module")
def told():
    return []


@pytest.fixture(scope="module")
def once(told):
    """One training with both layers and the loss as a metric."""
    return train("dropout_batchnorm", metrics=["mae"], optimizer="adam", on_epoch=told.append)


@pytest.mark.training
def test_the_history_has_a_row_for_each_epoch_from_1_and_each_is_told(once, told):
    assert list(once.history.columns) == ["epoch", "loss", "val_loss", "mae", "val_mae"]
    assert list(once.history["epoch"]) == [1, 2, 3]
    assert pd.api.types.is_integer_dtype(once.history["epoch"])
    assert once.history.to_dict("records") == told
    assert once.diverged_at_epoch is None
    assert list(once.first_steps.columns) == ["step", "loss"]
    assert once.first_steps.empty


@pytest.mark.training
def test_a_long_epoch_tells_how_far_it_is(monkeypatch):
    monkeypatch.setattr(trainer, "_LONG_SECONDS", -1.0)
    trainer._cached_trainer.cache_clear()
    told = []

    trained = train(inputs=an_input(train=25 * 20), on_epoch=told.append, epochs=1)

    within = [row["epoch"] for row in told if "loss" not in row]
    assert len(within) > 1
    assert within == sorted(within)
    assert all(0 <= epoch < 1 for epoch in within)
    assert [row for row in told if "loss" in row] == trained.history.to_dict("records")


@pytest.mark.training
def test_a_metric_that_is_the_loss_repeats_its_columns(once):
    np.testing.assert_allclose(once.history["mae"], once.history["loss"], rtol=1e-6)
    np.testing.assert_allclose(once.history["val_mae"], once.history["val_loss"], rtol=1e-6)


@pytest.mark.training
def test_the_last_val_loss_is_that_of_the_predictions(once):
    """So neither is made with dropout on or with the statistics of a batch."""
    errors = an_input().validation.y - once.outputs[:, 0]

    assert once.outputs.dtype == np.float64
    assert once.history["val_loss"].iloc[-1] == pytest.approx(np.abs(errors).mean(), rel=1e-6)


@pytest.mark.training
def test_the_model_predicts_as_it_did_when_trained_and_carries_no_optimizer(once, tmp_path):
    keras = load_keras()
    x = an_input().validation.x

    network = network_of(once, "dropout_batchnorm")
    assert getattr(network, "optimizer", None) is None
    network.save(str(tmp_path / "one.keras"))
    again = keras.saving.load_model(tmp_path / "one.keras")
    assert getattr(again, "optimizer", None) is None
    for model in (network, again):
        np.testing.assert_array_equal(predict_rows(model, x), once.outputs)
        # As a reader would call it: where an engine compiles layers together, sums round otherwise.
        outputs = keras.ops.convert_to_numpy(model(x, training=False))
        np.testing.assert_allclose(outputs, once.outputs, rtol=1e-5, atol=1e-6)


@pytest.mark.training
def test_the_same_call_gives_the_same_numbers_with_another_training_in_between(once):
    options = {"variant": "dropout_batchnorm", "metrics": ["mae"], "optimizer": "adam"}

    other = train(**options, start=1)
    again = train(**options)

    assert_same(again, once)
    assert (other.history["loss"] != once.history["loss"]).all()
    assert (other.outputs != once.outputs).all()


@pytest.mark.training
def test_the_same_call_gives_the_same_numbers_in_three_threads_at_once(once):
    def go(start):
        return train("dropout_batchnorm", metrics=["mae"], optimizer="adam", start=start)

    with ThreadPoolExecutor(3) as threads:
        first, other, third = threads.map(go, (0, 1, 0))

    assert_same(first, once)
    assert_same(third, once)
    assert (other.history["loss"] != once.history["loss"]).all()


@pytest.mark.training
def test_the_loss_of_an_epoch_weighs_every_row_once_though_the_last_batch_is_smaller():
    still = train(learning_rate=1e-12, metrics=["mse"])  # the weights do not move

    errors = an_input().train.y - predict_rows(network_of(still), an_input().train.x)[:, 0]
    assert list(still.history.columns) == ["epoch", "loss", "val_loss", "mse", "val_mse"]
    np.testing.assert_allclose(still.history["loss"], np.abs(errors).mean(), rtol=1e-6)
    np.testing.assert_allclose(still.history["mse"], (errors**2).mean(), rtol=1e-6)


@pytest.mark.training
def test_a_validation_part_larger_than_what_is_scored_at_once_is_scored_whole():
    inputs = an_input(validation=10_000)

    trained = train(inputs=inputs, metrics=["mse"], epochs=1, batch_size=25)

    errors = inputs.validation.y - trained.outputs[:, 0]
    (epoch,) = trained.history.to_dict("records")
    assert epoch["val_loss"] == pytest.approx(np.abs(errors).mean(), rel=1e-5)
    assert epoch["val_mse"] == pytest.approx((errors**2).mean(), rel=1e-5)


@pytest.mark.training
def test_a_training_is_gradient_descent_over_batches_of_rows_shuffled_anew_each_epoch():
    """Against the same training by hand: squared error, Keras' learning rate of 0.01 for sgd."""
    inputs, start = an_input(split=2), 4
    study = read_study(
        "concrete",
        network={"hidden": [6]},
        training={"optimizer": "sgd", "loss": "mse", "batch_size": 8, "epochs": 3, "seed": 5},
    )

    trained = train_replica(study, Variant.BASELINE, inputs, start)

    seed = start_seed(5, 2, 4)
    layers = plan_layers(study.network, Variant.BASELINE)
    weights = [w.astype(np.float64) for w in build_network(layers, 3, seed).get_weights()]
    shuffle = np.random.default_rng(seed)
    losses, val_losses = [], []
    for _ in range(3):
        order, squares = shuffle.permutation(25), 0.0
        for rows in (order[:8], order[8:16], order[16:24], order[24:]):
            x, y = inputs.train.x[rows], inputs.train.y[rows]
            hidden, errors = forward(weights, x, y)
            squares += (errors**2).sum()
            slope = 2 * errors[:, None] / len(rows)
            below = (slope @ weights[2].T) * (hidden > 0)
            steps = (x.T @ below, below.sum(axis=0), hidden.T @ slope, slope.sum(axis=0))
            weights = [w - 0.01 * step for w, step in zip(weights, steps, strict=True)]
        losses.append(squares / 25)
        val_losses.append(
            (forward(weights, inputs.validation.x, inputs.validation.y)[1] ** 2).mean()
        )
    assert list(trained.history.columns) == ["epoch", "loss", "val_loss"]
    np.testing.assert_allclose(trained.history["loss"], losses, rtol=1e-4)
    np.testing.assert_allclose(trained.history["val_loss"], val_losses, rtol=1e-4)
    for found, expected in zip(trained.weights, weights, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def forward(weights, x, y):
    hidden = np.maximum(x @ weights[0] + weights[1], 0)
    return hidden, (hidden @ weights[2] + weights[3])[:, 0] - y


@pytest.mark.training
def test_each_optimizer_that_a_study_may_name_takes_a_step_of_its_own():
    trained = {
        name: train(optimizer=name, learning_rate=0.05, epochs=2, batch_size=100)
        for name in OPTIMIZERS
    }

    before = {one.history["loss"].iloc[0] for one in trained.values()}
    assert len(before) == 1  # one start, so one loss before the first step
    after = {one.outputs.tobytes() for one in trained.values()}
    assert len(after) == len(OPTIMIZERS)


@pytest.fixture(scope="module")
def exploding():
    """Two trainings, stopped and not, whose error grows 20,000-fold and more by each step.

    Saturated hidden units leave a linear problem with far too large a step: after the three steps
    of epoch 1 the squared errors still are float32 numbers; before the last of epoch 2 they are too
    large.
    """
    options = {"activation": "tanh", "loss": "mse", "learning_rate": 1e4, "batch_size": 9}
    return [train(**options, epochs=4, stop_when_diverged=stop) for stop in (True, False)]


@pytest.mark.training
def test_a_training_that_leaves_the_finite_numbers_says_in_which_epoch(exploding):
    stopped, going_on = exploding

    assert stopped.diverged_at_epoch == going_on.diverged_at_epoch == 2
    assert list(stopped.history["epoch"]) == [1, 2]
    assert list(going_on.history["epoch"]) == [1, 2, 3, 4]
    pd.testing.assert_frame_equal(going_on.history.head(2), stopped.history)
    assert np.isfinite(stopped.history.loc[0, ["loss", "val_loss"]]).all()
    assert not np.isfinite(stopped.history.loc[1, "loss"])
    assert not np.isfinite(stopped.outputs).any()


@pytest.mark.training
def test_the_first_steps_of_a_diverged_training_end_with_the_first_loss_not_finite(exploding):
    for one in exploding:
        steps = one.first_steps
        assert list(steps.columns) == ["step", "loss"]
        assert list(steps["step"]) == list(range(1, len(steps) + 1))
        assert 3 < len(steps) <= 6
        assert np.isfinite(steps["loss"].iloc[:-1]).all()
        assert not np.isfinite(steps["loss"].iloc[-1])


@pytest.mark.training
def test_the_first_steps_are_those_of_the_training_itself(exploding):
    for one in exploding:
        epoch = np.average(one.first_steps["loss"].iloc[:3], weights=[9, 9, 7])
        assert one.history.loc[0, "loss"] == pytest.approx(epoch, rel=1e-12)


@pytest.mark.training
def test_a_training_whose_validation_alone_is_not_finite_has_diverged_as_well():
    trained = train(activation="tanh", loss="mse", learning_rate=1e25, batch_size=25)

    (epoch,) = trained.history.to_dict("records")
    assert np.isfinite(epoch["loss"])
    assert not np.isfinite(epoch["val_loss"])
    assert trained.diverged_at_epoch == 1
    assert list(trained.first_steps["loss"]) == [epoch["loss"]]


@given(
    *[st.tuples(st.integers(0, 2**40), st.integers(0, 999), st.integers(0, 999)) for _ in range(2)]
)
def test_seed_split_and_start_name_a_stream_of_numbers_of_their_own(one, other):
    first, second = (start_seed(*place).generate_state(4).tolist() for place in (one, other))

    assert (first == second) == (one == other)
    assert first == start_seed(*one).generate_state(4).tolist()


def train_on_noise(variant: Variant = Variant.DROPOUT_BATCHNORM, **training: object):
    """Train on 60 rows of four normal inputs; the target is the first input plus noise."""
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


STOPPING = {"patience": 3, "rows": "validation"}
PLATEAU = {
    "method": "reduce_on_plateau", "factor": 0.001, "patience": 1, "rows": "validation"
}  # fmt: skip


@pytest.mark.training
def test_early_stopping_keeps_the_weights_of_the_best_epoch():
    _, inputs, trained = train_on_noise(epochs=60, early_stopping=STOPPING)

    losses = trained.history["val_loss"].to_numpy()
    assert trained.chosen_epoch == losses.argmin() + 1
    assert trained.chosen_epoch == len(losses) - 3
    error = np.abs(inputs.validation.y - trained.outputs[:, 0]).mean()
    assert error == pytest.approx(losses.min(), rel=1e-5)


@pytest.mark.training
def test_early_stopping_does_not_change_the_epochs_before():
    _, _, stopped = train_on_noise(epochs=60, early_stopping=STOPPING)
    _, _, whole = train_on_noise(epochs=60)

    same = whole.history.head(len(stopped.history))
    np.testing.assert_array_equal(stopped.history.to_numpy(), same.to_numpy())
    assert whole.chosen_epoch == 60


@pytest.mark.training
def test_a_diverged_training_with_early_stopping_keeps_the_last_epoch():
    _, _, trained = train_on_noise(
        Variant.BASELINE,
        learning_rate=1e30,
        early_stopping=STOPPING,
        loss="mse",
    )

    assert trained.diverged_at_epoch == trained.chosen_epoch == len(trained.history)


@pytest.mark.training
def test_the_learning_rate_falls_only_after_a_plateau():
    _, _, plain = train_on_noise(learning_rate=0.3, epochs=12)
    schedule = PLATEAU
    _, _, reduced = train_on_noise(learning_rate=0.3, epochs=12, schedule=schedule)

    losses = plain.history["val_loss"].to_numpy()
    first = int(np.argmax(np.diff(losses) >= 0)) + 1  # index of the first epoch that is no better
    found = reduced.history["val_loss"].to_numpy()
    assert len(found) == len(losses) == 12  # neither diverged
    assert 0 < first < 11
    np.testing.assert_array_equal(found[: first + 1], losses[: first + 1])
    assert (found[first + 1 :] != losses[first + 1 :]).all()


@pytest.mark.training
def test_a_reduced_learning_rate_does_not_affect_the_next_training():
    options = {
        "learning_rate": 3.0,
        "epochs": 12,
        "schedule": PLATEAU,
    }

    (*_, first), (*_, again) = train_on_noise(**options), train_on_noise(**options)

    np.testing.assert_array_equal(first.history.to_numpy(), again.history.to_numpy())
    for one, other in zip(first.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def noise_of_split(split: int, study: Study) -> SplitInputs:
    """Make 200 training rows, 20 validation rows and 2,000 test rows of inputs and noise."""
    chance = np.random.default_rng(split)
    parts = [
        Part(
            np.arange(rows),
            chance.normal(size=(rows, 2)).astype(np.float32),
            chance.normal(size=rows).astype(np.float32),
        )
        for rows in (200, 20, 2000)
    ]
    chooses = np.arange(200) % 5 == 0
    return SplitInputs(split, *parts, choosing=chooses).as_seen_by(study.training)


def gains_on_noise(rows: str) -> pd.DataFrame:
    """Train on noise; return how much less than the constant's the errors are, by split.

    Column ``scored`` is of the validation rows, ``true`` of the test rows.
    """
    study = read_study(
        "concrete",
        network={"hidden": [4]},
        training={
            "optimizer": "adam", "learning_rate": 0.2, "batch_size": 40, "epochs": 10,
            "loss": "mse", "early_stopping": {"patience": 10, "rows": rows},
        },
    )  # fmt: skip
    found = []
    for split in range(30):
        inputs = noise_of_split(split, study)
        trained = train_replica(study, Variant.BASELINE, inputs, 0)
        network = trained_network(study, Variant.BASELINE, inputs, 0, trained)
        held, test = inputs.validation, inputs.test
        outputs = predict_rows(network, test.x)
        scored, true = (
            np.mean(part.y**2) - np.mean((part.y - predicted[:, 0]) ** 2)
            for part, predicted in ((held, trained.outputs), (test, outputs))
        )
        found.append({"scored": scored, "true": true})
    return pd.DataFrame(found)


def in_standard_errors(values: pd.Series) -> float:
    return float(values.mean() / values.sem())


@pytest.mark.training
def test_a_score_is_optimistic_only_if_its_own_rows_choose_the_epoch():
    optimistic, honest = gains_on_noise("validation"), gains_on_noise("training")

    # There is nothing to learn: nothing but the choice makes a network better than the constant.
    assert in_standard_errors(optimistic["scored"]) > 3
    assert in_standard_errors(optimistic["scored"] - optimistic["true"]) > 3
    assert in_standard_errors(honest["scored"]) < 1
    assert abs(in_standard_errors(honest["scored"] - honest["true"])) < 2


@pytest.mark.training
def test_rows_that_are_set_aside_choose_the_epoch_and_do_not_train():
    study = read_study(
        "concrete", network={"hidden": [8]},
        training={"batch_size": 16, "epochs": 12, "optimizer": "adam", "metrics": ["mse"],
                  "early_stopping": {"patience": 12}},
    )  # fmt: skip
    inputs = noise_of_split(0, study)
    assert (len(inputs.train.rows), len(inputs.inner.rows)) == (160, 40)

    trained = train_replica(study, Variant.DROPOUT_BATCHNORM, inputs, 0)
    alone = replace(inputs, inner=None)
    plain = study.model_copy(
        update={"training": study.training.model_copy(update={"early_stopping": None})}
    )
    without = train_replica(plain, Variant.DROPOUT_BATCHNORM, alone, 0)

    assert list(trained.history) == ["epoch", "loss", "val_loss", "mse", "val_mse", "inner_loss"]
    np.testing.assert_array_equal(
        trained.history.drop(columns="inner_loss").to_numpy(), without.history.to_numpy()
    )
    assert trained.chosen_epoch == trained.history["inner_loss"].argmin() + 1
    network = trained_network(study, Variant.DROPOUT_BATCHNORM, inputs, 0, trained)
    error = np.abs(inputs.inner.y - predict_rows(network, inputs.inner.x)[:, 0]).mean()
    assert error == pytest.approx(trained.history["inner_loss"].min(), rel=1e-5)


@pytest.mark.training
def test_a_plateau_is_one_of_the_rows_that_are_set_aside():
    schedule = {"method": "reduce_on_plateau", "factor": 0.001, "patience": 1}
    plain, reduced = (
        read_study(
            "concrete", network={"hidden": [8]},
            training={"batch_size": 16, "epochs": 12, "optimizer": "sgd", "learning_rate": 0.3,
                      **more},
        )
        for more in ({"early_stopping": {"patience": 12}}, {"schedule": schedule})
    )  # fmt: skip
    for split in range(20):
        inputs = noise_of_split(split, plain)
        losses = train_replica(plain, Variant.BASELINE, inputs, 0).history
        first, of_validation = (
            int(np.argmax(np.diff(losses[column]) >= 0)) + 1
            for column in ("inner_loss", "val_loss")
        )
        if first != of_validation:
            break
    found = train_replica(reduced, Variant.BASELINE, inputs, 0).history

    assert first != of_validation
    assert 0 < first < 11
    np.testing.assert_array_equal(found[: first + 1].to_numpy(), losses[: first + 1].to_numpy())
    assert (found["val_loss"][first + 1 :] != losses["val_loss"][first + 1 :]).all()


def test_inputs_that_are_not_divided_as_the_training_needs_are_refused():
    stops = read_study("concrete", training__early_stopping={})
    whole = replace(noise_of_split(0, stops), inner=None)

    with pytest.raises(ValueError, match="not divided as the training needs"):
        train_replica(stops, Variant.BASELINE, whole, 0)


@pytest.mark.training
def test_weight_decay_makes_weights_smaller():
    *_, plain = train_on_noise()
    *_, decayed = train_on_noise(optimizer_options={"weight_decay": 0.5})

    # The first Dense layer follows the four arrays of the first batch normalization.
    assert np.abs(decayed.weights[4]).sum() < np.abs(plain.weights[4]).sum()


@pytest.mark.training
def test_the_huber_loss_is_quadratic_for_small_and_linear_for_large_errors():
    *_, small = train_on_noise(loss="huber", huber_delta=1e3, metrics=["mse"])
    *_, large = train_on_noise(loss="huber", huber_delta=1e-3, metrics=["mae"])

    np.testing.assert_allclose(small.history["loss"], small.history["mse"] / 2, rtol=1e-5)
    np.testing.assert_allclose(small.history["val_loss"], small.history["val_mse"] / 2, rtol=1e-5)
    np.testing.assert_allclose(large.history["loss"], large.history["mae"] * 1e-3, rtol=0.02)
    np.testing.assert_allclose(
        large.history["val_loss"], large.history["val_mae"] * 1e-3, rtol=0.02
    )
