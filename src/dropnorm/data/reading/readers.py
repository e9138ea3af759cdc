"""Read tables from text and Parquet files, with a given format or one detected from all values."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from dropnorm.data.columns import as_numbers
from dropnorm.data.reading.cells import Cells, line_of, read_cells
from dropnorm.data.reading.column_formats import Found, find_formats
from dropnorm.data.reading.compression import refuse_bomb
from dropnorm.data.reading.conversion import UnfitCellError, convert, describe
from dropnorm.data.reading.detection import detect_dialect
from dropnorm.data.reading.formats import ColumnFormat, TableFormat
from dropnorm.data.reading.number_formats import analyze_column, normalize_mark, words_for_missing
from dropnorm.data.reading.possible_thousands import refuse_possible_thousands
from dropnorm.data.reading.read_errors import why_unreadable
from dropnorm.data.reading.text_files import SUFFIX_OF, compression_of
from dropnorm.data.validation import to_text
from dropnorm.errors import BadInputError, shorten

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
    """A table and how it was read.

    Attributes:
        table: Text columns as written, without surrounding blanks. Number columns are ``int64`` if
            all values are whole and none is missing, else ``float64``.
        format: Format that reads the same file into the same table; ``None`` for Parquet.
        reasons: Reasons for the format, by column and by format key (``sep``, ``encoding``, …),
            where something is unusual.
        warnings: What the user should check, one sentence each.
        suffix: File suffix for a copy of the file, with that of its compression.
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
        path: File to read.
        table_format: Format of the file; detected if left out.
        columns: Column formats that this file shares with another table, for new rows of that
            table. Separator, encoding and the like are still detected.
        decimal: Decimal mark, used where the values are ambiguous.
        thousands: Thousands separator, used where the values are ambiguous.
        known_as: Name of the file in messages; its path if left out.

    Raises:
        BadInputError: If the file cannot be read, or can be read in two ways.
    """
    refuse_bomb(path, known_as)
    try:
        if _is_parquet(path):
            return _read_parquet(path, columns or {})
        if table_format is not None:
            return _read_by(path, table_format)
        if thousands is not None:
            thousands = normalize_mark(thousands)
        return _read_new(path, columns or {}, decimal, thousands)
    except _UNREADABLE as error:
        raise BadInputError(f"{known_as or path}: {_why(error)}") from error


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return (
            f"is not {error.encoding} text from byte {error.start} on; if its encoding has"
            " changed, write the new one in its format"
        )
    return why_unreadable(error)


def _is_parquet(path: Path) -> bool:
    if path.suffix.lower() in _PARQUET_SUFFIXES:
        return True
    with path.open("rb") as file:
        return file.read(len(_PARQUET)) == _PARQUET


def _read_parquet(path: Path, columns: Mapping[str, ColumnFormat]) -> ReadTable:
    table = pd.read_parquet(path)
    named = [name for name in table.index.names if name is not None]
    if named:
        table = table.reset_index(level=named)
    for name, column in columns.items():
        if column.missing and name in table:
            table[name] = table[name].mask(_means_missing(table[name], column))
    return ReadTable(table, None, suffix=".parquet")


def _means_missing(values: pd.Series, column: ColumnFormat) -> pd.Series:
    """Return which values are words for a missing value, or equal to such a word as a number."""
    words = pd.Series(column.missing, dtype=object)
    found = to_text(values).isin(words)
    if column.type == "text":
        return found
    return found | as_numbers(values).isin(as_numbers(words).dropna())


def _read_by(path: Path, how: TableFormat) -> ReadTable:
    """Read a file with a given format."""
    if (compression := compression_of(path)) != how.compression:
        raise BadInputError(
            f"is compressed with {compression or 'nothing'}, but its format says"
            f" {how.compression or 'nothing'}; change compression in the format"
        )
    cells = read_cells(path, how)
    if cells.surplus and not how.surplus:
        raise BadInputError(
            "has rows that end in an empty field without a header; write surplus: true in its"
            " format if these fields have no meaning"
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
    """Read a file and detect its format."""
    how, reasons = detect_dialect(path)
    cells = read_cells(path, how)

    def line(row: int) -> int:
        return line_of(path, how, row)

    # A single column has no separator.
    sep = how.sep if len(cells.columns) > 1 else None
    found = _found(cells, columns, sep, line, decimal, thousands)
    converted = _converted(cells, found.columns, line)
    if cells.surplus:
        reasons["surplus"] = "rows end in an empty field without a header"
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
    """Detect the formats of the columns whose format is not known."""
    unknown = [
        analyze_column(name, texts) for name, texts in cells.columns.items() if name not in columns
    ]
    found = find_formats(unknown, sep, line, decimal, thousands)
    found.columns = {
        name: _with_usual_words(columns[name], values) if name in columns else found.columns[name]
        for name, values in cells.columns.items()
    }
    return found


def _with_usual_words(column: ColumnFormat, values: pa.ChunkedArray) -> ColumnFormat:
    """Add the words in a number column that mean a missing value in any file.

    So do other spellings of numbers that mean one: -999.0 of -999.
    """
    if column.type == "text":
        return column
    words = {*column.missing, *words_for_missing(values)}
    if column.missing:
        texts = pd.Series(values.unique().drop_null().to_pylist(), dtype=object)
        words.update(texts[_means_missing(texts, column)])
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
                f"line {line(error.row)}, column '{shorten(name)}': '{shorten(error.value)}' is not"
                f" a number in the column's format ({describe(formats[name])}); change the value or"
                " the format"
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
        f"{rows} fewer fields than the header; the missing fields at the end are read as missing"
        f" values: line {lines}{more}",
    )
