"""Detect mistakes that pandas' CSV reader makes silently: shifted columns and lost words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from dropnorm.data.reading.formats import ColumnFormat
from dropnorm.datasets.kedro_compat import load_args_of, with_load_args
from dropnorm.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from kedro_datasets.pandas import CSVDataset

# Arguments of pandas.read_csv for the file that do not refer to columns.
_HOW_TO_READ = {
    "sep", "delimiter", "skiprows", "comment", "quotechar", "quoting", "doublequote", "escapechar",
    "encoding", "encoding_errors", "compression", "engine", "skipinitialspace",
}  # fmt: skip
# Arguments that column formats can express, or that change no value.
_OF_COLUMNS = {
    "decimal", "thousands", "na_values", "keep_default_na", "sep", "delimiter", "encoding",
    "encoding_errors", "compression", "skipinitialspace", "low_memory", "engine", "usecols",
    "nrows", "memory_map", "parse_dates",
}  # fmt: skip
# Arguments that convert texts.
_CONVERTS = {"dtype", "converters", "parse_dates", "date_format", "true_values", "false_values"}
# Words that pandas reads as missing by default.
_WORDS = (
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
    "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
_OWN_READER = "type: dropnorm.datasets.TableDataset"


def refuse_shifted(dataset: CSVDataset, table: pd.DataFrame, where: str) -> None:
    """Refuse a table whose rows have more fields than its header.

    pandas then uses the first fields as the index, and each column holds the values of the column
    before it.

    Args:
        dataset: Catalog entry of the table.
        table: The table as it was read.
        where: Name of the file in messages.

    Raises:
        BadInputError: If the columns are shifted.
    """
    if {"index_col", "names"} & set(load_args_of(dataset)):
        return
    # In the whole table, an index of consecutive numbers would look like the default one.
    first = with_load_args(dataset, _of_one_row(load_args_of(dataset))).load().index
    if isinstance(first, pd.RangeIndex):
        return
    if _names_rows(table.index) and not table.iloc[:, -1].isna().all():
        return
    names = len(table.columns)
    raise BadInputError(
        f"{where}: its first row has {names + first.nlevels} fields, but the header has {names}"
        " names, so every column would hold the values of another; write load_args: {index_col: 0}"
        " in its catalog entry if the first field of a row is its name, {index_col: false} if rows"
        f" end in an extra separator, or {_OWN_READER}, which detects this"
    )


def _of_one_row(options: dict[str, Any]) -> dict[str, Any]:
    return {**{key: value for key, value in options.items() if key != "skipfooter"}, "nrows": 1}


def _names_rows(index: pd.Index) -> bool:
    """Return whether an index holds row names as R writes: unique texts, or numbers from 1."""
    if index.nlevels > 1 or not index.is_unique:
        return False
    return _is_text(index.to_series()) or list(index) == list(range(1, len(index) + 1))


def repeated_column(dataset: CSVDataset, table: pd.DataFrame) -> str | None:
    """Return a column that a CSV file has twice; pandas renames the second ``x`` to ``x.1``."""
    names = [str(name) for name in table.columns]
    renamed = [name for name in names if re.sub(r"\.\d+$", "", name) in set(names) - {name}]
    options = load_args_of(dataset)
    if not renamed or {"header", "names"} & set(options):
        return None
    # Other arguments refer to columns, which do not exist when the header is read as a row.
    kept = {key: value for key, value in options.items() if key in _HOW_TO_READ}
    kept |= {"header": None, "nrows": 1, "dtype": str}
    header = [str(name) for name in with_load_args(dataset, kept).load().iloc[0]]
    return next((name for name in header if header.count(name) > 1), None)


def words_read_as_missing(dataset: CSVDataset, table: pd.DataFrame) -> Iterator[str]:
    """Yield a warning for each word in a text column that pandas read as missing by default."""
    options = load_args_of(dataset)
    texts = [name for name in table.columns if _is_text(table[name]) and table[name].isna().any()]
    if not texts or options.get("keep_default_na") is False:
        return
    kept = {key: value for key, value in options.items() if key not in _CONVERTS}
    kept |= {"keep_default_na": False, "dtype": str}
    written = with_load_args(dataset, kept).load()
    if len(written) != len(table):
        return
    for name in written.columns.intersection(texts):
        lost = written[name].to_numpy()[table[name].isna().to_numpy()]
        words = pd.Series(lost, dtype=object).dropna().str.strip()
        for word, count in words[words != ""].value_counts().items():
            yield (
                f"column '{name}': the word {word!r} occurs in {count} rows and is read as missing;"
                " if it is a value, write load_args: {keep_default_na: false, na_values: ['']} in"
                f" the table's catalog entry, or {_OWN_READER}"
            )


def _is_text(values: pd.Series) -> bool:
    present = values.dropna()
    return bool(len(present)) and pd.api.types.infer_dtype(present) == "string"


def column_formats(
    options: dict[str, Any], numbers: Collection[str], texts: Collection[str]
) -> dict[str, ColumnFormat] | None:
    """Convert arguments of pandas.read_csv to column formats.

    Args:
        options: Arguments of pandas.read_csv.
        numbers: Names of the number columns.
        texts: Names of the text columns.

    Returns:
        Formats by column, or ``None`` if an argument, such as ``converters``, cannot be expressed.
    """
    if not set(options) <= _OF_COLUMNS:
        return None
    marks = {"decimal": options.get("decimal", "."), "thousands": options.get("thousands")}
    default = () if options.get("keep_default_na") is False else _WORDS

    def missing(name: str) -> tuple[str, ...]:
        given = options.get("na_values", ())
        given = given.get(name, ()) if isinstance(given, dict) else given
        given = [given] if isinstance(given, str) else given
        return (*default, *map(str, given))

    return {
        **{name: ColumnFormat(type="number", missing=missing(name), **marks) for name in numbers},
        **{name: ColumnFormat(type="text", missing=missing(name)) for name in texts},
    }


def read_csv_with(
    options: dict[str, Any], file: Path, texts: Collection[str]
) -> pd.DataFrame | None:
    """Read a file of new rows with the arguments of pandas.read_csv for a study's table.

    Args:
        options: Arguments of pandas.read_csv.
        file: File to read.
        texts: Names of the text columns.

    Returns:
        The rows, or ``None`` if the file cannot be read with these arguments.
    """
    arguments = {**options, "compression": "infer"}
    if not {"dtype", "converters"} & set(options):
        arguments["dtype"] = dict.fromkeys(texts, str)
    for encoding in dict.fromkeys(("utf-8", options.get("encoding", "utf-8"))):
        arguments["encoding"] = encoding
        try:
            first = pd.read_csv(file, **_of_one_row(arguments))
            if not isinstance(first.index, pd.RangeIndex) and "index_col" not in options:
                return None
            table: pd.DataFrame = pd.read_csv(file, **arguments)
        except (ValueError, OSError, EOFError):
            continue
        return table
    return None
