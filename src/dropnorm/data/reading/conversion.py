"""Convert the texts of a column to numbers, according to the column's format."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dropnorm.data.reading.number_formats import BLANKS, number_pattern

if TYPE_CHECKING:
    import pandas as pd

    from dropnorm.data.reading.formats import ColumnFormat

_PLAIN = r"^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$"
_WHOLE = r"^-?[0-9]+$"
_INFINITE = r"(?i)^[-+]?inf(?:inity)?$"
# Units that change the number, so that each value must have one.
_NEEDED = ("%", "‰")
_NAMES = {" ": "a blank", "'": "an apostrophe"}


class UnfitCellError(Exception):
    """A cell does not match the format of its column.

    Attributes:
        row: Row of the cell, from 0.
        value: Text of the cell.
    """

    def __init__(self, row: int, value: str) -> None:
        super().__init__(f"row {row}: {value}")
        self.row = row
        self.value = value


def convert(values: pa.ChunkedArray, column: ColumnFormat) -> pd.Series | np.ndarray:
    """Convert the texts of a column.

    Returns:
        Texts for a text column; ``int64`` if all numbers are whole and none is missing; else
        ``float64``.

    Raises:
        UnfitCellError: If a cell does not match the format.
    """
    if column.missing:
        words = pa.array(column.missing, pa.string())
        values = pc.if_else(pc.is_in(values, words), pa.scalar(None, pa.string()), values)
    if column.type == "text":
        texts: pd.Series = values.to_pandas()
        return texts if texts.dtype != object else texts.where(texts.notna(), np.nan)
    return _numbers(_plain(values, column), values)


def _plain(values: pa.ChunkedArray, column: ColumnFormat) -> pa.ChunkedArray:
    """Return numbers in Python's notation, and null for texts that do not match the format."""
    plain = column.thousands is None and column.decimal == "."
    if plain and not column.prefix and not column.suffix and column.negative == "minus":
        fits = pc.match_substring_regex(values, _PLAIN)
        if _all(fits):
            return pc.replace_substring_regex(values, r"^\+", "")
    for pattern, replacement in _steps(column):
        values = pc.replace_substring_regex(values, pattern, replacement)
    number = number_pattern(
        column.decimal, column.thousands, first="[0-9]", nonzero="[1-9]", digit="[0-9]"
    )
    fits = pc.or_(
        pc.match_substring_regex(values, rf"^[-+]?{number}(?:[eE][-+]?[0-9]+)?$"),
        pc.match_substring_regex(values, _INFINITE),
    )
    values = pc.if_else(fits, values, pa.scalar(None, pa.string()))
    if column.thousands is not None:
        values = pc.replace_substring(values, column.thousands, "")
    if column.decimal != ".":
        values = pc.replace_substring(values, column.decimal, ".")
    return pc.replace_substring_regex(values, r"^\+", "")


def _steps(column: ColumnFormat) -> list[tuple[str, str]]:
    """Return the replacements that leave only a number and its sign.

    If a required part is missing, they turn the value into a text that is not a number.
    """
    steps = [(f"[{BLANKS}]", " "), ("[’‘]", "'"), ("[\u2212\u2013]", "-")]
    if column.negative == "parentheses":
        steps += [("^-", "no"), (r"^\((.*)\)$", r"-\1")]
    elif column.negative == "minus behind":
        steps += [("^-", "no"), (r"^(.*[^.,])-$", r"-\1")]
    if column.suffix:
        suffix = re.escape(column.suffix)
        if column.suffix in _NEEDED:
            steps.append((f"^(.*[^{suffix}])$", r"no\1"))
        steps.append((f" ?{suffix}$", ""))
    if column.prefix:
        steps.append((f"^([-+]?) ?{re.escape(column.prefix)} ?", r"\1"))
    return steps


def _all(true: pa.ChunkedArray) -> bool:
    return bool(pc.all(true, min_count=0).as_py())


def _numbers(plain: pa.ChunkedArray, written: pa.ChunkedArray) -> np.ndarray:
    if plain.null_count > written.null_count:
        unfit = pc.and_(pc.is_null(plain), pc.is_valid(written))
        row = pc.index(unfit, True).as_py()
        raise UnfitCellError(row, written[row].as_py())
    if len(plain) and not plain.null_count and _all(pc.match_substring_regex(plain, _WHOLE)):
        try:
            return np.asarray(pc.cast(plain, pa.int64()))
        except pa.ArrowInvalid:  # more than 64 bits
            pass
    try:
        numbers = pc.cast(plain, pa.float64())
    except pa.ArrowInvalid:  # 1e999
        numbers = pa.chunked_array(
            [[None if one is None else float(one) for one in plain.to_pylist()]], pa.float64()
        )
    return np.asarray(numbers.to_numpy(), dtype=float)


def describe(column: ColumnFormat) -> str:
    """Describe how the numbers of a column are written, for messages."""
    thousands = column.thousands
    text = f"decimal mark '{column.decimal}'"
    if thousands is None:
        text += ", no thousands separator"
    else:
        text += f", thousands separator {_NAMES.get(thousands) or repr(thousands)}"
    for affix, place in ((column.prefix, "before"), (column.suffix, "after")):
        text += f", '{affix}' {place} the number" if affix else ""
    return text
