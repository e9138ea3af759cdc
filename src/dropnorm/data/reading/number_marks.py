"""Decide what the dots, commas and other marks in the numbers of a file mean.

A column can be ambiguous: 1.234 may be 1234 if all its numbers with a dot have one to three digits
before it and three after it. Then the other columns of the file decide, or else conventions of the
programs that write such files. If neither decides, the user has to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dropnorm.data.reading.number_formats import CURRENCY, MARKS, readings_of
from dropnorm.errors import BadInputError, shorten

if TYPE_CHECKING:
    from dropnorm.data.reading.number_formats import ColumnSpelling, Reading

_NAMES = {
    ".": "a dot", ",": "a comma", "'": "an apostrophe", " ": "a blank", "_": "an underscore",
}  # fmt: skip
# Amounts in these currencies do not have three decimals.
_DOLLARS = "$£¥"
# From this many numbers on, fractions that all have three digits are unlikely.
_ENOUGH = 20
_GROUP = 3


@dataclass(frozen=True)
class _Marks:
    """Marks whose role is certain, each with a value and the column that prove it."""

    decimal: dict[str, str] = field(default_factory=dict)
    thousands: dict[str, str] = field(default_factory=dict)


def decide_marks(
    columns: list[ColumnSpelling], sep: str | None, decimal: str | None, thousands: str | None
) -> list[tuple[str, str | None, str]]:
    """Decide what the marks in number columns mean.

    Args:
        columns: The number columns of a file.
        sep: Separator of the file; ``None`` for a single column.
        decimal: Decimal mark that the user gave, for ambiguous columns.
        thousands: Thousands separator that the user gave, for ambiguous columns.

    Returns:
        The decimal mark, thousands separator and reason of each column. A column without marks gets
        those of the other columns, because new rows may need them.

    Raises:
        BadInputError: If a column can be read in two ways.
    """
    proven = _proven(columns)
    decided = [_decided(column, proven, sep, decimal, thousands) for column in columns]
    usual = _usual_marks([reading for reading, _ in decided])
    filled = []
    for reading, reason in decided:
        mark = reading[0] or (_other(reading[1]) if reading[1] in MARKS else usual[0]) or "."
        group = reading[1] or usual[1]
        filled.append((mark, group if group != mark else None, reason))
    return filled


def _other(mark: str | None) -> str:
    return "," if mark == "." else "."


def _proven(columns: list[ColumnSpelling]) -> _Marks:
    """Return the marks of the columns that can be read in one way only."""
    marks = _Marks()
    for column in columns:
        if len(column.readings) != 1:
            continue
        ((decimal, thousands),) = column.readings
        for mark, known in ((decimal, marks.decimal), (thousands, marks.thousands)):
            if mark is not None and mark not in known:
                known[mark] = f"'{_with_mark(column, mark)}' in column '{shorten(column.name)}'"
    return marks


def _with_mark(column: ColumnSpelling, mark: str) -> str:
    """Return a value with this mark, preferably one that proves its role."""
    marked = [one for one in column.written if mark in one.core]
    proof = next((one for one in marked if len(readings_of(one)) == 1), marked[0])
    return column.example(proof.shape)[1]


def _usual_marks(readings: list[Reading]) -> Reading:
    """Return the marks for a column without any, where the other columns agree."""
    decimals = {decimal for decimal, _ in readings if decimal is not None}
    groups = {group for _, group in readings if group is not None}
    decimal = next(iter(decimals)) if len(decimals) == 1 else None
    group = next(iter(groups)) if len(groups) == 1 else None
    if not decimals and group in MARKS:
        decimal = _other(group)
    return decimal, group if group != decimal else None


def _decided(
    column: ColumnSpelling,
    marks: _Marks,
    sep: str | None,
    decimal: str | None,
    thousands: str | None,
) -> tuple[Reading, str]:
    """Return the roles of a column's marks, and the reason."""
    if not column.readings:
        return (None, None), ""
    if len(column.readings) == 1:
        (reading,) = column.readings
        return reading, _reason(column, reading, "")
    left = {
        reading
        for reading in column.readings
        if (decimal is None or (reading[0] in (None, decimal) and reading[1] != decimal))
        and (thousands is None or (reading[1] in (None, thousands) and reading[0] != thousands))
    }
    if len(left) == 1:
        (reading,) = left
        return reading, _reason(column, reading, "given as an option")
    mark = next(mark for mark in MARKS if any(mark in reading for reading in column.readings))
    as_decimal = next(reading for reading in column.readings if reading[0] == mark)
    as_thousands = next(reading for reading in column.readings if reading[1] == mark)
    fractions, groups = _votes(column, mark, marks, sep)
    if not (fractions or groups):
        fractions, groups = _by_itself(column, mark, sep)
    if fractions and not groups:
        return as_decimal, _reason(column, as_decimal, fractions)
    if groups and not fractions:
        return as_thousands, _reason(column, as_thousands, groups)
    raise BadInputError(_question(column, mark))


def _votes(column: ColumnSpelling, mark: str, marks: _Marks, sep: str | None) -> tuple[str, str]:
    """Return the evidence of other columns for a mark as decimal and as thousands separator."""
    fractions = [marks.decimal.get(mark, "")]
    fractions += [where for known, where in marks.thousands.items() if known != mark]
    groups = [marks.thousands.get(mark, "")]
    # A comma-separated file may hold a single text column with decimal commas.
    if sep != "," or mark == "," or _whole_beside(column):
        groups.append(marks.decimal.get(_other(mark), ""))
    like = [next((f"as in {one}" for one in where if one), "") for where in (fractions, groups)]
    return like[0], like[1]


def _by_itself(column: ColumnSpelling, mark: str, sep: str | None) -> tuple[str, str]:
    """Return a column's own evidence for a mark as decimal and as thousands separator."""
    affix = "".join(column.affixes())
    if mark == "," and any(sign in affix for sign in _DOLLARS):
        return "", "as it is an amount of money"
    if sep in (";", None):
        return "", ""
    marked = sum(one.count for one in column.written if mark in one.core)
    if mark == "," and _whole_beside(column) and marked >= _ENOUGH:
        return "", "as the other numbers are whole and below 1000"
    # Programs that separate columns with commas write a dot as the decimal mark; people who write
    # amounts of money may not.
    plain = sep == "," and mark == "." and not _whole_beside(column)
    if plain and not any(sign in affix for sign in CURRENCY):
        return "as commas separate the columns", ""
    return "", ""


def _whole_beside(column: ColumnSpelling) -> bool:
    """Return whether the numbers without a mark are all below 1000, and there are some."""
    lengths = [len(one.core) for one in column.written if one.core and set(one.core) == {"9"}]
    return bool(lengths) and max(lengths) <= _GROUP


def _question(column: ColumnSpelling, mark: str) -> str:
    shape = next(one.shape for one in column.written if mark in one.core)
    value = column.example(shape)[1]
    digits = re.sub(rf"[^0-9{re.escape(mark)}]", "", value)
    name = _NAMES[mark]
    return (
        f"column '{shorten(column.name)}' can be read in two ways: '{value}' is"
        f" {digits.replace(mark, '.', 1)} if {name} is the decimal mark, or"
        f" {digits.replace(mark, '')} if {name} is the thousands separator, and no other value of"
        f" the file decides; pass --decimal '{mark}' or --thousands '{mark}' to kedro study new, or"
        " write decimal or thousands for the column in the format of its catalog entry"
    )


def _reason(column: ColumnSpelling, reading: Reading, why: str) -> str:
    """Say how the marks are read, where they are not those of a plain number."""
    decimal, thousands = reading
    roles = []
    if decimal is not None and (decimal != "." or why):
        roles.append(f"{_NAMES[decimal]} as the decimal mark")
    if thousands is not None:
        roles.append(f"{_NAMES[thousands]} as the thousands separator")
    if not roles:
        return ""
    value = _with_mark(column, str(decimal if thousands is None else thousands))
    return f"'{value}' is read with {' and '.join(roles)}{why and f', {why}'}"
