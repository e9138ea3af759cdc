"""What a study's YAML may say: the one place with defaults, units and limits."""

from __future__ import annotations

import math
import types
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo

from dropnorm.errors import BadInputError, did_you_mean
from dropnorm.findings import CODES


class Variant(StrEnum):
    """A study's network with or without the two layers: two switches, four variants."""

    BASELINE = "baseline"
    DROPOUT = "dropout"
    BATCHNORM = "batchnorm"
    DROPOUT_BATCHNORM = "dropout_batchnorm"

    @property
    def has_dropout(self) -> bool:
        """Whether the network has its dropout layers."""
        return self in (Variant.DROPOUT, Variant.DROPOUT_BATCHNORM)

    @property
    def has_batchnorm(self) -> bool:
        """Whether the network has its batch-normalization layers."""
        return self in (Variant.BATCHNORM, Variant.DROPOUT_BATCHNORM)


Task = Literal["regression", "classification"]
Loss = Literal["mae", "mse", "huber", "cross_entropy"]
Metric = Literal["mae", "mse", "huber", "cross_entropy", "accuracy"]
# What each task can minimize, its default first, and what else it can tell by epoch.
_LOSSES: dict[Task, tuple[Loss, ...]] = {
    "regression": ("mae", "mse", "huber"),
    "classification": ("cross_entropy",),
}
_METRICS: dict[Task, tuple[Metric, ...]] = {
    "regression": ("mae", "mse", "huber"),
    "classification": ("cross_entropy", "accuracy"),
}
Column = Annotated[str, Field(min_length=1)]
# YAML gives lists where a frozen model holds tuples.
Columns = Annotated[tuple[Column, ...], Field(strict=False)]


def _on_one_line(text: Any) -> Any:
    """Take line breaks and tabs for blanks, and refuse what no page and no terminal can show."""
    if not isinstance(text, str):
        return text
    line = " ".join(text.split())
    if no_text := [one for one in line if unicodedata.category(one) in ("Cc", "Cs")]:
        raise ValueError(f"has the character U+{ord(no_text[0]):04X}, which cannot be shown")
    return line


# What is shown in plots, on pages and on the screen.
Shown = Annotated[str, BeforeValidator(_on_one_line)]
# The command line gives text where YAML gives true or false.
Flag = Annotated[bool, Field(strict=False)]


class _Section(BaseModel):
    # strict: `epochs: true` or `rate: "0.3"` is a mistake, not a number.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Target(_Section):
    """The column to predict.

    The networks see an amount divided by ``divide_by``, or scaled; losses are in those units.
    Predictions and errors are always told in the column's own. The values of a classification's
    target are names, which have neither unit nor scale.
    """

    column: Column = Field(description="Its name in the table.")
    unit: Shown = Field("", description="Unit of the column, for labels.")
    divide_by: float = Field(
        1.0,
        gt=0,
        allow_inf_nan=False,
        description="The networks see the target divided by this; results come back multiplied.",
    )
    scale: Literal["none", "standardize", "log1p"] = Field(
        "none",
        description="standardize: less the mean, divided by the standard deviation, both of each"
        " split's training rows; log1p: log(1 + target), for targets above -1 that span orders of"
        " magnitude.",
    )

    @model_validator(mode="after")
    def _one_scale(self) -> Target:
        if self.scale != "none" and self.divide_by != 1:
            raise ValueError(
                f"has both 'divide_by' and 'scale: {self.scale}'; the second alone is enough"
            )
        return self


def _fill_of_numbers(value: object) -> str | float:
    """Check ``impute.numbers``: one message for a mistake, where a union would give two."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if isinstance(value, str) and value in get_args(NumberFill):
        return value
    raise ValueError(
        f"is {value!r}{did_you_mean(value, get_args(NumberFill))} (known:"
        f" {', '.join(get_args(NumberFill))}, or a finite number)"
    )


NumberFill = Literal["median", "mean", "most_frequent"]


class Impute(_Section):
    """What stands in for missing inputs, with ``missing: impute``; found in training rows alone."""

    numbers: Annotated[
        str | float,
        PlainValidator(_fill_of_numbers, json_schema_input_type=NumberFill | float),
    ] = Field("median", description="median, mean or most_frequent of the column, or a number.")
    categories: str = Field(
        "most_frequent",
        min_length=1,
        description="most_frequent, or a text that becomes a category of its own.",
    )
    indicator: Flag = Field(
        False,
        description="A further 0/1 input for each column of numbers that has a missing value in the"
        " training rows: 1 where it was missing.",
    )


class RareCategories(_Section):
    """One-hot categories that are folded into one; counted in the training rows alone."""

    min_share: float | None = Field(
        None, gt=0, lt=1, description="Fold categories that fewer of the training rows have."
    )
    min_count: int | None = Field(
        None, ge=2, description="Fold categories that fewer training rows than this have."
    )

    @model_validator(mode="after")
    def _one_limit(self) -> RareCategories:
        if self.min_share is not None and self.min_count is not None:
            raise ValueError("has both 'min_share' and 'min_count'; keep one")
        return self


class Preprocessing(_Section):
    """Which columns are inputs, and what is done to each; fitted on training rows alone.

    A column stands in one list; one that stands in none is no input. Missing values are imputed
    first, then logarithms are taken, then numbers are scaled.
    """

    standard_scale: Columns = Field((), description="Numbers, to mean 0 and standard deviation 1.")
    min_max_scale: Columns = Field((), description="Numbers, to the range 0 to 1.")
    robust_scale: Columns = Field(
        (), description="Numbers, less their median, divided by their interquartile range."
    )
    quantile_scale: Columns = Field(
        (), description="Numbers, by rank, to a normal distribution; bounded by ±5.2."
    )
    one_hot: Columns = Field(
        (),
        description="Categories, one 0/1 input per category; one that no training row has is all"
        " zeros, or the rare one if there is one.",
    )
    ordinal: Columns = Field(
        (),
        description="Categories, to 0, 1, 2 …: in the order that 'order' gives, or else sorted as"
        " text; one that no training row has is -1.",
    )
    passthrough: Columns = Field((), description="Numbers, as they are.")
    log1p: Columns = Field(
        (),
        description="Those of the numbers above whose log(1 + value) is taken before they are"
        " scaled or passed; all values must be above -1.",
    )
    order: Annotated[dict[Column, Columns], Field(strict=False)] = Field(
        {}, description="Of ordinal columns: all their categories, the first becomes 0."
    )
    rare_categories: RareCategories = RareCategories()
    impute: Impute = Impute()

    @property
    def columns(self) -> tuple[str, ...]:
        """All input columns, in the order of the inputs."""
        return (
            self.standard_scale
            + self.min_max_scale
            + self.robust_scale
            + self.quantile_scale
            + self.one_hot
            + self.ordinal
            + self.passthrough
        )

    @property
    def numbers(self) -> tuple[str, ...]:
        """The input columns that must hold numbers."""
        categories = set(self.categories)
        return tuple(column for column in self.columns if column not in categories)

    @property
    def categories(self) -> tuple[str, ...]:
        """The input columns whose values are names."""
        return self.one_hot + self.ordinal

    @model_validator(mode="after")
    def _each_column_once(self) -> Preprocessing:
        if not self.columns:
            raise ValueError("names no input column")
        for columns, where in ((self.columns, ""), (self.log1p, " in 'log1p'")):
            counts = Counter(columns)
            if repeated := next((column for column in columns if counts[column] > 1), None):
                raise ValueError(f"names the column '{repeated}' twice{where}")
        return self

    @model_validator(mode="after")
    def _lists_agree(self) -> Preprocessing:
        for column in self.log1p:
            if column not in self.numbers:
                raise ValueError(
                    f"takes the logarithm of '{column}', which is none of its numbers; add it to"
                    " standard_scale, passthrough or another list of numbers as well"
                )
        fill = self.impute.numbers
        if self.log1p and isinstance(fill, float) and fill <= -1:
            raise ValueError(f"imputes {fill:g}, of which 'log1p' has no logarithm")
        for column, categories in self.order.items():
            if column not in self.ordinal:
                raise ValueError(f"gives an order of '{column}', which is not in 'ordinal'")
            if len(set(categories)) < max(len(categories), 1):
                raise ValueError(
                    f"gives an order of '{column}' that is empty or names a category twice"
                )
        return self


TestFraction = Annotated[
    float,
    Field(
        ge=0,
        lt=1,
        description="A test part, held from everything until the end and scored once; 0 is none.",
    ),
]


class RandomSplit(_Section):
    """Rows drawn at random: ``DataFrame.sample(frac=train_fraction, random_state=seed + k)``.

    With ``keep_together`` or ``identical_rows``, scikit-learn's ``GroupShuffleSplit`` instead, and
    fractions are of the groups of rows that stand together. Of a classification,
    ``StratifiedShuffleSplit``: every class has the same share in each part, as nearly as whole rows
    allow; rows that stand together count as one of the class that most of them have.
    """

    method: Literal["random"] = Field(description="Which split this is.")
    train_fraction: float = Field(0.7, gt=0, lt=1, description="Of all rows, as is test_fraction.")
    test_fraction: TestFraction = 0.0
    seed: int = Field(0, ge=0, le=2**31, description="Seed of split 0; split k takes seed + k.")
    keep_together: Columns = Field(
        (), description="Rows with equal values in all of these columns stand in one part."
    )
    identical_rows: Flag = Field(False, description="Rows with equal inputs stand in one part.")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns by which rows are assigned."""
        return self.keep_together

    @model_validator(mode="after")
    def _validates(self) -> RandomSplit:
        _check_fractions(self.train_fraction, self.test_fraction)
        if self.keep_together and self.identical_rows:
            raise ValueError("has both 'keep_together' and 'identical_rows'; keep one")
        return self


class GroupedSplit(_Section):
    """Whole groups drawn at random: scikit-learn's ``GroupShuffleSplit``, seeded.

    Classes are not looked at: a split whose training part lacks one is refused.
    """

    method: Literal["grouped"] = Field(description="Which split this is.")
    by: Column = Field(description="All rows with one value of this column stand in one part.")
    train_fraction: float = Field(
        0.75, gt=0, lt=1, description="Of the groups, not of the rows, as is test_fraction."
    )
    test_fraction: TestFraction = 0.0
    seed: int = Field(0, ge=0, le=2**31, description="Seed of split 0; split k takes seed + k.")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns by which rows are assigned."""
        return (self.by,)

    @model_validator(mode="after")
    def _validates(self) -> GroupedSplit:
        _check_fractions(self.train_fraction, self.test_fraction)
        return self


class TimeSplit(_Section):
    """Rows in the order of a column: the first train, later ones validate, the last test.

    Rows of one time stand in one part, the later one. It is one split: ``replicas.splits`` is 1.
    """

    method: Literal["time"] = Field(description="Which split this is.")
    by: Column = Field(description="Numbers, or dates as in ISO 8601: 2020-01-21, 2020-01, 2020.")
    format: str | None = Field(
        None, min_length=1, description="How dates are written instead, as in strptime: %d.%m.%Y."
    )
    train_fraction: float = Field(0.7, gt=0, lt=1, description="Of all rows, as is test_fraction.")
    test_fraction: TestFraction = 0.0

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns by which rows are assigned."""
        return (self.by,)

    @model_validator(mode="after")
    def _validates(self) -> TimeSplit:
        _check_fractions(self.train_fraction, self.test_fraction)
        return self


class ColumnsSplit(_Section):
    """Columns of the table say ``train``, ``validation`` or ``test``: a published protocol.

    Each column is a split, the first is split 0; ``replicas.splits`` is their number unless it is
    written, and then the first so many are run.
    """

    method: Literal["columns"] = Field(description="Which split this is.")
    columns: Columns = Field(min_length=1, description="Their names; one is a split.")

    @model_validator(mode="after")
    def _each_column_once(self) -> ColumnsSplit:
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("names a column twice in 'columns'")
        return self


def _check_fractions(train: float, test: float) -> None:
    # Not exact: 0.9 and 0.1 are meant to be 1 together.
    if train + test > 1 - 1e-9:
        raise ValueError(
            f"has a train_fraction of {train:g} and a test_fraction of {test:g}, which leaves"
            " nothing to validate on; together they must be less than 1"
        )


Split = Annotated[
    RandomSplit | GroupedSplit | TimeSplit | ColumnsSplit, Field(discriminator="method")
]


class Replicas(_Section):
    """How often each variant is trained: ``splits`` × ``starts``, the same for all variants."""

    splits: int = Field(1, ge=1, le=1000, description="Divisions of the rows into parts.")
    starts: int = Field(1, ge=1, le=1000, description="Random starts in each split.")


def _one_or_each(value: object) -> str:
    return "each" if isinstance(value, list | tuple) else "one"


Rate = Annotated[float, Field(ge=0, lt=1)]


class Dropout(_Section):
    """Dropout after each hidden layer (Srivastava et al. 2014, JMLR 15)."""

    rate: Annotated[
        Annotated[Rate, Tag("one")]
        | Annotated[tuple[Rate, ...], Field(strict=False, min_length=1), Tag("each")],
        Discriminator(_one_or_each),
    ] = Field(
        0.3,
        description="Share of a layer's outputs switched off: one for all hidden layers, or a list"
        " with one for each.",
    )
    order: Literal["before_batchnorm", "after_batchnorm"] = Field(
        "before_batchnorm",
        description="Which of the two comes first where both follow a hidden layer. With placement"
        " before_activation or input there is one place only, after the activation.",
    )


Placement = Literal["before_dense", "after_hidden", "before_activation", "input"]


class BatchNorm(_Section):
    """Batch normalization (Ioffe and Szegedy 2015)."""

    placement: Placement = Field(
        "after_hidden",
        description="before_dense: before each Dense layer, the last included; after_hidden: after"
        " each hidden layer; before_activation: between a hidden layer and its activation; input:"
        " once, at the input.",
    )
    momentum: float = Field(
        0.99, ge=0, lt=1, description="Of the running mean and variance, which inference uses."
    )
    epsilon: float = Field(
        0.001, gt=0, le=1, description="Added to the variance before its root is taken."
    )


class Network(_Section):
    """Hidden Dense layers and linear outputs, with the two layers that variants switch on."""

    hidden: Annotated[tuple[Annotated[int, Field(ge=1, le=65536)], ...], Field(strict=False)] = (
        Field(min_length=1, description="Units of each hidden layer.")
    )
    activation: Literal["relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid"] = Field(
        "relu", description="Of each hidden layer."
    )
    initializer: Literal[
        "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform",
        "lecun_normal", "orthogonal",
    ] = Field("glorot_uniform", description="Of the weights, in all Dense layers.")  # fmt: skip
    dropout: Dropout = Dropout()
    batchnorm: BatchNorm = BatchNorm()

    @property
    def dropout_rates(self) -> tuple[float, ...]:
        """The rate after each hidden layer."""
        rate = self.dropout.rate
        return rate if isinstance(rate, tuple) else (rate,) * len(self.hidden)

    @model_validator(mode="after")
    def _a_rate_for_each_layer(self) -> Network:
        if len(self.dropout_rates) != len(self.hidden):
            raise ValueError(
                f"has {len(self.hidden)} hidden layers, and {len(self.dropout_rates)} rates in"
                " 'dropout.rate'; write one for each, or one number for all"
            )
        return self


class Sweep(_Section):
    """What the pipeline ``<study>.sweep`` tries: each rate at each place, on the same replicas."""

    dropout: Annotated[tuple[Rate, ...], Field(strict=False)] = Field(
        (0.0, 0.1, 0.2, 0.3, 0.5),
        description="Rates, each for all hidden layers; an empty list is the network's own rate.",
    )
    placement: Annotated[tuple[Placement, ...], Field(strict=False)] = Field(
        (),
        description="Places of batch normalization; an empty list is the network's own place.",
    )

    @model_validator(mode="after")
    def _each_once(self) -> Sweep:
        for key, tried in (("dropout", self.dropout), ("placement", self.placement)):
            if len(set(tried)) < len(tried):
                raise ValueError(f"tries something twice in '{key}'")
        return self


class OptimizerOptions(_Section):
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


class CosineSchedule(_Section):
    """The learning rate falls step by step along half a cosine (Loshchilov and Hutter 2017)."""

    method: Literal["cosine"] = Field(description="Which schedule this is.")
    final_fraction: float = Field(
        0.0, ge=0, le=1, description="Of the learning rate, where the last epoch ends."
    )
    warmup_epochs: int = Field(
        0, ge=0, description="Epochs in which it first rises from 0, before it falls."
    )


class ExponentialSchedule(_Section):
    """The learning rate shrinks by one factor per epoch, a little at each step."""

    method: Literal["exponential"] = Field(description="Which schedule this is.")
    factor: float = Field(gt=0, le=1, description="What an epoch leaves of the learning rate.")


class PlateauSchedule(_Section):
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


class EarlyStopping(_Section):
    """Stop when val_loss no longer falls, and keep the weights of its best epoch.

    The validation rows then choose the epoch, and their loss at that epoch flatters.
    """

    patience: int = Field(20, ge=1, description="Epochs without a better val_loss before the end.")
    min_delta: float = Field(
        0.0, ge=0, allow_inf_nan=False, description="Falls of val_loss up to this do not count."
    )


class Training(_Section):
    """How each network is trained."""

    optimizer: Literal["adam", "adamw", "nadam", "rmsprop", "sgd"] = Field(
        "adam", description="Keras' optimizer of this name."
    )
    learning_rate: float | None = Field(
        None, ge=1e-30, le=1e6, description="Keras' default for the optimizer if left out."
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


class Study(_Section):
    """One table with its target, split, preprocessing, networks and training."""

    name: str = Field(min_length=1, description="Its top-level key; not written a second time.")
    title: Shown = Field(min_length=1, description="Name in plots.")
    made_up: Flag = Field(
        False, description="The table is made up; everything the run writes says so."
    )
    task: Task = Field(
        "regression",
        description="regression: the target is an amount. classification: its values, numbers or"
        " not, are names of classes; of two, networks put out the probability of the second, of"
        " more, one each.",
    )
    target: Target
    missing: Literal["refuse", "drop", "impute"] = Field(
        "refuse",
        description="Of rows with a missing value in a column that the study uses. drop: left out."
        " impute: missing inputs are imputed (preprocessing.impute); rows without a target, or"
        " without a value by which they are split, are left out.",
    )
    preprocessing: Preprocessing
    split: Split = Field(description="Which rows train, which validate, which are held.")
    replicas: Replicas = Replicas()
    margin: float = Field(
        0.0,
        ge=0,
        allow_inf_nan=False,
        description="Differences of error up to this are practically none; in the target's unit,"
        " or of a classification's log loss in nats.",
    )
    network: Network
    training: Training
    sweep: Sweep = Sweep()
    silence: Columns = Field((), description="Codes of checks that are not to be told: [DN001].")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table that the study uses, each once."""
        inputs, by = self.preprocessing.columns, self.split.columns
        return tuple(dict.fromkeys((*inputs, self.target.column, *by)))

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns that must hold numbers."""
        amounts = (self.target.column,) if self.task == "regression" else ()
        return (*self.preprocessing.numbers, *amounts)

    @property
    def categories(self) -> tuple[str, ...]:
        """The columns whose values are names."""
        classes = (self.target.column,) if self.task == "classification" else ()
        return (*self.preprocessing.categories, *classes)

    @property
    def class_column(self) -> str | None:
        """The column whose values are classes, if classes are asked for."""
        return self.target.column if self.task == "classification" else None

    @property
    def label(self) -> str:
        """Title for plots and messages; tells a made-up table from a real one."""
        return f"{self.title} (made-up table)" if self.made_up else self.title

    @model_validator(mode="before")
    @classmethod
    def _split_per_column(cls, options: Any) -> Any:
        """Let each column of a split by columns be run, unless the study says how many."""
        match options:
            case {"split": {"method": "columns", "columns": list(columns)}}:
                replicas = options.get("replicas", {})
                if columns and isinstance(replicas, Mapping) and "splits" not in replicas:
                    return {**options, "replicas": {**replicas, "splits": len(columns)}}
        return options

    @model_validator(mode="before")
    @classmethod
    def _loss_of_task(cls, options: Any) -> Any:
        """Let a training minimize what its task asks for, unless the study says what."""
        match options:
            case {"task": str(task), "training": Mapping() as training} if (
                task in _LOSSES and "loss" not in training
            ):
                return {**options, "training": {**training, "loss": _LOSSES[task][0]}}
        return options

    @field_validator("silence")
    @classmethod
    def _known_codes(cls, silence: tuple[str, ...]) -> tuple[str, ...]:
        for code in silence:
            if code not in CODES:
                known = ", ".join(CODES)
                raise ValueError(f"names {code!r}{did_you_mean(code, CODES)} (known: {known})")
        return silence

    @model_validator(mode="after")
    def _task_has_its_options(self) -> Study:
        training = self.training
        for key, told, known in (
            ("loss", (training.loss,), _LOSSES[self.task]),
            ("metrics", training.metrics, _METRICS[self.task]),
        ):
            if others := [name for name in told if name not in known]:
                raise ValueError(
                    f"is a {self.task}, and has '{others[0]}' in training.{key} (known of a"
                    f" {self.task}: {', '.join(known)})"
                )
        target = self.target
        if self.task == "classification" and target != Target(column=target.column):
            raise ValueError(
                "is a classification, and the values of its target are names; leave out"
                " target.unit, target.divide_by and target.scale"
            )
        return self

    @model_validator(mode="after")
    def _columns_have_one_use(self) -> Study:
        if self.target.column in self.preprocessing.columns:
            raise ValueError(f"takes its target '{self.target.column}' as an input as well")
        if self.target.column in self.split.columns:
            raise ValueError(f"splits by its target '{self.target.column}'")
        if isinstance(self.split, ColumnsSplit):
            for column in self.split.columns:
                if column in self.preprocessing.columns:
                    raise ValueError(f"takes its split column '{column}' as an input as well")
        return self

    @model_validator(mode="after")
    def _splits_there_are(self) -> Study:
        match self.split:
            case TimeSplit() if self.replicas.splits > 1:
                raise ValueError(
                    f"asks for {self.replicas.splits} splits by time, which are one; write"
                    " replicas.splits: 1, and take replicas from replicas.starts"
                )
            case ColumnsSplit(columns=columns) if self.replicas.splits > len(columns):
                raise ValueError(
                    f"asks for {self.replicas.splits} splits, and split.columns names"
                    f" {len(columns)}; change replicas.splits"
                )
        return self

    @model_validator(mode="after")
    def _imputes_if_told(self) -> Study:
        if self.missing != "impute" and self.preprocessing.impute != Impute():
            raise ValueError(
                f"has preprocessing.impute, and 'missing: {self.missing}'; write 'missing: impute'"
            )
        return self


# What pydantic finds wrong, in the words of those who write YAML.
_EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "mapping_type": "a mapping",
    "model_attributes_type": "a mapping",
    "model_type": "a mapping",
    "string_too_short": "a text that is not empty",
    "string_type": "a text",
    "too_short": "a list that is not empty",
    "tuple_type": "a list",
}
_OUT_OF_RANGE = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")
_LIMITS = {Gt: "above", Ge: "at least", Lt: "below", Le: "at most"}


def parse_study(name: str, options: object, where: Mapping[str, str] | None = None) -> Study:
    """Make a study of what its YAML says.

    Args:
        name: The study's name, its top-level key.
        options: What stands below that key.
        where: Which source (a file's path, or ``--params``) a dotted key comes from, the longest
            key that leads to an option winning; for messages.

    Raises:
        BadInputError: One line per problem, each with its source and key.
    """
    try:
        named = {**options, "name": name} if isinstance(options, Mapping) else options
        return Study.model_validate(named)
    except ValidationError as error:
        problems = error.errors()
        places = {problem["loc"][:-1] for problem in problems}
        # A list is called empty, too, if nothing in it is right.
        told = [one for one in problems if one["type"] != "too_short" or one["loc"] not in places]
        lines = [_problem(name, dict(problem), where or {}) for problem in told]
        raise BadInputError("\n".join(lines)) from error


def _problem(name: str, problem: dict[str, Any], where: Mapping[str, str]) -> str:
    location, holder = _walk(problem["loc"])
    key = ".".join((name, *map(str, location)))
    source = next((where[k] for k in _leading(key) if k in where), "")
    prefix = f"{source}: {key}" if source else key
    given, context = problem["input"], problem.get("ctx", {})
    match problem["type"]:
        case "extra_forbidden":
            known = [key for key in holder.model_fields if key != "name"]
            return f"{prefix}: no such key{did_you_mean(location[-1], known)}" + _one_of(known)
        case "missing":
            return f"{prefix} is missing"
        case "literal_error" | "union_tag_invalid":
            if problem["type"] == "union_tag_invalid":
                prefix, given = f"{prefix}.method", context["tag"]
            known = [part.strip(" '") for part in _expected(context)]
            return f"{prefix} is {given!r}{did_you_mean(given, known)}" + _one_of(known)
        case "union_tag_not_found":
            annotation = holder.model_fields[str(location[-1])].annotation
            tags = [_tag(member) for member in _models_in(annotation)]
            return f"{prefix}.method is missing: one of {', '.join(tags)}"
        case "value_error":
            return f"{prefix} {context['error']}"
        case _:
            return (
                f"{prefix} is {_as_written(given)}; it should be {_expected_value(problem, holder)}"
            )


def _expected_value(problem: Mapping[str, Any], holder: type[BaseModel]) -> str:
    """Say what an option may be, with its whole range."""
    if problem["type"] in _OUT_OF_RANGE:
        key = next(str(step) for step in reversed(problem["loc"]) if step in holder.model_fields)
        return _range(holder.model_fields[key])
    if told := _EXPECTED.get(problem["type"]):
        return told
    told = problem["msg"].removeprefix("Input should be ")
    return f"{told[0].lower()}{told[1:]}"


def _range(field: FieldInfo) -> str:
    """Say within which limits a number must be, also one of a list or a union."""
    limits: dict[str, Any] = {}
    to_see: list[Any] = [field.annotation, *field.metadata]
    while to_see:
        one = to_see.pop()
        for kind, told in _LIMITS.items():
            if isinstance(one, kind):
                limits[told] = getattr(one, kind.__name__.lower())
        to_see += one.metadata if isinstance(one, FieldInfo) else get_args(one)
    if {"at least", "at most"} <= limits.keys():
        return f"from {limits['at least']} to {limits['at most']}"
    return " and ".join(f"{told} {limits[told]}" for told in _LIMITS.values() if told in limits)


def _as_written(value: object) -> str:
    """Return a value as YAML has it."""
    if isinstance(value, Mapping):
        return "a mapping"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)


def _expected(context: Mapping[str, Any]) -> list[str]:
    text = str(context.get("expected", context.get("expected_tags", "")))
    return text.replace(" or ", ", ").split(",")


def _one_of(known: Iterable[str]) -> str:
    return f" (known: {', '.join(known)})" if known else ""


def _leading(key: str) -> list[str]:
    parts = key.split(".")
    return [".".join(parts[:n]) for n in range(len(parts), 0, -1)]


def _walk(location: tuple[str | int, ...]) -> tuple[list[str | int], type[BaseModel]]:
    """Follow a problem's location: without union tags, and the model that holds its last key."""
    model: type[BaseModel] = Study
    path: list[str | int] = []
    holder = model
    choices: dict[str, type[BaseModel]] = {}
    for step in location:
        if str(step) in choices:  # which member of a union
            model, choices = choices[str(step)], {}
            continue
        if path and step in _TAGS:
            continue
        path.append(step)
        holder = model
        field = model.model_fields.get(str(step))
        members = _models_in(field.annotation) if field is not None else []
        if len(members) == 1:
            model = members[0]
        choices = {_tag(member): member for member in members} if len(members) > 1 else {}
    return path, holder


# Of a number or a list of numbers.
_TAGS = ("one", "each")


def _models_in(annotation: object) -> list[type[BaseModel]]:
    """List the sections that a field may hold."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        return [model for member in get_args(annotation) for model in _models_in(member)]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return []


def _tag(model: type[BaseModel]) -> str:
    """Return the word by which a member of a union is chosen."""
    (tag,) = get_args(model.model_fields["method"].annotation)
    return str(tag)
