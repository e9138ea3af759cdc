"""Read the cells of a text file as texts, column by column."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv_of_arrow

from dropnorm.data.reading.dialect import are_row_names
from dropnorm.data.reading.text_files import NOT_TEXT, Lines, dialect, open_bytes, open_text
from dropnorm.errors import BadInputError

if TYPE_CHECKING:
    from pathlib import Path

    from dropnorm.data.reading.formats import TableFormat

_AT_ONCE = 50_000
_BYTES = 1 << 20
_UTF8 = ("utf-8", "utf-8-sig")
_SHOWN = 60
_SOME = 3
# Control characters, which do not occur in the names of columns.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_NUMBER = re.compile(r"[-+]?(\d+[.,]?\d*|[.,]\d+)([eE][-+]?\d+)?")


@dataclass
class Cells:
    """The cells of a file.

    Attributes:
        columns: Texts by column, without surrounding blanks; null where a cell is empty.
        row_names: Names of the rows, if the first field of each row is its name.
        surplus: Whether rows end in empty fields without a header.
        short: Line numbers of the first few rows with fewer fields than the header.
        count_short: Number of such rows.
    """

    columns: dict[str, pa.ChunkedArray] = field(default_factory=dict)
    row_names: list[str] | None = None
    surplus: bool = False
    short: tuple[int, ...] = ()
    count_short: int = 0


def read_cells(path: Path, how: TableFormat) -> Cells:
    """Read all cells of a text file.

    Raises:
        BadInputError: If the file does not match the format, or a row has too many fields.
    """
    if (cells := _unquoted(path, how)) is not None:
        return cells
    with open_text(path, how.compression, how.encoding) as text:
        lines = Lines(text, how.skiprows, how.comment)
        rows = (fields for _, fields in lines.rows(how.sep))
        header = [name.strip() for name in next(rows, [])]
        if not any(header):
            raise BadInputError("is empty; a table has a header and rows")
        reader = _Reader(path, how, header)
        while chunk := list(islice(rows, _AT_ONCE)):
            reader.take(chunk)
        if reader.ends_short and not lines.last.endswith(("\n", "\r")):
            raise BadInputError(
                f"ends in the middle of a row, in line {lines.number}; the file may be cut off, so"
                " get it again"
            )
    _check_comments(lines, how, len(reader.header))
    return reader.cells()


def line_of(path: Path, how: TableFormat, row: int) -> int:
    """Return the number of the first line of a row, which is counted from 0."""
    with open_text(path, how.compression, how.encoding) as text:
        rows = Lines(text, how.skiprows, how.comment).rows(how.sep)
        _, header = next(rows)
        wide = len(header) + how.row_names > 1
        numbers = (number for number, fields in rows if not (wide and _is_blank(fields)))
        return next(islice(numbers, row, None))


def _is_blank(row: list[str]) -> bool:
    return len(row) == 1 and not row[0].strip()


class _Reader:
    """Collects the cells of rows by column."""

    def __init__(self, path: Path, how: TableFormat, header: list[str]) -> None:
        self.header = header
        self._path = path
        self._how = how
        self._width = len(header) + how.row_names
        self._parts: list[list[pa.Array]] = [[] for _ in range(self._width)]
        self._count = 0
        self._surplus = False
        self._short: list[int] = []

    def take(self, rows: list[list[str]]) -> None:
        """Add some rows."""
        width = self._width
        if set(map(len, rows)) != {width}:
            if width > 1:
                rows = [row for row in rows if not _is_blank(row)]
            rows = [
                row if len(row) == width else self._fitted(row, self._count + place)
                for place, row in enumerate(rows)
            ]
        self._count += len(rows)
        for part, cells in zip(self._parts, zip(*rows, strict=True), strict=False):
            part.append(pa.array(cells, pa.string()))

    @property
    def ends_short(self) -> bool:
        """Whether the last row has fewer fields than the header."""
        return bool(self._short) and self._short[-1] == self._count - 1

    def _fitted(self, row: list[str], place: int) -> list[str]:
        width, count = self._width, len(row)
        if count > width:
            if any(map(str.strip, row[width:])) or self._how.row_names:
                raise BadInputError(self._count_is_wrong(place, count))
            self._surplus = True
            return row[:width]
        # A note below the table or above its header.
        if count == 1 and (width > 2 or not place):  # noqa: PLR2004
            raise BadInputError(self._count_is_wrong(place, count))
        self._short.append(place)
        return row + [""] * (width - count)

    def _count_is_wrong(self, place: int, count: int) -> str:
        line = line_of(self._path, self._how, place)
        fields = "1 field" if count == 1 else f"{count} fields"
        expected = "1 is" if self._width == 1 else f"{self._width} are"
        named = " (plus one for the row's name)" if self._how.row_names else ""
        return (
            f"line {line} has {fields} where {expected} expected from the header{named}; correct"
            " the line, or remove it if it is not part of the table"
        )

    def cells(self) -> Cells:
        """Return the cells of all rows."""
        cells = _named(self.header, [_tidy(parts) for parts in self._parts], self._how)
        cells.surplus |= self._surplus
        cells.short = tuple(line_of(self._path, self._how, row) for row in self._short[:_SOME])
        cells.count_short = len(self._short)
        return cells


def _named(header: list[str], columns: list[pa.ChunkedArray], how: TableFormat) -> Cells:
    """Name the columns, and separate the row names and surplus columns from them."""
    names = None
    if how.row_names:
        names = [str(name or "") for name in columns.pop(0).to_pylist()]
        if not are_row_names(names):
            raise BadInputError(
                f"rows have {len(header) + 1} fields, but the header has {len(header)}; add the"
                " missing name to the header"
            )
    header = list(header)
    count = len(header)
    while len(header) > 1 and not header[-1] and not len(columns[-1].drop_null()):
        header.pop()
        columns.pop()
    _check_header(header, how.sep)
    header = [name or f"Unnamed: {place}" for place, name in enumerate(header)]
    return Cells(dict(zip(header, columns, strict=True)), names, len(header) < count)


def _unquoted(path: Path, how: TableFormat) -> Cells | None:
    """Read a file without quotation marks and with equally long rows, which is fast.

    Returns:
        The cells, or ``None`` if it is not such a file.
    """
    if how.encoding not in _UTF8 or how.skiprows or how.comment:
        return None
    with open_bytes(path, how.compression) as file:
        while chunk := file.read(_BYTES):
            if b'"' in chunk:
                return None
    with open_text(path, how.compression, how.encoding) as text:
        header = next(Lines(text).rows(how.sep), (0, []))[1]
    names = [str(place) for place in range(len(header))]
    if len(header) < 2:  # noqa: PLR2004  # an empty line is an empty cell
        return None
    try:
        with open_bytes(path, how.compression) as file:
            table = csv_of_arrow.read_csv(
                file,
                csv_of_arrow.ReadOptions(column_names=names),
                csv_of_arrow.ParseOptions(delimiter=how.sep, quote_char=False, double_quote=False),
                csv_of_arrow.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
                ),
            )
    except pa.ArrowInvalid:
        return None
    columns = [_tidy(column.chunks) for column in table.slice(1).columns]
    return _named([name.strip() for name in header], columns, how)


def _tidy(parts: list[pa.Array]) -> pa.ChunkedArray:
    texts = pc.utf8_trim_whitespace(pa.chunked_array(parts, pa.string()))
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def _check_header(header: list[str], sep: str) -> None:
    if _CONTROL.search("".join(header)):
        raise BadInputError(NOT_TEXT)
    seen: set[str] = set()
    for name in header:
        if name and name in seen:
            raise BadInputError(
                f"has the column '{name[:_SHOWN]}' more than once; rename one of them"
            )
        seen.add(name)
    if len(header) > 1 and all(_NUMBER.fullmatch(name) for name in header):
        some = sep.join(header[:_SOME])
        raise BadInputError(
            f"the first line holds only numbers ({some[:_SHOWN]} …), but a table begins with the"
            " names of its columns; add such a line"
        )


def _check_comments(lines: Lines, how: TableFormat, width: int) -> None:
    """Refuse comments that may be rows."""
    for number, line in lines.left_out:
        try:
            fields = next(csv.reader([line], **dialect(how.sep)), [])
        except csv.Error:
            continue
        if number > lines.header and width > 1 and len(fields) == width + how.row_names:
            raise BadInputError(
                f"line {number} begins with {how.comment}, as comments do, but has as many fields"
                f" as the header; remove the line if it is a comment, or else the {how.comment}"
            )
