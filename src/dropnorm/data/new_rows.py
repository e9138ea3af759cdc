"""New rows of a table: their file has a dialect of its own, their columns are written alike."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dropnorm.data.formats import ColumnFormat, TableFormat
from dropnorm.data.outline import dialect_of, header_of
from dropnorm.data.readers import read_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dropnorm.data.readers import ReadTable


@dataclass(frozen=True)
class InputFormats:
    """How the inputs of a study were written when it was trained.

    Attributes:
        names: Of all inputs; other columns of new rows are not looked at.
        columns: By name; what is not named is found.
        dialect: Of the file that it was trained on, for what is separated in an unusual way.
    """

    names: tuple[str, ...]
    columns: Mapping[str, ColumnFormat]
    dialect: TableFormat | None = None


def read_alike(path: Path, inputs: InputFormats, *, known_as: str | None = None) -> ReadTable:
    """Read a file of new rows: CSV and its kin, or Parquet."""
    header, usual = _looked_at(path, inputs)
    others = {name: ColumnFormat(type="text") for name in header if name not in inputs.names}
    columns = {**others, **inputs.columns}
    if usual is None:
        return read_table(path, columns=columns, known_as=known_as)
    return read_table(path, usual.model_copy(update={"columns": columns}), known_as=known_as)


def _looked_at(path: Path, inputs: InputFormats) -> tuple[list[str], TableFormat | None]:
    """Return the header of a file; and a dialect, if it is not the one that is found."""
    header: list[str] = []
    # A Parquet file has no header; of what cannot be read, the reader says what is the matter.
    with suppress(Exception):
        found, _ = dialect_of(path)
        header = header_of(path, found)
        if inputs.dialect is not None and not set(inputs.names) <= set(header):
            told = {"encoding": found.encoding, "surplus": True}
            usual = inputs.dialect.model_copy(update=told)
            if set(inputs.names) <= set(wider := header_of(path, usual)):
                return wider, usual
    return header, None
