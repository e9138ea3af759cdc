"""Section ``preprocessing``: the input columns and their preprocessing."""

from __future__ import annotations

import math
from collections import Counter
from typing import Annotated, Literal, get_args

from pydantic import Field, PlainValidator, model_validator

from dropnorm.errors import did_you_mean
from dropnorm.study.common import ColumnName, Columns, Flag, Section


def _fill_of_numbers(value: object) -> str | float:
    """Check ``impute.numbers``; a union would give two messages for a mistake."""
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
    """Imputation of missing inputs with ``missing: impute``, fitted to the training rows."""

    numbers: Annotated[
        str | float,
        PlainValidator(_fill_of_numbers, json_schema_input_type=NumberFill | float),
    ] = Field("median", description="median, mean or most_frequent value, or a number.")
    categories: str = Field(
        "most_frequent",
        min_length=1,
        description="most_frequent, or a text that becomes a separate category.",
    )
    indicator: Flag = Field(
        False,
        description="Whether each number column with missing values in the training rows gets a"
        " further input, which is 1 for missing values and else 0.",
    )


class RareCategories(Section):
    """One-hot categories that are merged because they are rare in the training rows."""

    min_share: float | None = Field(
        None, gt=0, lt=1, description="Categories with a smaller share of rows are merged."
    )
    min_count: int | None = Field(None, ge=2, description="Categories with fewer rows are merged.")

    @model_validator(mode="after")
    def _one_limit(self) -> RareCategories:
        if self.min_share is not None and self.min_count is not None:
            raise ValueError("has both 'min_share' and 'min_count'; keep one")
        return self


class Preprocessing(Section):
    """The input columns and their preprocessing, which is fitted to the training rows.

    Each input column is in one list. Missing values are imputed first, then logarithms are taken,
    then numbers are scaled.
    """

    standard_scale: Columns = Field(
        (), description="Numbers to scale to mean 0 and standard deviation 1."
    )
    min_max_scale: Columns = Field((), description="Numbers to scale to the range 0 to 1.")
    robust_scale: Columns = Field(
        (),
        description="Numbers from which the median is subtracted, divided by the interquartile"
        " range.",
    )
    quantile_scale: Columns = Field(
        (),
        description="Numbers to transform by rank to a normal distribution, bounded by ±5.2.",
    )
    piecewise_linear: Columns = Field(
        (),
        exclude_if=lambda columns: not columns,
        description="Numbers to encode as one input per bin: 1 for values above the bin, 0 below"
        " it, and in between inside it (Gorishniy et al. 2022).",
    )
    bins: int = Field(
        _BINS,
        ge=1,
        le=1000,
        exclude_if=lambda bins: bins == _BINS,
        description="The most bins of each piecewise_linear column.",
    )
    one_hot: Columns = Field(
        (),
        description="Categories to encode as one 0/1 input each. A category without training rows"
        " is all zeros, or the merged rare category if there is one.",
    )
    ordinal: Columns = Field(
        (),
        description="Categories to encode as 0, 1, 2 … in the order of 'order', or else sorted as"
        " text. A category without training rows is -1.",
    )
    passthrough: Columns = Field((), description="Numbers to use as they are.")
    log1p: Columns = Field(
        (),
        description="Numbers of the lists above to replace by log(1 + value) before scaling; all"
        " values must be above -1.",
    )
    order: Annotated[dict[ColumnName, Columns], Field(strict=False)] = Field(
        {}, description="All categories of ordinal columns in order; the first becomes 0."
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
                    f"takes the logarithm of '{column}', which is not one of its numbers; add it to"
                    " standard_scale, passthrough or another list of numbers as well"
                )
        fill = self.impute.numbers
        if self.log1p and isinstance(fill, float) and fill <= -1:
            raise ValueError(f"imputes {fill:g}, for which 'log1p' is not defined")
        for column, categories in self.order.items():
            if column not in self.ordinal:
                raise ValueError(f"has an order of '{column}', which is not in 'ordinal'")
            if len(set(categories)) < max(len(categories), 1):
                raise ValueError(
                    f"has an order of '{column}' that is empty or names a category twice"
                )
        return self
