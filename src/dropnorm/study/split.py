"""Section ``split``: which rows train, validate and test."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from dropnorm.study.common import ColumnName, Columns, Flag, Section

TestFraction = Annotated[
    float,
    Field(
        ge=0,
        lt=1,
        description="Share of the test part, which is scored only once at the end; 0 for none.",
    ),
]


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
        None, min_length=1, description="Format of other dates, as in strptime: %d.%m.%Y."
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


class ColumnsSplit(Section):
    """Columns of the table hold ``train``, ``validation`` or ``test``, as in a published protocol.

    Each column is a split, and the first is split 0. ``replicas.splits`` runs only the first of
    them; left out, all are run.
    """

    method: Literal["columns"] = Field(description="Method of this split.")
    columns: Columns = Field(min_length=1, description="Names of the columns, one per split.")

    @model_validator(mode="after")
    def _each_column_once(self) -> ColumnsSplit:
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("names a column twice in 'columns'")
        return self


def _check_fractions(train: float, test: float) -> None:
    # The tolerance treats 0.9 + 0.1 as 1.
    if train + test > 1 - 1e-9:
        raise ValueError(
            f"has a train_fraction of {train:g} and a test_fraction of {test:g}, which leaves"
            " nothing to validate on; together they must be less than 1"
        )


Split = Annotated[
    RandomSplit | GroupedSplit | TimeSplit | ColumnsSplit, Field(discriminator="method")
]
