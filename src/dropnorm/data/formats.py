"""How the table in a text file is written: its dialect, and the marks of each column's numbers."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Len
from pydantic import BaseModel, ConfigDict, Field, model_validator

Mark = Annotated[str, Len(1, 1)]
Compression = Literal["gzip", "bz2", "xz", "zip"]


class ColumnFormat(BaseModel):
    """How the values of one column are written. Whoever reads by it converts every cell or fails.

    An empty cell is missing in every column, and blanks around a value do not belong to it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["number", "text"] = Field(
        "number", description="Text keeps its spelling: codes, ids, names of classes, dates."
    )
    decimal: Mark = Field(".", description="Stands before the fraction of a number.")
    thousands: Mark | None = Field(
        None,
        description="May stand between groups of three digits; ' and a blank stand for all such.",
    )
    prefix: str = Field("", description="Stands before a number, as in $45.")
    suffix: str = Field("", description="Stands after a number, as in 12 %; the value is 12.")
    negative: Literal["minus", "minus behind", "parentheses"] = Field(
        "minus", description="How numbers below zero are written: -5, 5- or (5)."
    )
    missing: tuple[str, ...] = Field((), description="Words that mean that a value is missing.")
    whole: bool = Field(
        False,
        exclude=True,  # the record of a run says it beside the format
        description="All numbers are whole, so that 1.303 is refused as possibly 1303.",
    )

    @model_validator(mode="after")
    def _marks_differ(self) -> ColumnFormat:
        if self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands are the same mark, {self.decimal!r}")
        return self


class TableFormat(BaseModel):
    """How a text file holds a table: the arguments of :func:`dropnorm.data.readers.read_table`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sep: Mark = Field(",", description="Separates the columns.")
    encoding: str = Field("utf-8", description="As Python calls it.")
    compression: Compression | None = None
    skiprows: int = Field(0, ge=0, description="Lines above the header.")
    comment: Mark | None = Field(None, description="Begins a line that is not read.")
    row_names: bool = Field(
        False, description="The first field of a row is its name; the header does not count it."
    )
    surplus: bool = Field(False, description="Rows may end in empty fields without a header.")
    columns: dict[str, ColumnFormat] = Field(
        default_factory=dict, description="By column; one that is not named holds plain numbers."
    )

    @model_validator(mode="after")
    def _separates(self) -> TableFormat:
        if self.sep in '"\r\n' or self.sep == self.comment:
            raise ValueError(f"sep cannot be {self.sep!r}")
        try:
            "".encode(self.encoding)
        except LookupError:
            raise ValueError(f"encoding: Python knows none called {self.encoding!r}") from None
        return self
