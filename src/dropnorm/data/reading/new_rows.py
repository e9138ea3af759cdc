"""Read new rows, whose columns are written as in the table that a study was trained on."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dropnorm.data.reading.detection import detect_dialect, header_of
from dropnorm.data.reading.formats import ColumnFormat, TableFormat
from dropnorm.data.reading.readers import read_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dropnorm.data.reading.readers import ReadTable


@dataclass(frozen=True)
class InputFormats:
    """How the inputs of a study were written when it was trained.

    Attributes:
        names: Names of all inputs; other columns of new rows are ignored.
        columns: Formats by column; the format of any other input is detected.
        dialect: Dialect of the training file, used if the header is not found otherwise.
    """

    names: tuple[str, ...]
    columns: Mapping[str, ColumnFormat]
    dialect: TableFormat | None = None


def read_alike(path: Path, inputs: InputFormats, *, known_as: str | None = None) -> ReadTable:
    """Read a text or Parquet file of new rows.

    Args:
        path: File to read.
        inputs: How the inputs were written when the study was trained.
        known_as: Name of the file in messages; its path if left out.

    Raises:
        BadInputError: If the file cannot be read, or can be read in two ways.
    """
    header, usual = _header_and_dialect(path, inputs)
    others = {name: ColumnFormat(type="text") for name in header if name not in inputs.names}
    columns = {**others, **inputs.columns}
    if usual is None:
        return read_table(path, columns=columns, known_as=known_as)
    return read_table(path, usual.model_copy(update={"columns": columns}), known_as=known_as)


def _header_and_dialect(path: Path, inputs: InputFormats) -> tuple[list[str], TableFormat | None]:
    """Return the header of a file, and the training dialect if only that finds all inputs."""
    header: list[str] = []
    # A Parquet file has no header, and the reader explains why a file cannot be read.
    with suppress(Exception):
        found, _ = detect_dialect(path)
        header = header_of(path, found)
        if inputs.dialect is not None and not set(inputs.names) <= set(header):
            update = {"encoding": found.encoding, "surplus": True}
            usual = inputs.dialect.model_copy(update=update)
            if set(inputs.names) <= set(wider := header_of(path, usual)):
                return wider, usual
    return header, None
