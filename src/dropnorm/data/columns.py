"""Recognize ids, codes and numbers in the columns of a table."""

from __future__ import annotations

import re
from decimal import Decimal
from numbers import Real

import numpy as np
import pandas as pd


def _ending(words: str, camel: str) -> re.Pattern[str]:
    """Match names that are or end in one of some words: ``id``, ``user_id`` or ``userId``."""
    return re.compile(rf"(?i:(^|[\s_.-])({words}))$|[a-z]({camel})$")


ID_NAME = _ending("id|uuid|guid", "Id|ID|UUID")
_CODE_NAME = _ending("code|zip|zipcode|postcode", "Code|Zip")
# Numbers that may be codes, such as StationNo and district.
_NUMBER_NAME = _ending("number|no|nr|district", "Number|No|Nr|District")
# Kinds and places that are written as numbers, such as soil_type and study_centre.
_NOMINAL_NAME = _ending(
    "type|origin|store|precinct|centre|center", "Type|Origin|Store|Precinct|Centre|Center"
)
_COUNT_NAME = re.compile(r"(?i:(n|no|nr|num|number|count|total)[\s_.-])")
# Share of distinct values from which numbers may be ids of rows.
_NAMES_ROWS = 0.95
# Distinct whole numbers are ids if their range is at most this many times their count.
_DENSE = 1.5
DECIMAL_COMMA = re.compile(r"\s*[-+]?\d+,\d+\s*")
NUMBERS = (Real, Decimal, np.bool_)


def with_named_index(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the named levels of its index as columns."""
    named = [name for name in table.index.names if name is not None and name not in table.columns]
    return table.reset_index(level=named) if named else table


def are_row_ids(numbers: pd.Series) -> bool:
    """Return whether numbers identify rows rather than measure something.

    They do if they are whole and at least 95 % distinct, and if one of these holds: the column is
    named as an id or code; it is named as a number or district, and all have the same length; two
    thirds of the numbers in their range occur. Large distinct amounts (miles, incomes,
    intensities) are not ids.
    """
    present = numbers.dropna()
    distinct = present.nunique()
    if not (present == present.round()).all() or distinct < _NAMES_ROWS * len(present):
        return False
    name, least, largest = str(numbers.name), float(present.min()), float(present.max())
    if ID_NAME.search(name) or _CODE_NAME.search(name):
        return True
    if _NUMBER_NAME.search(name) and least > 0 and len(f"{least:.0f}") == len(f"{largest:.0f}"):
        return True
    return largest - least < _DENSE * distinct


def is_code_name(name: str) -> bool:
    """Return whether a column is named as codes of kinds or places are.

    A name that begins as that of a count (``n_type``) is not.
    """
    if _COUNT_NAME.match(name):
        return False
    return any(one.search(name) for one in (ID_NAME, _CODE_NAME, _NOMINAL_NAME))


def as_numbers(values: pd.Series) -> pd.Series:
    """Convert values to float64, with nan where a value is not a number."""
    if not pd.api.types.is_numeric_dtype(values):
        plain = values.astype(object)
        # pandas would fail on a list, and convert a date to nanoseconds.
        values = plain.where(plain.map(lambda value: isinstance(value, (str, *NUMBERS))))
    numbers = pd.to_numeric(values, errors="coerce")
    if pd.api.types.is_complex_dtype(numbers):
        return pd.Series(np.nan, index=values.index, name=values.name)
    # Integers too, because an imputed value need not be whole.
    return numbers.astype(np.float64)
