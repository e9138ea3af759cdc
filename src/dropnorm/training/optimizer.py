"""Keras' optimizer and learning-rate schedule, as a study asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dropnorm.study.training import CosineSchedule, ExponentialSchedule
from dropnorm.training.backend import load_keras

if TYPE_CHECKING:
    from dropnorm.study.training import Training


def make_optimizer(training: Training, epoch_steps: int) -> Any:
    """Return the study's Keras optimizer, with its schedule where that goes by steps.

    Args:
        training: Optimizer, its options, learning rate and schedule.
        epoch_steps: Steps of an epoch.
    """
    keras = load_keras()
    config = dict(training.optimizer_options.given)
    optimizer = keras.optimizers.get({"class_name": training.optimizer, "config": config})
    if training.learning_rate is not None:
        config["learning_rate"] = training.learning_rate
    rate = config.get("learning_rate", float(optimizer.learning_rate.numpy()))
    match training.schedule:
        case CosineSchedule(final_fraction=final, warmup_epochs=warmup):
            config["learning_rate"] = keras.optimizers.schedules.CosineDecay(
                0.0 if warmup else rate,
                (training.epochs - warmup) * epoch_steps,
                alpha=final,
                warmup_target=rate if warmup else None,
                warmup_steps=warmup * epoch_steps,
            )
        case ExponentialSchedule(factor=factor):
            config["learning_rate"] = keras.optimizers.schedules.ExponentialDecay(
                rate, epoch_steps, factor
            )
        case _:
            config["learning_rate"] = rate
    return type(optimizer)(**config)
