"""Entries of the catalog: what they are called, how a table is loaded, and why it is not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from kedro_datasets.pandas import CSVDataset

from dropnorm.datasets.run_record import sha256
from dropnorm.datasets.whole import from_here
from dropnorm.errors import BadInputError
from dropnorm.unpacking import refuse_bomb
from dropnorm.unreadable import why_unreadable

if TYPE_CHECKING:
    from kedro.io import AbstractDataset, DataCatalog

# Arguments of pandas.read_csv that say how a file is read, and name no column.
_HOW_TO_READ = {
    "sep", "delimiter", "skiprows", "comment", "quotechar", "quoting", "doublequote", "escapechar",
    "encoding", "encoding_errors", "compression", "engine", "skipinitialspace",
}  # fmt: skip
# The protocol of files on this machine, as fsspec calls it.
_LOCAL = "file"


def load_table(study: str, catalog: DataCatalog) -> pd.DataFrame:
    """Load the table of a study.

    Raises:
        BadInputError: If it cannot be read, or has a column twice: which file, and what to do.
    """
    name = f"{study}.table"
    dataset = catalog.get(name)
    where = shown(dataset)
    if file := local_file(dataset):
        refuse_bomb(file)
    try:
        table = catalog.load(name)
    except Exception as error:
        raise BadInputError(_why_not_loaded(where, study, error)) from error
    if not isinstance(table, pd.DataFrame):
        raise BadInputError(f"{where}: loads a {type(table).__name__}, not a pandas DataFrame")
    if repeated := _repeated_column(dataset, table):
        raise BadInputError(
            f"{where}: has the column '{repeated}' more than once; rename one of them"
        )
    return table


def _repeated_column(dataset: AbstractDataset[Any, Any] | None, table: pd.DataFrame) -> str | None:
    """Return a column that a CSV file has twice: pandas makes ``x.1`` of the second ``x``."""
    names = [str(name) for name in table.columns]
    renamed = [name for name in names if re.sub(r"\.\d+$", "", name) in set(names) - {name}]
    if not renamed or not isinstance(dataset, CSVDataset):
        return None
    options = dataset._load_args
    if {"header", "names"} & set(options):
        return None
    # What speaks of columns by their names has nothing to speak of in a header read as a row.
    kept = {key: value for key, value in options.items() if key in _HOW_TO_READ}
    kept |= {"header": None, "nrows": 1, "dtype": str}
    header = [str(name) for name in dataset._copy(_load_args=kept).load().iloc[0]]
    return next((name for name in header if header.count(name) > 1), None)


def _why_not_loaded(where: str, study: str, error: BaseException) -> str:
    """Say in one line why the table of a study could not be read."""
    while error.__cause__ is not None and not isinstance(error, BadInputError):
        error = error.__cause__
    match error:
        case BadInputError():
            return str(error)
        case FileNotFoundError():
            return (
                f"{where}: there is no such file; put the table of the study '{study}' there, or"
                f" write where it lies at '{study}.table' in the catalog"
            )
        case _:
            return f"{where}: {why_unreadable(error)}"


def table_checksum(dataset: AbstractDataset[Any, Any] | None) -> str | None:
    """Return the checksum of the local file behind a dataset, if there is one."""
    file = local_file(dataset)
    return sha256(file) if file else None


def local_file(dataset: AbstractDataset[Any, Any] | None) -> Path | None:
    """Return the local file behind a dataset, if there is one."""
    path = Path(str(getattr(dataset, "_filepath", "")))
    return path if is_local(dataset) and path.is_file() else None


def is_local(dataset: AbstractDataset[Any, Any] | None) -> bool:
    """Tell whether a dataset is of files on this machine, if it is of files."""
    return _protocol(dataset) == _LOCAL


def _protocol(dataset: AbstractDataset[Any, Any] | None) -> str:
    return str(getattr(dataset, "_protocol", _LOCAL))


def shown(dataset: AbstractDataset[Any, Any] | None) -> str:
    """Return what a person knows a table by: its path from here, or what the catalog says."""
    path = getattr(dataset, "_filepath", None)
    if path is None:
        return str(dataset).removeprefix(f"{type(dataset).__module__}.")
    return from_here(Path(path)) if is_local(dataset) else f"{_protocol(dataset)}://{path}"
