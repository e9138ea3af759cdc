"""Parts of the rows as published protocols give them: in cells of a table, or in index files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dropnorm.data.validation import to_text
from dropnorm.errors import BadInputError, did_you_mean, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from dropnorm.study.split import Cells, PartName

TRAIN = "train"
VALIDATION = "validation"
TEST = "test"
PARTS = (TRAIN, VALIDATION, TEST)
# Of a row that a split leaves out.
UNUSED = "unused"
# As people and NumPy write numbers; float() also takes 1_0 and other digits.
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")


def written_parts(values: pd.Series, meanings: Mapping[PartName, Cells]) -> npt.NDArray[np.str_]:
    """Return the part that each cell of a column names, or ``unused``.

    Args:
        values: Cells, without missing ones.
        meanings: Values of the cells of each part, by part; without any, cells hold the names of
            the parts. A number and its text are the same.

    Raises:
        BadInputError: If a cell names no part.
    """
    known = (*PARTS, UNUSED)
    names: dict[str, str] = {part: part for part in known}
    if meanings:
        parts = [part for part, cells in meanings.items() for _ in cells]
        cells = pd.Series([cell for cells in meanings.values() for cell in cells], dtype=object)
        names = dict(zip(to_text(cells), parts, strict=True))
    text = to_text(values)
    unknown = ~text.isin(list(names))
    if not meanings:
        unknown = ~values.isin(known)
    if unknown.any():
        values = values.astype(object)
        row = values.index[unknown][0]
        raise BadInputError(
            f"column '{values.name}', row {row}: {values[row]!r} is not a part"
            f"{did_you_mean(values[row], names)} (known: {', '.join(names)}; {int(unknown.sum())}"
            f" of {len(values)} rows hold something else)"
        )
    parts_of_rows: npt.NDArray[np.str_] = text.map(names).to_numpy(dtype=str)
    return parts_of_rows


def read_row_numbers(
    lines: Iterable[str], rows: int, first_row: int, where: str
) -> npt.NDArray[np.int64]:
    """Read the row numbers of an index file, one on each line; empty lines do not count.

    Args:
        lines: Of the file. A whole number may be written as NumPy's ``savetxt`` writes one:
            ``1.200000000000000000e+01``.
        rows: How many rows the table has.
        first_row: What the first of them is called, 0 or 1.
        where: Names the file in messages.

    Returns:
        Positions in the table from 0, shape (numbers,), each once.

    Raises:
        BadInputError: If a line is not the number of a row, or repeats one.
    """
    found: dict[int, int] = {}
    for number, line in enumerate(lines, start=1):
        if not (text := line.strip()):
            continue
        row = _whole_number(text)
        if row is None:
            raise BadInputError(
                f"{where}, line {number}: {shorten(text)!r} is not a whole number; an index file"
                " holds the number of one row on each line"
            )
        position = row - first_row
        if not 0 <= position < rows:
            # With the numbers of another first row, the last or the first is one too far.
            other = {0: rows, 1: 0}[first_row] == row
            remedy = (
                f"; if the file counts from {1 - first_row}, write split.first_row: {1 - first_row}"
            )
            raise BadInputError(
                f"{where}, line {number}: the table has no row {row}; its rows are {first_row} to"
                f" {rows - 1 + first_row}{remedy if other else ''}"
            )
        if position in found:
            raise BadInputError(
                f"{where}, line {number}: row {row} is already on line {found[position]}; write"
                " each row once"
            )
        found[position] = number
    return np.fromiter(found, dtype=np.int64, count=len(found))


def _whole_number(text: str) -> int | None:
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return int(number) if number.is_integer() else None


def combine_parts(
    numbers: Mapping[str, npt.NDArray[np.int64]],
    files: Mapping[str, str],
    rows: int,
    first_row: int,
) -> pd.Categorical:
    """Return the part of each row of a table in one split.

    Args:
        numbers: Positions of the rows of each part, by part.
        files: Where each was read from, for messages.
        rows: How many rows the table has.
        first_row: What the first of them is called, 0 or 1.

    Raises:
        BadInputError: If a row is in two parts, or in none.
    """
    codes = np.full(rows, -1, dtype=np.int8)
    for part, positions in numbers.items():
        taken = positions[codes[positions] >= 0]
        if len(taken):
            other = PARTS[codes[taken[0]]]
            raise BadInputError(
                f"{files[part]}: row {taken[0] + first_row} is also in {files[other]}"
                f"{_and_more(len(taken))}; a row has one part in each split"
            )
        codes[positions] = PARTS.index(part)
    missing = np.flatnonzero(codes < 0)
    if len(missing):
        raise BadInputError(
            f"{' and '.join(files.values())}: row {missing[0] + first_row} of the table is in none"
            f" of them{_and_more(len(missing))}; each of the {rows} rows needs a part"
        )
    return pd.Categorical(np.array(PARTS)[codes], categories=PARTS)


def _and_more(count: int) -> str:
    others = count - 1
    return f", and so {'is' if others == 1 else 'are'} {others} more" if others else ""
