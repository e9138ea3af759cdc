"""Find the shapes of the numbers in a column, and the possible roles of the marks in them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dropnorm.errors import shorten

# Words that pandas reads as missing; in a text column they may be a class.
NOT_A_VALUE = (
    "#n/a", "#n/a n/a", "#na", "-1.#ind", "-1.#qnan", "-nan", "1.#ind", "1.#qnan", "<na>", "n/a",
    "na", "nan", "null", "none",
)  # fmt: skip
# Further words that people and programs write for a missing number.
_MISSING = (
    *NOT_A_VALUE, "?", "-", "--", "–", "—", ".", "..", "...", "…", "*", "/", "missing", "unknown",
    "n.a.", "n.a", "n/d", "n.d.", "k.a.", "k. a.", "nil", "nd", "#div/0!", "#value!", "#ref!",
    "#num!", "#name?", "#null!",
)  # fmt: skip
APOSTROPHES = "’‘"
BLANKS = "\u00a0\u202f\u2007\u2009"
MARKS = (".", ",")
# Stands for a leading zero in a shape; 9 stands for the other digits.
ZERO = "\x01"
_MINUS = "\\-\u2212\u2013"
CURRENCY = "$€£¥₹₽₩₺₫₪฿¢"
_CODES = (
    "AUD|BRL|CAD|CHF|CNY|CZK|DKK|EUR|GBP|HUF|INR|JPY|KRW|MXN|NOK|NZD|PLN|RON|RUB|SEK|TRY|USD|ZAR"
    r"|Rs\.?|kr\.?|Fr\.?|zł|Kč|Ft"
)
_UNITS = (
    "kg|mg|µg|μg|lbs|lb|oz|km|cm|mm|µm|μm|nm|ft|mi|qm|sqm|ha|m²|m³|km²|ml|mL|cl|dl|min|ms|hrs|hr"
    "|sec|kW|kWh|MW|MWh|GWh|kV|mV|mA|Hz|kHz|MHz|GHz|Pa|hPa|kPa|MPa|mbar|bar|psi|kJ|kcal|cal|kN|Nm"
    "|hp|PS|bhp|mph|kmh|km/h|m/s|rpm|dB|kB|KB|MB|GB|TB|px|pt|ppm|ppb|°C|°F|yrs|mmHg"
)
_PREFIX = rf"[A-Z]{{0,2}}[{CURRENCY}]|{_CODES}"
# Units, signs, and words after a blank.
_SUFFIX = rf"[%‰°′″{CURRENCY}]|{_CODES}|{_UNITS}|(?<=[ ])[^\W\d_][^\d()+*?!:;=<>\"#]{{0,14}}"
_CORE = rf"[9{ZERO}](?:[9.,'_ ]*9)?[.,]?|[.,][9{ZERO}]9*"
_SHAPE = re.compile(
    rf"(?P<open>\()?(?P<sign1>[+{_MINUS}])? ?(?:(?P<prefix>{_PREFIX}) ?)?(?P<sign2>[+{_MINUS}])?"
    rf"(?P<core>{_CORE})(?P<exponent>[eE][-+\u2212]?[9{ZERO}]9*)?"
    rf"(?: ?(?P<suffix>{_SUFFIX}))?(?P<behind>(?<=[9{ZERO}])-)?(?P<close>\))?"
)
_FIRST_ZERO = "^([^0-9]*)0"
_INFINITE = re.compile(r"[-+]?inf(inity)?", re.IGNORECASE)
# A necessary condition for _SHAPE, in Arrow's regular expression syntax.
_LIKE_NUMBER = r"^[^9\x01]{0,8}[9\x01][9\x01.,'_ eE+\x{2212}-]*[^9\x01]{0,16}$|(?i)^[-+]?inf"

# Roles of the marks in a number: (decimal mark, thousands separator).
Reading = tuple[str | None, str | None]


@dataclass(frozen=True)
class NumberShape:
    """The common shape of some numbers of a column.

    Attributes:
        core: Digits and marks, without sign, exponent and unit.
        exponent: Whether the numbers have an exponent.
        affixes: Text before and after the numbers, such as a currency or a unit.
        negative: How a negative sign is written, as in a column's format; empty without a sign.
        plus: Whether the numbers have a plus sign.
        count: How many values have this shape.
        shape: The whole text, with 9 for each digit.
    """

    core: str
    exponent: bool
    affixes: tuple[str, str]
    negative: str
    plus: bool
    count: int
    shape: str


@dataclass
class ColumnSpelling:
    """How the values of a column are written.

    Attributes:
        name: Name of the column.
        values: Texts, without surrounding blanks; null where a cell is empty.
        written: Shapes of the numbers.
        others: Shapes that are not numbers, with their counts.
        words: Words that may mean a missing value, with their counts.
        readings: Roles of the marks with which all numbers can be read.
        present: How many values are not null.
    """

    name: str
    values: pa.ChunkedArray
    written: list[NumberShape] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    readings: set[Reading] = field(default_factory=set)
    present: int = 0

    def example(self, shape: str) -> tuple[int, str]:
        """Return the row, from 0, and the text of the first value of a shape."""
        row = pc.index(shapes(self.values), shape).as_py()
        return row, shorten(self.values[row].as_py())

    def affixes(self) -> tuple[str, str]:
        """Return the texts before and after the numbers that have any."""
        return max((one.affixes for one in self.written), key=any, default=("", ""))


def normalize_mark(mark: str) -> str:
    """Return ``" "`` for any kind of blank, ``"'"`` for any apostrophe, else the mark itself."""
    return " " if mark in BLANKS else "'" if mark in APOSTROPHES else mark


def words_for_missing(values: pa.ChunkedArray) -> list[str]:
    """Return the texts that mean a missing value in a number column, sorted."""
    found = values.filter(pc.is_in(pc.utf8_lower(values), pa.array(_MISSING)))
    return sorted(found.unique().to_pylist())


def shapes(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts with 9 for each digit but a leading zero, and with normalized marks."""
    if not pc.all(pc.string_is_ascii(values)).as_py():
        values = pc.replace_substring_regex(values, f"[{BLANKS}]", " ")
        values = pc.replace_substring_regex(values, f"[{APOSTROPHES}]", "'")
    if pc.any(pc.match_substring_regex(values, _FIRST_ZERO)).as_py():
        values = pc.replace_substring_regex(values, _FIRST_ZERO, rf"\1{ZERO}")
    return pa.chunked_array([_with_nines(chunk) for chunk in values.chunks], pa.string())


def _with_nines(texts: pa.StringArray) -> pa.StringArray:
    """Replace the digits of all texts at once; in UTF-8 no other character contains their bytes."""
    valid, offsets, data = texts.buffers()
    if data is None:
        return texts
    characters = np.frombuffer(data, np.uint8).copy()
    characters[(characters >= ord("0")) & (characters <= ord("9"))] = ord("9")
    return pa.StringArray.from_buffers(
        len(texts), offsets, pa.py_buffer(characters), valid, texts.null_count, texts.offset
    )


def analyze_column(name: str, values: pa.ChunkedArray) -> ColumnSpelling:
    """Find the shapes of all values of a column.

    Args:
        name: Name of the column.
        values: Texts, without surrounding blanks; null where a cell is empty.
    """
    column = ColumnSpelling(name, values, present=len(values) - values.null_count)
    if not column.present:
        return column
    counts = shapes(values).drop_null().value_counts()
    found, numbers = counts.field("values"), counts.field("counts")
    like = pc.match_substring_regex(found, _LIKE_NUMBER)
    for shape, count in _pairs(found, numbers, like):
        if (number := _parse_shape(shape, count)) is not None:
            column.written.append(number)
        else:
            column.others[shape] += count
    unlike = pc.invert(like)
    rest, often = found.filter(unlike), numbers.filter(unlike)
    missing = pc.is_in(pc.utf8_lower(rest), pa.array(_MISSING))
    for shape, count in _pairs(rest, often, missing):
        column.words[shape] += count
    others = rest.filter(pc.invert(missing))
    if len(others):
        column.others[others[0].as_py()] += pc.sum(often.filter(pc.invert(missing))).as_py()
    column.readings = common_readings(column.written)
    return column


def _pairs(keys: pa.Array, counts: pa.Array, mask: pa.Array) -> list[tuple[str, int]]:
    chosen = keys.filter(mask).to_pylist(), counts.filter(mask).to_pylist()
    return list(zip(*chosen, strict=True))


def _parse_shape(shape: str, count: int) -> NumberShape | None:
    if _INFINITE.fullmatch(shape):
        return NumberShape("", True, ("", ""), "", False, count, shape)
    found = _SHAPE.fullmatch(shape)
    if found is None or bool(found["open"]) != bool(found["close"]):
        return None
    signs = [sign for sign in (found["sign1"], found["sign2"], found["behind"]) if sign]
    if len(signs) + bool(found["open"]) > 1:
        return None
    negative = ""
    if found["open"]:
        negative = "parentheses"
    elif signs and signs[0] != "+":
        negative = "minus behind" if found["behind"] else "minus"
    affixes = (found["prefix"] or "", (found["suffix"] or "").strip())
    number = NumberShape(
        found["core"], bool(found["exponent"]), affixes, negative, "+" in signs, count, shape
    )
    return number if readings_of(number) else None


def readings_of(number: NumberShape) -> frozenset[Reading]:
    """Return the roles of the marks with which a shape can be read as a number."""
    return _readings(number.core, number.exponent)


@lru_cache
def _readings(core: str, exponent: bool) -> frozenset[Reading]:
    marks = {mark for mark in core if mark not in f"9{ZERO}"}
    readings: set[Reading] = set()
    if not marks:
        return frozenset({(None, None)})
    for decimal in (None, *(mark for mark in MARKS if mark in marks)):
        left = marks - {decimal}
        thousands = next(iter(left), None)
        if len(left) > 1 or (thousands and exponent):
            continue
        pattern = number_pattern(decimal, thousands, first=f"[9{ZERO}]", nonzero="9", digit="9")
        if re.fullmatch(pattern, core):
            readings.add((decimal, thousands))
    return frozenset(readings)


def number_pattern(
    decimal: str | None, thousands: str | None, *, first: str, nonzero: str, digit: str
) -> str:
    """Return the regular expression of a number without sign and exponent.

    Args:
        decimal: Decimal mark, if the number may have one.
        thousands: Thousands separator, if the number may have one.
        first: Expression of the first digit of a number.
        nonzero: Expression of the first digit of a number with a thousands separator.
        digit: Expression of any other digit.
    """
    whole = f"{first}{digit}*"
    if thousands is not None:
        mark = re.escape(thousands)
        grouped = f"{nonzero}{digit}{{0,2}}(?:{mark}{digit}{{3}})+"
        if thousands == ",":  # 12,34,567 as in India
            grouped += f"|{nonzero}{digit}?(?:{mark}{digit}{{2}})+{mark}{digit}{{3}}"
        whole = f"(?:{grouped}|{whole})"
    if decimal is None:
        return whole
    mark = re.escape(decimal)
    return f"(?:{whole}(?:{mark}{digit}*)?|{mark}{first}{digit}*)"


def common_readings(written: list[NumberShape]) -> set[Reading]:
    """Return the roles of the marks with which all shapes can be read as numbers."""
    common: set[Reading] = {(None, None)}
    for one in written:
        common = {
            merged
            for known in common
            for more in readings_of(one)
            if (merged := _merged(known, more)) is not None
        }
    return common


def _merged(one: Reading, other: Reading) -> Reading | None:
    pairs = list(zip(one, other, strict=True))
    if any(None not in pair and pair[0] != pair[1] for pair in pairs):
        return None
    decimal, thousands = (first or second for first, second in pairs)
    return None if decimal is not None and decimal == thousands else (decimal, thousands)
