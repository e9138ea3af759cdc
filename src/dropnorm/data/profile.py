"""A look at a table: what kind of thing each column holds, and why it is taken for that."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from dropnorm.data.validation import to_text
from dropnorm.errors import BadInputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from dropnorm.study.schema import Task


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
_ENOUGH = 20
# Mean number of words from which distinct texts are prose.
_PROSE = 4
# The most categories that become inputs of their own.
_MOST_CATEGORIES = 1000
# Above a number's float32 square, as variances need it.
_LARGEST = 1e18
# Distinct whole numbers up to which a column could be names of classes or codes.
FEW_INTEGERS = 10
# Of a classification: distinct values for each row, and how many are named.
_MOST_CLASSES = 0.5
_NAMED_CLASSES = 4
# Skewness from which a logarithm is taken of what is not negative.
_SKEWED = 3.0
_LOOKED_AT = 2000

# Codes of digits, some of which begin with a zero; a letter may stand among them.
_PADDED = re.compile(r"0\d+")
_CODE = re.compile(r"\w{1,20}", re.ASCII)
_ID_NAME = re.compile(r"(?i:(^|[\s_.-])(id|uuid|guid))$|[a-z](Id|ID|UUID)$")
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d+,\d+\s*")
# Share of a column's texts that tell what it is meant to hold.
_MOST = 0.5
# What may be wrong where all columns are one.
_ALONE = (
    "if something else than , ; | or a tab separates its columns, write format: {sep: ...} in a"
    " catalog entry of the type dropnorm.datasets.TableDataset"
)
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
class Inspection:
    """A table, looked at.

    Attributes:
        rows: Those that have a target, and a group if groups are asked for.
        without_target: Rows left out for the want of either.
        columns: In the table's order.
        task: What the target is for.
        target: Of the rows above: numbers, whose statistics choose the scale, or names of classes.
        identical: Rows whose inputs equal those of another row.
    """

    rows: int
    without_target: int
    columns: tuple[Column, ...]
    task: Task
    target: pd.Series
    identical: int

    def of_kind(self, *kinds: Kind) -> list[Column]:
        """Return the columns of these kinds, in the table's order."""
        return [column for column in self.columns if column.kind in kinds]

    @property
    def ambiguous_target(self) -> bool:
        """Whether amounts could be meant as classes: few distinct whole numbers, or two of any."""
        if self.task != "regression":
            return False
        return _is_binary(self.target) or _are_few_whole(self.target, FEW_INTEGERS)

    @property
    def numbered_classes(self) -> bool:
        """Whether the names of two classes are whole numbers, and could be meant as amounts."""
        if self.task != "classification":
            return False
        numbers = as_numbers(self.target)
        return _is_binary(numbers) and _are_few_whole(numbers, 2)


def inspect_table(
    table: pd.DataFrame,
    target: str,
    groups: str | None = None,
    drop: Sequence[str] = (),
    task: Task | None = None,
    texts: Collection[str] = (),
) -> Inspection:
    """Look at each column of a table, and take it for something.

    Args:
        table: As it was read; it is not changed.
        target: Column to predict.
        groups: Column whose values are to stand in one part of a split each.
        drop: Columns to leave out.
        task: What the target is for; left out, it is a classification if the target is text, true
            and false, or two distinct whole numbers, and else a regression.

        texts: Columns that were read as text on purpose: digits in them are codes.

    Raises:
        BadInputError: If a column named here is not there, or if the target is nothing that can be
            predicted.
    """
    names = [str(name) for name in table.columns]
    table = table.set_axis(names, axis="columns").reset_index(drop=True)
    _check_names(names, target, groups, drop)
    if table.empty:
        raise BadInputError("has a header but no rows; a study needs rows to train and validate on")
    if table[target].isna().all():
        raise BadInputError(f"column '{target}' is the target, and has no value in any row")
    if task is None:
        codes = _are_codes(table[target].dropna(), read_as_text=target in texts)
        task = "classification" if codes else _task_of(table[target])
    values = _target_numbers(table[target]) if task == "regression" else to_text(table[target])
    usable = values.notna() if groups is None else values.notna() & table[groups].notna()
    if not usable.any():
        raise BadInputError(f"no row has both a target '{target}' and a group '{groups}'")
    rows, values = table.loc[usable], values[usable]
    _refuse_target(values, task)
    given = {name: Column(name, Kind.DROPPED, "left out with --drop") for name in drop}
    given[target] = _target(values, task)
    if groups is not None:
        distinct = _distinct(rows[groups])
        given[groups] = Column(
            groups, Kind.GROUP, f"{distinct} groups, each in one part of a split", 0, distinct
        )
    columns = tuple(given.get(name) or _inspect(rows[name], name in texts) for name in names)
    if groups is not None:
        columns = tuple(_beside_groups(column, rows, groups) for column in columns)
    inputs = [column.name for column in columns if column.kind in INPUTS]
    identical = int(rows.duplicated(subset=inputs, keep=False).sum()) if inputs else 0
    return Inspection(len(rows), len(table) - len(rows), columns, task, values, identical)


def _check_names(names: list[str], target: str, groups: str | None, drop: Sequence[str]) -> None:
    asked = [("--target", target), *(("--drop", name) for name in drop)]
    if groups is not None:
        asked.append(("--groups", groups))
    for option, name in asked:
        if name not in names:
            hint = did_you_mean(name, names)
            shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")  # noqa: PLR2004
            alone = f"; {_ALONE}" if len(names) == 1 and not hint else ""
            raise BadInputError(f"{option}: has no column '{name}'{hint} (it has {shown}){alone}")
        if names.count(name) > 1:
            raise BadInputError(f"has the column '{name}' more than once; rename one of them")
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise BadInputError(f"has the column '{repeated[0]}' more than once; rename one of them")
    for option, name in asked[1:]:
        if name == target:
            raise BadInputError(f"{option}: '{name}' is the target; it cannot be both")
    if groups in drop:
        raise BadInputError(f"--drop: '{groups}' is the column of --groups; it cannot be both")


def _task_of(values: pd.Series) -> Task:
    """Take text, true and false, and two whole numbers for classes; other numbers for amounts.

    A column of numbers with mistakes stays one.
    """
    present = values.dropna()
    if pd.api.types.is_bool_dtype(present.infer_objects()):
        return "classification"
    numbers = as_numbers(present)
    if numbers.notna().all() and _are_few_whole(numbers, 2) and _is_binary(numbers):
        return "classification"
    return "regression" if numbers.notna().mean() >= _MOST else "classification"


def _is_binary(numbers: pd.Series) -> bool:
    return int(numbers.nunique()) == 2  # noqa: PLR2004


def _are_few_whole(numbers: pd.Series, few: int) -> bool:
    whole = (numbers.abs() <= _LARGEST) & (numbers == numbers.round())
    return bool(whole.all()) and int(numbers.nunique()) <= few


def _target_numbers(values: pd.Series) -> pd.Series:
    """Return the target as float64."""
    numbers = as_numbers(values)
    bad = numbers.isna() & values.notna()
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise BadInputError(
            f"column '{values.name}' is the target, and {_shown(values.iloc[row])} in row {row} is"
            f" no number ({int(bad.sum())} of {len(values)} rows); {_instead_of_numbers(values)}"
        )
    return numbers


def _instead_of_numbers(values: pd.Series) -> str:
    """Return what to do about a target with values that are no numbers."""
    if values.nunique() > max(_MOST_CLASSES * len(values), 2):
        return (
            "mend these values, or choose another column for --target; if all are numbers with a"
            " mark or a unit, a catalog entry of the type dropnorm.datasets.TableDataset reads them"
        )
    return "mend the table, or take the values for names of classes with --task classification"


def _instead_of_classes(values: pd.Series) -> str:
    """Return what to do about a target with too many classes."""
    if as_numbers(values).notna().all():
        return "choose another column for --target, or --task regression"
    return "choose another column for --target, or put its values together"


def _refuse_target(values: pd.Series, task: Task) -> None:
    if values.nunique() == 1:
        only = values.iloc[0]
        raise BadInputError(
            f"column '{values.name}' is {only if task == 'classification' else f'{only:g}'} in"
            " every row: there is nothing to predict; choose another column for --target"
        )
    if task == "classification":
        distinct = int(values.nunique())
        if distinct > max(_MOST_CLASSES * len(values), 2):
            raise BadInputError(
                f"column '{values.name}' is the target, and has {distinct} distinct values in"
                f" {len(values)} rows: too many to be classes; {_instead_of_classes(values)}"
            )
    elif (too_large := values.abs() > _LARGEST).any():
        row = values.index[too_large][0]
        raise BadInputError(
            f"column '{values.name}' is the target, and {values[row]} in row {row} is"
            f" {_too_large(values[row])}; mend the table"
        )


def _target(values: pd.Series, task: Task) -> Column:
    name, distinct = str(values.name), int(values.nunique())
    if task == "regression":
        return Column(name, Kind.TARGET, _range(values), distinct=distinct)
    counts = values.value_counts()
    named = [f"{_shown(label)} in {counted(count, 'row')}" for label, count in counts.items()]
    told = ", ".join(named[:_NAMED_CLASSES])
    if distinct > _NAMED_CLASSES:
        told += f", …, and least often {named[-1]}"
    return Column(name, Kind.TARGET, told, distinct=distinct)


@dataclass(frozen=True)
class _Verdict:
    """What a column is taken for; see :class:`Column`."""

    kind: Kind
    why: str
    log1p: bool = False
    repeats: bool = False


def _inspect(values: pd.Series, read_as_text: bool) -> Column:
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    present = values.dropna()
    missing, distinct = len(values) - len(present), _distinct(present)
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


def _beside_groups(column: Column, rows: pd.DataFrame, groups: str) -> Column:
    """Leave out categories that are but other names of the groups: no new group has one of them."""
    if column.kind is not Kind.CATEGORY or column.distinct < _ENOUGH:
        return column
    by_group = rows.groupby(groups)[column.name].nunique()
    if by_group.max() > 1 or column.distinct <= len(by_group) / 2:
        return column
    why = f"names the groups: {column.distinct} distinct, one in each of {len(by_group)}"
    return replace(column, kind=Kind.ENTITY, why=why)


def _judge(  # noqa: PLR0911  # by kind
    present: pd.Series, missing: int, distinct: int, *, read_as_text: bool
) -> _Verdict:
    name, count = str(present.name), len(present) + missing
    if present.empty:
        return _Verdict(Kind.EMPTY, "has no value in any row")
    if mixture := _mixture(present):
        return _Verdict(Kind.UNUSABLE, mixture)
    if distinct == 1:
        return _Verdict(Kind.CONSTANT, f"is {_shown(present.iloc[0])} wherever it has a value")
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
    if _are_codes(present, read_as_text=read_as_text):
        return _judge_names_or_categories(name, present.astype(str), distinct)
    numbers = as_numbers(present)
    if numbers.notna().all():
        return _judge_numbers(name, numbers, distinct)
    return _judge_texts(name, present.astype(str), distinct)


def _are_codes(present: pd.Series, *, read_as_text: bool) -> bool:
    """Tell codes, which are text: digits behind a zero, or numbers that were read as text."""
    if pd.api.types.infer_dtype(present) != "string":
        return False
    texts = present.astype(str)
    padded = texts.str.fullmatch(_PADDED).any() and texts.str.fullmatch(_CODE).all()
    return bool(padded or (read_as_text and as_numbers(texts).notna().all()))


def _too_large(value: float) -> str:
    return "infinite" if math.isinf(value) else "too large for the networks"


def _judge_numbers(name: str, numbers: pd.Series, distinct: int) -> _Verdict:
    whole = bool((numbers == numbers.round()).all())
    if (too_large := numbers.abs() > _LARGEST).any():
        row = numbers.index[too_large][0]
        told = f"{numbers[row]} in row {row} is {_too_large(numbers[row])}"
        return _Verdict(Kind.UNUSABLE, told)
    unique = whole and distinct >= _ENOUGH and distinct == len(numbers)
    if unique and numbers.max() - numbers.min() == distinct - 1:
        return _Verdict(Kind.ID, f"counts the rows from {numbers.min():.0f}")
    if whole and distinct >= _ENOUGH and _ID_NAME.search(name):
        return _judge_names(numbers, distinct)
    if set(numbers.unique()) <= {0.0, 1.0}:
        return _Verdict(Kind.ZERO_ONE, f"{int(numbers.sum())} ones in {len(numbers)} rows")
    told = f"{distinct} distinct{' whole' if whole else ''} numbers, {_range(numbers)}"
    if whole and distinct <= min(FEW_INTEGERS, len(numbers) / 5):
        told += "; if they are codes without an order, move it to one_hot"
    skewed = bool(numbers.min() >= 0 and skewness(numbers) > _SKEWED)
    if skewed:
        told += f"; skewed ({skewness(numbers):.1f})"
    return _Verdict(Kind.NUMBER, told, log1p=skewed)


def _judge_texts(name: str, texts: pd.Series, distinct: int) -> _Verdict:
    count, many = len(texts), distinct >= _ENOUGH
    words = texts.iloc[:_LOOKED_AT].map(lambda text: len(text.split())).mean()
    if many and distinct >= _NAMES_ENTITIES * count and words >= _PROSE:
        return _Verdict(Kind.TEXT, f"{words:.0f} words on average, {distinct} distinct in {count}")
    numbers = pd.to_numeric(texts, errors="coerce").notna()
    if texts.str.fullmatch(_DECIMAL_COMMA).mean() > _MOST:
        return _Verdict(
            Kind.UNUSABLE,
            f"numbers with commas, as {_shown(texts.iloc[0])}: --decimal , or --thousands , says"
            " what these are",
        )
    if numbers.mean() > _MOST:
        other = _shown(texts[~numbers].iloc[0])
        return _Verdict(
            Kind.UNUSABLE, f"numbers in {int(numbers.sum())} of {count} rows, but {other} as well"
        )
    return _judge_names_or_categories(name, texts, distinct)


def _judge_names_or_categories(name: str, texts: pd.Series, distinct: int) -> _Verdict:
    count, many = len(texts), distinct >= _ENOUGH
    if many and (distinct >= _NAMES_ENTITIES * count or _ID_NAME.search(name)):
        return _judge_names(texts, distinct)
    if distinct > min(_MOST_CATEGORIES, count / 2):
        return _Verdict(Kind.TEXT, f"{distinct} distinct in {count} rows, too many for categories")
    told = f"{distinct} distinct, most often {_shown(texts.mode().iloc[0])}"
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


def as_numbers(values: pd.Series) -> pd.Series:
    """Return float64; missing where a value is no number."""
    if pd.api.types.is_complex_dtype(values):
        return pd.Series(np.nan, index=values.index, name=values.name)
    if not pd.api.types.is_numeric_dtype(values):
        plain = values.astype(object)
        known = plain.map(lambda value: isinstance(value, (str, int, float, Decimal, np.number)))
        values = plain.where(known)
    return pd.to_numeric(values, errors="coerce").astype(np.float64)


def counted(number: int, thing: str) -> str:
    """Return a number of things: ``1 row``, ``2 rows``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def skewness(numbers: pd.Series) -> float:
    """Return the skewness of numbers that are not all equal; 0 is none."""
    return float(stats.skew(numbers.to_numpy()))


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


def _distinct(values: pd.Series) -> int:
    try:
        return int(values.nunique())
    except TypeError:  # a list or the like
        return 0


def _range(numbers: pd.Series) -> str:
    return f"from {numbers.min():.6g} to {numbers.max():.6g}"


def _shown(value: object) -> str:
    text = str(value) if not isinstance(value, str) else repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"  # noqa: PLR2004
