"""Section ``split``: which rows train, validate and test."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from dropnorm.errors import did_you_mean
from dropnorm.study.common import ColumnName, Columns, Flag, Section

TestFraction = Annotated[
    float,
    Field(
        ge=0,
        lt=1,
        description="Share of the test part, which is scored only once at the end; 0 for none.",
    ),
]

# What cells of a table hold.
Cells = Annotated[tuple[str | int | float | bool, ...], Field(strict=False, min_length=1)]
FilePath = Annotated[str, Field(min_length=1)]


class RandomSplit(Section):
    """Rows drawn at random: ``DataFrame.sample(frac=train_fraction, random_state=seed + k)``.

    With ``keep_together`` or ``identical_rows``, scikit-learn's ``GroupShuffleSplit`` draws groups
    of rows, and fractions are shares of the groups. For a classification,
    ``StratifiedShuffleSplit`` gives every class the same share in each part, up to rounding; the
    class of a group is its most frequent one.
    """

    method: Literal["random"] = Field(description="Method of this split.")
    train_fraction: float = Field(
        0.7, gt=0, lt=1, description="Share of all rows, as is test_fraction."
    )
    test_fraction: TestFraction = 0.0
    seed: int = Field(0, ge=0, le=2**31, description="Seed of split 0; split k uses seed + k.")
    keep_together: Columns = Field(
        (), description="Columns whose equal values keep rows in one part."
    )
    identical_rows: Flag = Field(
        False, description="Whether rows with equal inputs are kept in one part."
    )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to split by."""
        return self.keep_together

    @model_validator(mode="after")
    def _validates(self) -> RandomSplit:
        _check_fractions(self.train_fraction, self.test_fraction)
        if self.keep_together and self.identical_rows:
            raise ValueError("has both 'keep_together' and 'identical_rows'; keep one")
        return self


class GroupedSplit(Section):
    """Whole groups drawn at random with scikit-learn's ``GroupShuffleSplit``.

    Classes are not stratified; a split whose training part lacks a class is refused.
    """

    method: Literal["grouped"] = Field(description="Method of this split.")
    by: ColumnName = Field(description="Column whose equal values keep rows in one part.")
    train_fraction: float = Field(
        0.75, gt=0, lt=1, description="Share of the groups, not the rows, as is test_fraction."
    )
    test_fraction: TestFraction = 0.0
    seed: int = Field(0, ge=0, le=2**31, description="Seed of split 0; split k uses seed + k.")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to split by."""
        return (self.by,)

    @model_validator(mode="after")
    def _validates(self) -> GroupedSplit:
        _check_fractions(self.train_fraction, self.test_fraction)
        return self


class TimeSplit(Section):
    """Rows in the order of a column: the first train, later ones validate, the last test.

    Rows with equal times are in the same part, the later one. There is only one such split, so
    ``replicas.splits`` is 1.
    """

    method: Literal["time"] = Field(description="Method of this split.")
    by: ColumnName = Field(
        description="Column with numbers, or ISO 8601 dates such as 2020-01-21, 2020-01 or 2020."
    )
    format: str | None = Field(
        None,
        min_length=1,
        description="Format of other dates, as in strptime: %d.%m.%Y. Of years with two digits"
        " (%y), 69 to 99 are 1969 to 1999, and 00 to 68 are 2000 to 2068.",
    )
    train_fraction: float = Field(
        0.7, gt=0, lt=1, description="Share of all rows, as is test_fraction."
    )
    test_fraction: TestFraction = 0.0

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to split by."""
        return (self.by,)

    @model_validator(mode="after")
    def _validates(self) -> TimeSplit:
        _check_fractions(self.train_fraction, self.test_fraction)
        return self


PartName = Literal["train", "validation", "test", "unused"]
_VALIDATED = 0.2


class PublishedSplit(Section):
    """What splits of a published protocol have in common, which often have no validation rows."""

    validation_fraction: float = Field(
        _VALIDATED,
        ge=0,
        lt=1,
        exclude_if=lambda fraction: fraction == _VALIDATED,
        description="Share of the training rows that validate, where a split has training and test"
        " rows only. With 0, the test rows validate, and may not choose an epoch or a learning"
        " rate.",
    )
    seed: int = Field(
        0,
        ge=0,
        le=2**31,
        exclude_if=lambda seed: seed == 0,
        description="Seed with which the validation rows of split 0 are drawn; split k uses"
        " seed + k.",
    )
    in_order: Flag = Field(
        False,
        exclude_if=lambda in_order: not in_order,
        description="Whether the splits follow one another in time, as with an origin that moves"
        " forward: their mean has no interval and no verdict. Splits whose training rows only grow"
        " count as such anyway.",
    )


class ColumnsSplit(PublishedSplit):
    """Columns of the table hold ``train``, ``validation`` or ``test``, as in a published protocol.

    A row with ``unused`` has no part in the split, as rows that are later than the tested ones.
    Each column is a split, and the first is split 0. ``replicas.splits`` runs only the first of
    them; left out, all are run. If a column marks no row for validation, some of its training rows
    validate.
    """

    method: Literal["columns"] = Field(description="Method of this split.")
    columns: Columns = Field(min_length=1, description="Names of the columns, one per split.")
    values: dict[PartName, Cells] = Field(
        {},
        exclude_if=lambda values: not values,
        description="What the cells hold for each part, a value or a list: {train: 0, test: 1}."
        " Rows with a value of unused have no part in the split. Left out, the cells hold train,"
        " validation, test or unused.",
    )

    @field_validator("values", mode="before")
    @classmethod
    def _as_lists(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        known = get_args(PartName)
        listed = {}
        for part, one in values.items():
            if part not in known:
                raise ValueError(
                    f"names the part '{part}'{did_you_mean(part, known)} (known:"
                    f" {', '.join(known)})"
                )
            listed[part] = one if isinstance(one, list | tuple) else [one]
            if not all(isinstance(cell, str | int | float) for cell in listed[part]):
                raise ValueError(f"has no number or text for {part}")
        return listed

    @field_validator("values")
    @classmethod
    def _one_part_each(cls, values: dict[PartName, Cells]) -> dict[PartName, Cells]:
        if values and not ("train" in values and {"validation", "test"} & values.keys()):
            raise ValueError("needs the values of train, and of validation or test")
        cells = [cell for of_part in values.values() for cell in of_part]
        # 1 and 1.0 are one value, and so are a number and its text.
        if len({f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in cells}) < len(
            cells
        ):
            raise ValueError("has a value twice; each stands for one part")
        return values

    @model_validator(mode="after")
    def _each_column_once(self) -> ColumnsSplit:
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("names a column twice in 'columns'")
        return self


class FilesSplit(PublishedSplit):
    """Index files hold the numbers of the rows of each part, one on each line.

    This is how the splits of Hernández-Lobato and Adams (2015, ICML) for tables of UCI are
    published. ``replicas.splits`` runs only the first splits; left out, all are run.
    """

    method: Literal["files"] = Field(description="Method of this split.")
    train: FilePath = Field(
        description="File with the training rows, relative to the project's folder; {split} in the"
        " name stands for the number of the split: data/01_raw/index_train_{split}.txt."
    )
    test: FilePath | None = Field(None, description="File with the test rows, likewise.")
    validation: FilePath | None = Field(
        None,
        description="File with the validation rows, likewise; left out, some training rows"
        " validate.",
    )
    first: int = Field(0, ge=0, description="Number of the first split in the names of the files.")
    count: int = Field(ge=1, le=1000, description="Number of splits.")
    first_row: int = Field(
        0, ge=0, le=1, description="Number of the table's first row in the files: 0 or 1."
    )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a table gets when the files are read, one per split."""
        return tuple(f"part of split {self.first + number}" for number in range(self.count))

    @model_validator(mode="after")
    def _names_files(self) -> FilesSplit:
        files = [one for one in (self.train, self.validation, self.test) if one is not None]
        if len(files) == 1:
            raise ValueError("names only training rows; write test or validation as well")
        if len(set(files)) < len(files):
            raise ValueError("names the same file for two parts")
        for file in files:
            if self.count > 1 and "{split}" not in file:
                raise ValueError(
                    f"has {self.count} splits, but '{file}' names one file for all of them; write"
                    " {split} where the number of the split stands"
                )
        return self


def _check_fractions(train: float, test: float) -> None:
    # The tolerance treats 0.9 + 0.1 as 1.
    if train + test > 1 - 1e-9:
        raise ValueError(
            f"has a train_fraction of {train:g} and a test_fraction of {test:g}, which leaves"
            " nothing to validate on; together they must be less than 1"
        )


Split = Annotated[
    RandomSplit | GroupedSplit | TimeSplit | ColumnsSplit | FilesSplit,
    Field(discriminator="method"),
]
