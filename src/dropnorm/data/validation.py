"""Check that a table has the columns and values that a study needs."""

from __future__ import annotations

import unicodedata
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dropnorm.data.columns import DECIMAL_COMMA, NUMBERS, as_numbers, with_named_index
from dropnorm.errors import BadInputError, did_you_mean, shorten
from dropnorm.study.split import TimeSplit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from dropnorm.study.schema import Study

# The networks' numbers are float32.
_LARGEST = float(np.finfo(np.float32).max)
# The most columns that a message names.
_SHOWN = 12
_SEPARATED = (
    "the header is a single column, {!r}, so the file has another separator; write it in its"
    " catalog entry: format: {{sep: ...}}, or load_args: {{sep: ...}} of a pandas.CSVDataset"
)


def check_table(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Check a table, and return the rows that the study uses.

    Args:
        table: The table as it was read.
        study: Study with the columns to use and the treatment of missing values.

    Returns:
        The study's columns: numbers as float64, categories and classes as text. Values are missing
        only in inputs that the study imputes. The index is the row's position in ``table``, from 0,
        and has no name, because any name may be that of a column.

    Raises:
        BadInputError: If a column or value cannot be used; the message names the column and the
            row, which counts from 0 below the header.
    """
    rows = _take_columns(table, study.columns)
    if rows.empty:
        raise BadInputError("has a header but no rows; a study needs rows to train and validate on")
    _refuse_all_missing(rows, study)
    rows = _converted(rows, study)
    target = study.target.column
    # Only inputs can be imputed, and none that rows are split by: it would put them into one group.
    imputed = set(study.preprocessing.columns) - set(study.split.columns)
    needed = [name for name in rows.columns if name not in imputed]
    rows = _without_missing(rows, study, needed if study.missing == "impute" else rows.columns)
    if (rows[target] == rows[target].iloc[0]).all():
        raise BadInputError(
            f"column '{target}' is {_as_text(rows[target].iloc[0])} in every row, so there is"
            " nothing to predict; choose another column for target.column"
        )
    return rows


def check_new_rows(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Check the inputs of new rows, and return them.

    Args:
        table: Table with the study's input columns in any order; other columns are ignored.
        study: Study with the inputs and the treatment of missing values.

    Returns:
        The input columns of all rows, as :func:`check_table` returns them.

    Raises:
        BadInputError: If a column or value cannot be used, or a value is missing and the study does
            not impute it.
    """
    rows = _take_columns(table, study.preprocessing.columns)
    if rows.empty:
        raise BadInputError("has a header but no rows; there is nothing to predict")
    rows = _converted(rows, study)
    incomplete = rows.isna().any(axis="columns")
    if study.missing != "impute" and incomplete.any():
        raise BadInputError(
            f"{_first_missing(rows, incomplete)}, and the study does not impute it; correct the"
            " table, or leave such rows out"
        )
    return rows


def _take_columns(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    table = with_named_index(table)
    named = table.set_axis([str(name) for name in table.columns], axis="columns")
    _check_columns(named, columns)
    return named.loc[:, list(columns)].reset_index(drop=True)


def missing_columns(table: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Return a message for each missing column, or a single one if the separator is wrong."""
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
        messages = missing_columns(table, columns)
        if len(messages) > 1:
            raise BadInputError(f"has no column {_listed(missing)}{_hint(missing[0], names)}")
        raise BadInputError(messages[0])
    repeated = table.columns[table.columns.duplicated()].intersection(list(columns))
    if len(repeated):
        raise BadInputError(f"has the column '{repeated[0]}' more than once; rename one of them")


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(f"'{column}'" for column in columns)


def _hint(column: str, names: list[str]) -> str:
    """Suggest the most similar column, or list some columns."""
    for name in names:
        if unicodedata.normalize("NFKC", name) == unicodedata.normalize("NFKC", column):
            here, there = _first_difference(column, name)
            return (
                f"; it has '{name}', which looks the same but is written with other Unicode"
                f" characters ({there} where the study has {here}): copy the name from the table"
                " into the study"
            )
    return did_you_mean(column, names) or (
        f"; it has {', '.join(names[:_SHOWN])}{', …' if len(names) > _SHOWN else ''}"
    )


def _first_difference(one: str, other: str) -> tuple[str, str]:
    """Return up to two code points of each text from the first difference on."""
    place = next((n for n, pair in enumerate(zip(one, other, strict=False)) if len({*pair}) > 1), 0)
    codes = [" ".join(f"U+{ord(c):04X}" for c in text[place : place + 2]) for text in (one, other)]
    return codes[0], codes[1]


def _refuse_all_missing(rows: pd.DataFrame, study: Study) -> None:
    empty = rows.columns[rows.isna().all()]
    if len(empty):
        raise BadInputError(
            f"column {_listed(empty)} is missing in all {len(rows)} rows;"
            f" {_without(empty[0], study)}"
        )


def _without(column: str, study: Study) -> str:
    """Return what to do about a column that a study cannot use."""
    if column == study.target.column:
        return "choose another column for target.column"
    if column in study.split.columns:
        return "choose another column to split by"
    return "leave the column out of the study"


def _converted(rows: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Check the values of each column for its use in the study, and convert them."""
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
    # Not assign(), because a column may be named self.
    return pd.DataFrame({name: converted.get(name, rows[name]) for name in rows.columns})


def to_text(values: pd.Series) -> pd.Series:
    """Convert values to text, whole numbers without a point; missing values stay missing."""
    if isinstance(values.dtype, pd.StringDtype):
        # Each text is one object, however many rows have it: a tenth of the memory.
        codes, texts = pd.factorize(values)
        known = np.append(texts.to_numpy(dtype=object), np.nan)
        return pd.Series(known[codes], index=values.index, name=values.name, dtype=object)
    plain = values.astype(object)
    return plain.where(plain.isna(), plain.map(_as_text)).where(plain.notna(), np.nan)


def _as_text(value: object) -> str:
    # 1.0 and 1 are one category, because missing values turn integers into floats.
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
    if isinstance(values.dtype, pd.StringDtype) or pd.api.types.is_numeric_dtype(values):
        return  # of one kind, and large tables have many values
    kinds = values.dropna().astype(object).map(_kind)
    if kinds.isin(["list", "dict", "ndarray", "set"]).any():
        row = kinds.index[kinds.isin(["list", "dict", "ndarray", "set"])][0]
        raise BadInputError(
            f"column '{values.name}', row {row}: the value is a {kinds[row]}, not a text or a"
            " number; leave the column out of the study"
        )
    counts = kinds.value_counts()
    if len(counts) > 1:
        row = kinds.index[kinds == counts.index[-1]][0]
        mixed = " and ".join(f"{kind} ({count} rows)" for kind, count in counts.items())
        shown = values.astype(object)[row]
        raise BadInputError(
            f"column '{values.name}' mixes {mixed}, for instance {shown!r} in row {row}; correct"
            " the table, or read the column as text, with load_args in its catalog entry:"
            f" {{dtype: {{{values.name}: str}}}}"
        )


def _check_order(values: pd.Series, study: Study) -> None:
    """Refuse values that are not in an ordinal column's order, and numbers without an order."""
    name = str(values.name)
    if name not in study.preprocessing.ordinal:
        return
    present = values.dropna().astype(object)
    order = study.preprocessing.order.get(name)
    if order is None:
        if pd.api.types.is_numeric_dtype(present.infer_objects()):
            raise BadInputError(
                f"column '{name}' holds numbers, which ordinal would sort as text; move it to"
                " passthrough or another list of numbers, or write its order in"
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
    """Refuse values that are not numbers, or too large, or without a logarithm."""
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
    """Return what is wrong with a value of a number column, and what to do."""
    remedy = f"correct the table, or {without}"
    if np.isnan(number):
        if isinstance(value, str) and DECIMAL_COMMA.fullmatch(value):
            remedy = (
                "if commas are decimal marks, write decimal: ',' in the table's catalog entry, for"
                " the column in its format or in load_args of a pandas.CSVDataset"
            )
        shown = shorten(value) if isinstance(value, str) else value
        return f"{shown!r} is not a number", remedy
    if np.isinf(number):
        return "the value is infinite", remedy
    if abs(number) > _LARGEST:
        return f"the value is {number:g}, too large for the networks' float32", remedy
    return (
        f"{value} is not above -1, as log1p requires",
        "remove the column from log1p (for a target, change target.scale), or correct the table",
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
            f"{_first_missing(rows, incomplete)}; correct the table, or write 'missing: drop' in"
            " the study to leave such rows out, or 'missing: impute' to fill in missing inputs"
        )
    if incomplete.all():
        raise BadInputError(
            f"no rows are left after dropping the {len(rows)} with missing values; write"
            " 'missing: impute', or leave out the columns with the most missing values"
        )
    return rows.loc[~incomplete]
