"""The section ``target``: the column to predict."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    model_validator,
)

from dropnorm.study.common import ColumnName, Section


def _on_one_line(text: Any) -> Any:
    """Take line breaks and tabs for blanks, and refuse what no page and no terminal can show."""
    if not isinstance(text, str):
        return text
    line = " ".join(text.split())
    if no_text := [one for one in line if unicodedata.category(one) in ("Cc", "Cs")]:
        raise ValueError(f"has the character U+{ord(no_text[0]):04X}, which cannot be shown")
    return line


# What is shown in plots, on pages and on the screen.
Shown = Annotated[str, BeforeValidator(_on_one_line)]


class Target(Section):
    """The column to predict.

    The networks see an amount divided by ``divide_by``, or scaled; losses are in those units.
    Predictions and errors are always told in the column's own. The values of a classification's
    target are names, which have neither unit nor scale.
    """

    column: ColumnName = Field(description="Its name in the table.")
    unit: Shown = Field("", description="Unit of the column, for labels.")
    divide_by: float = Field(
        1.0,
        gt=0,
        allow_inf_nan=False,
        description="The networks see the target divided by this; results come back multiplied.",
    )
    scale: Literal["none", "standardize", "log1p"] = Field(
        "none",
        description="standardize: less the mean, divided by the standard deviation, both of each"
        " split's training rows; log1p: log(1 + target), for targets above -1 that span orders of"
        " magnitude.",
    )

    @model_validator(mode="after")
    def _one_scale(self) -> Target:
        if self.scale != "none" and self.divide_by != 1:
            raise ValueError(
                f"has both 'divide_by' and 'scale: {self.scale}'; the second alone is enough"
            )
        return self
