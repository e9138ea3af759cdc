"""The format of each column of a text file, decided from all values of the file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from dropnorm.data.formats import ColumnFormat
from dropnorm.data.number_formats import (
    MARKS,
    NOT_A_VALUE,
    ZERO,
    common_readings,
    readings_of,
    shown,
)
from dropnorm.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dropnorm.data.number_formats import Column, Reading, Written

_MOST_EXACT = 2**53
_DIGITS_OF_MOST_EXACT = 16
_DIGITS_OF_PHONES = 8
_MOST = 0.5
_NAMES = {
    ".": "a dot", ",": "a comma", "'": "an apostrophe", " ": "a blank", "_": "an underscore",
}  # fmt: skip
# With these, three digits behind a comma are not a fraction.
_DOLLARS = "$£¥"
_SHARES = ("%", "‰")


@dataclass
class Found:
    """The formats of the columns, why they are so, and what should be looked at."""

    columns: dict[str, ColumnFormat] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Marks:
    """Marks that columns of a file prove to be in use, with the column and a value that does."""

    decimal: dict[str, tuple[str, str]]
    thousands: dict[str, tuple[str, str]]


def find_formats(
    columns: Iterable[Column],
    sep: str,
    line_of: Callable[[int], int],
    decimal: str | None = None,
    thousands: str | None = None,
) -> Found:
    """Decide how the values of columns are written.

    Args:
        columns: What their values look like.
        sep: What separates them in the file.
        line_of: Gives the number of the line in which a row, counted from 0, begins.
        decimal: Decimal mark where values leave it open.
        thousands: Mark between thousands, likewise.

    Raises:
        BadInputError: If the marks of a column can mean two things, and nothing decides.
    """
    found = Found()
    numbers = [column for column in columns if _holds_numbers(column, found, line_of)]
    proven = _proven(numbers)
    decided = [_decided(column, proven, sep, decimal, thousands) for column in numbers]
    usual = _usual_marks([reading for reading, _ in decided])
    for column, (reading, reason) in zip(numbers, decided, strict=True):
        filled = reading[0] or (_other(reading[1]) if reading[1] in MARKS else usual[0]) or "."
        grouped = reading[1] or usual[1]
        prefix, suffix = _affixes(column)
        found.columns[column.name] = ColumnFormat(
            decimal=filled,
            thousands=grouped if grouped != filled else None,
            prefix=prefix,
            suffix=suffix,
            negative=_negative(column),
            missing=tuple(sorted(column.words)),
        )
        told = [reason, *_reasons(column, prefix, suffix)]
        if text := "; ".join(filter(None, told)):
            found.reasons[column.name] = text
    return found


def _holds_numbers(column: Column, found: Found, line_of: Callable[[int], int]) -> bool:
    """Tell whether a column holds numbers; if not, note why it is text."""
    if not column.written and not column.others and not column.words:
        return True
    reason, warning = _why_text(column, line_of)
    if not (reason or warning) and column.written and not column.others:
        return True
    found.columns[column.name] = ColumnFormat(type="text")
    if reason:
        found.reasons[column.name] = reason
    if warning:
        found.warnings.append(warning)
    for word, count in column.words.items():
        if word.lower() in NOT_A_VALUE:
            found.warnings.append(
                f"'{word}' stands in {count} of {len(column.values)} rows of column"
                f" '{shown(column.name)}' and is kept as text; if it means that the value is"
                f" missing, write missing: ['{word}'] for the column"
            )
    return False


def _why_text(column: Column, line_of: Callable[[int], int]) -> tuple[str, str]:
    """Return why a column whose values look like numbers is text: a reason, and a warning."""
    named = f"column '{shown(column.name)}' is read as text"
    count = sum(one.count for one in column.written)
    if column.others:
        share = count / (count + sum(column.others.values()))
        if share <= _MOST:
            return "", ""
        row, value = column.example(next(iter(column.others)))
        return "", (
            f"{named}: '{value}' in line {line_of(row)} is not a number, though {share:.0%} of its"
            f" values are; if it means that the value is missing, write type: number and missing:"
            f" ['{value}'] for the column"
        )
    if not count:
        return "", ""
    if code := _code(column):
        return code, ""
    return "", _mixture(column, named)


def _code(column: Column) -> str:
    """Say why whole numbers are codes, if they are."""
    written = column.written
    if not all(set(one.core) <= {"9", ZERO} and not one.exponent for one in written):
        return ""
    zeros = [one for one in written if one.core.startswith(f"{ZERO}9")]
    if zeros:
        value = column.example(zeros[0].shape)[1]
        return f"'{value}' begins with a zero: codes, which keep their spelling"
    if all(one.plus and len(one.core) >= _DIGITS_OF_PHONES for one in written):
        return f"'{column.example(written[0].shape)[1]}' and all others begin with a plus: codes"
    if any(any(one.affixes) for one in written):
        return ""
    for one in written:
        if len(one.core) >= _DIGITS_OF_MOST_EXACT and (value := _beyond(column, one)):
            return f"'{value}' has more digits than a number holds exactly: codes, kept as text"
    return ""


def _beyond(column: Column, written: Written) -> str:
    """Return a value of this shape that a floating-point number does not hold exactly."""
    long = column.values.filter(
        pc.greater_equal(pc.utf8_length(column.values), _DIGITS_OF_MOST_EXACT)
    )
    for value in long.to_pylist():
        digits = re.sub("[^0-9]", "", value)
        if len(digits) == len(written.core) and int(digits) > _MOST_EXACT:
            return shown(value)
    return ""


def _mixture(column: Column, named: str) -> str:
    """Say in which two ways the numbers of a column are written, if no one format reads both."""
    written = column.written
    if not column.readings:
        first = written[0]
        other = next((one for one in written if not _agree(first, one)), written[-1])
        what = "no decimal mark and no mark of thousands fits all of its values, such as"
        return f"{named}: {what} {_both(column, first, other)}"
    affixes = {one.affixes for one in written if one.core}
    bare = ("", "")
    if len(affixes - {bare}) > 1 or (
        bare in affixes and any(share in affix for affix in affixes for share in _SHARES)
    ):
        first, other = _unlike(written, lambda one: one.affixes)
        return f"{named}: its numbers have different signs or units: {_both(column, first, other)}"
    negative = {one.negative for one in written if one.negative}
    if len(negative) > 1:
        first, other = _unlike([one for one in written if one.negative], lambda one: one.negative)
        return f"{named}: minus signs are written in two ways: {_both(column, first, other)}"
    if negative & {"parentheses", "minus behind"} and all(one.negative for one in written):
        value = column.example(written[0].shape)[1]
        return (
            f"{named}: '{value}' could be a number below zero, but all values are written so; if"
            f" they are, write type: number and negative: {next(iter(negative))} for the column"
        )
    return ""


def _agree(one: Written, other: Written) -> bool:
    return bool(common_readings([one, other]))


def _unlike(written: list[Written], key: Callable[[Written], object]) -> tuple[Written, Written]:
    return written[0], next(one for one in written if key(one) != key(written[0]))


def _both(column: Column, one: Written, other: Written) -> str:
    return f"'{column.example(one.shape)[1]}' and '{column.example(other.shape)[1]}'"


def _other(mark: str | None) -> str:
    return "," if mark == "." else "."


def _proven(columns: list[Column]) -> _Marks:
    """Return the marks of which columns leave no doubt."""
    marks = _Marks({}, {})
    for column in columns:
        if len(column.readings) != 1:
            continue
        ((decimal, thousands),) = column.readings
        for mark, known in ((decimal, marks.decimal), (thousands, marks.thousands)):
            if mark is not None and mark not in known:
                known[mark] = (column.name, _with_mark(column, mark))
    return marks


def _with_mark(column: Column, mark: str) -> str:
    """Return a value with this mark, at best one that proves what it means."""
    marked = [one for one in column.written if mark in one.core]
    proof = next((one for one in marked if len(readings_of(one)) == 1), marked[0])
    return column.example(proof.shape)[1]


def _decided(
    column: Column, marks: _Marks, sep: str, decimal: str | None, thousands: str | None
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
    if fractions and not groups:
        return as_decimal, _told(column, as_decimal, fractions)
    if groups and not fractions:
        return as_thousands, _told(column, as_thousands, groups)
    usual = "" if fractions or groups else _usual(column, mark, sep)
    if usual:
        chosen = as_decimal if mark == "." else as_thousands
        return chosen, _told(column, chosen, usual)
    raise BadInputError(_question(column, mark))


def _usual_marks(readings: list[Reading]) -> Reading:
    """Return the marks that a column without any would have, as far as others tell."""
    decimals = {decimal for decimal, _ in readings if decimal is not None}
    groups = {group for _, group in readings if group is not None}
    decimal = next(iter(decimals)) if len(decimals) == 1 else None
    group = next(iter(groups)) if len(groups) == 1 else None
    if not decimals and group in MARKS:
        decimal = _other(str(group))
    return decimal, group if group != decimal else None


def _votes(column: Column, mark: str, marks: _Marks, sep: str) -> tuple[str, str]:
    """Return what speaks for a mark as decimal mark, and what as one of thousands."""
    other = _other(mark)
    fractions = [
        marks.decimal.get(mark),
        *(where for known, where in marks.thousands.items() if known != mark),
    ]
    groups = [marks.thousands.get(mark)]
    # In a file separated by commas, a text with a decimal comma may be the odd one out.
    if sep != "," or mark == "," or _whole_beside(column):
        groups.append(marks.decimal.get(other))
    beside = [
        next((f"beside '{value}' in column '{shown(name)}'" for name, value in found), "")
        for found in ([f for f in fractions if f], [g for g in groups if g])
    ]
    return beside[0], beside[1]


def _whole_beside(column: Column) -> bool:
    """Tell whether numbers from 1 to 999 stand there without a mark, and none of 1000 and more."""
    lengths = [len(one.core) for one in column.written if one.core and set(one.core) == {"9"}]
    return bool(lengths) and max(lengths) <= 3  # noqa: PLR2004  # thousands


def _usual(column: Column, mark: str, sep: str) -> str:
    """Return why a mark means what it usually does in such a file, if that is safe."""
    if sep == ";":
        return ""
    whole = _whole_beside(column)
    if mark == "." and not whole:
        return "no other value says otherwise"
    if mark == "," and whole:
        return "whole numbers below 1000 stand beside it"
    prefix, suffix = _affixes(column)
    if mark == "," and any(sign in prefix + suffix for sign in _DOLLARS):
        return "amounts of money have no three decimals"
    return ""


def _question(column: Column, mark: str) -> str:
    shape = next(one.shape for one in column.written if mark in one.core)
    value = column.example(shape)[1]
    digits = re.sub(rf"[^0-9{re.escape(mark)}]", "", value)
    name = _NAMES[mark]
    return (
        f"column '{shown(column.name)}' can be read in two ways: '{value}' is"
        f" {digits.replace(mark, '.', 1)} if {name} is the decimal mark, or"
        f" {digits.replace(mark, '')} if {name} stands between thousands, and no other value of"
        f" the file decides; say which it is with --decimal '{mark}' or --thousands '{mark}'"
    )


def _told(column: Column, reading: Reading, why: str) -> str:
    """Say how marks are read where that is not what everybody expects."""
    decimal, thousands = reading
    roles = []
    if decimal is not None and (decimal != "." or why):
        roles.append(f"{_NAMES[decimal]} is the decimal mark")
    if thousands is not None:
        roles.append(f"{_NAMES[thousands]} stands between thousands")
    if not roles or why == "no other value says otherwise":
        return ""
    value = _with_mark(column, str(decimal if thousands is None else thousands))
    return f"'{value}'{why and f' {why}' if why.startswith('beside') else why and f', {why}'}: " + (
        " and ".join(roles)
    )


def _affixes(column: Column) -> tuple[str, str]:
    """Return what stands before and behind the numbers of a column."""
    return max(
        (one.affixes for one in column.written), default=("", ""), key=lambda a: a != ("", "")
    )


def _negative(column: Column) -> str:
    return next((one.negative for one in column.written if one.negative), "minus")


def _reasons(column: Column, prefix: str, suffix: str) -> list[str]:
    """Say what else is unusual about a column of numbers."""
    reasons = []
    if prefix or suffix:
        one = next(one for one in column.written if one.affixes == (prefix, suffix))
        reasons.append(f"'{column.example(one.shape)[1]}' is read without '{prefix or suffix}'")
    if (negative := _negative(column)) != "minus":
        one = next(one for one in column.written if one.negative)
        reasons.append(f"'{column.example(one.shape)[1]}' is read as a number below zero")
    del negative
    if column.words:
        words = ", ".join(f"'{word}'" for word in sorted(column.words))
        rows = sum(column.words.values())
        reasons.append(
            f"{words} in {rows} of {len(column.values)} rows, beside numbers, is read as missing"
        )
    return reasons
