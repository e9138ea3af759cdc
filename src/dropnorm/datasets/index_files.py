"""Read the index files of a published protocol, beside the table that they are about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from kedro.utils import find_kedro_project

from dropnorm.data.parts import TEST, TRAIN, VALIDATION, combine_parts, read_row_numbers
from dropnorm.datasets.run_record import sha256
from dropnorm.errors import BadInputError, in_one_line

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dropnorm.study.split import FilesSplit

# The most bytes of a line with the number of a row, as NumPy's savetxt writes it.
_LONGEST_LINE = 32


def with_parts(table: pd.DataFrame, split: FilesSplit) -> pd.DataFrame:
    """Add a column for each split to a table: the part in which the index files have each row.

    Args:
        table: As it was read, all its rows.
        split: Names the files, relative to the project, and the columns.

    Raises:
        BadInputError: If a file cannot be read, or does not fit the table.
    """
    folder = _folder()
    columns = {
        column: _parts(folder, files, len(table), split.first_row)
        for column, files in zip(split.columns, _files(split), strict=True)
    }
    return pd.concat([table, pd.DataFrame(columns, index=table.index)], axis="columns")


def index_checksums(split: FilesSplit) -> dict[str, str]:
    """Return the checksums of the index files that are there, by path."""
    folder = _folder()
    paths = [path for files in _files(split) for path in files.values()]
    return {path: sha256(folder / path) for path in paths if (folder / path).is_file()}


def _folder() -> Path:
    return find_kedro_project(Path.cwd()) or Path.cwd()


def _files(split: FilesSplit) -> list[dict[str, str]]:
    """Return the path of the file of each part, of each split."""
    written = {TRAIN: split.train, VALIDATION: split.validation, TEST: split.test}
    return [
        {
            part: path.replace("{split}", str(split.first + number))
            for part, path in written.items()
            if path is not None
        }
        for number in range(split.count)
    ]


def _parts(folder: Path, files: dict[str, str], rows: int, first_row: int) -> pd.Categorical:
    numbers = {part: _read(folder / path, path, rows, first_row) for part, path in files.items()}
    return combine_parts(numbers, files, rows, first_row)


def _read(file: Path, shown: str, rows: int, first_row: int) -> npt.NDArray[np.int64]:
    if not file.is_file():
        what = "is not a file" if file.exists() else "there is no such file"
        raise BadInputError(
            f"{shown}: {what}; split names it as an index file, relative to the project's folder"
        )
    if file.stat().st_size > _LONGEST_LINE * (rows + 1):
        raise BadInputError(
            f"{shown}: is too large for an index file of a table with {rows} rows, which holds the"
            " number of one row on each line"
        )
    try:
        text = file.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise BadInputError(f"{shown}: cannot be read: {in_one_line(error)}") from error
    return read_row_numbers(text.splitlines(), rows, first_row, shown)
