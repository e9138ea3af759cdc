"""A study: its sections together, and what must agree between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import (
    Field,
    field_validator,
    model_validator,
)

from dropnorm.errors import did_you_mean
from dropnorm.findings import CODES
from dropnorm.study.common import Columns, Flag, Section
from dropnorm.study.compare import Compared, check_compared
from dropnorm.study.network import Network
from dropnorm.study.preprocessing import Impute, Preprocessing
from dropnorm.study.split import ColumnsSplit, Split, TimeSplit
from dropnorm.study.sweep import Sweep
from dropnorm.study.target import Shown, Target
from dropnorm.study.training import Loss, Metric, Training
from dropnorm.study.variants import Variant

TaskName = Literal["regression", "classification"]
# What each task can minimize, its default first, and what else it can tell by epoch.
_LOSSES: dict[TaskName, tuple[Loss, ...]] = {
    "regression": ("mae", "mse", "huber"),
    "classification": ("cross_entropy",),
}
_METRICS: dict[TaskName, tuple[Metric, ...]] = {
    "regression": ("mae", "mse", "huber"),
    "classification": ("cross_entropy", "accuracy"),
}


class Replicas(Section):
    """How often each variant is trained: ``splits`` × ``starts``, the same for all variants."""

    splits: int = Field(1, ge=1, le=1000, description="Divisions of the rows into parts.")
    starts: int = Field(1, ge=1, le=1000, description="Random starts in each split.")


class Study(Section):
    """One table with its target, split, preprocessing, networks and training."""

    name: str = Field(min_length=1, description="Its top-level key; not written a second time.")
    title: Shown = Field(min_length=1, description="Name in plots.")
    made_up: Flag = Field(
        False, description="The table is made up; everything the run writes says so."
    )
    task: TaskName = Field(
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
    margin: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        exclude_if=lambda margin: margin is None,
        description="Differences of error up to this are practically none; in the target's unit,"
        " or of a classification's log loss in nats. Left out, 1 % of the error of the baseline, or"
        " of another network in against; 0 for no such verdict.",
    )
    network: Network
    training: Training
    sweep: Sweep = Sweep()
    compare: dict[str, Compared] = Field(
        {},
        exclude_if=lambda compared: not compared,
        description="The networks that are compared, by name; left out, they are baseline, dropout,"
        " batchnorm and dropout_batchnorm. Of those that are alike the simpler should come first.",
    )
    against: str = Field(
        Variant.BASELINE.value,
        exclude_if=lambda name: name == Variant.BASELINE.value,
        description="The network that each other one is compared with.",
    )
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
    def _compares_with_one_of_them(self) -> Study:
        check_compared(self.compare, self.against)
        return self

    @model_validator(mode="after")
    def _imputes_if_told(self) -> Study:
        if self.missing != "impute" and self.preprocessing.impute != Impute():
            raise ValueError(
                f"has preprocessing.impute, and 'missing: {self.missing}'; write 'missing: impute'"
            )
        return self
