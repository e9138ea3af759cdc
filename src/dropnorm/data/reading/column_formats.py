"""Detect the format of each column of a text file from all values of the file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from dropnorm.data.reading.formats import ColumnFormat
from dropnorm.data.reading.number_formats import NOT_A_VALUE, ZERO, common_readings
from dropnorm.data.reading.number_marks import decide_marks
from dropnorm.errors import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dropnorm.data.reading.number_formats import ColumnSpelling, NumberShape

_MOST_EXACT = 2**53
_DIGITS_OF_MOST_EXACT = 16
_DIGITS_OF_PHONES = 8
_MOST = 0.5
# More different words after the numbers are not units.
_MOST_UNITS = 5
_BEHIND = re.compile(rf"-?[9{ZERO}][9.,]*([^-\d9.,{ZERO}()?*!/:#]{{1,12}})")
_SHARES = ("%", "‰")
# Share of missing numbers from which a warning is due.
_MANY = 1 / 3
_MAY_BE_A_CLASS = {"none", "unknown"}


@dataclass
class Found:
    """Detected column formats, with reasons by column and warnings for the user."""

    columns: dict[str, ColumnFormat] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def find_formats(
    columns: Iterable[ColumnSpelling],
    sep: str | None,
    line_of: Callable[[int], int],
    decimal: str | None = None,
    thousands: str | None = None,
) -> Found:
    """Detect the formats of columns.

    Args:
        columns: How the values of the columns are written.
        sep: Separator of the file; ``None`` for a single column.
        line_of: Returns the line number of a row, which is counted from 0.
        decimal: Decimal mark that the user gave, for ambiguous columns.
        thousands: Thousands separator that the user gave, for ambiguous columns.

    Raises:
        BadInputError: If the numbers of a column can be read in two ways.
    """
    found = Found()
    numbers = [column for column in columns if _holds_numbers(column, found, line_of)]
    decided = decide_marks(numbers, sep, decimal, thousands)
    for column, (mark, group, reason) in zip(numbers, decided, strict=True):
        prefix, suffix = column.affixes()
        found.columns[column.name] = ColumnFormat(
            decimal=mark,
            thousands=group,
            prefix=prefix,
            suffix=suffix,
            negative=_negative(column),
            missing=tuple(sorted(column.words)),
        )
        if text := "; ".join(filter(None, [reason, *_reasons(column, prefix, suffix)])):
            found.reasons[column.name] = text
        if warning := _warning(column):
            found.warnings.append(warning)
    return found


def _holds_numbers(column: ColumnSpelling, found: Found, line_of: Callable[[int], int]) -> bool:
    """Return whether a column holds numbers; if not, add the text format and its reason."""
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
                f"'{word}' occurs in {count} of {len(column.values)} rows of column"
                f" '{shorten(column.name)}' and is kept as text; if it means a missing value,"
                f" write missing: ['{word}'] for the column"
            )
    return False


def _why_text(column: ColumnSpelling, line_of: Callable[[int], int]) -> tuple[str, str]:
    """Return a reason and a warning if a column is text although it holds numbers."""
    named = f"column '{shorten(column.name)}' is read as text"
    count = sum(one.count for one in column.written)
    if column.others:
        share = count / (count + sum(column.others.values()))
        if share <= _MOST:
            return _one_sign(column), ""
        row, value = column.example(next(iter(column.others)))
        return "", (
            f"{named}: '{value}' in line {line_of(row)} is not a number, though {share:.0%} of its"
            f" values are; if it means a missing value, write type: number and missing: ['{value}']"
            " for the column"
        )
    if not count:
        return "", ""
    if code := _code(column):
        return code, ""
    if len({one.affixes for one in column.written}) > _MOST_UNITS:
        return "read as text: many different words follow its numbers", ""
    return "", _mixture(column, named)


def _one_sign(column: ColumnSpelling) -> str:
    """Suggest a suffix if all values are numbers followed by the same unknown word."""
    found = [_BEHIND.fullmatch(shape) for shape in column.others]
    signs = {match[1].strip() for match in found if match}
    if column.written or not all(found) or len(signs) != 1:
        return ""
    value = column.example(next(iter(column.others)))[1]
    (sign,) = signs
    return (
        f"read as text: '{value}' and all others end in '{sign}'; if they are amounts, write type:"
        f" number and suffix: '{sign}' for the column"
    )


def _code(column: ColumnSpelling) -> str:
    """Return why whole numbers are codes, or nothing if they are not."""
    written = column.written
    if not all(set(one.core) <= {"9", ZERO} and not one.exponent for one in written):
        return ""
    zeros = [one for one in written if one.core.startswith(f"{ZERO}9")]
    if zeros:
        value = column.example(zeros[0].shape)[1]
        return f"read as text: '{value}' begins with a zero, as codes do"
    if all(one.plus and len(one.core) >= _DIGITS_OF_PHONES for one in written):
        value = column.example(written[0].shape)[1]
        return f"read as text: '{value}' and all others begin with a plus, as codes do"
    if any(any(one.affixes) for one in written):
        return ""
    for one in written:
        if len(one.core) >= _DIGITS_OF_MOST_EXACT and (value := _beyond(column, one)):
            return f"read as text: '{value}' has more digits than a number can hold exactly"
    return ""


def _beyond(column: ColumnSpelling, written: NumberShape) -> str:
    """Return a value of this shape that float64 does not represent exactly."""
    long = column.values.filter(
        pc.greater_equal(pc.utf8_length(column.values), _DIGITS_OF_MOST_EXACT)
    )
    for value in long.to_pylist():
        digits = re.sub("[^0-9]", "", value)
        if len(digits) == len(written.core) and int(digits) > _MOST_EXACT:
            return shorten(value)
    return ""


def _mixture(column: ColumnSpelling, named: str) -> str:
    """Return a warning with two numbers of a column if no single format reads both."""
    written = column.written
    if not column.readings:
        first = written[0]
        other = next((one for one in written if not _agree(first, one)), written[-1])
        what = "no decimal mark and thousands separator fit all of its values, such as"
        return f"{named}: {what} {_both(column, first, other)}"
    affixes = {one.affixes for one in written if one.core}
    bare = ("", "")
    if len(affixes - {bare}) > 1 or (
        bare in affixes and any(share in affix for affix in affixes for share in _SHARES)
    ):
        first, other = _unlike(written, lambda one: one.affixes)
        return f"{named}: its numbers have different units: {_both(column, first, other)}"
    negative = {one.negative for one in written if one.negative}
    if len(negative) > 1:
        first, other = _unlike([one for one in written if one.negative], lambda one: one.negative)
        return f"{named}: minus signs are written in two ways: {_both(column, first, other)}"
    # (12,50) is an amount, but (1) and 2- may be anything.
    whole = all(set(one.core) <= {"9", ZERO} for one in written)
    if whole and negative - {"minus"} and all(one.negative for one in written):
        value = column.example(written[0].shape)[1]
        return (
            f"{named}: '{value}' may be a negative number, but all values are written so; if they"
            f" are negative, write type: number and negative: {next(iter(negative))} for the column"
        )
    return ""


def _agree(one: NumberShape, other: NumberShape) -> bool:
    return bool(common_readings([one, other]))


def _unlike(
    written: list[NumberShape], key: Callable[[NumberShape], object]
) -> tuple[NumberShape, NumberShape]:
    return written[0], next(one for one in written if key(one) != key(written[0]))


def _both(column: ColumnSpelling, one: NumberShape, other: NumberShape) -> str:
    return f"'{column.example(one.shape)[1]}' and '{column.example(other.shape)[1]}'"


def _negative(column: ColumnSpelling) -> str:
    return next((one.negative for one in column.written if one.negative), "minus")


def _reasons(column: ColumnSpelling, prefix: str, suffix: str) -> list[str]:
    """Return what else is unusual about a number column."""
    reasons = []
    if prefix or suffix:
        one = next(one for one in column.written if one.affixes == (prefix, suffix))
        reasons.append(f"'{column.example(one.shape)[1]}' is read without '{prefix or suffix}'")
    if _negative(column) != "minus":
        one = next(one for one in column.written if one.negative)
        reasons.append(f"'{column.example(one.shape)[1]}' is read as a negative number")
    if column.words:
        reasons.append(f"{_words(column)} is read as missing")
    return reasons


def _words(column: ColumnSpelling) -> str:
    words = ", ".join(f"'{shorten(word)}'" for word in sorted(column.words))
    return f"{words} in {sum(column.words.values())} of {len(column.values)} rows"


def _warning(column: ColumnSpelling) -> str:
    """Warn if words for missing numbers are many, or may be a class."""
    many = sum(column.words.values()) > _MANY * len(column.values)
    if not many and not {word.lower() for word in column.words} & _MAY_BE_A_CLASS:
        return ""
    return (
        f"{_words(column)} of column '{shorten(column.name)}' is read as a missing number; if it is"
        " a class, write type: text for the column"
    )
