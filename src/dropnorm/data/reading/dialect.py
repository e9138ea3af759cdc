"""Detect the separator and the header row of a text file from its first lines."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice

from dropnorm.data.reading.formats import TableFormat
from dropnorm.data.reading.text_files import Lines
from dropnorm.errors import BadInputError

# In order of preference where they fit equally well.
_SEPARATORS = (",", ";", "\t", "|")
# Lines to look at; at least _FEW_LINES if they have more than _CHARACTERS together.
_LINES = 1000
_FEW_LINES = 50
_CHARACTERS = 1 << 22
_SEP_LINE = re.compile(r'"?sep=(?P<sep>[^"\r\n]|\\t)["\s,;]*', re.IGNORECASE)
_COMMENT = "#"
# A header has at most this many lines above it.
_MOST_ABOVE = 50
_NUMBER = re.compile(
    r"[-+(−–]?\s*(?:[A-Z]{0,3}[$€£¥]|[A-Z]{3}\s)?\s*[-+]?\d[\d.,'’_\s\u00a0\u202f]*(e[-+]?\d+)?\s*[^\w\s]{0,2}-?",
    re.IGNORECASE,
)
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b.*")

Rows = list[tuple[int, list[str]]]


@dataclass(frozen=True)
class _Fit:
    """How well a separator fits; a better one has a greater ``score``."""

    dialect: TableFormat
    reasons: dict[str, str] = field(default_factory=dict)
    fits: bool = False
    splits: bool = False
    whole: bool = False
    quality: float = 0.0
    width: int = 1

    @property
    def score(self) -> tuple[bool, bool, bool, float, int]:
        return self.fits and self.width > 1, self.splits, self.whole, self.quality, self.width


def find_dialect(text: object) -> tuple[TableFormat, dict[str, str]]:
    """Detect the separator, the lines above the header and whether rows have names.

    Returns:
        The format, and reasons by key where something is unusual.

    Raises:
        BadInputError: If the text is empty, or has no separator that can be read.
    """
    lines, whole = _first_lines(text)
    if not any(line.strip() for line in lines):
        raise BadInputError("is empty; a table has a header and rows")
    if found := _SEP_LINE.fullmatch(lines[0].strip("\r\n")):
        sep = "\t" if found["sep"] == "\\t" else found["sep"]
        fit = _fit(lines, whole, sep, 1, None)
        reason = f"the first line says 'sep={found['sep']}' and is not part of the table"
        return fit.dialect, {**fit.reasons, "sep": reason}
    comment = _comment(lines)
    fits = [_fit(lines, whole, sep, 0, comment) for sep in _SEPARATORS]
    best = max(fits, key=lambda fit: fit.score)
    if best.width == 1 and not best.splits and _separated_by_blanks(lines):
        raise BadInputError(
            "separates its columns with blanks; save it with commas, semicolons, tabs or | instead"
        )
    if best.width == 1:
        _refuse_separated(lines, comment)
    return best.dialect, best.reasons


def _refuse_separated(lines: list[str], comment: str | None) -> None:
    """Refuse a single column if a separator splits most or the last rows, but not the first."""
    for sep in _SEPARATORS:
        rows, _ = _rows(lines, sep, 0, comment)
        parted = [
            (number, len(row))
            for number, row in rows
            if len(row) > 1 and not _is_value(sep.join(row))  # a comma may be a decimal mark
        ]
        to_the_end = len(parted) > 1 and parted[0][0] == rows[-len(parted)][0]
        if to_the_end or len(parted) > len(rows) / 2:
            line, count = parted[0]
            name = "a tab" if sep == "\t" else f"'{sep}'"
            raise BadInputError(
                f"{name} separates {count} fields in line {line}, but none in the first; if the"
                " table begins further down, remove the lines above its header"
            )


def _separated_by_blanks(lines: list[str]) -> bool:
    rows = [(0, line.replace('"', "").split()) for line in lines if line.strip()]
    width = len(rows[-1][1])
    named_apart = width > 2 or lines[0].count('"') > 2  # noqa: PLR2004  # not a name of two words
    return (
        width > 1
        and named_apart
        and len(rows) > 1
        and all(len(row) == width for _, row in rows[1:])
        and len(rows[0][1]) in (width, width - 1)
        and (_heads(rows, 0) or _heads([(0, ["", *rows[0][1]]), *rows[1:]], 0))
        and not all(_is_value(line) for line in lines[1:] if line.strip())
    )


def _first_lines(text: object) -> tuple[list[str], bool]:
    """Return the first lines, and whether there are no more."""
    lines: list[str] = []
    count = 0
    for line in islice(text, _LINES):  # type: ignore[call-overload]
        lines.append(line)
        count += len(line)
        if count > _CHARACTERS and len(lines) >= _FEW_LINES:
            break
    return lines, next(iter(text), None) is None  # type: ignore[call-overload]


def _comment(lines: list[str]) -> str | None:
    first = next(line for line in lines if line.strip())
    return _COMMENT if first.startswith(_COMMENT) else None


def _rows(lines: list[str], sep: str, skiprows: int, comment: str | None) -> tuple[Rows, bool]:
    """Return the rows up to the first quoting error, and whether there was none."""
    found: Rows = []
    try:
        for row in Lines(iter(lines), skiprows, comment).rows(sep):
            found.append(row)
    except BadInputError:
        return found, False
    return found, True


def _fit(lines: list[str], whole: bool, sep: str, skiprows: int, comment: str | None) -> _Fit:
    rows, parsed = _rows(lines, sep, skiprows, comment)
    if comment and _header_is_commented(rows, lines, sep):
        last = max(n for n, line in enumerate(lines[: rows[0][0]]) if line.startswith(comment))
        skiprows, comment = last, None
        rows, parsed = _rows(lines, sep, skiprows, comment)
    if not rows:
        return _Fit(TableFormat(sep=sep, skiprows=skiprows, comment=comment))
    width = _full_width(rows)
    place, names = _header(rows, width)
    header, body = rows[place][1], rows[place + 1 :]
    above = rows[place][0] - 1 if place else skiprows
    reasons = {}
    if comment:
        reasons["comment"] = f"lines that begin with {comment} are comments"
    elif skiprows:
        reasons["skiprows"] = "the lines above the header are not part of the table"
    if place:
        reasons["skiprows"] = (
            f"the header is line {rows[place][0]}, '{sep.join(header)[:60]}'; the lines above it"
            " are not part of the table"
        )
    if names:
        reasons["row_names"] = (
            "rows have one field more than the header, and the first is a unique row name, as R"
            " writes it"
        )
    expected = max(len(header), width) if names else len(header)
    long = [row for _, row in body if len(row) > expected and any(map(str.strip, row[expected:]))]
    short = sum(len(row) < width for _, row in body)
    quality = (1 - (short + len(long)) / max(len(body), 1)) * _clean(rows[place:], sep)
    dialect = TableFormat(sep=sep, skiprows=above, comment=comment, row_names=names)
    # The last quoted text may continue in lines that were not read.
    fits = not long and 2 * short <= len(body) and (parsed or not whole)
    splits = _splits(header, [row for _, row in body])
    return _Fit(dialect, reasons, fits, splits, not short, quality, min(width, expected))


def _splits(header: list[str], body: list[list[str]]) -> bool:
    """Return whether a separator splits rows rather than the values of a single column."""
    widths = {len(row) for row in body}
    if len(header) > 1:
        return max(widths, default=1) > 1
    # 1,5 is one number, but a title above a header is no header.
    return len(widths) == 1 and widths != {1} and not all(map(_is_value, body[0]))


def _header_is_commented(rows: Rows, lines: list[str], sep: str) -> bool:
    """Return whether the last comment above the rows is the header, as in '# x, y'."""
    if not rows or rows[0][0] <= 1:
        return False
    last = next((line for line in reversed(lines[: rows[0][0] - 1]) if line.strip()), "")
    named = list(Lines(iter([last])).rows(sep)) if last.count('"') % 2 == 0 else []
    if not named or len(named[0][1]) != len(rows[0][1]) or len(rows[0][1]) == 1:
        return False
    both = [named[0], *rows]
    return not _heads(rows, 0) and _heads(both, 0)


def _full_width(rows: Rows) -> int:
    """Return how many columns most rows have, without columns at the end that are all empty."""
    counts = Counter(len(row) for _, row in rows if len(row) > 1)
    if not counts:
        return 1
    width = max(counts, key=lambda width: (counts[width], width))
    while width > 1 and all(
        not any(map(str.strip, row[width - 1 :])) for _, row in rows if len(row) >= width
    ):
        width -= 1
    return width


def _header(rows: Rows, width: int) -> tuple[int, bool]:
    """Return which row is the header, and whether the first fields of the other rows are names."""
    first = rows[0][1]
    count = len(first)
    while count > width and not first[count - 1].strip():
        count -= 1
    names = (
        count == width - 1
        and _are_names(rows[1:], width)
        and (_is_value(rows[1][1][0]) or not _heads(rows, 1))
        and any(map(_is_value, rows[1][1]))  # else it may be a header below a title
    )
    ragged = any(len(row) < width for _, row in rows[1:_MOST_ABOVE])
    if names or (count == width and first[width - 1].strip() and not ragged):
        return 0, names
    if count >= width and _heads(rows, 0):
        return 0, False
    for place in range(1, min(_MOST_ABOVE, len(rows) - 1)):
        row = rows[place][1]
        if _may_head(row, width) and (
            _heads(rows, place)
            or (count < width - 1 and all(len(row) >= width for _, row in rows[place + 1 :]))
        ):
            return place, False
        if len(row) >= width and row[width - 1].strip():
            break  # a data row: the preamble has ended
    return 0, False


def _may_head(row: list[str], width: int) -> bool:
    names = [field.strip() for field in row[:width]]
    return (
        len(row) >= width
        and not any(map(str.strip, row[width:]))
        and all(names)
        and not any(map(_is_value, names))
        and len(set(names)) == width
    )


def _are_names(rows: Rows, width: int) -> bool:
    """Return whether the first fields are row names."""
    names = [row[0].strip() for _, row in rows]
    return (
        len(rows) > 0
        and all(len(row) == width for _, row in rows)
        and are_row_names(names)
        and (width > 2 or not any(map(_is_value, names)))  # noqa: PLR2004  # 1,5 is a number
    )


def are_row_names(names: list[str]) -> bool:
    """Return whether names are row names as R writes: unique texts, or 1, 2, 3 and so on."""
    if not all(names) or len(set(names)) < len(names):
        return False
    if not any(map(_is_value, names)):
        return True
    whole = [int(name) for name in names if re.fullmatch(r"[0-9]{1,9}", name)]
    return whole in (list(range(1, len(names) + 1)), list(range(len(names))))


def _heads(rows: Rows, place: int) -> bool:
    """Return whether a row has a name above a column of numbers or dates."""
    below = [row for _, row in rows[place + 1 :]]
    for column, name in enumerate(rows[place][1]):
        cells = [row[column].strip() for row in below if len(row) > column]
        cells = [cell for cell in cells if cell]
        if name.strip() and not _is_value(name) and cells and all(map(_is_value, cells)):
            return True
    return False


def _is_value(cell: str) -> bool:
    cell = cell.strip()
    return bool(_NUMBER.fullmatch(cell) or _DATE.fullmatch(cell))


def _clean(rows: Rows, sep: str) -> float:
    """Return the share of cells without another separator; a date or number may contain one."""
    others = "".join(set(";|\t") - {sep})
    # A comma in a sentence is followed by a blank.
    mixed = re.compile(f"[{others}]" if sep == "," else rf"[{others}]|,(?=\S)")
    cells = [cell for _, row in rows for cell in row]
    unclean = sum(bool(mixed.search(cell)) and not _is_value(cell) for cell in cells)
    return 1 - unclean / max(len(cells), 1)
