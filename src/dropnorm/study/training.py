"""The section ``training``: loss, optimizer, schedule, epochs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    Field,
    model_validator,
)

from dropnorm.study.common import Flag, Section

Loss = Literal["mae", "mse", "huber", "cross_entropy"]
Metric = Literal["mae", "mse", "huber", "cross_entropy", "accuracy"]


class OptimizerOptions(Section):
    """What else Keras' optimizers take; what is left out keeps Keras' default."""

    momentum: float | None = Field(
        None, ge=0, lt=1, description="sgd, rmsprop: what a step keeps of the last one."
    )
    nesterov: bool | None = Field(
        None, description="sgd: the gradient is taken where momentum would lead (Nesterov 1983)."
    )
    beta_1: float | None = Field(
        None, ge=0, lt=1, description="adam, adamw, nadam: decay of the gradients' mean."
    )
    beta_2: float | None = Field(
        None, ge=0, lt=1, description="adam, adamw, nadam: decay of the squared gradients' mean."
    )
    rho: float | None = Field(
        None, ge=0, lt=1, description="rmsprop: decay of the squared gradients' mean."
    )
    epsilon: float | None = Field(
        None, gt=0, le=1, description="All but sgd: keeps a division from one by zero."
    )
    amsgrad: bool | None = Field(
        None, description="adam, adamw: divide by the largest mean so far (Reddi et al. 2018)."
    )
    centered: bool | None = Field(
        None, description="rmsprop: divide by the gradients' variance, not their mean square."
    )
    weight_decay: float | None = Field(
        None, ge=0, lt=1, description="Decoupled: weights shrink by this times the learning rate."
    )
    clipnorm: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Longest gradient of one weight array."
    )
    global_clipnorm: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Longest gradient of all weights together."
    )
    clipvalue: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Largest entry of a gradient."
    )

    @property
    def given(self) -> dict[str, float | bool]:
        """The options that are written."""
        return self.model_dump(exclude_none=True)

    @model_validator(mode="after")
    def _one_way_to_clip(self) -> OptimizerOptions:
        clipped = [name for name in self.given if "clip" in name]
        if len(clipped) > 1:
            raise ValueError(f"clips gradients in two ways: {' and '.join(clipped)}")
        return self


_FOR_ALL = ("weight_decay", "clipnorm", "global_clipnorm", "clipvalue")
_OPTIMIZER_TAKES = {
    "adam": ("beta_1", "beta_2", "epsilon", "amsgrad", *_FOR_ALL),
    "adamw": ("beta_1", "beta_2", "epsilon", "amsgrad", *_FOR_ALL),
    "nadam": ("beta_1", "beta_2", "epsilon", *_FOR_ALL),
    "rmsprop": ("rho", "momentum", "epsilon", "centered", *_FOR_ALL),
    "sgd": ("momentum", "nesterov", *_FOR_ALL),
}


class CosineSchedule(Section):
    """The learning rate falls step by step along half a cosine (Loshchilov and Hutter 2017)."""

    method: Literal["cosine"] = Field(description="Which schedule this is.")
    final_fraction: float = Field(
        0.0, ge=0, le=1, description="Of the learning rate, where the last epoch ends."
    )
    warmup_epochs: int = Field(
        0, ge=0, description="Epochs in which it first rises from 0, before it falls."
    )


class ExponentialSchedule(Section):
    """The learning rate shrinks by one factor per epoch, a little at each step."""

    method: Literal["exponential"] = Field(description="Which schedule this is.")
    factor: float = Field(gt=0, le=1, description="What an epoch leaves of the learning rate.")


class PlateauSchedule(Section):
    """The learning rate shrinks where val_loss stops falling: Keras' ``ReduceLROnPlateau``."""

    method: Literal["reduce_on_plateau"] = Field(description="Which schedule this is.")
    factor: float = Field(0.5, gt=0, lt=1, description="What a reduction leaves of it.")
    patience: int = Field(10, ge=1, description="Epochs without a better val_loss before one.")
    min_delta: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="Falls of val_loss up to this do not count."
    )
    final_fraction: float = Field(
        0.0, ge=0, le=1, description="Of the learning rate, below which it is not reduced."
    )


Schedule = Annotated[
    CosineSchedule | ExponentialSchedule | PlateauSchedule, Field(discriminator="method")
]


class EarlyStopping(Section):
    """Stop when val_loss no longer falls, and keep the weights of its best epoch.

    The validation rows then choose the epoch, and their loss at that epoch flatters.
    """

    patience: int = Field(20, ge=1, description="Epochs without a better val_loss before the end.")
    min_delta: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="Falls of val_loss up to this do not count."
    )


class Training(Section):
    """How each network is trained."""

    optimizer: Literal["adam", "adamw", "nadam", "rmsprop", "sgd"] = Field(
        "adam", description="Keras' optimizer of this name."
    )
    learning_rate: float | None = Field(
        None, ge=1e-30, le=1e30, description="Keras' default for the optimizer if left out."
    )
    optimizer_options: OptimizerOptions = OptimizerOptions()
    schedule: Schedule | None = Field(
        None, description="How the learning rate changes over the epochs; left out, it stays."
    )
    early_stopping: EarlyStopping | None = Field(
        None, description="Left out, a training runs all its epochs and keeps the last weights."
    )
    loss: Loss = Field(
        "mae",
        description="What a training minimizes: mean absolute error, mean squared error, or Huber's"
        " loss, which is squared near zero and linear beyond huber_delta. Of a classification"
        " cross_entropy, which is its default.",
    )
    huber_delta: float = Field(
        1.0,
        ge=1e-18,
        le=1e18,
        description="Errors up to this, in units of the training, count squared; larger linearly.",
    )
    metrics: Annotated[tuple[Metric, ...], Field(strict=False)] = Field(
        (), description="Further columns of the history; accuracy is a classification's."
    )
    batch_size: int = Field(ge=1, description="Training rows of a step; the last has the rest.")
    epochs: int = Field(ge=1, le=1_000_000, description="Passes over the training rows.")
    seed: int = Field(0, ge=0, description="From which the seeds of all starts follow.")
    threads: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="Of one training; left out, 1 on TensorFlow and PyTorch and 2 on JAX. Part of"
        " the study, because sums of floats depend on it. As many trainings run at a time as there"
        " are cores, or cores for the threads that are named.",
    )
    stop_when_diverged: Flag = Field(
        True, description="End a training at the first epoch whose loss is not finite."
    )

    @model_validator(mode="after")
    def _each_metric_once(self) -> Training:
        if len(set(self.metrics)) < len(self.metrics):
            raise ValueError("names a metric twice in 'metrics'")
        return self

    @model_validator(mode="after")
    def _optimizer_takes_its_options(self) -> Training:
        takes = _OPTIMIZER_TAKES[self.optimizer]
        for name in self.optimizer_options.given:
            if name not in takes:
                raise ValueError(
                    f"gives '{name}' in 'optimizer_options', which {self.optimizer} does not take"
                    f" (it takes: {', '.join(takes)})"
                )
        return self

    @model_validator(mode="after")
    def _warmup_ends(self) -> Training:
        schedule = self.schedule
        if isinstance(schedule, CosineSchedule) and schedule.warmup_epochs >= self.epochs:
            raise ValueError(
                f"warms up for {schedule.warmup_epochs} of {self.epochs} epochs; let 'schedule'"
                " leave at least one to fall"
            )
        return self
