"""Texts made numbers, as the format of their column says, or refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dropnorm.data.number_formats import BLANKS, number_pattern

if TYPE_CHECKING:
    import pandas as pd

    from dropnorm.data.formats import ColumnFormat

_PLAIN = r"^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$"
_WHOLE = r"^-?[0-9]+$"
_INFINITE = r"(?i)^[-+]?inf(?:inity)?$"
# A number with it means another one than a number without it.
_NEEDED = ("%", "‰")
_NAMES = {" ": "blanks", "'": "apostrophes"}


class UnfitCellError(Exception):
    """A cell that is not written as its column is.

    Attributes:
        row: Its row, from 0.
        value: What stands there.
    """

    def __init__(self, row: int, value: str) -> None:
        super().__init__(f"row {row}: {value}")
        self.row = row
        self.value = value


def convert(values: pa.ChunkedArray, column: ColumnFormat) -> pd.Series | np.ndarray:
    """Return the values of a column.

    Returns:
        Texts; or ``int64`` if all are whole numbers and none is missing, else ``float64``.
    """
    if column.missing:
        words = pa.array(column.missing, pa.string())
        values = pc.if_else(pc.is_in(values, words), pa.scalar(None, pa.string()), values)
    if column.type == "text":
        texts: pd.Series = values.to_pandas()
        return texts if texts.dtype != object else texts.where(texts.notna(), np.nan)
    return _numbers(_plain(values, column), values)


def _plain(values: pa.ChunkedArray, column: ColumnFormat) -> pa.ChunkedArray:
    """Return numbers as Python writes them, and what is no number of this format as null."""
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
    """Return what is replaced, and by what, until only a number and its sign are left.

    What must be there and is not becomes a text that is no number.
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


def described(column: ColumnFormat) -> str:
    """Say how numbers of a column are written."""
    thousands = column.thousands
    between = _NAMES.get(str(thousands), f"'{thousands}'")
    parts = [f"the decimal mark '{column.decimal}'"]
    parts.append("no marks" if thousands is None else between)
    text = f"{parts[0]} and {parts[1]} between thousands"
    for affix, place in ((column.prefix, "before"), (column.suffix, "behind")):
        text += f", '{affix}' {place} it" if affix else ""
    return text
