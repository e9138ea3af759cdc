"""The format of each column of a text file, decided from all values of the file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from dropnorm.data.formats import ColumnFormat
from dropnorm.data.number_formats import NOT_A_VALUE, ZERO, common_readings, shown
from dropnorm.data.number_marks import decide_marks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dropnorm.data.number_formats import ColumnSpelling, Written

_MOST_EXACT = 2**53
_DIGITS_OF_MOST_EXACT = 16
_DIGITS_OF_PHONES = 8
_MOST = 0.5
# More different words behind numbers are no units.
_MOST_UNITS = 5
_BEHIND = re.compile(rf"-?[9{ZERO}][9.,]*([^-\d9.,{ZERO}()?*!/:#]{{1,12}})")
_SHARES = ("%", "‰")
# Of missing numbers, a warning is due.
_MANY = 1 / 3
_MAY_BE_A_CLASS = {"none", "unknown"}


@dataclass
class Found:
    """The formats of the columns, why they are so, and what should be looked at."""

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
    """Decide how the values of columns are written."""
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
        told = [reason, *_reasons(column, prefix, suffix)]
        if text := "; ".join(filter(None, told)):
            found.reasons[column.name] = text
        if warning := _warning(column):
            found.warnings.append(warning)
    return found


def _holds_numbers(column: ColumnSpelling, found: Found, line_of: Callable[[int], int]) -> bool:
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


def _why_text(column: ColumnSpelling, line_of: Callable[[int], int]) -> tuple[str, str]:
    """Return why a column whose values look like numbers is text: a reason, and a warning."""
    named = f"column '{shown(column.name)}' is read as text"
    count = sum(one.count for one in column.written)
    if column.others:
        share = count / (count + sum(column.others.values()))
        if share <= _MOST:
            return _one_sign(column), ""
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
    if len({one.affixes for one in column.written}) > _MOST_UNITS:
        return "many different words stand behind its numbers: text", ""
    return "", _mixture(column, named)


def _one_sign(column: ColumnSpelling) -> str:
    """Say how numbers can be read that all have the same sign behind them, of no known kind."""
    found = [_BEHIND.fullmatch(shape) for shape in column.others]
    signs = {match[1].strip() for match in found if match}
    if column.written or not all(found) or len(signs) != 1:
        return ""
    value = column.example(next(iter(column.others)))[1]
    (sign,) = signs
    return (
        f"'{value}' and all others have '{sign}' behind a number, which is text; write type: number"
        f" and suffix: '{sign}' for the column if they are amounts"
    )


def _code(column: ColumnSpelling) -> str:
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


def _beyond(column: ColumnSpelling, written: Written) -> str:
    """Return a value of this shape that a floating-point number does not hold exactly."""
    long = column.values.filter(
        pc.greater_equal(pc.utf8_length(column.values), _DIGITS_OF_MOST_EXACT)
    )
    for value in long.to_pylist():
        digits = re.sub("[^0-9]", "", value)
        if len(digits) == len(written.core) and int(digits) > _MOST_EXACT:
            return shown(value)
    return ""


def _mixture(column: ColumnSpelling, named: str) -> str:
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
    # (12,50) is an amount; (1) and 2- may be anything.
    whole = all(set(one.core) <= {"9", ZERO} for one in written)
    if whole and negative - {"minus"} and all(one.negative for one in written):
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


def _both(column: ColumnSpelling, one: Written, other: Written) -> str:
    return f"'{column.example(one.shape)[1]}' and '{column.example(other.shape)[1]}'"


def _negative(column: ColumnSpelling) -> str:
    return next((one.negative for one in column.written if one.negative), "minus")


def _reasons(column: ColumnSpelling, prefix: str, suffix: str) -> list[str]:
    """Say what else is unusual about a column of numbers."""
    reasons = []
    if prefix or suffix:
        one = next(one for one in column.written if one.affixes == (prefix, suffix))
        reasons.append(f"'{column.example(one.shape)[1]}' is read without '{prefix or suffix}'")
    if _negative(column) != "minus":
        one = next(one for one in column.written if one.negative)
        reasons.append(f"'{column.example(one.shape)[1]}' is read as a number below zero")
    if column.words:
        reasons.append(f"{_words(column)}, beside numbers, means that the value is missing")
    return reasons


def _words(column: ColumnSpelling) -> str:
    words = ", ".join(f"'{shown(word)}'" for word in sorted(column.words))
    return f"{words} in {sum(column.words.values())} of {len(column.values)} rows"


def _warning(column: ColumnSpelling) -> str:
    """Warn of words for missing numbers that are many, or may be a class."""
    many = sum(column.words.values()) > _MANY * len(column.values)
    if not many and not {word.lower() for word in column.words} & _MAY_BE_A_CLASS:
        return ""
    return (
        f"{_words(column)} of column '{shown(column.name)}', beside numbers, is read as missing; if"
        " it is a class, write type: text for the column"
    )
