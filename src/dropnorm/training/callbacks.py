"""Early stopping and plateau schedules between epochs that Keras' ``fit`` did not run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dropnorm.study.training import INNER_LOSS, PlateauSchedule
from dropnorm.training.backend import load_keras

if TYPE_CHECKING:
    from dropnorm.study.training import Training
    from dropnorm.training.networks import KerasModel

# Column of the history that each kind of rows has.
_MONITORED = {"training": INNER_LOSS, "validation": "val_loss"}


class Callbacks:
    """What happens between epochs: Keras' own callbacks, told of epochs that ``fit`` did not run.

    Args:
        model: Whose weights they restore.
        optimizer: Whose learning rate they change.
        training: Says which there are.
    """

    def __init__(self, model: KerasModel, optimizer: Any, training: Training) -> None:
        keras = load_keras()
        self._model = model
        self._stopping: Any = None
        self._all: list[Any] = []
        if isinstance(training.schedule, PlateauSchedule):
            rate = float(optimizer.learning_rate.numpy())
            self._all.append(
                keras.callbacks.ReduceLROnPlateau(
                    monitor=_MONITORED[training.schedule.rows],
                    mode="min",
                    factor=training.schedule.factor,
                    patience=training.schedule.patience,
                    min_delta=training.schedule.min_delta,
                    min_lr=rate * training.schedule.final_fraction,
                )
            )
        if training.early_stopping is not None:
            self._stopping = keras.callbacks.EarlyStopping(
                monitor=_MONITORED[training.early_stopping.rows],
                mode="min",
                patience=training.early_stopping.patience,
                min_delta=training.early_stopping.min_delta,
                restore_best_weights=True,
            )
            self._all.append(self._stopping)
        self._model.stop_training = False
        for callback in self._all:
            callback.set_model(self._model)
            callback.on_train_begin()

    def end_epoch(self, row: dict[str, float]) -> bool:
        """Tell of an epoch; return whether it shall be the last."""
        for callback in self._all:
            callback.on_epoch_end(int(row["epoch"]) - 1, dict(row))
        return bool(self._model.stop_training)

    def choose(self, epochs: int, diverged_at_epoch: int | None) -> int:
        """Restore the weights of the chosen epoch, and return its number.

        A training that diverged has no best epoch: it ends where it ended.
        """
        if self._stopping is None or diverged_at_epoch is not None:
            return epochs
        self._stopping.on_train_end()
        return int(self._stopping.best_epoch) + 1
