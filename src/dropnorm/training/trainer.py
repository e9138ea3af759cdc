"""One training: a network, one split, one random start."""

from __future__ import annotations

import functools
import math
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dropnorm.study.training import (
    INNER_LOSS,
    CosineSchedule,
    ExponentialSchedule,
    losses_among,
)
from dropnorm.study.variants import Variant
from dropnorm.tasks.metrics import mean_of_members, training_loss
from dropnorm.training.backend import start_engine, threads_of
from dropnorm.training.callbacks import Callbacks
from dropnorm.training.loops.loop import MOST_STEPS, Losses
from dropnorm.training.loops.selection import make_loop
from dropnorm.training.losses import keras_loss
from dropnorm.training.networks import (
    KerasModel,
    build_network,
    join_members,
    plan_layers,
    up_to_outputs,
)
from dropnorm.training.optimizer import make_optimizer
from dropnorm.training.passes import in_chunks, outputs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from dropnorm.data.preprocessing import Part, SplitInputs
    from dropnorm.study.network import Network
    from dropnorm.study.schema import Study
    from dropnorm.study.training import Metric, Training
    from dropnorm.training.loops.loop import Loop


# Seconds that one call of a loop should last: Ctrl-C and progress wait for its end.
_CALL_SECONDS = 0.5
# Seconds after which an epoch that is not at its end is told of.
_LONG_SECONDS = 1.0


@dataclass(frozen=True)
class TrainedReplica:
    """What one training leaves: arrays and tables alone, to be passed between processes.

    Attributes:
        weights: Of the network, as ``get_weights`` lists them; of the chosen epoch.
        history: Columns ``epoch`` (from 1), ``loss``, ``val_loss``, the study's metrics, and
            ``inner_loss`` if training rows are set aside to choose; in the units of the training.
        outputs: For the validation rows at the chosen epoch, in the units of the training, shape
            (rows, outputs).
        chosen_epoch: Whose weights these are: the last, or with early stopping the one with the
            least inner_loss or val_loss.
        diverged_at_epoch: First epoch whose loss was not a finite number, or None.
        first_steps: Columns ``step`` (from 1) and ``loss`` of the batch before the step is taken,
            up to the first that is not finite; empty unless the training diverged.
        fit_seconds: Wall time of training and validating, compilation included where this training
            had to compile.
    """

    weights: list[npt.NDArray[np.float32]]
    history: pd.DataFrame
    outputs: npt.NDArray[np.float64]
    chosen_epoch: int
    diverged_at_epoch: int | None
    first_steps: pd.DataFrame
    fit_seconds: float

    def last_row(self) -> dict[str, float]:
        """Return the last row of the history, as it was told when its epoch ended."""
        return {str(name): float(value) for name, value in self.history.iloc[-1].items()}


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
        inputs: Arrays of the split, divided if the training sets rows aside.
        start: Number of the random start, from 0.
        on_epoch: Told each epoch's row of the history; of epochs that last longer than a second
            also, now and then, a row that has ``epoch`` alone: 2.4 when of the third four tenths
            are done.
    """
    training = study.training
    if ("training" in training.looked_at) != (inputs.inner is not None):
        raise ValueError("the inputs are not divided as the training needs them")
    start_engine(threads_of(study))
    seed = start_seed(training.seed, inputs.split, start)
    target = inputs.target
    layers = plan_layers(study.network, variant, target.outputs, target.activation)
    network = build_network(layers, inputs.train.x.shape[1], seed)
    began = time.perf_counter()
    trainer = _trainer(study, variant, inputs)
    trainer.restart(network)
    callbacks = Callbacks(trainer.model, trainer.optimizer, training)
    history: list[dict[str, float]] = []
    steps: list[npt.NDArray[np.float32]] = []
    diverged_at_epoch = None
    orders = _row_orders(len(inputs.train.rows), seed)
    for epoch in range(1, training.epochs + 1):
        means, first_losses = trainer.train_epoch(
            inputs.train, next(orders), functools.partial(_tell_share, on_epoch, epoch)
        )
        row = {"epoch": epoch, **_in_order(means, trainer.validate(inputs.validation))}
        if inputs.inner is not None:
            row[INNER_LOSS] = trainer.validate(inputs.inner)["loss"]
        history.append(row)
        on_epoch(row)
        if diverged_at_epoch is None:
            steps.append(first_losses)
            if not all(math.isfinite(row[name]) for name in losses_among(row)):
                diverged_at_epoch = epoch
                if training.stop_when_diverged:
                    break
        if callbacks.end_epoch(row):
            break
    chosen_epoch = callbacks.choose(len(history), diverged_at_epoch)
    fit_seconds = time.perf_counter() - began
    network.set_weights(trainer.model.get_weights())
    return TrainedReplica(
        weights=network.get_weights(),
        history=pd.DataFrame(history),
        outputs=predict_rows(network, inputs.validation.x),
        chosen_epoch=chosen_epoch,
        diverged_at_epoch=diverged_at_epoch,
        first_steps=_first_steps(steps if diverged_at_epoch else []),
        fit_seconds=fit_seconds,
    )


def trained_network(
    study: Study, variant: Variant, inputs: SplitInputs, start: int, trained: TrainedReplica
) -> KerasModel:
    """Return the network of a training: without optimizer state, a third of the file with adam.

    It tells what the target's activation makes of its outputs: amounts in the units of the
    training, or probabilities.
    """
    seed = start_seed(study.training.seed, inputs.split, start)
    target = inputs.target
    layers = plan_layers(study.network, variant, target.outputs, target.activation)
    network = build_network(layers, inputs.train.x.shape[1], seed)
    network.set_weights(trained.weights)
    return network


def predict_rows(network: KerasModel, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return a network's linear outputs in inference, shape (n, outputs)."""
    outputs = outputs_of(up_to_outputs(network), x)
    return join_members(network, outputs).astype(np.float64)


class _Trainer:
    """A network with optimizer and compiled loop, to be used for one replica after the other.

    Args:
        network: Hidden layers and the two that variants switch on.
        variant: Which of the two it has.
        training: Optimizer, losses and batch size.
        inputs: Number of inputs.
        outputs: Number of outputs.
        most_steps: The most that are taken in one call.
        epoch_steps: Steps of an epoch, for schedules that count them.
    """

    def __init__(
        self,
        network: Network,
        variant: Variant,
        training: Training,
        inputs: int,
        outputs: int,
        most_steps: int,
        epoch_steps: int,
    ) -> None:
        self._training = training
        ensemble = network.batch_ensemble
        self._members = None if ensemble is None else ensemble.members
        self._names: dict[str, Metric] = {
            "loss": training.loss,
            **{name: name for name in training.metrics},
        }
        layers = plan_layers(network, variant, outputs)
        self.model = up_to_outputs(build_network(layers, inputs, np.random.SeedSequence(0)))
        self.optimizer = make_optimizer(training, epoch_steps)
        self.optimizer.build(self.model.trainable_variables)
        self.model.compile(optimizer=self.optimizer)
        # Copies: an engine may show its own memory.
        self._new = [np.array(variable.numpy()) for variable in self.optimizer.variables]
        losses = Losses(
            [keras_loss(name, training, outputs) for name in self._names.values()], self._members
        )
        self._loop: Loop = make_loop(
            self.model, self.optimizer, losses, most_steps, training.batch_size
        )
        self._most = most_steps
        self._at_once = min(8, most_steps)
        self._warm = False

    def restart(self, network: KerasModel) -> None:
        """Go back to the state before a training, with the weights and seeds of ``network``."""
        for variable, other in zip(self.model.variables, network.variables, strict=True):
            variable.assign(np.array(other.numpy()))
        for variable, value in zip(self.optimizer.variables, self._new, strict=True):
            variable.assign(value)

    def train_epoch(
        self, part: Part, order: npt.NDArray[np.int64], on_share: Callable[[float], None]
    ) -> tuple[dict[str, float], npt.NDArray[np.float32]]:
        """Train on all rows in this order; return the mean losses, and the loss step by step.

        Args:
            part: The rows.
            order: In which they are taken.
            on_share: Told each second which share of the epoch is done.
        """
        size = self._training.batch_size
        taken: list[list[npt.NDArray[np.float32]]] = []
        done, told = 0, time.monotonic()
        while done < len(order):
            if time.monotonic() - told > _LONG_SECONDS:
                told = time.monotonic()
                on_share(done / len(order))
            rows = order[done : done + self._at_once * size]
            taken.append(self._timed(part, rows))
            done += len(rows)
        by_step = [np.concatenate(losses) for losses in zip(*taken, strict=True)]
        counts = np.full(len(by_step[0]), size)
        counts[-1] -= -len(order) % size  # the last batch may have fewer rows
        means = [float(np.average(losses.astype(np.float64), weights=counts)) for losses in by_step]
        return dict(zip(self._names, means, strict=True)), by_step[0]

    def validate(self, part: Part) -> dict[str, float]:
        """Return the mean losses of a part, in inference; those of a batch ensemble's mean."""
        outputs = in_chunks(self._loop.predict, part.x)
        if self._members is not None:
            classes = self._training.loss == "cross_entropy"
            outputs = mean_of_members(outputs, classes=classes).astype(np.float32)
        delta = self._training.huber_delta
        with np.errstate(over="ignore", invalid="ignore"):  # of a training that diverges
            # As the engine holds numbers: what is too large for it is not finite.
            return {
                name: float(np.float32(training_loss(part.y, outputs, loss, delta)))
                for name, loss in self._names.items()
            }

    def _timed(self, part: Part, rows: npt.NDArray[np.int64]) -> list[npt.NDArray[np.float32]]:
        """Take steps, and learn how many a call may have; the first call compiles."""
        began = time.perf_counter()
        losses = self._loop.train(part.x[rows], part.y[rows])
        if self._warm:
            seconds = (time.perf_counter() - began) / len(losses[0])
            self._at_once = min(max(1, int(_CALL_SECONDS / seconds)), self._most)
        self._warm = True
        return losses


def _trainer(study: Study, variant: Variant, inputs: SplitInputs) -> _Trainer:
    """Return a trainer that may have trained before: it compiles for a whole study once."""
    training = study.training
    steps = -(-len(inputs.train.rows) // training.batch_size)
    counts_steps = isinstance(training.schedule, CosineSchedule | ExponentialSchedule)
    return _cached_trainer(
        threading.get_ident(),
        study.network,
        variant,
        training,
        inputs.train.x.shape[1],
        inputs.target.outputs,
        # Splits by groups differ by some rows: not by what is compiled.
        min(-(-steps // 16) * 16, MOST_STEPS),
        steps if counts_steps else 0,
    )


@functools.lru_cache(maxsize=len(Variant))
def _cached_trainer(
    thread: int,  # two threads must not share one: it is changed by training
    network: Network,
    variant: Variant,
    training: Training,
    inputs: int,
    outputs: int,
    most_steps: int,
    epoch_steps: int,
) -> _Trainer:
    return _Trainer(network, variant, training, inputs, outputs, most_steps, epoch_steps)


def _row_orders(rows: int, seed: np.random.SeedSequence) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the order of the training rows, anew for each epoch."""
    shuffle = np.random.default_rng(seed)
    while True:
        yield shuffle.permutation(rows)


def _tell_share(on_epoch: Callable[[dict[str, float]], None], epoch: int, share: float) -> None:
    on_epoch({"epoch": epoch - 1 + share})


def _in_order(trained: dict[str, float], validated: dict[str, float]) -> dict[str, float]:
    row = {}
    for name, value in trained.items():  # loss, then the metrics as the study lists them
        row[name] = value
        row[f"val_{name}"] = validated[name]
    return row


def _first_steps(epochs: list[npt.NDArray[np.float32]]) -> pd.DataFrame:
    losses = np.concatenate([np.empty(0), *epochs])
    (not_finite,) = np.nonzero(~np.isfinite(losses))
    if len(not_finite):
        losses = losses[: not_finite[0] + 1]
    return pd.DataFrame({"step": np.arange(1, len(losses) + 1), "loss": losses})
