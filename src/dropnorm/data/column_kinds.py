"""What kind of thing a column holds, and why it is taken for that."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd
import scipy

from dropnorm.data.columns import DECIMAL_COMMA, ID_NAME, as_numbers, name_kinds, name_rows


class Kind(StrEnum):
    """What a column holds."""

    TARGET = "target"
    GROUP = "group"
    NUMBER = "number"
    ZERO_ONE = "0 or 1"
    CATEGORY = "category"
    ID = "id"
    ENTITY = "entity"
    DATE = "date"
    TEXT = "free text"
    CONSTANT = "constant"
    EMPTY = "empty"
    UNUSABLE = "unusable"
    DROPPED = "dropped"


# What the networks can take.
INPUTS = (Kind.NUMBER, Kind.ZERO_ONE, Kind.CATEGORY)

# A column that is missing in more of the rows says little about them.
_MOSTLY_MISSING = 0.8
# Share of values that must look like a date.
_MOSTLY_DATES = 0.95
# Share of distinct values from which text names rows, or what they are of.
_NAMES_ROWS = 0.95
_NAMES_ENTITIES = 0.2
# Below so many values everything is nearly unique.
ENOUGH = 20
# Mean number of words from which distinct texts are prose.
_PROSE = 4
# The most categories that become inputs of their own.
_MOST_CATEGORIES = 1000
# Above a number's float32 square, as variances need it.
LARGEST = 1e18
# Distinct whole numbers up to which a column could be names of classes or codes.
FEW_INTEGERS = 10
# The most whole numbers that are taken for codes by their column's name, and rows of each.
_MOST_CODES = 100
_ROWS_PER_CODE = 5
# Skewness from which a logarithm is taken of what is not negative.
_SKEWED = 3.0
_LOOKED_AT = 2000

# Codes of digits, some of which begin with a zero; a letter may stand among them.
_PADDED = re.compile(r"0\d+")
_CODE = re.compile(r"\w{1,20}", re.ASCII)
# Share of a column's texts that tell what it is meant to hold.
MOST = 0.5
_UNNAMED = re.compile(r"Unnamed: \d+")
_DATE_FORMATS = (
    "ISO8601", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y",
    "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d %b %Y",
    "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %Y", "%B %Y",
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: As in the header.
        kind: What it holds.
        why: Why it is taken for that, or what it holds, in a line.
        missing: Rows without a value.
        distinct: Values that differ; 0 if they cannot be compared.
        log1p: Of numbers: whether a logarithm would bring them closer together.
        repeats: Of an entity: whether its rows are told apart from others well enough to keep them
            together in a split.
    """

    name: str
    kind: Kind
    why: str
    missing: int = 0
    distinct: int = 0
    log1p: bool = False
    repeats: bool = False


@dataclass(frozen=True)
class _Verdict:
    """What a column is taken for; see :class:`Column`."""

    kind: Kind
    why: str
    log1p: bool = False
    repeats: bool = False


def inspect_column(values: pd.Series, read_as_text: bool) -> Column:
    """Say what kind of thing a column holds, and why it is taken for that."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    present = values.dropna()
    missing, distinct = len(values) - len(present), count_distinct(present)
    verdict = _judge(present, missing, distinct, read_as_text=read_as_text)
    told = f"; missing in {counted(missing, 'row')}" if missing and verdict.kind in INPUTS else ""
    return Column(
        str(values.name),
        verdict.kind,
        verdict.why + told,
        missing,
        distinct,
        verdict.log1p,
        verdict.repeats,
    )


def _judge(  # noqa: PLR0911  # by kind
    present: pd.Series, missing: int, distinct: int, *, read_as_text: bool
) -> _Verdict:
    name, count = str(present.name), len(present) + missing
    if present.empty:
        return _Verdict(Kind.EMPTY, "has no value in any row")
    if mixture := _mixture(present):
        return _Verdict(Kind.UNUSABLE, mixture)
    if distinct == 1:
        return _Verdict(Kind.CONSTANT, f"is {quoted(present.iloc[0])} wherever it has a value")
    if missing > _MOSTLY_MISSING * count:
        return _Verdict(Kind.EMPTY, f"missing in {missing} of {count} rows")
    if written := _date_format(present):
        how = f", format: '{written}'" if "%" in written else ""
        return _Verdict(
            Kind.DATE,
            f"if newer rows are to be predicted: split: {{method: time, by: {name!r}{how}}}",
        )
    if _UNNAMED.fullmatch(name):
        return _Verdict(Kind.UNUSABLE, "has no name in the header")
    if pd.api.types.is_bool_dtype(present.infer_objects()):
        return _Verdict(Kind.CATEGORY, "true or false")
    if are_codes(present, read_as_text=read_as_text):
        return _judge_names_or_categories(name, present.astype(str), distinct)
    numbers = as_numbers(present)
    if numbers.notna().all():
        return _judge_numbers(name, numbers, distinct)
    return _judge_texts(name, present.astype(str), distinct)


def are_codes(present: pd.Series, *, read_as_text: bool) -> bool:
    """Tell codes, which are text: digits behind a zero, or numbers that were read as text."""
    if pd.api.types.infer_dtype(present) != "string":
        return False
    texts = present.astype(str)
    padded = texts.str.fullmatch(_PADDED).any() and texts.str.fullmatch(_CODE).all()
    return bool(padded or (read_as_text and as_numbers(texts).notna().all()))


def why_too_large(value: float) -> str:
    """Say what is wrong with a number that no network takes."""
    return "infinite" if math.isinf(value) else "too large for the networks"


def _judge_numbers(name: str, numbers: pd.Series, distinct: int) -> _Verdict:
    whole = bool((numbers == numbers.round()).all())
    if (too_large := numbers.abs() > LARGEST).any():
        row = numbers.index[too_large][0]
        told = f"{numbers[row]} in row {row} is {why_too_large(numbers[row])}"
        return _Verdict(Kind.UNUSABLE, told)
    if distinct >= ENOUGH and name_rows(numbers):
        counts = distinct == len(numbers) and numbers.max() - numbers.min() == distinct - 1
        if counts:
            told = f"counts the rows from {numbers.min():.0f}"
        else:
            told = f"names rows: {distinct} distinct in {len(numbers)} rows"
        return _Verdict(Kind.ID, told)
    if whole and distinct >= ENOUGH and ID_NAME.search(name):
        return _judge_names(numbers, distinct)
    if set(numbers.unique()) <= {0.0, 1.0}:
        return _Verdict(Kind.ZERO_ONE, f"{int(numbers.sum())} ones in {len(numbers)} rows")
    if whole and (codes := _judge_codes(name, numbers, distinct)):
        return codes
    told = f"{distinct} distinct{' whole' if whole else ''} numbers, {range_of(numbers)}"
    if whole and distinct <= min(FEW_INTEGERS, len(numbers) / 5):
        told += "; if they are codes without an order, move it to one_hot"
    skewed = bool(numbers.min() >= 0 and skewness(numbers) > _SKEWED)
    if skewed:
        told += f"; skewed ({skewness(numbers):.1f})"
    return _Verdict(Kind.NUMBER, told, log1p=skewed)


def _judge_codes(name: str, numbers: pd.Series, distinct: int) -> _Verdict | None:
    """Take whole numbers for categories where they are codes; None where they may be amounts.

    They are codes where they are 1 and 2 alone; or up to 100, with five rows to a value on average,
    in a column whose name ends in id, code, type, origin, store, precinct or centre.
    """
    if set(numbers.unique()) == {1.0, 2.0}:
        return _Verdict(Kind.CATEGORY, f"1 or 2: {int((numbers == 1).sum())} ones")
    if name_kinds(name) and distinct <= min(_MOST_CODES, len(numbers) / _ROWS_PER_CODE):
        return _Verdict(Kind.CATEGORY, f"{distinct} distinct codes, by the column's name")
    return None


def _judge_texts(name: str, texts: pd.Series, distinct: int) -> _Verdict:
    count, many = len(texts), distinct >= ENOUGH
    words = texts.iloc[:_LOOKED_AT].map(lambda text: len(text.split())).mean()
    if many and distinct >= _NAMES_ENTITIES * count and words >= _PROSE:
        return _Verdict(Kind.TEXT, f"{words:.0f} words on average, {distinct} distinct in {count}")
    numbers = pd.to_numeric(texts, errors="coerce").notna()
    if texts.str.fullmatch(DECIMAL_COMMA).mean() > MOST:
        return _Verdict(
            Kind.UNUSABLE,
            f"numbers with commas, as {quoted(texts.iloc[0])}: --decimal , or --thousands , says"
            " what these are",
        )
    if numbers.mean() > MOST:
        other = quoted(texts[~numbers].iloc[0])
        return _Verdict(
            Kind.UNUSABLE, f"numbers in {int(numbers.sum())} of {count} rows, but {other} as well"
        )
    return _judge_names_or_categories(name, texts, distinct)


def _judge_names_or_categories(name: str, texts: pd.Series, distinct: int) -> _Verdict:
    count, many = len(texts), distinct >= ENOUGH
    if many and (distinct >= _NAMES_ENTITIES * count or ID_NAME.search(name)):
        return _judge_names(texts, distinct)
    if distinct > min(_MOST_CATEGORIES, count / 2):
        return _Verdict(Kind.TEXT, f"{distinct} distinct in {count} rows, too many for categories")
    told = f"{distinct} distinct, most often {quoted(texts.mode().iloc[0])}"
    if many:
        told += f"; if others are to be predicted as well: --groups {name!r}"
    return _Verdict(Kind.CATEGORY, told)


def _judge_names(values: pd.Series, distinct: int) -> _Verdict:
    """Tell what names rows from what names that which several rows are of."""
    count = len(values)
    told = f"{distinct} distinct in {count} rows"
    if distinct >= _NAMES_ROWS * count:
        return _Verdict(Kind.ID, f"names rows: {told}")
    largest = values.value_counts().iloc[0] / count
    return _Verdict(
        Kind.ENTITY,
        f"names what rows are of: {told}",
        repeats=bool(largest <= _NAMES_ENTITIES),
    )


def counted(number: int, thing: str) -> str:
    """Return a number of things: ``1 row``, ``2 rows``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def skewness(numbers: pd.Series) -> float:
    """Return the skewness of numbers that are not all equal; 0 is none."""
    return float(scipy.stats.skew(numbers.to_numpy()))


def _mixture(present: pd.Series) -> str:
    """Say what a column mixes that is not one kind of thing."""
    if present.dtype != object:
        return ""
    kinds = present.map(lambda value: type(value).__name__)
    plain = kinds.replace({"float": "number", "int": "number", "Decimal": "number"})
    odd = plain[~plain.isin(["str", "number", "bool", "date", "datetime", "Timestamp", "time"])]
    if len(odd):
        return f"holds a value of the type {odd.iloc[0]}"
    if plain.nunique() > 1:
        return f"mixes {' and '.join(sorted(plain.unique()))} values; mend the table to use it"
    return ""


def _date_format(present: pd.Series) -> str:
    """Return how dates are written, ``ISO8601`` or as in strptime; nothing if these are none."""
    if pd.api.types.is_datetime64_any_dtype(present) or pd.api.types.is_timedelta64_dtype(present):
        return "ISO8601"
    if pd.api.types.is_numeric_dtype(present):
        return ""
    first = present.astype(object).iloc[0]
    if not isinstance(first, str):
        return (
            "ISO8601" if type(first).__name__ in ("date", "datetime", "Timestamp", "time") else ""
        )
    texts = present.iloc[:_LOOKED_AT].astype(str)
    if pd.to_numeric(texts, errors="coerce").notna().mean() > 1 - _MOSTLY_DATES:
        return ""
    for written in _DATE_FORMATS:
        times = pd.to_datetime(texts, format=written, errors="coerce", utc=True)
        if times.notna().mean() >= _MOSTLY_DATES:
            return written
    return ""


def count_distinct(values: pd.Series) -> int:
    """Return how many different values there are; 0 where that cannot be told."""
    try:
        return int(values.nunique())
    except TypeError:  # a list or the like
        return 0


def range_of(numbers: pd.Series) -> str:
    """Return the least and the largest of numbers, in words."""
    return f"from {numbers.min():.6g} to {numbers.max():.6g}"


def quoted(value: object) -> str:
    """Return a value as a message quotes it, cut where it is long."""
    text = str(value) if not isinstance(value, str) else repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"  # noqa: PLR2004
