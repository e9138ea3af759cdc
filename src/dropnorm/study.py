"""What a study's YAML may say: the one place with defaults, units and limits."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from dropnorm.errors import BadInputError, did_you_mean


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


Loss = Literal["mae", "mse"]
Column = Annotated[str, Field(min_length=1)]
# YAML gives lists where a frozen model holds tuples.
Columns = Annotated[tuple[Column, ...], Field(strict=False)]


class _Section(BaseModel):
    # strict: `epochs: true` or `rate: "0.3"` is a mistake, not a number.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Target(_Section):
    """The column to predict."""

    column: Column
    unit: str = Field("", description="Unit of the column, for labels.")
    divide_by: float = Field(
        1.0,
        gt=0,
        allow_inf_nan=False,
        description="The networks see the target divided by this; results come back multiplied.",
    )


class Preprocessing(_Section):
    """Which columns are inputs, and what is done to each; fitted on training rows alone."""

    standard_scale: Columns = Field((), description="Numbers, to mean 0 and standard deviation 1.")
    one_hot: Columns = Field((), description="Categories, one 0/1 input per category.")
    passthrough: Columns = Field((), description="Numbers, as they are.")

    @property
    def columns(self) -> tuple[str, ...]:
        """All input columns, in the order of the inputs."""
        return self.standard_scale + self.one_hot + self.passthrough

    @property
    def numbers(self) -> tuple[str, ...]:
        """The input columns that must hold numbers."""
        return self.standard_scale + self.passthrough

    @model_validator(mode="after")
    def _each_column_once(self) -> Preprocessing:
        if not self.columns:
            raise ValueError("names no input column")
        for column in self.columns:
            if self.columns.count(column) > 1:
                raise ValueError(f"names the column '{column}' twice")
        return self


class RandomSplit(_Section):
    """Rows drawn at random: ``DataFrame.sample(frac=train_fraction, random_state=seed + k)``."""

    method: Literal["random"]
    train_fraction: float = Field(0.7, gt=0, lt=1)
    seed: int = Field(0, ge=0, le=2**31, description="Seed of split 0; split k takes seed + k.")


class GroupedSplit(_Section):
    """Whole groups drawn at random: scikit-learn's ``GroupShuffleSplit``, seeded."""

    method: Literal["grouped"]
    by: Column = Field(description="All rows with one value of this column stand in one part.")
    train_fraction: float = Field(0.75, gt=0, lt=1, description="Of the groups, not of the rows.")
    seed: int = Field(0, ge=0, le=2**31, description="Seed of split 0; split k takes seed + k.")


Split = Annotated[RandomSplit | GroupedSplit, Field(discriminator="method")]


class Replicas(_Section):
    """How often each variant is trained: ``splits`` × ``starts``, the same for all variants."""

    splits: int = Field(1, ge=1, le=1000)
    starts: int = Field(1, ge=1, le=1000, description="Random starts in each split.")


class Dropout(_Section):
    """Dropout after each hidden layer (Srivastava et al. 2014, JMLR 15)."""

    rate: float = Field(0.3, ge=0, lt=1, description="Share of a layer's outputs switched off.")
    order: Literal["before_batchnorm", "after_batchnorm"] = Field(
        "before_batchnorm",
        description="Which of the two comes first where both follow a hidden layer. With placement"
        " before_activation or input there is one place only, after the activation.",
    )


class BatchNorm(_Section):
    """Batch normalization (Ioffe and Szegedy 2015)."""

    placement: Literal["before_dense", "after_hidden", "before_activation", "input"] = Field(
        "after_hidden",
        description="before_dense: before each Dense layer, the last included; after_hidden: after"
        " each hidden layer; before_activation: between a hidden layer and its activation; input:"
        " once, at the input.",
    )


class Network(_Section):
    """Hidden Dense layers and one linear output, with the two layers that variants switch on."""

    hidden: Annotated[tuple[Annotated[int, Field(ge=1, le=65536)], ...], Field(strict=False)] = (
        Field(min_length=1, description="Units of each hidden layer.")
    )
    activation: Literal["relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid"] = "relu"
    dropout: Dropout = Dropout()
    batchnorm: BatchNorm = BatchNorm()


class Training(_Section):
    """How each network is trained."""

    optimizer: Literal["adam", "adamw", "nadam", "rmsprop", "sgd"] = "adam"
    learning_rate: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Keras' default for the optimizer if left out."
    )
    loss: Loss = "mae"
    metrics: Annotated[tuple[Loss, ...], Field(strict=False)] = Field(
        (), description="Further columns of the history."
    )
    batch_size: int = Field(ge=1)
    epochs: int = Field(ge=1, le=1_000_000)
    seed: int = Field(0, ge=0, description="From which the seeds of all starts follow.")
    stop_when_diverged: Annotated[bool, Field(strict=False)] = Field(
        True, description="End a training at the first epoch whose loss is not finite."
    )

    @model_validator(mode="after")
    def _each_metric_once(self) -> Training:
        if len(set(self.metrics)) < len(self.metrics):
            raise ValueError("names a metric twice in 'metrics'")
        return self


class Study(_Section):
    """One table with its target, split, preprocessing, networks and training."""

    name: str = Field(min_length=1, description="Its top-level key; not written a second time.")
    title: str = Field(min_length=1, description="Name in plots.")
    made_up: Annotated[bool, Field(strict=False)] = Field(
        False, description="The table is made up; everything the run writes says so."
    )
    target: Target
    missing: Literal["refuse", "drop"] = Field(
        "refuse", description="Rows with a missing value in a column that the study uses."
    )
    preprocessing: Preprocessing
    split: Split
    replicas: Replicas = Replicas()
    network: Network
    training: Training

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table that the study uses, each once."""
        groups = (self.split.by,) if isinstance(self.split, GroupedSplit) else ()
        return tuple(dict.fromkeys((*self.preprocessing.columns, self.target.column, *groups)))

    @property
    def label(self) -> str:
        """Title for plots and messages; tells a made-up table from a real one."""
        return f"{self.title} (made-up table)" if self.made_up else self.title

    @model_validator(mode="after")
    def _target_is_no_input(self) -> Study:
        if self.target.column in self.preprocessing.columns:
            raise ValueError(f"takes its target '{self.target.column}' as an input as well")
        return self


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
        lines = [_problem(name, dict(problem), where or {}) for problem in error.errors()]
        raise BadInputError("\n".join(lines)) from error


def _problem(name: str, problem: dict[str, Any], where: Mapping[str, str]) -> str:
    location, model = _walk(problem["loc"])
    key = ".".join((name, *map(str, location)))
    source = next((where[k] for k in _leading(key) if k in where), "")
    prefix = f"{source}: {key}" if source else key
    given, context = problem["input"], problem.get("ctx", {})
    match problem["type"]:
        case "extra_forbidden":
            known = [key for key in model.model_fields if key != "name"]
            return f"{prefix}: no such key{did_you_mean(location[-1], known)}" + _one_of(known)
        case "missing":
            return f"{prefix} is missing"
        case "literal_error" | "union_tag_invalid":
            if problem["type"] == "union_tag_invalid":
                prefix, given = f"{prefix}.method", context["tag"]
            known = [part.strip(" '") for part in _expected(context)]
            return f"{prefix} is {given!r}{did_you_mean(given, known)}" + _one_of(known)
        case "union_tag_not_found":
            return f"{prefix}.method is missing: one of random, grouped"
        case "value_error":
            return f"{prefix} {context['error']}"
        case _:
            told = problem["msg"].replace("Input should be", "it should be")
            told = told.replace("a valid tuple", "a list").replace("Tuple", "the list")
            told = re.sub(r"a valid dictionary or instance of \w+", "a mapping", told)
            shown = repr(given) if not isinstance(given, Mapping) else "a mapping"
            return f"{prefix} is {shown}; {told[0].lower()}{told[1:]}"


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
    for step in location:
        tagged = _tagged_model(step) if path and path[-1] == "split" else None
        if tagged is not None:
            model = tagged
            continue
        path.append(step)
        holder = model
        field = model.model_fields.get(str(step))
        if field is not None and _is_model(field.annotation):
            model = cast("type[BaseModel]", field.annotation)
    return path, holder


def _tagged_model(tag: object) -> type[BaseModel] | None:
    for member in get_args(get_args(Split)[0]):
        if get_args(member.model_fields["method"].annotation) == (tag,):
            return member  # type: ignore[no-any-return]  # get_args is untyped
    return None


def _is_model(annotation: object) -> bool:
    if get_origin(annotation) in (Union, types.UnionType):
        return False
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
