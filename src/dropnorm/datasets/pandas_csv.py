"""What a catalog entry of pandas' own CSV reader does not tell: fields and words that it takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from dropnorm.data.formats import ColumnFormat
from dropnorm.datasets.kedro_compat import load_args_of, with_load_args
from dropnorm.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from kedro_datasets.pandas import CSVDataset

# Arguments of pandas.read_csv that say how a file is read, and name no column.
_HOW_TO_READ = {
    "sep", "delimiter", "skiprows", "comment", "quotechar", "quoting", "doublequote", "escapechar",
    "encoding", "encoding_errors", "compression", "engine", "skipinitialspace",
}  # fmt: skip
# Arguments that a format of columns says as well, or that change no value.
_OF_COLUMNS = {
    "decimal", "thousands", "na_values", "keep_default_na", "sep", "delimiter", "encoding",
    "encoding_errors", "compression", "skipinitialspace", "low_memory", "engine", "usecols",
    "nrows", "memory_map", "parse_dates",
}  # fmt: skip
# Arguments that make something else of text.
_CONVERTS = {"dtype", "converters", "parse_dates", "date_format", "true_values", "false_values"}
# What pandas takes for missing unless it is told not to.
_WORDS = (
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
    "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
_OWN_READER = "type: dropnorm.datasets.TableDataset"


def refuse_shifted(dataset: CSVDataset, table: pd.DataFrame, where: str) -> None:
    """Refuse a table whose rows have more fields than its header.

    pandas then takes the first fields for names of rows, and each column holds its neighbour's
    values.
    """
    if {"index_col", "names"} & set(load_args_of(dataset)):
        return
    # Of the whole table, numbers in sequence look like no index at all.
    first = with_load_args(dataset, _of_one_row(load_args_of(dataset))).load().index
    if isinstance(first, pd.RangeIndex):
        return
    if _names_rows(table.index) and not table.iloc[:, -1].isna().all():
        return
    names = len(table.columns)
    raise BadInputError(
        f"{where}: its first row has {names + first.nlevels} fields, the header {names} names, so"
        " that every column would hold its neighbour's values; write load_args: {index_col: 0} in"
        " its catalog entry if the first field of a row is its name, {index_col: false} if rows end"
        f" in a separator too many, or {_OWN_READER}, which finds out"
    )


def _of_one_row(options: dict[str, Any]) -> dict[str, Any]:
    return {**{key: value for key, value in options.items() if key != "skipfooter"}, "nrows": 1}


def _names_rows(index: pd.Index) -> bool:
    """Tell names of rows, as R writes them: texts that are unique, or numbers from 1."""
    if index.nlevels > 1 or not index.is_unique:
        return False
    return _is_text(index.to_series()) or list(index) == list(range(1, len(index) + 1))


def repeated_column(dataset: CSVDataset, table: pd.DataFrame) -> str | None:
    """Return a column that a CSV file has twice: pandas makes ``x.1`` of the second ``x``."""
    names = [str(name) for name in table.columns]
    renamed = [name for name in names if re.sub(r"\.\d+$", "", name) in set(names) - {name}]
    options = load_args_of(dataset)
    if not renamed or {"header", "names"} & set(options):
        return None
    # What speaks of columns by their names has nothing to speak of in a header read as a row.
    kept = {key: value for key, value in options.items() if key in _HOW_TO_READ}
    kept |= {"header": None, "nrows": 1, "dtype": str}
    header = [str(name) for name in with_load_args(dataset, kept).load().iloc[0]]
    return next((name for name in header if header.count(name) > 1), None)


def words_read_as_missing(dataset: CSVDataset, table: pd.DataFrame) -> Iterator[str]:
    """Name the words in columns of text that pandas has read as missing, unless it was told to."""
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
                f"column '{name}': the word {word!r} stands in {count} rows and is read as missing;"
                " if it is a value, write load_args: {keep_default_na: false, na_values: ['']} in"
                f" the table's catalog entry, or {_OWN_READER}"
            )


def _is_text(values: pd.Series) -> bool:
    present = values.dropna()
    return bool(len(present)) and pd.api.types.infer_dtype(present) == "string"


def column_formats(
    options: dict[str, Any], numbers: Collection[str], texts: Collection[str]
) -> dict[str, ColumnFormat] | None:
    """Return how columns are written in a file that is read with such arguments of pandas.

    Returns:
        None where that cannot be said, as of converters.
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
    """Read a file of new rows with the arguments by which a study's table is read.

    Returns:
        None if it cannot be read so.
    """
    told = {**options, "compression": "infer"}
    if not {"dtype", "converters"} & set(options):
        told["dtype"] = dict.fromkeys(texts, str)
    for encoding in dict.fromkeys(("utf-8", options.get("encoding", "utf-8"))):
        try:
            first = pd.read_csv(file, **_of_one_row({**told, "encoding": encoding}))
            if not isinstance(first.index, pd.RangeIndex) and "index_col" not in options:
                return None
            table: pd.DataFrame = pd.read_csv(file, **{**told, "encoding": encoding})
        except (ValueError, OSError, EOFError):
            continue
        return table
    return None
