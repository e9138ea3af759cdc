"""Tables in files: read as their format says, or with the format found from all of their values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from dropnorm.data.formats import ColumnFormat, TableFormat


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
    raise NotImplementedError
