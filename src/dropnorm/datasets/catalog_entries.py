"""Entries of the catalog: what they are called, how a table is loaded, and why it is not."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import pandas as pd
from kedro.io import AbstractDataset, AbstractVersionedDataset, DataCatalog, DatasetError

from dropnorm.data.columns import with_named_index
from dropnorm.data.reading.compression import refuse_bomb
from dropnorm.data.reading.read_errors import why_unreadable
from dropnorm.datasets.atomic_files import from_here
from dropnorm.datasets.downloaded_csv import DownloadedCSVDataset
from dropnorm.datasets.index_files import index_checksums, with_parts
from dropnorm.datasets.kedro_compat import (
    LOCAL,
    CSVDataset,
    ParquetDataset,
    filepath_of,
    filesystem_of,
    load_args_of,
    load_path_of,
    protocol_of,
    with_load_args,
)
from dropnorm.datasets.pandas_csv import refuse_shifted, repeated_column, words_read_as_missing
from dropnorm.datasets.run_record import sha256
from dropnorm.datasets.table import TableDataset
from dropnorm.errors import BadInputError
from dropnorm.study.split import FilesSplit

if TYPE_CHECKING:
    from dropnorm.study.split import Split

# Arguments with which it reads all at once.
_NOT_IN_CHUNKS = {"chunksize", "iterator", "engine", "nrows", "skipfooter"}
_ROWS_AT_ONCE = 50_000
# Lines of Kedro's messages that say where it noticed, or guess.
_PASSED_ON = ("An exception occurred", "Failed to instantiate", "Hint:")


class UnusableDataset(AbstractDataset[Any, Any]):
    """Stands for a catalog entry of which no dataset can be made, and says why when it is used."""

    def __init__(self, why: str) -> None:
        self._why = why

    def load(self) -> Any:
        """Refuse."""
        raise BadInputError(self._why)

    def save(self, data: Any) -> None:
        """Refuse."""
        raise BadInputError(self._why)

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"why": self._why}


def make_catalog(entries: dict[str, Any], credentials: dict[str, Any]) -> DataCatalog:
    """Make a catalog in which one bad entry does not keep the others from being used.

    Args:
        entries: By name, as the configuration has them.
        credentials: By name as well.
    """
    usable, unusable = {}, {}
    for name, entry in entries.items():
        if why := _why_unusable(name, entry, credentials):
            unusable[name] = UnusableDataset(why)
        else:
            usable[name] = entry
    catalog = DataCatalog.from_config(usable, credentials)
    for name, dataset in unusable.items():
        catalog[name] = dataset
    return catalog


def refuse_unusable(entries: dict[str, Any], credentials: dict[str, Any]) -> None:
    """Refuse a catalog with an entry of which no dataset can be made.

    Raises:
        BadInputError: Names the entry.
    """
    for name, entry in entries.items():
        if why := _why_unusable(name, entry, credentials):
            raise BadInputError(why)


def _why_unusable(name: str, entry: Any, credentials: dict[str, Any]) -> str:
    try:
        catalog = DataCatalog.from_config({name: entry}, credentials)
        catalog.get(re.sub(r"\{\w*\}", "any", name))  # a pattern makes one for any name
    # Kedro's own, and what it leaves to Python: a type that is a number, credentials not there.
    except (DatasetError, KeyError, TypeError, AttributeError, ValueError) as error:
        told = error.args[0] if isinstance(error, KeyError) and error.args else str(error)
        return f"the catalog's entry '{name}' cannot be used: {_first_cause(str(told))}"
    return ""


def _first_cause(told: str) -> str:
    """Return what says most in a message of Kedro's, which has a line of each who passed it on."""
    lines = [line.strip() for line in told.splitlines()]
    said = [line for line in lines if line and not line.startswith(_PASSED_ON)]
    cause = said[0] if said else " ".join(lines)
    cause = re.sub(r"(\w+)\.__init__\(\) got an unexpected keyword argument", r"\1 takes no", cause)
    return cause.split(" See http")[0].rstrip(".")


def load_table(study: str, catalog: DataCatalog, split: Split | None = None) -> pd.DataFrame:
    """Load the table of a study; index levels with a name are columns.

    Args:
        study: Its name.
        catalog: Has its table.
        split: Of the study. If index files hold it, the table gets a column for each split.

    Raises:
        BadInputError: If it cannot be read, or is not read as it is meant: which file, and what to
            do.
    """
    try:
        table = with_named_index(_load(study, catalog))
        return with_parts(table, split) if isinstance(split, FilesSplit) else table
    except Exception as error:
        where = shown(catalog.get(f"{study}.table"))
        raise BadInputError(_why_not_loaded(where, study, error)) from error


def _load(study: str, catalog: DataCatalog) -> pd.DataFrame:
    dataset = catalog.get(f"{study}.table")
    if isinstance(dataset, TableDataset):
        return dataset.read().table
    where = shown(dataset)
    check_file(dataset)
    table = catalog.load(f"{study}.table")
    if not isinstance(table, pd.DataFrame):
        raise BadInputError(f"{where}: loads a {type(table).__name__}, not a pandas DataFrame")
    if isinstance(dataset, CSVDataset):
        refuse_shifted(dataset, table, where)
        if repeated := repeated_column(dataset, table):
            raise BadInputError(
                f"{where}: has the column '{repeated}' more than once; rename one of them"
            )
    return table


@dataclass(frozen=True)
class LoadedTable:
    """A study's table, and what is known of the file that it was read from.

    Attributes:
        table: As it was read.
        sha256: Checksum of the local file; None if it is none.
        index_files: Checksums of the index files of its split, by path, if there are some.
    """

    table: pd.DataFrame
    sha256: str | None
    index_files: dict[str, str] = field(default_factory=dict)


def load_unchanged(study: str, catalog: DataCatalog, split: Split | None = None) -> LoadedTable:
    """Load the table of a study, and the checksum of the very bytes that were read.

    Args:
        study: Its name.
        catalog: Has its table.
        split: As of :func:`load_table`.

    Raises:
        BadInputError: As of :func:`load_table`, and if the file changes while it is read.
    """
    dataset = catalog.get(f"{study}.table")
    if isinstance(dataset, DownloadedCSVDataset):
        dataset.fetch()
    before, index_files = table_checksum(dataset), checksums_of_split(split)
    table = load_table(study, catalog, split)
    if table_checksum(dataset) != before or checksums_of_split(split) != index_files:
        also = ", or an index file of its split" if index_files else ""
        raise BadInputError(
            f"{shown(dataset)}: changed while it was read{also}; run again when nothing writes to"
            " it"
        )
    return LoadedTable(table, before, index_files)


def checksums_of_split(split: Split | None) -> dict[str, str]:
    """Return the checksums of the index files of a split, by path; none of another split."""
    return index_checksums(split) if isinstance(split, FilesSplit) else {}


def reading_warnings(study: str, catalog: DataCatalog, table: pd.DataFrame) -> list[str]:
    """Return what a user should look at in how a table was read, a sentence each.

    Args:
        study: Its name.
        catalog: From which the table was loaded.
        table: As it was loaded.
    """
    dataset = catalog.get(f"{study}.table")
    match dataset:
        case TableDataset():
            warnings = dataset.warnings
        case CSVDataset():
            warnings = tuple(words_read_as_missing(dataset, table))
        case _:
            warnings = ()
    return [f"{shown(dataset)}: {warning}" for warning in warnings]


def count_rows(study: str, catalog: DataCatalog) -> int | None:
    """Count the rows of a study's table, of CSV and Parquet files without loading the whole of one.

    Returns:
        None if there is no table.

    Raises:
        BadInputError: If it cannot be read.
    """
    dataset = catalog.get(f"{study}.table")
    check_file(dataset)
    try:
        if dataset is None or not dataset.exists():
            return None
        match dataset:
            case TableDataset():
                return dataset.count_rows()
            case ParquetDataset():
                from pyarrow.dataset import dataset as arrow_dataset  # noqa: PLC0415  # it is slow

                place = str(load_path_of(dataset))
                return int(arrow_dataset(place, filesystem=filesystem_of(dataset)).count_rows())
            case CSVDataset() if not _NOT_IN_CHUNKS & set(load_args_of(dataset)):
                options = {**load_args_of(dataset), "chunksize": _ROWS_AT_ONCE}
                with with_load_args(dataset, options).load() as chunks:
                    return sum(map(len, chunks))
        return len(_load(study, catalog))
    except Exception as error:
        raise BadInputError(_why_not_loaded(shown(dataset), study, error)) from error


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


def check_file(dataset: AbstractDataset[Any, Any] | None) -> None:
    """Refuse a local file, or one in a folder of Parquet files, that is not safe to read.

    Raises:
        BadInputError: If it unpacks to far more than it should, or is a pipe or a device.
    """
    name: PurePath | None = filepath_of(dataset)
    if name is None or not is_local(dataset):
        return
    if isinstance(dataset, AbstractVersionedDataset):
        try:
            name = load_path_of(dataset)
        except DatasetError:
            return  # there is none
    place = Path(str(name))
    parts = place.rglob("*") if isinstance(dataset, ParquetDataset) and place.is_dir() else ()
    for file in (place, *parts):
        refuse_bomb(file, from_here(file))


def table_checksum(dataset: AbstractDataset[Any, Any] | None) -> str | None:
    """Return the checksum of the local file behind a dataset, if there is one."""
    file = local_file(dataset)
    return sha256(file) if file else None


def local_file(dataset: AbstractDataset[Any, Any] | None) -> Path | None:
    """Return the local file behind a dataset, if there is one."""
    path = filepath_of(dataset)
    file = Path(str(path)) if path is not None and is_local(dataset) else None
    return file if file is not None and file.is_file() else None


def is_local(dataset: AbstractDataset[Any, Any] | None) -> bool:
    """Tell whether a dataset is of files on this machine, if it is of files."""
    return protocol_of(dataset) == LOCAL


def shown(dataset: AbstractDataset[Any, Any] | None) -> str:
    """Return what a person knows a table by: its path from here, or what the catalog says."""
    path = filepath_of(dataset)
    if path is None:
        return str(dataset).removeprefix(f"{type(dataset).__module__}.")
    return from_here(Path(path)) if is_local(dataset) else f"{protocol_of(dataset)}://{path}"
