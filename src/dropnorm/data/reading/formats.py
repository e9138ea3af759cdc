"""Formats of text files with tables: the dialect, and how each column is written."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Len
from pydantic import BaseModel, ConfigDict, Field, model_validator

Mark = Annotated[str, Len(1, 1)]
Compression = Literal["gzip", "bz2", "xz", "zip"]


class ColumnFormat(BaseModel):
    """How the values of one column are written.

    Reading fails if a cell does not match the format. An empty cell is a missing value in every
    column, and blanks around a value are ignored.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["number", "text"] = Field(
        "number",
        description="number, or text for codes, ids, names of classes and dates, which are kept as"
        " written.",
    )
    decimal: Mark = Field(".", description="Decimal mark.")
    thousands: Mark | None = Field(
        None,
        description="Thousands separator; ' means any apostrophe, and a blank any kind of blank.",
    )
    prefix: str = Field("", description="Text before a number, as in $45.")
    suffix: str = Field("", description="Text after a number, as in 12 %, which is read as 12.")
    negative: Literal["minus", "minus behind", "parentheses"] = Field(
        "minus", description="How negative numbers are written: -5, 5- or (5)."
    )
    missing: tuple[str, ...] = Field((), description="Words that mean a missing value.")
    whole: bool = Field(
        False,
        exclude=True,  # the record of a run has it in another place
        description="All numbers are whole, so 1.303 is refused because it may be 1303.",
    )

    @model_validator(mode="after")
    def _marks_differ(self) -> ColumnFormat:
        if self.decimal == self.thousands:
            raise ValueError(f"decimal and thousands are the same mark, {self.decimal!r}")
        return self


class TableFormat(BaseModel):
    """How a table is written in a text file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sep: Mark = Field(",", description="Separator of the columns.")
    encoding: str = Field("utf-8", description="Python's name of the encoding.")
    compression: Compression | None = None
    skiprows: int = Field(0, ge=0, description="Number of lines above the header.")
    comment: Mark | None = Field(None, description="First character of lines to skip.")
    row_names: bool = Field(
        False, description="Whether rows begin with a name, for which the header has no field."
    )
    surplus: bool = Field(
        False, description="Whether rows may end in empty fields without a header."
    )
    columns: dict[str, ColumnFormat] = Field(
        default_factory=dict,
        description="Formats by column; a column that is not listed holds plain numbers.",
    )

    @model_validator(mode="after")
    def _separates(self) -> TableFormat:
        if self.sep in '"\r\n' or self.sep == self.comment:
            raise ValueError(f"sep cannot be {self.sep!r}")
        try:
            "".encode(self.encoding)
        except LookupError:
            raise ValueError(f"encoding: Python has no encoding {self.encoding!r}") from None
        return self
