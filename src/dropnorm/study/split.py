"""The section ``split``: which rows train, which validate, which are held."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    Field,
    model_validator,
)

from dropnorm.study.common import ColumnName, Columns, Flag, Section

TestFraction = Annotated[
    float,
    Field(
        ge=0,
        lt=1,
        description="A test part, held from everything until the end and scored once; 0 is none.",
    ),
]


class RandomSplit(Section):
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


class GroupedSplit(Section):
    """Whole groups drawn at random: scikit-learn's ``GroupShuffleSplit``, seeded.

    Classes are not looked at: a split whose training part lacks one is refused.
    """

    method: Literal["grouped"] = Field(description="Which split this is.")
    by: ColumnName = Field(description="All rows with one value of this column stand in one part.")
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


class TimeSplit(Section):
    """Rows in the order of a column: the first train, later ones validate, the last test.

    Rows of one time stand in one part, the later one. It is one split: ``replicas.splits`` is 1.
    """

    method: Literal["time"] = Field(description="Which split this is.")
    by: ColumnName = Field(description="Numbers, or ISO 8601 dates: 2020-01-21, 2020-01, 2020.")
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


class ColumnsSplit(Section):
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
