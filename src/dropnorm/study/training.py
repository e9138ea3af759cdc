"""Section ``training``: loss, optimizer, schedule and epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from dropnorm.study.common import Flag, Section

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

Loss = Literal["mae", "mse", "huber", "cross_entropy"]
Metric = Literal["mae", "mse", "huber", "cross_entropy", "accuracy"]


def losses_among(columns: Iterable[Hashable]) -> list[str]:
    """Return the columns of a history that hold losses which must be finite."""
    present = set(columns)
    return [name for name in ("loss", "val_loss", INNER_LOSS) if name in present]


class OptimizerOptions(Section):
    """Further options of Keras' optimizers; left out, they keep Keras' defaults."""

    momentum: float | None = Field(
        None, ge=0, lt=1, description="sgd, rmsprop: share of the last step in the next one."
    )
    nesterov: bool | None = Field(
        None, description="sgd: whether to use Nesterov momentum (Nesterov 1983)."
    )
    beta_1: float | None = Field(
        None, ge=0, lt=1, description="adam, adamw, nadam: decay of the mean gradient."
    )
    beta_2: float | None = Field(
        None, ge=0, lt=1, description="adam, adamw, nadam: decay of the mean squared gradient."
    )
    rho: float | None = Field(
        None, ge=0, lt=1, description="rmsprop: decay of the mean squared gradient."
    )
    epsilon: float | None = Field(
        None, gt=0, le=1, description="All but sgd: constant that prevents division by zero."
    )
    amsgrad: bool | None = Field(
        None, description="adam, adamw: whether to use AMSGrad (Reddi et al. 2018)."
    )
    centered: bool | None = Field(
        None, description="rmsprop: whether to divide by the variance of the gradients."
    )
    weight_decay: float | None = Field(
        None, ge=0, lt=1, description="Decoupled weight decay, times the learning rate."
    )
    clipnorm: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Largest gradient norm of a weight array."
    )
    global_clipnorm: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Largest gradient norm of all weights."
    )
    clipvalue: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Largest entry of a gradient."
    )

    @property
    def given(self) -> dict[str, float | bool]:
        """The options that are set."""
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
    """The learning rate falls along half a cosine, at each step (Loshchilov and Hutter 2017)."""

    method: Literal["cosine"] = Field(description="Method of this schedule.")
    final_fraction: float = Field(
        0.0, ge=0, le=1, description="Share of the learning rate at the end of the last epoch."
    )
    warmup_epochs: int = Field(
        0, ge=0, description="Epochs in which the learning rate first rises from 0."
    )


class ExponentialSchedule(Section):
    """The learning rate falls exponentially, at each step."""

    method: Literal["exponential"] = Field(description="Method of this schedule.")
    factor: float = Field(gt=0, le=1, description="Factor of the learning rate per epoch.")


# Column of a history with the loss of training rows that are set aside to choose.
INNER_LOSS = "inner_loss"
# Which rows have the loss that a training looks at.
LookedAt = Annotated[
    Literal["training", "validation"],
    Field(
        description="Rows whose loss it looks at. training: one in five of the training rows, which"
        " then do not train; validation rows only score. validation: the rows that score, and all"
        " training rows train; scores are then optimistic, and all results say so."
    ),
]


class PlateauSchedule(Section):
    """The learning rate falls when a loss stops improving, as Keras' ``ReduceLROnPlateau``."""

    method: Literal["reduce_on_plateau"] = Field(description="Method of this schedule.")
    factor: float = Field(0.5, gt=0, lt=1, description="Factor of each reduction.")
    patience: int = Field(
        10, ge=1, description="Epochs without an improvement of the loss before a reduction."
    )
    min_delta: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="Smaller improvements do not count."
    )
    final_fraction: float = Field(
        0.0, ge=0, le=1, description="Smallest share of the learning rate."
    )
    rows: LookedAt = "training"


Schedule = Annotated[
    CosineSchedule | ExponentialSchedule | PlateauSchedule, Field(discriminator="method")
]


class EarlyStopping(Section):
    """Stop when a loss stops improving, and keep the weights of the best epoch.

    Some of the training rows are set aside for this loss, so that no row both chooses the epoch and
    scores it.
    """

    patience: int = Field(
        20, ge=1, description="Epochs without an improvement of the loss before the end."
    )
    min_delta: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="Smaller improvements do not count."
    )
    rows: LookedAt = "training"


class Training(Section):
    """How each network is trained."""

    optimizer: Literal["adam", "adamw", "nadam", "rmsprop", "sgd"] = Field(
        "adam", description="Keras' optimizer of this name."
    )
    learning_rate: float | None = Field(
        None, ge=1e-30, le=1e30, description="Left out, Keras' default for the optimizer."
    )
    optimizer_options: OptimizerOptions = OptimizerOptions()
    schedule: Schedule | None = Field(
        None, description="Schedule of the learning rate; left out, it is constant."
    )
    early_stopping: EarlyStopping | None = Field(
        None, description="Left out, a training runs all epochs and keeps the last weights."
    )
    loss: Loss = Field(
        "mae",
        description="Loss to minimize: mean absolute error, mean squared error, or the Huber loss,"
        " which is squared up to huber_delta and linear beyond. A classification has cross_entropy,"
        " which is its default.",
    )
    huber_delta: float = Field(
        1.0,
        ge=1e-18,
        le=1e18,
        description="Limit between squared and linear errors, in training units.",
    )
    metrics: Annotated[tuple[Metric, ...], Field(strict=False)] = Field(
        (), description="Further columns of the history; accuracy only for a classification."
    )
    batch_size: int = Field(ge=1, description="Training rows of a step; the last has the rest.")
    epochs: int = Field(ge=1, le=1_000_000, description="Passes over the training rows.")
    seed: int = Field(0, ge=0, description="Seed from which those of all starts are derived.")
    threads: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="Threads of one training; left out, 1 on TensorFlow and PyTorch and 2 on JAX."
        " It is part of the study because sums of floats depend on it. As many trainings run at a"
        " time as there are cores, divided by the threads if they are set.",
    )
    stop_when_diverged: Flag = Field(
        True, description="Whether a training ends at the first epoch with an infinite or nan loss."
    )

    @property
    def looked_at(self) -> frozenset[str]:
        """The rows whose loss chooses the epoch or the learning rate: see ``rows`` of both."""
        plateau = self.schedule if isinstance(self.schedule, PlateauSchedule) else None
        return frozenset(one.rows for one in (self.early_stopping, plateau) if one is not None)

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
                    f"has '{name}' in 'optimizer_options', which {self.optimizer} does not take"
                    f" (it takes: {', '.join(takes)})"
                )
        return self

    @model_validator(mode="after")
    def _warmup_ends(self) -> Training:
        schedule = self.schedule
        if isinstance(schedule, CosineSchedule) and schedule.warmup_epochs >= self.epochs:
            raise ValueError(
                f"warms up for {schedule.warmup_epochs} of {self.epochs} epochs; reduce"
                " schedule.warmup_epochs so that at least one epoch remains"
            )
        return self
