"""What the sections of a study share."""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
)

ColumnName = Annotated[str, Field(min_length=1)]
# YAML gives lists where a frozen model holds tuples.
Columns = Annotated[tuple[ColumnName, ...], Field(strict=False)]
# The command line gives text where YAML gives true or false.
Flag = Annotated[bool, Field(strict=False)]


class Section(BaseModel):
    """A section of a study's YAML: frozen, strict in its types and keys."""

    # strict: `epochs: true` or `rate: "0.3"` is a mistake, not a number.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
