"""One training: a network, one split, one random start."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dropnorm.engine import load_keras
from dropnorm.networks import KerasModel, build_network, plan_layers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from dropnorm.preprocessing import Part, SplitInputs
    from dropnorm.study import Study, Variant

# Rows scored at a time: bounds memory, changes no number.
_SCORED_AT_ONCE = 8192


@dataclass(frozen=True)
class TrainedReplica:
    """What one training leaves.

    Attributes:
        model: Trained, without optimizer state.
        history: Columns ``epoch`` (from 1), ``loss``, ``val_loss``, then the study's metrics; in
            the units of the training.
        predictions: Of the validation rows after the last epoch, in the units of the training.
        diverged_at_epoch: First epoch whose loss was not a finite number, or None.
        first_steps: Columns ``step`` (from 1) and ``loss`` of the batch before the step is taken,
            up to the first that is not finite; empty unless the training diverged.
        fit_seconds: Wall time of compiling, training and validating, without ``first_steps``.
    """

    model: KerasModel
    history: pd.DataFrame
    predictions: npt.NDArray[np.float64]
    diverged_at_epoch: int | None
    first_steps: pd.DataFrame
    fit_seconds: float


def start_seed(seed: int, split: int, start: int) -> np.random.SeedSequence:
    """Return the seed of start ``start`` in split ``split``: the same for every variant."""
    return np.random.SeedSequence(entropy=seed, spawn_key=(split, start))


def train_replica(
    study: Study,
    variant: Variant,
    inputs: SplitInputs,
    start: int,
    on_epoch: Callable[[dict[str, float]], None] = lambda _: None,
) -> TrainedReplica:
    """Train a variant's network on one split from one random start.

    Weights, dropout masks and the order of the rows follow from seeds of their own, so that the
    same call on the same engine gives the same numbers, whatever else runs in the process.

    Args:
        study: Network and training options.
        variant: Which of the two layers the network has.
        inputs: Arrays of the split.
        start: Number of the random start, from 0.
        on_epoch: Told each epoch's row of the history.
    """
    seed = start_seed(study.training.seed, inputs.split, start)
    began = time.perf_counter()
    model = _compiled(study, variant, inputs, seed)
    history: list[dict[str, float]] = []
    diverged_at_epoch = None
    orders = _row_orders(len(inputs.train.rows), seed)
    for epoch in range(1, study.training.epochs + 1):
        trained = _Means()
        for x, y in _batches(inputs.train, next(orders), study.training.batch_size):
            trained.add(model.train_on_batch(x, y, return_dict=True), len(y))
        row = {"epoch": epoch, **_in_order(trained, _score(model, inputs.validation))}
        history.append(row)
        on_epoch(row)
        if diverged_at_epoch is None and not _finite(row["loss"], row["val_loss"]):
            diverged_at_epoch = epoch
            if study.training.stop_when_diverged:
                break
    fit_seconds = time.perf_counter() - began
    predictions = predict(model, inputs.validation)
    steps = (
        _repeat_first_steps(study, variant, inputs, start, diverged_at_epoch)
        if diverged_at_epoch
        else []
    )
    return TrainedReplica(
        model=_without_optimizer(study, variant, inputs, seed, model),
        history=pd.DataFrame(history),
        predictions=predictions,
        diverged_at_epoch=diverged_at_epoch,
        first_steps=pd.DataFrame(
            {"step": np.arange(1, len(steps) + 1), "loss": np.asarray(steps, dtype=np.float64)}
        ),
        fit_seconds=fit_seconds,
    )


def _repeat_first_steps(
    study: Study, variant: Variant, inputs: SplitInputs, start: int, epochs: int
) -> list[float]:
    """Train again from the same start, one step at a time, to see where the loss leaves."""
    seed = start_seed(study.training.seed, inputs.split, start)
    model = _compiled(study, variant, inputs, seed)
    orders = _row_orders(len(inputs.train.rows), seed)
    losses: list[float] = []
    for _ in range(epochs):
        for x, y in _batches(inputs.train, next(orders), study.training.batch_size):
            losses.append(float(model.train_on_batch(x, y, return_dict=True)["loss"]))
            if not _finite(losses[-1]):
                return losses
    return losses


def _network(
    study: Study, variant: Variant, inputs: SplitInputs, seed: np.random.SeedSequence
) -> KerasModel:
    return build_network(plan_layers(study.network, variant), inputs.train.x.shape[1], seed)


def _without_optimizer(
    study: Study,
    variant: Variant,
    inputs: SplitInputs,
    seed: np.random.SeedSequence,
    trained: KerasModel,
) -> KerasModel:
    """Copy the weights into a network that was never compiled: a third of the file with adam."""
    model = _network(study, variant, inputs, seed)
    model.set_weights(trained.get_weights())
    return model


def _compiled(
    study: Study, variant: Variant, inputs: SplitInputs, seed: np.random.SeedSequence
) -> KerasModel:
    keras, training = load_keras(), study.training
    model: Any = _network(study, variant, inputs, seed)
    optimizer = keras.optimizers.get(training.optimizer)
    if training.learning_rate is not None:
        optimizer.learning_rate = training.learning_rate
    # Metrics made anew for each model: a shared one would carry its sums along.
    model.compile(optimizer=optimizer, loss=training.loss, metrics=list(training.metrics))
    compiled: KerasModel = model
    return compiled


def _row_orders(rows: int, seed: np.random.SeedSequence) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the order of the training rows, anew for each epoch."""
    shuffle = np.random.default_rng(seed)
    while True:
        yield shuffle.permutation(rows)


def _batches(
    part: Part, order: npt.NDArray[np.int64], size: int
) -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    for first in range(0, len(order), size):
        chosen = order[first : first + size]
        yield part.x[chosen], part.y[chosen]


class _Means:
    """Means over batches, each weighing as many rows as it has."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._rows = 0

    def add(self, batch: dict[str, float], rows: int) -> None:
        for name, value in batch.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value) * rows
        self._rows += rows

    def items(self) -> Iterator[tuple[str, float]]:
        return ((name, total / self._rows) for name, total in self._sums.items())


def _score(model: KerasModel, part: Part) -> _Means:
    means = _Means()
    for x, y in _batches(part, np.arange(len(part.rows)), _SCORED_AT_ONCE):
        means.add(model.test_on_batch(x, y, return_dict=True), len(y))
    return means


def predict(model: KerasModel, part: Part) -> npt.NDArray[np.float64]:
    """Predict a part's rows, in the units of the training, shape (rows,)."""
    to_numpy = load_keras().ops.convert_to_numpy
    chunks = [
        to_numpy(model(x, training=False))
        for x, _ in _batches(part, np.arange(len(part.rows)), _SCORED_AT_ONCE)
    ]
    return np.concatenate(chunks)[:, 0].astype(np.float64)


def _in_order(trained: _Means, validated: _Means) -> dict[str, float]:
    row = {}
    validation = dict(validated.items())
    for name, value in trained.items():  # loss, then the metrics as they were compiled
        row[name] = value
        row[f"val_{name}"] = validation[name]
    return row


def _finite(*numbers: float) -> bool:
    return all(math.isfinite(number) for number in numbers)
