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

from dropnorm.errors import BadInputError, in_one_line
from dropnorm.unpacking import refuse_bomb

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

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
_PARQUET = (".parquet", ".pq")


@dataclass(frozen=True)
class ReadTable:
    """A table, and how it was read.

    Attributes:
        table: As Kedro's dataset will load it.
        dataset: Which dataset that is.
        load_args: Arguments of that dataset; empty for a CSV file as pandas expects it.
        suffix: Of the file's name, for a copy of it.
    """

    table: pd.DataFrame
    dataset: str = "pandas.CSVDataset"
    load_args: dict[str, Any] = field(default_factory=dict)
    suffix: str = ".csv"


def read_table(path: Path) -> ReadTable:
    """Read a CSV file with any separator, encoding or compression by gzip, or a Parquet file.

    Raises:
        BadInputError: If the file is none of these: what is wrong with it, in one line.
    """
    refuse_bomb(path)
    try:
        if path.suffix.lower() in _PARQUET:
            return ReadTable(pd.read_parquet(path), "pandas.ParquetDataset", suffix=".parquet")
        return _read_csv(path)
    except FileNotFoundError as error:
        raise BadInputError(f"{path}: there is no such file") from error
    except IsADirectoryError as error:
        raise BadInputError(f"{path}: is a folder; a table is a file") from error
    except PermissionError as error:
        raise BadInputError(f"{path}: may not be read; check its permissions") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadInputError(f"{path}: is no whole gzip file; get it again") from error
    except pd.errors.EmptyDataError as error:
        raise BadInputError(f"{path}: is empty; a table has a header and rows") from error
    # pyarrow's errors are ValueErrors or OSErrors; csv.Error is of its own kind.
    except (ValueError, OSError, csv.Error) as error:
        told = in_one_line(error)
        raise BadInputError(f"{path}: cannot be read as a table: {told}") from error


def _read_csv(path: Path) -> ReadTable:
    zipped = path.read_bytes()[:2] == _GZIP
    data = gzip.decompress(path.read_bytes()) if zipped else path.read_bytes()
    if not data.strip():
        raise BadInputError(f"{path}: is empty; a table has a header and rows")
    if b"\0" in data[:_LOOKED_AT] and not data.startswith(
        (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    ):
        raise BadInputError(
            f"{path}: is no text: only CSV and Parquet files are read; for another kind write an"
            " entry for its table in the catalog, and leave --csv out"
        )
    encoding = _encoding(data)
    lines = data.decode(encoding)[:_LOOKED_AT]
    if not lines.strip():  # nothing but the mark of an encoding
        raise BadInputError(f"{path}: is empty; a table has a header and rows")
    separator = _separator(lines)
    header = next(csv.reader(io.StringIO(lines, newline=""), delimiter=separator))
    _check_header(path, header)
    load_args: dict[str, Any] = {"sep": separator} if separator != "," else {}
    if encoding != "utf-8":
        load_args["encoding"] = encoding
    if zipped and path.suffix != ".gz":
        load_args["compression"] = "gzip"
    table = pd.read_csv(io.BytesIO(data), sep=separator, encoding=encoding)
    told = _how_numbers_are_written(table, separator)
    if told:
        table = pd.read_csv(io.BytesIO(data), sep=separator, encoding=encoding, **told)
    return ReadTable(table, load_args={**load_args, **told}, suffix=".csv.gz" if zipped else ".csv")


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


def _check_header(path: Path, header: list[str]) -> None:
    repeated = [name for name in header if name and header.count(name) > 1]
    if repeated:
        raise BadInputError(
            f"{path}: has the column '{repeated[0]}' more than once; rename one of them"
        )
    numbers = pd.to_numeric(pd.Series(header, dtype=object), errors="coerce").notna()
    if len(header) > 1 and numbers.all():
        raise BadInputError(
            f"{path}: the first line holds numbers alone ({', '.join(header[:3])}, …): a table"
            " begins with a line that names its columns; write one"
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
