"""Types that the sections of a study share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

ColumnName = Annotated[str, Field(min_length=1)]
# Not strict, because YAML has lists and no tuples.
Columns = Annotated[tuple[ColumnName, ...], Field(strict=False)]
# Not strict, because the command line passes texts.
Flag = Annotated[bool, Field(strict=False)]


class Section(BaseModel):
    """A section of a study's YAML; unknown keys and other types are errors."""

    # Strict, so that `epochs: true` and `rate: "0.3"` are errors.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
