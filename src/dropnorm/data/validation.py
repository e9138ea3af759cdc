"""What a study asks of its table, checked before anything is made of it."""

from __future__ import annotations

import unicodedata
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dropnorm.data.columns import DECIMAL_COMMA, NUMBERS, as_numbers, with_named_index
from dropnorm.errors import BadInputError, did_you_mean
from dropnorm.study.split import TimeSplit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from dropnorm.study.schema import Study

# The networks' numbers are float32.
_LARGEST = float(np.finfo(np.float32).max)
# Columns of a table that are named where one is not found.
_SHOWN = 12
_SEPARATED = (
    "the header is a single column, {!r}: the file is separated by something else; write it in its"
    " catalog entry: format: {{sep: ...}}, or load_args: {{sep: ...}} of a pandas.CSVDataset"
)


def check_table(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return the rows that the study uses, checked.

    Args:
        table: The table as it was read; it is not changed.
        study: Says which columns must be there, and what happens to rows with missing values.

    Returns:
        The study's columns of the rows it uses: numbers as float64, categories and classes
        as text; values are missing only in inputs that the study imputes. The index is the row's
        position in ``table``, from 0, and has no name: any name may be that of a column.

    Raises:
        BadInputError: Names the column and the row (from 0, below the header) of what is wrong.
    """
    rows = _take_columns(table, study.columns)
    if rows.empty:
        raise BadInputError("has a header but no rows; a study needs rows to train and validate on")
    _refuse_all_missing(rows, study)
    rows = _converted(rows, study)
    target = study.target.column
    # What cannot be imputed: a row is of no use without it.
    inputs = set(study.preprocessing.columns)
    needed = [name for name in rows.columns if name not in inputs]
    rows = _without_missing(rows, study, needed if study.missing == "impute" else rows.columns)
    if (rows[target] == rows[target].iloc[0]).all():
        raise BadInputError(
            f"column '{target}' is {_as_text(rows[target].iloc[0])} in every row: there is nothing"
            " to predict; choose another column for target.column"
        )
    return rows


def check_new_rows(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return the inputs of rows whose target is to be predicted, checked.

    Args:
        table: Has the study's input columns, in any order; others are not looked at.
        study: Says which columns these are, and whether missing values are imputed.

    Returns:
        The input columns of every row, as :func:`check_table` returns them.

    Raises:
        BadInputError: As of :func:`check_table`; a missing value is refused unless it is imputed.
    """
    rows = _take_columns(table, study.preprocessing.columns)
    if rows.empty:
        raise BadInputError("has a header but no rows; there is nothing to predict")
    rows = _converted(rows, study)
    incomplete = rows.isna().any(axis="columns")
    if study.missing != "impute" and incomplete.any():
        raise BadInputError(
            f"{_first_missing(rows, incomplete)}; mend the table, or leave such rows out: the study"
            " does not impute missing values"
        )
    return rows


def _take_columns(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    table = with_named_index(table)
    named = table.set_axis([str(name) for name in table.columns], axis="columns")
    _check_columns(named, columns)
    return named.loc[:, list(columns)].reset_index(drop=True)


def missing_columns(table: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Say which columns a table has not: a line for each, or one if it was not read as meant."""
    names = [str(name) for name in table.columns]
    known = set(names)
    missing = [column for column in columns if column not in known]
    if missing and len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        return [f"has no column {_listed(missing)}; {_SEPARATED.format(names[0][:60])}"]
    return [f"has no column '{column}'{_hint(column, names)}" for column in missing]


def _check_columns(table: pd.DataFrame, columns: Sequence[str]) -> None:
    names = list(table.columns)
    known = set(names)
    missing = [column for column in columns if column not in known]
    if missing:
        told = missing_columns(table, columns)
        if len(missing) > 1 and len(told) > 1:
            told = [f"has no column {_listed(missing)}{_hint(missing[0], names)}"]
        raise BadInputError(told[0])
    repeated = table.columns[table.columns.duplicated()].intersection(list(columns))
    if len(repeated):
        raise BadInputError(f"has the column '{repeated[0]}' more than once; rename one of them")


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(f"'{column}'" for column in columns)


def _hint(column: str, names: list[str]) -> str:
    """Return the nearest name, or some of those that there are."""
    for name in names:
        if unicodedata.normalize("NFKC", name) == unicodedata.normalize("NFKC", column):
            here, there = _first_difference(column, name)
            return (
                f"; it has '{name}', which looks alike and differs in its Unicode form ({there}"
                f" where the study has {here}): copy the name from the table into the study"
            )
    return did_you_mean(column, names) or (
        f"; it has {', '.join(names[:_SHOWN])}{', …' if len(names) > _SHOWN else ''}"
    )


def _first_difference(one: str, other: str) -> tuple[str, str]:
    """Return where two texts begin to differ: the code points of each, up to two."""
    place = next((n for n, pair in enumerate(zip(one, other, strict=False)) if len({*pair}) > 1), 0)
    codes = [" ".join(f"U+{ord(c):04X}" for c in text[place : place + 2]) for text in (one, other)]
    return codes[0], codes[1]


def _refuse_all_missing(rows: pd.DataFrame, study: Study) -> None:
    empty = rows.columns[rows.isna().all()]
    if len(empty):
        raise BadInputError(
            f"nothing stands in column {_listed(empty)}: missing in all {len(rows)} rows;"
            f" {_without(empty[0], study)}"
        )


def _without(column: str, study: Study) -> str:
    """Return what to do about a column that is of no use to a study."""
    if column == study.target.column:
        return "choose another column for target.column"
    if column in study.split.columns:
        return "choose another column to split by"
    return "leave the column out of the study"


def _converted(rows: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Check the values of each column for what the study makes of it, and convert them."""
    of_numbers, of_categories = set(study.numbers), set(study.categories)
    converted = {name: as_numbers(rows[name]) for name in rows.columns if name in of_numbers}
    _check_numbers(rows, study, converted)
    for name in rows.columns:
        if name in of_categories:
            _refuse_mixed(rows[name])
            _check_order(rows[name], study)
            converted[name] = to_text(rows[name])
        elif name not in of_numbers and not isinstance(study.split, TimeSplit):
            _refuse_mixed(rows[name])
    # Not assign(), whose own argument a column may be called.
    return pd.DataFrame({name: converted.get(name, rows[name]) for name in rows.columns})


def to_text(values: pd.Series) -> pd.Series:
    """Return each value as text, whole numbers without a point; missing stays missing."""
    plain = values.astype(object)
    return plain.where(plain.isna(), plain.map(_as_text)).where(plain.notna(), np.nan)


def _as_text(value: object) -> str:
    # 1.0 and 1 are one category: a missing value further down makes floats of integers.
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, (bool, np.bool_)):
        return "true or false"
    return "numbers" if isinstance(value, NUMBERS) else type(value).__name__


def _refuse_mixed(values: pd.Series) -> None:
    kinds = values.dropna().astype(object).map(_kind)
    if kinds.isin(["list", "dict", "ndarray", "set"]).any():
        row = kinds.index[kinds.isin(["list", "dict", "ndarray", "set"])][0]
        raise BadInputError(
            f"column '{values.name}', row {row}: the value is a {kinds[row]}, neither a text nor a"
            " number; leave the column out of the study"
        )
    counts = kinds.value_counts()
    if len(counts) > 1:
        row = kinds.index[kinds == counts.index[-1]][0]
        told = " and ".join(f"{kind} ({count} rows)" for kind, count in counts.items())
        shown = values.astype(object)[row]
        raise BadInputError(
            f"column '{values.name}' mixes {told}, for instance {shown!r} in row {row}; mend the"
            " table, or read the column as text, with load_args in its catalog entry:"
            f" {{dtype: {{{values.name}: str}}}}"
        )


def _check_order(values: pd.Series, study: Study) -> None:
    """Refuse what has no place in an ordinal column's order, and numbers that need none."""
    name = str(values.name)
    if name not in study.preprocessing.ordinal:
        return
    present = values.dropna().astype(object)
    order = study.preprocessing.order.get(name)
    if order is None:
        if pd.api.types.is_numeric_dtype(present.infer_objects()):
            raise BadInputError(
                f"column '{name}' holds numbers, which have an order: name it in passthrough or"
                " another list of numbers rather than in ordinal, or write its order in"
                " preprocessing.order"
            )
        return
    unknown = ~to_text(present).isin(order)
    if unknown.any():
        row = present.index[unknown][0]
        raise BadInputError(
            f"column '{name}', row {row}: {present[row]!r} is not in preprocessing.order"
            f"{did_you_mean(present[row], order)} (known: {', '.join(order)})"
        )


def _check_numbers(rows: pd.DataFrame, study: Study, numbers: Mapping[str, pd.Series]) -> None:
    """Refuse values that are not numbers, or that the networks or a logarithm cannot take."""
    logarithms = set(study.preprocessing.log1p)
    if study.target.scale == "log1p":
        logarithms.add(study.target.column)
    count, first = 0, (len(rows), "")
    for name, values in numbers.items():
        wrong = (values.isna() & rows[name].notna()) | (values.abs() > _LARGEST)
        if name in logarithms:
            wrong |= values <= -1
        if wrong.any():
            count += int(wrong.sum())
            first = min(first, (int(wrong.to_numpy().argmax()), name), key=itemgetter(0))
    if not count:
        return
    row, name = first
    problem, remedy = _problem(rows[name].iloc[row], numbers[name].iloc[row], _without(name, study))
    more = f" ({count - 1} more like it)" if count > 1 else ""
    raise BadInputError(f"column '{name}', row {row}: {problem}{more}; {remedy}")


def _problem(value: Any, number: float, without: str) -> tuple[str, str]:
    """Say what is wrong with a value of a column of numbers, and what to do."""
    remedy = f"mend the table, or {without}"
    if np.isnan(number):
        if isinstance(value, str) and DECIMAL_COMMA.fullmatch(value):
            remedy = (
                "if commas are decimal points, write decimal: ',' in the table's catalog entry, for"
                " the column in its format or in load_args of a pandas.CSVDataset"
            )
        told = f"{value[:60]}…" if isinstance(value, str) and len(value) > 60 else value  # noqa: PLR2004
        return f"{told!r} is no number", remedy
    if np.isinf(number):
        return "the value is infinite", remedy
    if abs(number) > _LARGEST:
        return f"the value is {number:g}, too large for the networks' float32", remedy
    return (
        f"{value} is not above -1, and log1p needs that",
        "take the column out of log1p (a target: change target.scale), or mend the table",
    )


def _first_missing(rows: pd.DataFrame, incomplete: pd.Series) -> str:
    row = rows.index[incomplete][0]
    column = rows.columns[rows.loc[row].isna()][0]
    return (
        f"column '{column}', row {row}: the value is missing ({int(incomplete.sum())} of"
        f" {len(rows)} rows have a missing value)"
    )


def _without_missing(rows: pd.DataFrame, study: Study, needed: Collection[str]) -> pd.DataFrame:
    incomplete = rows[list(needed)].isna().any(axis="columns")
    if incomplete.any() and study.missing == "refuse":
        raise BadInputError(
            f"{_first_missing(rows, incomplete)}; mend the table, or write 'missing: drop' in the"
            " study to leave such rows out, or 'missing: impute' to fill in missing inputs"
        )
    if incomplete.all():
        raise BadInputError(
            f"no rows are left after dropping the {len(rows)} with missing values; write"
            " 'missing: impute', or leave out the columns in which most are missing"
        )
    return rows.loc[~incomplete]
