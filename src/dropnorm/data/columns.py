"""Columns of a table, however it was loaded."""

from __future__ import annotations

import re
from decimal import Decimal
from numbers import Real

import numpy as np
import pandas as pd

# A name such as id, user_id or userId.
ID_NAME = re.compile(r"(?i:(^|[\s_.-])(id|uuid|guid))$|[a-z](Id|ID|UUID)$")
DECIMAL_COMMA = re.compile(r"\s*[-+]?\d+,\d+\s*")
NUMBERS = (Real, Decimal, np.bool_)


def with_named_index(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table in which levels of its index that have a name are columns."""
    named = [name for name in table.index.names if name is not None and name not in table.columns]
    return table.reset_index(level=named) if named else table


def as_numbers(values: pd.Series) -> pd.Series:
    """Return float64; missing where a value is no number."""
    if not pd.api.types.is_numeric_dtype(values):
        plain = values.astype(object)
        # A list or a date is no number, and pandas would stop at one or count its nanoseconds.
        values = plain.where(plain.map(lambda value: isinstance(value, (str, *NUMBERS))))
    numbers = pd.to_numeric(values, errors="coerce")
    if pd.api.types.is_complex_dtype(numbers):
        return pd.Series(np.nan, index=values.index, name=values.name)
    # Integers too: what is filled in for a missing one need not be an integer.
    return numbers.astype(np.float64)
