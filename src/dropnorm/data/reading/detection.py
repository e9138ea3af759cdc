"""Detect the dialect of a text file, and read its header or count its rows."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from dropnorm.data.reading.compression import refuse_bomb
from dropnorm.data.reading.dialect import find_dialect
from dropnorm.data.reading.text_files import Lines, compression_of, find_encoding, open_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dropnorm.data.reading.formats import TableFormat


def count_rows(path: Path, how: TableFormat | None = None) -> int:
    """Count the rows of a text file without loading it; blank lines do not count."""
    how = how or detect_dialect(path)[0]
    with _rows(path, how) as rows:
        # In a single column, a blank line is a missing value.
        alone = len(next(rows, [])) + how.row_names == 1
        return sum(alone or len(row) > 1 or bool(row[0].strip()) for row in rows)


def header_of(path: Path, how: TableFormat) -> list[str]:
    """Return the column names of a text file with a known dialect."""
    with _rows(path, how) as rows:
        return [name.strip() for name in next(rows, [])]


@contextmanager
def _rows(path: Path, how: TableFormat) -> Iterator[Iterator[list[str]]]:
    refuse_bomb(path)
    with open_text(path, how.compression, how.encoding) as text:
        lines = Lines(text, how.skiprows, how.comment)
        yield (row for _, row in lines.rows(how.sep))


def detect_dialect(path: Path) -> tuple[TableFormat, dict[str, str]]:
    """Detect the compression, encoding and separator of a text file.

    Returns:
        The format, without columns, and reasons by key where something is unusual.

    Raises:
        BadInputError: If the file is not a text file with a table.
    """
    compression = compression_of(path)
    encoding, why_encoding = find_encoding(path, compression)
    with open_text(path, compression, encoding) as text:
        dialect, reasons = find_dialect(text)
    how = dialect.model_copy(update={"encoding": encoding, "compression": compression})
    return how, {**reasons, **({"encoding": why_encoding} if why_encoding else {})}
