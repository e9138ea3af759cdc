"""The section ``preprocessing``: which columns are inputs, and what is done to each."""

from __future__ import annotations

import math
from collections import Counter
from typing import Annotated, Literal, get_args

from pydantic import (
    Field,
    PlainValidator,
    model_validator,
)

from dropnorm.errors import did_you_mean
from dropnorm.study.common import ColumnName, Columns, Flag, Section


def _fill_of_numbers(value: object) -> str | float:
    """Check ``impute.numbers``: one message for a mistake, where a union would give two."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if isinstance(value, str) and value in get_args(NumberFill):
        return value
    raise ValueError(
        f"is {value!r}{did_you_mean(value, get_args(NumberFill))} (known:"
        f" {', '.join(get_args(NumberFill))}, or a finite number)"
    )


_BINS = 16
NumberFill = Literal["median", "mean", "most_frequent"]


class Impute(Section):
    """What stands in for missing inputs, with ``missing: impute``; found in training rows alone."""

    numbers: Annotated[
        str | float,
        PlainValidator(_fill_of_numbers, json_schema_input_type=NumberFill | float),
    ] = Field("median", description="median, mean or most_frequent of the column, or a number.")
    categories: str = Field(
        "most_frequent",
        min_length=1,
        description="most_frequent, or a text that becomes a category of its own.",
    )
    indicator: Flag = Field(
        False,
        description="A further 0/1 input for each column of numbers that has a missing value in the"
        " training rows: 1 where it was missing.",
    )


class RareCategories(Section):
    """One-hot categories that are folded into one; counted in the training rows alone."""

    min_share: float | None = Field(
        None, gt=0, lt=1, description="Fold categories that fewer of the training rows have."
    )
    min_count: int | None = Field(
        None, ge=2, description="Fold categories that fewer training rows than this have."
    )

    @model_validator(mode="after")
    def _one_limit(self) -> RareCategories:
        if self.min_share is not None and self.min_count is not None:
            raise ValueError("has both 'min_share' and 'min_count'; keep one")
        return self


class Preprocessing(Section):
    """Which columns are inputs, and what is done to each; fitted on training rows alone.

    A column stands in one list; one that stands in none is no input. Missing values are imputed
    first, then logarithms are taken, then numbers are scaled.
    """

    standard_scale: Columns = Field((), description="Numbers, to mean 0 and standard deviation 1.")
    min_max_scale: Columns = Field((), description="Numbers, to the range 0 to 1.")
    robust_scale: Columns = Field(
        (), description="Numbers, less their median, divided by their interquartile range."
    )
    quantile_scale: Columns = Field(
        (), description="Numbers, by rank, to a normal distribution; bounded by ±5.2."
    )
    piecewise_linear: Columns = Field(
        (),
        exclude_if=lambda columns: not columns,
        description="Numbers, to one input per bin of their values: 1 above the bin, 0 below it,"
        " in between inside it (Gorishniy et al. 2022).",
    )
    bins: int = Field(
        _BINS,
        ge=1,
        le=1000,
        exclude_if=lambda bins: bins == _BINS,
        description="Most bins of each piecewise_linear column.",
    )
    one_hot: Columns = Field(
        (),
        description="Categories, one 0/1 input per category; one that no training row has is all"
        " zeros, or the rare one if there is one.",
    )
    ordinal: Columns = Field(
        (),
        description="Categories, to 0, 1, 2 …: in the order that 'order' gives, or else sorted as"
        " text; one that no training row has is -1.",
    )
    passthrough: Columns = Field((), description="Numbers, as they are.")
    log1p: Columns = Field(
        (),
        description="Those of the numbers above whose log(1 + value) is taken before they are"
        " scaled or passed; all values must be above -1.",
    )
    order: Annotated[dict[ColumnName, Columns], Field(strict=False)] = Field(
        {}, description="Of ordinal columns: all their categories, the first becomes 0."
    )
    rare_categories: RareCategories = RareCategories()
    impute: Impute = Impute()

    @property
    def columns(self) -> tuple[str, ...]:
        """All input columns, in the order of the inputs."""
        return (
            self.standard_scale
            + self.min_max_scale
            + self.robust_scale
            + self.quantile_scale
            + self.piecewise_linear
            + self.one_hot
            + self.ordinal
            + self.passthrough
        )

    @property
    def numbers(self) -> tuple[str, ...]:
        """The input columns that must hold numbers."""
        categories = set(self.categories)
        return tuple(column for column in self.columns if column not in categories)

    @property
    def categories(self) -> tuple[str, ...]:
        """The input columns whose values are names."""
        return self.one_hot + self.ordinal

    @model_validator(mode="after")
    def _each_column_once(self) -> Preprocessing:
        if not self.columns:
            raise ValueError("names no input column")
        for columns, where in ((self.columns, ""), (self.log1p, " in 'log1p'")):
            counts = Counter(columns)
            if repeated := next((column for column in columns if counts[column] > 1), None):
                raise ValueError(f"names the column '{repeated}' twice{where}")
        return self

    @model_validator(mode="after")
    def _lists_agree(self) -> Preprocessing:
        for column in self.log1p:
            if column not in self.numbers:
                raise ValueError(
                    f"takes the logarithm of '{column}', which is none of its numbers; add it to"
                    " standard_scale, passthrough or another list of numbers as well"
                )
        fill = self.impute.numbers
        if self.log1p and isinstance(fill, float) and fill <= -1:
            raise ValueError(f"imputes {fill:g}, of which 'log1p' has no logarithm")
        for column, categories in self.order.items():
            if column not in self.ordinal:
                raise ValueError(f"gives an order of '{column}', which is not in 'ordinal'")
            if len(set(categories)) < max(len(categories), 1):
                raise ValueError(
                    f"gives an order of '{column}' that is empty or names a category twice"
                )
        return self
