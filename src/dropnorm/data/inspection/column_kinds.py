"""Recognize the kind of each column of a table: number, category, id, date, and so on."""

from __future__ import annotations

import datetime
import math
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pandas as pd
import scipy

from dropnorm.data.columns import DECIMAL_COMMA, ID_NAME, are_row_ids, as_numbers, is_code_name
from dropnorm.data.inspection.published_split import MOST_FOLDS, published_parts
from dropnorm.data.inspection.two_readings import tell_clock, tell_mixed_percents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Kind(StrEnum):
    """Kind of a column."""

    TARGET = "target"
    GROUP = "group"
    NUMBER = "number"
    ZERO_ONE = "0 or 1"
    CATEGORY = "category"
    ID = "id"
    ENTITY = "entity"
    DATE = "date"
    SPLIT = "split"
    TEXT = "free text"
    CONSTANT = "constant"
    EMPTY = "empty"
    UNUSABLE = "unusable"
    DROPPED = "dropped"


# Kinds that the networks can take.
INPUTS = (Kind.NUMBER, Kind.ZERO_ONE, Kind.CATEGORY)

# Share of missing values above which a column is left out.
_MOSTLY_MISSING = 0.8
# Share of values that must look like a date.
_MOSTLY_DATES = 0.95
# Share of distinct values from which text identifies rows, or entities with several rows.
_NAMES_ROWS = 0.95
_NAMES_ENTITIES = 0.2
# With fewer values, most of them are unique.
ENOUGH = 20
# Mean number of words from which distinct texts are prose.
_PROSE = 4
# The most categories of a one-hot column.
_MOST_CATEGORIES = 1000
# The square of a larger number exceeds float32, which breaks variances.
LARGEST = 1e18
# The most distinct whole numbers that could be classes or codes.
FEW_INTEGERS = 10
# The most distinct codes in a column with the name of codes, and the rows each needs on average.
_MOST_CODES = 100
_ROWS_PER_CODE = 5
# Skewness from which non-negative numbers get a logarithm.
_SKEWED = 3.0
_LOOKED_AT = 2000
# From here on, numbers are easier to read with an exponent.
_HUGE = 1e12
# Dates as whole numbers, of the years from 1800 to 2099.
_COMPACT_DATES = (18000101, 20991231)

# Codes, some of which are digits that begin with a zero.
_PADDED = re.compile(r"0\d+")
_CODE = re.compile(r"\w{1,20}", re.ASCII)
# Share of numbers from which a text column is meant to hold numbers.
MOST = 0.5
_UNNAMED = re.compile(r"Unnamed: \d+")
_DATE_FORMATS = (
    "ISO8601", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y",
    "%d/%m/%y", "%m/%d/%y",
    "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d %b %Y",
    "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %Y", "%B %Y",
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: Name in the header.
        kind: Kind of the column.
        why: Reason for the kind, or a summary of the values, in a line.
        missing: Number of rows without a value.
        distinct: Number of distinct values; 0 if they cannot be compared.
        log1p: For numbers, whether they are skewed so that a logarithm helps.
        repeats: For entities, whether no single one has too many rows to keep them together in a
            split.
        split: For a published split, the section of a study that uses it.
    """

    name: str
    kind: Kind
    why: str
    missing: int = 0
    distinct: int = 0
    log1p: bool = False
    repeats: bool = False
    split: Mapping[str, Any] | None = None


def inspect_column(values: pd.Series, read_as_text: bool) -> Column:
    """Recognize the kind of a column.

    Args:
        values: All values of the column.
        read_as_text: Whether the column was read as text on purpose, so that digits are codes.
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    present = values.dropna()
    missing, distinct = len(values) - len(present), count_distinct(present)
    column = _classify(present, missing, distinct, read_as_text=read_as_text)
    shown = missing and column.kind in (*INPUTS, Kind.SPLIT)
    gaps = f"; missing in {counted(missing, 'row')}" if shown else ""
    return replace(column, why=column.why + gaps, missing=missing, distinct=distinct)


def _classify(  # noqa: PLR0911  # by kind
    present: pd.Series, missing: int, distinct: int, *, read_as_text: bool
) -> Column:
    name, count = str(present.name), len(present) + missing
    if present.empty:
        return Column(name, Kind.EMPTY, "has no value in any row")
    if mixture := _mixture(present):
        return Column(name, Kind.UNUSABLE, mixture)
    if distinct == 1:
        return Column(name, Kind.CONSTANT, f"is {quoted(present.iloc[0])} wherever it has a value")
    if missing > _MOSTLY_MISSING * count:
        return Column(name, Kind.EMPTY, f"missing in {missing} of {count} rows")
    if distinct <= MOST_FOLDS and (parts := published_parts(present)):
        return Column(name, Kind.SPLIT, parts.why, split=parts.section)
    if clock := _tell_durations_or_times(present):
        return Column(name, Kind.UNUSABLE, clock)
    if formats := _date_formats(present):
        how = f", format: '{formats[0]}'" if "%" in formats[0] else ""
        why = f"if newer rows are to be predicted: split: {{method: time, by: {name!r}{how}}}"
        if others := formats[1:]:
            why += f", or '{others[0]}' if that is the order: all values fit both"
        return Column(name, Kind.DATE, why)
    if _UNNAMED.fullmatch(name):
        return Column(name, Kind.UNUSABLE, "has no name in the header")
    if pd.api.types.is_bool_dtype(present.infer_objects()):
        return Column(name, Kind.CATEGORY, "true or false")
    if are_codes(present, read_as_text=read_as_text):
        return _classify_names_or_categories(name, present.astype(str), distinct)
    numbers = as_numbers(present)
    if numbers.notna().all():
        return _classify_numbers(name, numbers, distinct)
    return _classify_texts(name, present.astype(str), distinct)


def are_codes(present: pd.Series, *, read_as_text: bool) -> bool:
    """Return whether texts are codes: digits that begin with a zero, or numbers read as text."""
    if pd.api.types.infer_dtype(present) != "string":
        return False
    texts = present.astype(str)
    padded = texts.str.fullmatch(_PADDED).any() and texts.str.fullmatch(_CODE).all()
    return bool(padded or (read_as_text and as_numbers(texts).notna().all()))


def describe_excess(value: float) -> str:
    """Return what is wrong with a number that the networks cannot take."""
    return "infinite" if math.isinf(value) else "too large for the networks"


def _classify_numbers(name: str, numbers: pd.Series, distinct: int) -> Column:
    whole = bool((numbers == numbers.round()).all())
    if (too_large := numbers.abs() > LARGEST).any():
        row = numbers.index[too_large][0]
        why = f"{numbers[row]} in row {row} is {describe_excess(numbers[row])}"
        return Column(name, Kind.UNUSABLE, why)
    if distinct >= ENOUGH and are_row_ids(numbers):
        counts = distinct == len(numbers) and numbers.max() - numbers.min() == distinct - 1
        from_first = f"counts the rows from {numbers.min():.0f}"
        return Column(name, Kind.ID, from_first if counts else _row_ids(distinct, len(numbers)))
    if whole and distinct >= ENOUGH and ID_NAME.search(name):
        return _classify_names(name, numbers, distinct)
    if set(numbers.unique()) <= {0.0, 1.0}:
        return Column(name, Kind.ZERO_ONE, f"{int(numbers.sum())} ones in {len(numbers)} rows")
    if whole and (codes := _classify_codes(name, numbers, distinct)):
        return codes
    why = f"{distinct} distinct{' whole' if whole else ''} numbers, {range_of(numbers)}"
    if whole and distinct <= min(FEW_INTEGERS, len(numbers) / 5):
        why += "; if they are codes without an order, move it to one_hot"
    skewed = bool(numbers.min() >= 0 and skewness(numbers) > _SKEWED)
    if skewed:
        why += f"; skewed ({skewness(numbers):.1f})"
    return Column(name, Kind.NUMBER, why, log1p=skewed)


def _classify_codes(name: str, numbers: pd.Series, distinct: int) -> Column | None:
    """Return a category if whole numbers are codes, or ``None`` if they may be amounts.

    They are codes if they are only 1 and 2; or if there are up to 100 of them, with five rows each
    on average, in a column whose name ends in id, code, type, origin, store, precinct or centre.
    """
    if set(numbers.unique()) == {1.0, 2.0}:
        return Column(name, Kind.CATEGORY, f"1 or 2: {int((numbers == 1).sum())} ones")
    if is_code_name(name) and distinct <= min(_MOST_CODES, len(numbers) / _ROWS_PER_CODE):
        return Column(name, Kind.CATEGORY, f"{distinct} distinct codes, by the column's name")
    return None


def _classify_texts(name: str, texts: pd.Series, distinct: int) -> Column:
    count, many = len(texts), distinct >= ENOUGH
    words = texts.iloc[:_LOOKED_AT].map(lambda text: len(text.split())).mean()
    if many and distinct >= _NAMES_ENTITIES * count and words >= _PROSE:
        why = f"{words:.0f} words on average, {distinct} distinct in {count}"
        return Column(name, Kind.TEXT, why)
    if unclear := _classify_two_readings(name, texts, distinct):
        return unclear
    numbers = pd.to_numeric(texts, errors="coerce").notna()
    if texts.str.fullmatch(DECIMAL_COMMA).mean() > MOST:
        why = (
            f"numbers with commas, such as {quoted(texts.iloc[0])}; pass --decimal , or"
            " --thousands , to read them"
        )
        return Column(name, Kind.UNUSABLE, why)
    if numbers.mean() > MOST:
        other = quoted(texts[~numbers].iloc[0])
        why = f"numbers in {int(numbers.sum())} of {count} rows, but {other} as well"
        return Column(name, Kind.UNUSABLE, why)
    return _classify_names_or_categories(name, texts, distinct)


def _classify_two_readings(name: str, texts: pd.Series, distinct: int) -> Column | None:
    """Return a column of amounts with two readings; a few times may be categories all the same."""
    if mixture := tell_mixed_percents(texts):
        return Column(name, Kind.UNUSABLE, mixture)
    if clock := tell_clock(texts):
        if distinct >= ENOUGH:
            return Column(name, Kind.UNUSABLE, clock)
        return Column(name, Kind.CATEGORY, f"{distinct} distinct; {clock}")
    return None


def _classify_names_or_categories(name: str, texts: pd.Series, distinct: int) -> Column:
    count, many = len(texts), distinct >= ENOUGH
    if many and (distinct >= _NAMES_ENTITIES * count or ID_NAME.search(name)):
        return _classify_names(name, texts, distinct)
    if distinct > min(_MOST_CATEGORIES, count / 2):
        why = f"{distinct} distinct in {count} rows, too many for categories"
        return Column(name, Kind.TEXT, why)
    why = f"{distinct} distinct, most often {quoted(texts.mode().iloc[0])}"
    if many:
        why += f"; to predict rows of other values: --groups {name!r}"
    return Column(name, Kind.CATEGORY, why)


def _classify_names(name: str, values: pd.Series, distinct: int) -> Column:
    """Distinguish ids of single rows from names of entities with several rows."""
    count = len(values)
    if distinct >= _NAMES_ROWS * count:
        return Column(name, Kind.ID, _row_ids(distinct, count))
    largest = values.value_counts().iloc[0] / count
    why = f"identifies entities with several rows: {distinct} distinct in {count} rows"
    return Column(name, Kind.ENTITY, why, repeats=bool(largest <= _NAMES_ENTITIES))


def _row_ids(distinct: int, count: int) -> str:
    return f"identifies rows: {distinct} distinct in {count} rows"


def counted(number: int, thing: str) -> str:
    """Return a number of things: ``1 row``, ``2 rows``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def skewness(numbers: pd.Series) -> float:
    """Return the skewness of numbers that are not all equal; 0 is symmetric."""
    return float(scipy.stats.skew(numbers.to_numpy()))


def _mixture(present: pd.Series) -> str:
    """Return which types a column mixes, or an empty text."""
    if present.dtype != object:
        return ""
    kinds = present.map(lambda value: type(value).__name__)
    plain = kinds.replace({"float": "number", "int": "number", "Decimal": "number"})
    odd = plain[~plain.isin(["str", "number", "bool", "date", "datetime", "Timestamp", "time"])]
    if len(odd):
        return f"holds a value of the type {odd.iloc[0]}"
    if plain.nunique() > 1:
        return f"mixes {' and '.join(sorted(plain.unique()))} values; correct the table to use it"
    return ""


def _tell_durations_or_times(present: pd.Series) -> str:
    """Say what to do about values of Parquet's types of durations or times of day, or nothing."""
    if pd.api.types.is_timedelta64_dtype(present):
        longest = present.max()
        kinds, seconds = "durations", longest.total_seconds()
    elif isinstance(present.iloc[0], datetime.time):
        longest = present.max()
        kinds = "times of day"
        seconds = 3600 * longest.hour + 60 * longest.minute + longest.second
    else:
        return ""
    return (
        f"{kinds} such as {longest}; to use them as amounts, write plain numbers of one unit, such"
        f" as {seconds:.15g} seconds"
    )


def _date_formats(present: pd.Series) -> list[str]:
    """Return the formats that fit dates best, ``ISO8601`` or as in strptime; empty if none fits.

    There are several if values such as 01/02/2024 do not tell the day from the month.
    """
    if pd.api.types.is_numeric_dtype(present):
        return ["ISO8601"] if _are_compact_dates(present) else []
    first = present.astype(object).iloc[0]
    if not isinstance(first, str):
        dates = ("date", "datetime", "Timestamp")
        return ["ISO8601"] if type(first).__name__ in dates else []
    texts = present.iloc[:_LOOKED_AT].astype(str)
    if pd.to_numeric(texts, errors="coerce").notna().mean() > 1 - _MOSTLY_DATES:
        return []
    times = _read_as_dates(texts, _DATE_FORMATS)
    fits = {written: float(read.notna().mean()) for written, read in times.items()}
    most = max(fits.values())
    if most < _MOSTLY_DATES:
        return []
    first, *others = [written for written, share in fits.items() if share == most]
    formats = [first, *(other for other in others if not times[other].equals(times[first]))]
    if len(formats) == 1 or len(present) <= len(texts):
        return formats
    # The first rows of a table in order of time may be of a few days.
    every = _read_as_dates(present.drop_duplicates().astype(str), formats)
    counts = {written: int(read.notna().sum()) for written, read in every.items()}
    return [written for written in formats if counts[written] == max(counts.values())]


def _read_as_dates(texts: pd.Series, formats: Iterable[str]) -> dict[str, pd.Series]:
    return {
        written: pd.to_datetime(texts, format=written, errors="coerce", utc=True)
        for written in formats
    }


def _are_compact_dates(numbers: pd.Series) -> bool:
    """Return whether all numbers are dates such as 20240131, which are no amounts."""
    if not numbers.between(*_COMPACT_DATES).all() or not (numbers % 1 == 0).all():
        return False
    texts = numbers.astype("int64").astype(str)
    return bool(pd.to_datetime(texts, format="%Y%m%d", errors="coerce").notna().all())


def count_distinct(values: pd.Series) -> int:
    """Return the number of distinct values; 0 if they cannot be compared."""
    try:
        return int(values.nunique())
    except TypeError:  # a list or the like
        return 0


def range_of(numbers: pd.Series) -> str:
    """Return the range of numbers in words."""
    return between(float(numbers.min()), float(numbers.max()))


def between(low: float, high: float) -> str:
    """Return a range in words, to three digits of its width or more."""
    width = high - low  # finite: larger numbers are refused
    digits = math.ceil(math.log10(max(abs(low), abs(high)) / width)) + 3 if width > 0 else 0
    digits = min(max(digits, 6), 17)
    return f"from {_in_full(low, digits)} to {_in_full(high, digits)}"


def _in_full(value: float, digits: int) -> str:
    """Return a number with so many digits, or all before the point; of huge ones an exponent."""
    written = f"{value:.{digits}g}"
    return f"{value:.0f}" if "e+" in written and abs(value) < _HUGE else written


def quoted(value: object) -> str:
    """Return a value for a message, text in quotes, cut to 40 characters."""
    text = str(value) if not isinstance(value, str) else repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"  # noqa: PLR2004
