"""Columns of a table, however it was loaded."""

from __future__ import annotations

import re
from decimal import Decimal
from numbers import Real

import numpy as np
import pandas as pd

# A name such as id, user_id or userId.
ID_NAME = re.compile(r"(?i:(^|[\s_.-])(id|uuid|guid))$|[a-z](Id|ID|UUID)$")
# Further names of codes, and names of numbers that may be codes: zip_code, StationNo, district.
_CODE_NAME = re.compile(r"(?i:(^|[\s_.-])(code|zip|zipcode|postcode))$|[a-z](Code|Zip)$")
_NUMBER_NAME = re.compile(r"(?i:(^|[\s_.-])(number|no|nr|district))$|[a-z](Number|No|Nr|District)$")
# Names of kinds and places that are written as numbers: soil_type, origin, study_centre.
_NOMINAL_NAME = re.compile(
    r"(?i:(^|[\s_.-])(type|origin|store|precinct|centre|center))$"
    r"|[a-z](Type|Origin|Store|Precinct|Centre|Center)$"
)
_COUNT_NAME = re.compile(r"(?i:(n|no|nr|num|number|count|total)[\s_.-])")
# Share of distinct values from which numbers may name rows.
_NAMES_ROWS = 0.95
# Distinct whole numbers in a range of at most so many times as many were given out, not measured.
_DENSE = 1.5
DECIMAL_COMMA = re.compile(r"\s*[-+]?\d+,\d+\s*")
NUMBERS = (Real, Decimal, np.bool_)


def with_named_index(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table in which levels of its index that have a name are columns."""
    named = [name for name in table.index.names if name is not None and name not in table.columns]
    return table.reset_index(level=named) if named else table


def name_rows(numbers: pd.Series) -> bool:
    """Tell whether numbers name the rows rather than measure something in them.

    They do where they are whole, distinct in 95 % of the rows or more, and either called an id or
    a code, or called a number or district and all of the same length, or so dense that they must
    have been given out: two thirds of the numbers in their range are there. Amounts that are
    distinct because they are large (miles, incomes, intensities) do not name rows.
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


def name_kinds(name: str) -> bool:
    """Tell whether a column of few whole numbers is called as codes of kinds or places are.

    A name that begins as that of a count does (``n_type``) is none.
    """
    if _COUNT_NAME.match(name):
        return False
    return any(one.search(name) for one in (ID_NAME, _CODE_NAME, _NOMINAL_NAME))


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
