"""What dots, commas and other marks in the numbers of a file mean: decided from all of its columns.

A column may leave open whether 1.234 has thousands or a fraction: where all its numbers with the
mark have it once, before three digits, behind one to three. Then other columns decide; where they
do not, what no program would write otherwise; else nothing does, and the user is asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dropnorm.data.number_formats import CURRENCY, MARKS, readings_of, shown
from dropnorm.errors import BadInputError

if TYPE_CHECKING:
    from dropnorm.data.number_formats import ColumnSpelling, Reading

_NAMES = {
    ".": "a dot", ",": "a comma", "'": "an apostrophe", " ": "a blank", "_": "an underscore",
}  # fmt: skip
# Nobody writes amounts in these with three decimals.
_DOLLARS = "$£¥"
# So many numbers, of which the fractions would have three digits each and never end in a zero.
_ENOUGH = 20
_GROUP = 3


@dataclass(frozen=True)
class _Marks:
    """Marks that columns of a file prove to be in use, with the column and a value that does."""

    decimal: dict[str, str] = field(default_factory=dict)
    thousands: dict[str, str] = field(default_factory=dict)


def decide_marks(
    columns: list[ColumnSpelling], sep: str | None, decimal: str | None, thousands: str | None
) -> list[tuple[str, str | None, str]]:
    """Decide what marks mean in columns of numbers.

    Returns:
        For each column its decimal mark, its mark between thousands, and why. A column without
        marks has those of the others: new rows may need them.
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
    """Return the marks of which columns leave no doubt."""
    marks = _Marks()
    for column in columns:
        if len(column.readings) != 1:
            continue
        ((decimal, thousands),) = column.readings
        for mark, known in ((decimal, marks.decimal), (thousands, marks.thousands)):
            if mark is not None and mark not in known:
                known[mark] = f"'{_with_mark(column, mark)}' in column '{shown(column.name)}'"
    return marks


def _with_mark(column: ColumnSpelling, mark: str) -> str:
    """Return a value with this mark, at best one that proves what it means."""
    marked = [one for one in column.written if mark in one.core]
    proof = next((one for one in marked if len(readings_of(one)) == 1), marked[0])
    return column.example(proof.shape)[1]


def _usual_marks(readings: list[Reading]) -> Reading:
    """Return the marks that a column without any would have, as far as others tell."""
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
    """Return the roles of a column's marks, and why."""
    if not column.readings:
        return (None, None), ""
    if len(column.readings) == 1:
        (reading,) = column.readings
        return reading, _told(column, reading, "")
    left = {
        reading
        for reading in column.readings
        if (decimal is None or (reading[0] in (None, decimal) and reading[1] != decimal))
        and (thousands is None or (reading[1] in (None, thousands) and reading[0] != thousands))
    }
    if len(left) == 1:
        (reading,) = left
        return reading, _told(column, reading, "as you say")
    mark = next(mark for mark in MARKS if any(mark in reading for reading in column.readings))
    as_decimal = next(reading for reading in column.readings if reading[0] == mark)
    as_thousands = next(reading for reading in column.readings if reading[1] == mark)
    fractions, groups = _votes(column, mark, marks, sep)
    if not (fractions or groups):
        fractions, groups = _by_itself(column, mark, sep)
    if fractions and not groups:
        return as_decimal, _told(column, as_decimal, fractions)
    if groups and not fractions:
        return as_thousands, _told(column, as_thousands, groups)
    raise BadInputError(_question(column, mark))


def _votes(column: ColumnSpelling, mark: str, marks: _Marks, sep: str | None) -> tuple[str, str]:
    """Return what other columns say for a mark as decimal mark, and as one of thousands."""
    fractions = [marks.decimal.get(mark, "")]
    fractions += [where for known, where in marks.thousands.items() if known != mark]
    groups = [marks.thousands.get(mark, "")]
    # In a file separated by commas, a text with a decimal comma may be the odd one out.
    if sep != "," or mark == "," or _whole_beside(column):
        groups.append(marks.decimal.get(_other(mark), ""))
    beside = [next((f"beside {one}" for one in where if one), "") for where in (fractions, groups)]
    return beside[0], beside[1]


def _by_itself(column: ColumnSpelling, mark: str, sep: str | None) -> tuple[str, str]:
    """Return what speaks for a mark as decimal mark, and as one of thousands, if it is alone."""
    affix = "".join(column.affixes())
    if mark == "," and any(sign in affix for sign in _DOLLARS):
        return "", "with an amount of money"
    if sep in (";", None):
        return "", ""
    marked = sum(one.count for one in column.written if mark in one.core)
    if mark == "," and _whole_beside(column) and marked >= _ENOUGH:
        return "", "with whole numbers below 1000 beside it"
    # Here a dot is what everybody expects, and no program that writes commas between columns puts
    # it between thousands; but people do.
    plain = sep == "," and mark == "." and not _whole_beside(column)
    if plain and not any(sign in affix for sign in CURRENCY):
        return "in a file separated by commas", ""
    return "", ""


def _whole_beside(column: ColumnSpelling) -> bool:
    """Tell whether numbers from 1 to 999 stand there without a mark, and none of 1000 and more."""
    lengths = [len(one.core) for one in column.written if one.core and set(one.core) == {"9"}]
    return bool(lengths) and max(lengths) <= _GROUP


def _question(column: ColumnSpelling, mark: str) -> str:
    shape = next(one.shape for one in column.written if mark in one.core)
    value = column.example(shape)[1]
    digits = re.sub(rf"[^0-9{re.escape(mark)}]", "", value)
    name = _NAMES[mark]
    return (
        f"column '{shown(column.name)}' can be read in two ways: '{value}' is"
        f" {digits.replace(mark, '.', 1)} if {name} is the decimal mark, or"
        f" {digits.replace(mark, '')} if {name} stands between thousands, and no other value of"
        f" the file decides; say which it is with --decimal '{mark}' or --thousands '{mark}' of"
        " kedro study new, or for the column in the format of the catalog entry"
    )


def _told(column: ColumnSpelling, reading: Reading, why: str) -> str:
    """Say how marks are read where a plain number has none of them."""
    decimal, thousands = reading
    roles = []
    if decimal is not None and (decimal != "." or why):
        roles.append(f"{_NAMES[decimal]} is the decimal mark")
    if thousands is not None:
        roles.append(f"{_NAMES[thousands]} stands between thousands")
    if not roles:
        return ""
    value = _with_mark(column, str(decimal if thousands is None else thousands))
    return f"'{value}'{why and f' {why}'}: {' and '.join(roles)}"
