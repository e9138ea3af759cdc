"""Tables in files: read as their format says, or with the format found from all of their values."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from dropnorm.data.cells import Cells, line_of, read_cells
from dropnorm.data.column_formats import Found, find_formats
from dropnorm.data.compression import refuse_bomb
from dropnorm.data.conversion import UnfitCellError, convert, described
from dropnorm.data.formats import ColumnFormat, TableFormat
from dropnorm.data.number_formats import look_at, one_kind, shown, words_for_missing
from dropnorm.data.outline import dialect_of
from dropnorm.data.possible_thousands import refuse_possible_thousands
from dropnorm.data.read_errors import why_unreadable
from dropnorm.data.text_files import SUFFIX_OF, compression_of
from dropnorm.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np
    import pyarrow as pa


_PARQUET = b"PAR1"
_PARQUET_SUFFIXES = (".parquet", ".pq")
_UNREADABLE = (
    ValueError, OSError, EOFError, zlib.error, zipfile.BadZipFile, lzma.LZMAError,
    NotImplementedError,
)  # fmt: skip


@dataclass(frozen=True)
class ReadTable:
    """A table, and how it was read.

    Attributes:
        table: Texts as they are written, without the blanks around them; numbers as ``int64`` where
            all are whole and none is missing, else as ``float64``.
        format: By which the same file gives the same table again; ``None`` for Parquet.
        reasons: Why the format is what it is: sentences by column, and by keys of the format
            (``sep``, ``encoding``, …) where something is unusual.
        warnings: What the user should look at, a sentence each.
        suffix: For the name of a copy of the file, with that of its compression.
    """

    table: pd.DataFrame
    format: TableFormat | None
    reasons: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    suffix: str = ".csv"


def read_table(
    path: Path,
    table_format: TableFormat | None = None,
    *,
    columns: Mapping[str, ColumnFormat] | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    known_as: str | None = None,
) -> ReadTable:
    """Read a text file or a Parquet file.

    Args:
        path: Of the file.
        table_format: How it is written; found from its values if left out.
        columns: How columns of another table are written, of which this file holds new rows. They
            must be written likewise; separators, encoding and the like are found for this file.
        decimal: Decimal mark, where the values leave open what it is.
        thousands: Mark between thousands, likewise.
        known_as: What to call the file in messages; its path if left out.

    Raises:
        BadInputError: If it cannot be read, or could be read in two ways: one line.
    """
    refuse_bomb(path, known_as)
    try:
        if _is_parquet(path):
            return _read_parquet(path)
        if table_format is not None:
            return _read_by(path, table_format)
        if thousands is not None:
            thousands = one_kind(thousands)
        return _read_new(path, columns or {}, decimal, thousands)
    except _UNREADABLE as error:
        raise BadInputError(f"{known_as or path}: {_why(error)}") from error


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return (
            f"is no {error.encoding} text from byte {error.start} on; if its encoding has changed,"
            " its format has to name the new one"
        )
    return why_unreadable(error)


def _is_parquet(path: Path) -> bool:
    if path.suffix.lower() in _PARQUET_SUFFIXES:
        return True
    with path.open("rb") as file:
        return file.read(len(_PARQUET)) == _PARQUET


def _read_parquet(path: Path) -> ReadTable:
    table = pd.read_parquet(path)
    named = [name for name in table.index.names if name is not None]
    if named:
        table = table.reset_index(level=named)
    return ReadTable(table, None, suffix=".parquet")


def _read_by(path: Path, how: TableFormat) -> ReadTable:
    """Read a file by its format."""
    if compression_of(path) != how.compression:
        packed = f"packed by {how.compression}" if how.compression else "not packed"
        raise BadInputError(f"is not as its format says, {packed}")
    cells = read_cells(path, how)
    if cells.surplus and not how.surplus:
        raise BadInputError(
            "has rows that end in a field without a header; write surplus: true in its format if"
            " they mean nothing"
        )
    plain = ColumnFormat()
    formats = {name: how.columns.get(name, plain) for name in cells.columns}
    converted = _converted(cells, formats, lambda row: line_of(path, how, row))
    return ReadTable(
        _table(cells, converted), how, {}, _of_short(cells), SUFFIX_OF[how.compression]
    )


def _read_new(
    path: Path, columns: Mapping[str, ColumnFormat], decimal: str | None, thousands: str | None
) -> ReadTable:
    """Read a file whose format is to be found."""
    how, reasons = dialect_of(path)
    cells = read_cells(path, how)

    def line(row: int) -> int:
        return line_of(path, how, row)

    # One column alone is not separated by anything, whatever was found.
    sep = how.sep if len(cells.columns) > 1 else None
    found = _found(cells, columns, sep, line, decimal, thousands)
    converted = _converted(cells, found.columns, line)
    if cells.surplus:
        reasons["surplus"] = "rows end in an empty field that the header does not have"
    plain = ColumnFormat()
    unusual = {name: one for name, one in found.columns.items() if one != plain}
    return ReadTable(
        _table(cells, converted),
        how.model_copy(update={"surplus": cells.surplus, "columns": unusual}),
        {**reasons, **found.reasons},
        (*_of_short(cells), *found.warnings),
        SUFFIX_OF[how.compression],
    )


def _found(
    cells: Cells,
    columns: Mapping[str, ColumnFormat],
    sep: str | None,
    line: Callable[[int], int],
    decimal: str | None,
    thousands: str | None,
) -> Found:
    """Find the formats of the columns that are not known."""
    unknown = [look_at(name, cells.columns[name]) for name in cells.columns if name not in columns]
    found = find_formats(unknown, sep, line, decimal, thousands)
    found.columns = {
        name: _with_usual_words(columns[name], values) if name in columns else found.columns[name]
        for name, values in cells.columns.items()
    }
    return found


def _with_usual_words(column: ColumnFormat, values: pa.ChunkedArray) -> ColumnFormat:
    """Add the words in a column of numbers that mean a missing one in any file."""
    if column.type == "text":
        return column
    words = {*column.missing, *words_for_missing(values)}
    return column.model_copy(update={"missing": tuple(sorted(words))})


def _converted(
    cells: Cells, formats: Mapping[str, ColumnFormat], line: Callable[[int], int]
) -> dict[str, pd.Series | np.ndarray]:
    refuse_possible_thousands(cells.columns, formats, line)
    converted = {}
    for name, texts in cells.columns.items():
        try:
            converted[name] = convert(texts, formats[name])
        except UnfitCellError as error:
            raise BadInputError(
                f"line {line(error.row)}, column '{shown(name)}': '{shown(error.value)}' is no"
                f" number as this column is written, with {described(formats[name])}; write it so,"
                " or change the column's format"
            ) from error
    return converted


def _table(cells: Cells, columns: dict[str, pd.Series | np.ndarray]) -> pd.DataFrame:
    table = pd.DataFrame(columns)
    if cells.row_names is None:
        return table
    names = cells.row_names
    whole = all(name.isdecimal() for name in names)
    return table.set_axis([int(name) for name in names] if whole else names, axis=0)


def _of_short(cells: Cells) -> tuple[str, ...]:
    if not cells.count_short:
        return ()
    lines = ", ".join(map(str, cells.short))
    more = ", …" if len(cells.short) < cells.count_short else ""
    rows = "1 row has" if cells.count_short == 1 else f"{cells.count_short} rows have"
    return (
        f"{rows} fewer fields than the header; what is lacking at the end is taken as missing: line"
        f" {lines}{more}",
    )
