"""A study with its sections, and the checks across sections."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from dropnorm.errors import did_you_mean
from dropnorm.findings import CODES
from dropnorm.study.common import Columns, Flag, Section
from dropnorm.study.compare import Compared, check_compared, with_rows
from dropnorm.study.network import Network
from dropnorm.study.preprocessing import Impute, Preprocessing
from dropnorm.study.recommend import Recommend
from dropnorm.study.references import References
from dropnorm.study.split import ColumnsSplit, FilesSplit, PublishedSplit, Split, TimeSplit
from dropnorm.study.sweep import Sweep
from dropnorm.study.target import Shown, Target
from dropnorm.study.training import Loss, Metric, Training
from dropnorm.study.variants import Variant

TaskName = Literal["regression", "classification"]
# The losses of each task, with the default first, and its metrics.
_LOSSES: dict[TaskName, tuple[Loss, ...]] = {
    "regression": ("mae", "mse", "huber"),
    "classification": ("cross_entropy",),
}
_METRICS: dict[TaskName, tuple[Metric, ...]] = {
    "regression": ("mae", "mse", "huber"),
    "classification": ("cross_entropy", "accuracy"),
}


# Splits of the first look of a run until settled, with which intervals are useful, and of the last
# look by default.
FIRST_LOOK, _MOST_LOOKED_AT = 5, 40


def looks_up_to(at_most: int) -> tuple[int, ...]:
    """Return the numbers of splits of the looks of a run until settled: 5, 10, 20 … ``at_most``."""
    doubled = (FIRST_LOOK * 2**look for look in itertools.count())
    return (*itertools.takewhile(lambda splits: splits < at_most, doubled), at_most)


class Replicas(Section):
    """Number of trainings of each variant: ``splits`` × ``starts``."""

    splits: int = Field(
        1,
        ge=1,
        le=1000,
        description="Number of splits of the rows into parts; left out with until.",
    )
    starts: int = Field(1, ge=1, le=1000, description="Number of random starts in each split.")
    until: Literal["settled"] | None = Field(
        None,
        exclude_if=lambda until: until is None,
        description="settled: a run evaluates 5, 10, 20, 40 … splits, up to at_most, and stops when"
        " every verdict is settled. The error levels hold for all evaluations together.",
    )
    at_most: int | None = Field(
        None,
        ge=FIRST_LOOK,
        le=1000,
        exclude_if=lambda at_most: at_most is None,
        description="The most splits of a run until settled; 40 if left out.",
    )

    @model_validator(mode="before")
    @classmethod
    def _as_many_as_it_takes(cls, options: Any) -> Any:
        """Set the splits of a run until settled to the most it may use."""
        match options:
            case {"until": "settled"}:
                most = options.get("at_most")
                given = {key: one for key, one in options.items() if one is not None}
                return {"at_most": _MOST_LOOKED_AT, "splits": most or _MOST_LOOKED_AT} | given
        return options

    @model_validator(mode="after")
    def _stops_somewhere(self) -> Replicas:
        if self.at_most is not None and self.until is None:
            raise ValueError("has at_most without until; write until: settled, or leave it out")
        if self.looks and self.splits not in self.looks:
            looks = ", ".join(map(str, self.looks))
            raise ValueError(f"has {self.splits} splits, but until settled it needs one of {looks}")
        return self

    @property
    def looks(self) -> tuple[int, ...]:
        """The numbers of splits that a run until settled evaluates; empty for other runs."""
        return () if self.at_most is None else looks_up_to(self.at_most)


class Study(Section):
    """One table with its target, split, preprocessing, networks and training."""

    name: str = Field(min_length=1, description="Name of the study, which is its top-level key.")
    title: Shown = Field(min_length=1, description="Name in plots.")
    made_up: Flag = Field(
        False, description="Whether the table is made up; all results of the run then say so."
    )
    task: TaskName = Field(
        "regression",
        description="regression: the target is a number. classification: the values of the target,"
        " numbers or texts, are classes. For two classes, networks have one output, the probability"
        " of the second; for more, they have one for each.",
    )
    target: Target
    missing: Literal["refuse", "drop", "impute"] = Field(
        "refuse",
        description="Treatment of rows with a missing value in a column that the study uses."
        " refuse: the table is refused. drop: such rows are left out. impute: missing inputs are"
        " imputed (preprocessing.impute), and rows without a target or without a value to split by"
        " are left out.",
    )
    preprocessing: Preprocessing
    split: Split = Field(description="Which rows train, validate and test.")
    replicas: Replicas = Replicas()
    margin: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        exclude_if=lambda margin: margin is None,
        description="Largest difference in error that counts as practically none, in the target's"
        " unit, or in nats of a classification's log loss. Left out, it is 1 % of the error of the"
        " network in against; with 0, no difference counts as none.",
    )
    network: Network
    training: Training
    sweep: Sweep = Sweep()
    recommend: Recommend = Field(Recommend(), exclude_if=lambda recommend: recommend == Recommend())
    references: References = Field(
        References(), exclude_if=lambda references: references == References()
    )
    compare: dict[str, Compared] = Field(
        {},
        exclude_if=lambda compared: not compared,
        description="Compared networks by name; left out, they are baseline, dropout, batchnorm and"
        " dropout_batchnorm. Of similar networks, the simpler one should come first.",
    )
    against: str = Field(
        Variant.BASELINE.value,
        exclude_if=lambda name: name == Variant.BASELINE.value,
        description="Network that the others are compared with.",
    )
    silence: Columns = Field((), description="Codes of checks to leave out, such as [DN001].")

    @property
    def columns(self) -> tuple[str, ...]:
        """The distinct columns of the table that the study uses."""
        inputs, by = self.preprocessing.columns, self.split.columns
        return tuple(dict.fromkeys((*inputs, self.target.column, *by)))

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns that must hold numbers."""
        amounts = (self.target.column,) if self.task == "regression" else ()
        return (*self.preprocessing.numbers, *amounts)

    @property
    def categories(self) -> tuple[str, ...]:
        """The columns with categories or classes."""
        classes = (self.target.column,) if self.task == "classification" else ()
        return (*self.preprocessing.categories, *classes)

    @property
    def class_column(self) -> str | None:
        """The target of a classification, or ``None``."""
        return self.target.column if self.task == "classification" else None

    @property
    def label(self) -> str:
        """Title for plots and messages, which says whether the table is made up."""
        return f"{self.title} (made-up table)" if self.made_up else self.title

    @model_validator(mode="before")
    @classmethod
    def _as_many_splits_as_published(cls, options: Any) -> Any:
        """Set the number of splits to that of the columns, or of the index files."""
        match options:
            case {"split": {"method": "columns", "columns": list(columns)}} if columns:
                count = len(columns)
            case {"split": {"method": "files", "count": int(count)}}:
                pass
            case _:
                return options
        replicas = options.get("replicas", {})
        if isinstance(replicas, Mapping) and not {"splits", "until"} & replicas.keys():
            return {**options, "replicas": {**replicas, "splits": count}}
        return options

    @model_validator(mode="before")
    @classmethod
    def _loss_of_task(cls, options: Any) -> Any:
        """Set the default loss of the task."""
        match options:
            case {"task": str(task), "training": Mapping() as training} if (
                task in _LOSSES and "loss" not in training
            ):
                return {**options, "training": {**training, "loss": _LOSSES[task][0]}}
        return options

    @model_validator(mode="before")
    @classmethod
    def _rows_that_choose(cls, options: Any) -> Any:
        """Let each compared network say which rows choose: records of version 0.2.0 do not."""
        return with_rows(options, "training") if isinstance(options, Mapping) else options

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
        for key, given, known in (
            ("loss", (training.loss,), _LOSSES[self.task]),
            ("metrics", training.metrics, _METRICS[self.task]),
        ):
            if others := [name for name in given if name not in known]:
                raise ValueError(
                    f"is a {self.task}, but has '{others[0]}' in training.{key} (known for a"
                    f" {self.task}: {', '.join(known)})"
                )
        target = self.target
        if self.task == "classification" and target != Target(column=target.column):
            raise ValueError(
                "is a classification, whose target has no unit and no scale; leave out target.unit,"
                " target.divide_by and target.scale"
            )
        return self

    @model_validator(mode="after")
    def _columns_have_one_use(self) -> Study:
        if self.target.column in self.preprocessing.columns:
            raise ValueError(f"uses its target '{self.target.column}' as an input as well")
        if self.target.column in self.split.columns:
            raise ValueError(f"splits by its target '{self.target.column}'")
        if isinstance(self.split, ColumnsSplit):
            for column in self.split.columns:
                if column in self.preprocessing.columns:
                    raise ValueError(f"uses its split column '{column}' as an input as well")
        return self

    @model_validator(mode="after")
    def _enough_splits(self) -> Study:
        match self.split:
            case TimeSplit() | PublishedSplit() if self.replicas.until:
                raise ValueError(
                    f"runs until it is settled, but the number of splits by {self.split.method} is"
                    " fixed; leave out replicas.until, and increase replicas.starts instead"
                )
            case TimeSplit() if self.replicas.splits > 1:
                raise ValueError(
                    f"has {self.replicas.splits} splits by time, but there is only one; write"
                    " replicas.splits: 1, and increase replicas.starts instead"
                )
            case ColumnsSplit(columns=columns) if self.replicas.splits > len(columns):
                raise ValueError(
                    f"has {self.replicas.splits} splits, but split.columns names {len(columns)};"
                    " change replicas.splits"
                )
            case FilesSplit(count=count) if self.replicas.splits > count:
                raise ValueError(
                    f"has {self.replicas.splits} splits, but split.count is {count}; change"
                    " replicas.splits"
                )
        return self

    @model_validator(mode="after")
    def _test_rows_choose_nothing(self) -> Study:
        split, training = self.split, self.training
        if not isinstance(split, PublishedSplit) or split.validation_fraction > 0:
            return self
        if isinstance(split, FilesSplit) and split.validation is not None:
            return self
        chooses = ""
        if training.early_stopping is not None and training.early_stopping.rows == "validation":
            chooses = "training.early_stopping would choose the epoch"
        elif "validation" in training.looked_at:
            chooses = "the schedule reduce_on_plateau would set the learning rate"
        if chooses:
            raise ValueError(
                f"has split.validation_fraction: 0, so that the test rows validate, and {chooses}"
                " by them; write rows: training there, or let some training rows validate"
            )
        return self

    @model_validator(mode="after")
    def _compares_with_one_of_them(self) -> Study:
        check_compared(self.compare, self.against)
        return self

    @model_validator(mode="after")
    def _imputes_only_if_set(self) -> Study:
        if self.missing != "impute" and self.preprocessing.impute != Impute():
            raise ValueError(
                f"has preprocessing.impute, but 'missing: {self.missing}'; write 'missing: impute'"
            )
        return self
