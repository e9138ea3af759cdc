"""Why a table could not be read, in the words of those who have to mend it."""

from __future__ import annotations

import gzip
import lzma
import re
import zipfile
import zlib

import pandas as pd
from pyarrow import ArrowInvalid

from dropnorm.errors import BadInputError, in_one_line

_PLAIN: dict[tuple[type[Exception], ...], str] = {
    (FileNotFoundError,): "there is no such file",
    (IsADirectoryError,): "is a folder; a table is a file",
    (PermissionError,): "may not be read; check its permissions",
    (EOFError, gzip.BadGzipFile, zlib.error): (
        "is no whole gzip file; get it again, or take .gz from its name"
    ),
    (zipfile.BadZipFile,): "is no whole zip file; get it again",
    (lzma.LZMAError,): "is no whole xz file; get it again",
    (NotImplementedError,): "is packed in a way that is not read; unpack it",
    (pd.errors.EmptyDataError,): "is empty; a table has a header and rows",
}
_TOO_MANY_FIELDS = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")
_OPEN_QUOTE = re.compile(r"EOF inside string starting at row (\d+)")


def why_unreadable(error: BaseException) -> str:  # noqa: PLR0911  # one for each kind
    """Return what is wrong with a file, and what to do; not which file it is."""
    while error.__cause__ is not None and not isinstance(error, BadInputError):
        error = error.__cause__
    for kinds, why in _PLAIN.items():
        if isinstance(error, kinds):
            return why
    told = in_one_line(error)
    match error:
        case BadInputError():
            return str(error)
        case UnicodeDecodeError():
            return (
                f"byte {error.start} is no {error.encoding} text; if the file is text in another"
                " encoding, write load_args: {encoding: ...} in its catalog entry"
            )
        case pd.errors.ParserError():
            return _why_unparsed(told)
        case ArrowInvalid() if "parquet" in told.lower():
            return "is no whole Parquet file; get it again"
        case ModuleNotFoundError():
            return f"needs the package {error.name}, which is not installed"
        case TypeError():
            return f"cannot be read with the load_args of its catalog entry: {told}"
        case OSError() | ValueError() | ImportError():
            return f"cannot be read as a table: {told}"
        case _:
            return f"cannot be read as a table: {type(error).__name__}: {told}"


def _why_unparsed(told: str) -> str:
    if found := _TOO_MANY_FIELDS.search(told):
        expected, line, saw = found.groups()
        return (
            f"line {line} has {saw} fields where {expected} are expected; mend the line, or if"
            " something else separates the columns, write load_args: {sep: ...} in the catalog"
            " entry of the table"
        )
    if found := _OPEN_QUOTE.search(told):
        return (
            f'in line {int(found[1]) + 1} a quotation mark (") opens that nothing closes; mend it'
        )
    return f"cannot be read as a table: {told}"
