"""Tables as they lie on disk: how a file is read, found out by looking at it."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from dropnorm.data.fetching import fetched, is_address
from dropnorm.errors import BadInputError
from dropnorm.unpacking import refuse_bomb
from dropnorm.unreadable import why_unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["ReadTable", "fetched", "has_columns", "is_address", "read_table"]

# In the order in which they are preferred where they fit equally well.
_SEPARATORS = (",", ";", "\t", "|")
# What is looked at to find out the separator, in characters.
_LOOKED_AT = 65536
# What people write for a missing number, beside what pandas takes for one.
_MISSING = {"?", "-", "--", ".", "missing", "unknown", "none", "n.a.", "k.a.", "nil", "*"}
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d+,\d+\s*")
# Share of a column's texts that tell how its numbers are written.
_MOST = 0.5
_GZIP = b"\x1f\x8b"
_GZ = ".gz"
_PARQUET = b"PAR1"
_PARQUET_SUFFIXES = (".parquet", ".pq")
# Of what no person writes into the name of a column.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_EMPTY = "is empty; a table has a header and rows"
_NO_TEXT = (
    "is no text; CSV and Parquet files are read as they are, a study's table of another kind by an"
    " entry of its own in the catalog"
)


@dataclass(frozen=True)
class ReadTable:
    """A table, and how it was read.

    Attributes:
        table: As Kedro's dataset will load it.
        dataset: Which dataset that is.
        load_args: Arguments of that dataset; empty for a CSV file as pandas expects it.
        suffix: Of the file's name, for a copy of it; tells whether it is packed.
    """

    table: pd.DataFrame
    dataset: str = "pandas.CSVDataset"
    load_args: dict[str, Any] = field(default_factory=dict)
    suffix: str = ".csv"

    def load_args_of(self, name: str) -> dict[str, Any]:
        """Return the arguments for a file of this name, from which pandas tells a packed one."""
        zipped = self.suffix.endswith(_GZ)
        if name.endswith(_GZ) == zipped or self.dataset != ReadTable.dataset:
            return self.load_args
        return {**self.load_args, "compression": "gzip" if zipped else None}


def read_table(path: Path, known_as: str | None = None) -> ReadTable:
    """Read a CSV file with any separator, encoding or compression by gzip, or a Parquet file.

    Args:
        path: Of the file.
        known_as: What to call it in messages; its path if left out.

    Raises:
        BadInputError: If the file is none of these: what is wrong with it, in one line.
    """
    refuse_bomb(path, known_as)
    try:
        return _read(path)
    # csv.Error is of its own kind; pyarrow's are ValueErrors or OSErrors, as BadInputError is.
    except (ValueError, OSError, EOFError, zlib.error, csv.Error) as error:
        raise BadInputError(f"{known_as or path}: {why_unreadable(error)}") from error


def _read(path: Path) -> ReadTable:
    data = path.read_bytes()
    if path.suffix.lower() in _PARQUET_SUFFIXES or data.startswith(_PARQUET):
        return ReadTable(pd.read_parquet(path), "pandas.ParquetDataset", suffix=".parquet")
    return _read_csv(data)


def _read_csv(data: bytes) -> ReadTable:
    zipped = data.startswith(_GZIP)
    if zipped:
        data = gzip.decompress(data)
    if not data.strip():
        raise BadInputError(_EMPTY)
    if b"\0" in data[:_LOOKED_AT] and not data.startswith(
        (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    ):
        raise BadInputError(_NO_TEXT)
    encoding = _encoding(data)
    lines = data.decode(encoding)[:_LOOKED_AT]
    if not lines.strip():  # nothing but the mark of an encoding
        raise BadInputError(_EMPTY)
    separator = _separator(lines)
    _check_header(next(csv.reader(io.StringIO(lines, newline=""), delimiter=separator)))
    load_args: dict[str, Any] = {"sep": separator} if separator != "," else {}
    if encoding != "utf-8":
        load_args["encoding"] = encoding
    table = pd.read_csv(io.BytesIO(data), sep=separator, encoding=encoding)
    told = _how_numbers_are_written(table, separator)
    if told:
        table = pd.read_csv(io.BytesIO(data), sep=separator, encoding=encoding, **told)
    suffix = f".csv{_GZ}" if zipped else ".csv"
    return ReadTable(table, load_args={**load_args, **told}, suffix=suffix)


def _encoding(data: bytes) -> str:
    """Tell UTF-8 and UTF-16 for sure; what is neither is taken as Windows' Western European."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return "utf-8-sig" if data.startswith(codecs.BOM_UTF8) else "utf-8"
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def _separator(text: str) -> str:
    """Return the separator that gives the header most columns, of those that all rows agree with.

    Python's own sniffer goes by how often a character stands in a line, and takes the letter e for
    a separator where that fits.
    """

    def fit(separator: str) -> tuple[bool, int]:
        whole = text[: text.rfind("\n") + 1] if len(text) == _LOOKED_AT else text
        rows = [
            row for row in csv.reader(io.StringIO(whole, newline=""), delimiter=separator) if row
        ]
        width = len(rows[0]) if rows else 0
        # Rows may lack the last fields; one that has more tells of another separator.
        return all(len(row) <= width for row in rows) and width > 1, width

    return max(_SEPARATORS, key=fit)


def _check_header(header: list[str]) -> None:
    if _CONTROL.search("".join(header)):
        raise BadInputError(_NO_TEXT)
    repeated = [name for name in header if name and header.count(name) > 1]
    if repeated:
        raise BadInputError(f"has the column '{repeated[0]}' more than once; rename one of them")
    numbers = pd.to_numeric(pd.Series(header, dtype=object), errors="coerce").notna()
    if len(header) > 1 and numbers.all():
        raise BadInputError(
            f"the first line holds numbers alone ({', '.join(header[:3])}, …): a table begins with"
            " a line that names its columns; write one"
        )


def _how_numbers_are_written(table: pd.DataFrame, separator: str) -> dict[str, Any]:
    """Tell decimal commas, and words for a missing number in columns of numbers."""
    texts = {str(name): _texts(table[name]) for name in table.columns}
    texts = {name: values for name, values in texts.items() if len(values)}
    commas = separator != "," and any(
        _share(values, _DECIMAL_COMMA) > _MOST for values in texts.values()
    )
    missing = {}
    for name, values in texts.items():
        written = values.str.replace(",", ".", regex=False) if commas else values
        is_number = pd.to_numeric(written, errors="coerce").notna()
        others = sorted(set(values[~is_number]))
        if is_number.any() and others and all(one.strip().lower() in _MISSING for one in others):
            missing[name] = others
    told: dict[str, Any] = {"decimal": ","} if commas else {}
    return {**told, "na_values": missing} if missing else told


def _texts(values: pd.Series) -> pd.Series:
    present = values.dropna().astype(object)
    return present[present.map(lambda value: isinstance(value, str))].astype(str)


def _share(values: pd.Series, pattern: re.Pattern[str]) -> float:
    return float(values.str.fullmatch(pattern).mean())


def has_columns(table: pd.DataFrame, columns: Iterable[str]) -> bool:
    """Tell whether a table has all these columns."""
    return set(columns) <= {str(name) for name in table.columns}
