"""Section ``target``: the column to predict."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from dropnorm.study.common import ColumnName, Section


def _on_one_line(text: Any) -> Any:
    """Replace line breaks and tabs by blanks, and refuse control characters."""
    if not isinstance(text, str):
        return text
    line = " ".join(text.split())
    if controls := [one for one in line if unicodedata.category(one) in ("Cc", "Cs")]:
        raise ValueError(f"has the character U+{ord(controls[0]):04X}, which cannot be shown")
    return line


# Text for plots, pages and the screen.
Shown = Annotated[str, BeforeValidator(_on_one_line)]


class Target(Section):
    """The column to predict.

    The networks learn numbers divided by ``divide_by``, or scaled, and losses are in these units.
    Predictions and errors are in the column's own unit. A classification has no unit and no scale.
    """

    column: ColumnName = Field(description="Name of the column.")
    unit: Shown = Field("", description="Unit of the column, for labels.")
    divide_by: float = Field(
        1.0,
        gt=0,
        allow_inf_nan=False,
        description="Divisor of the target for training; results are in the original unit.",
    )
    scale: Literal["none", "standardize", "log1p"] = Field(
        "none",
        description="Scale of the target for training. standardize: minus the mean, divided by the"
        " standard deviation, both of each split's training rows; log1p: log(1 + target), for"
        " targets above -1 that span orders of magnitude.",
    )

    @model_validator(mode="after")
    def _one_scale(self) -> Target:
        if self.scale != "none" and self.divide_by != 1:
            raise ValueError(f"has both 'divide_by' and 'scale: {self.scale}'; remove 'divide_by'")
        return self
