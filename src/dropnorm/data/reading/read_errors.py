"""Explain why a table could not be read, and what to do."""

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
        "is not a complete gzip file; get it again, or remove .gz from its name"
    ),
    (zipfile.BadZipFile,): "is not a complete zip file; get it again",
    (lzma.LZMAError,): "is not a complete xz file; get it again",
    (NotImplementedError,): "is compressed in a way that is not supported; unpack it",
    (pd.errors.EmptyDataError,): "is empty; a table has a header and rows",
}
_TOO_MANY_FIELDS = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")
_OPEN_QUOTE = re.compile(r"EOF inside string starting at row (\d+)")


def why_unreadable(error: BaseException) -> str:  # noqa: PLR0911  # one for each kind
    """Return what is wrong with a file and what to do, without the file's name."""
    while error.__cause__ is not None and not isinstance(error, BadInputError):
        error = error.__cause__
    for kinds, why in _PLAIN.items():
        if isinstance(error, kinds):
            return why
    message = in_one_line(error)
    match error:
        case BadInputError():
            return str(error)
        case UnicodeDecodeError():
            return (
                f"is not {error.encoding} text from byte {error.start} on; if it has another"
                " encoding, write load_args: {encoding: ...} in its catalog entry"
            )
        case pd.errors.ParserError():
            return _why_unparsed(message)
        case ArrowInvalid() if "parquet" in message.lower():
            return "is not a complete Parquet file; get it again"
        case ModuleNotFoundError():
            return f"needs the package {error.name}, which is not installed"
        case TypeError():
            return f"cannot be read with the load_args of its catalog entry: {message}"
        case OSError() | ValueError() | ImportError():
            return f"cannot be read as a table: {message}"
        case _:
            return f"cannot be read as a table: {type(error).__name__}: {message}"


def _why_unparsed(message: str) -> str:
    if found := _TOO_MANY_FIELDS.search(message):
        expected, line, saw = found.groups()
        return (
            f"line {line} has {saw} fields where {expected} are expected; correct the line, or if"
            " the separator is wrong, write load_args: {sep: ...} in the table's catalog entry"
        )
    if found := _OPEN_QUOTE.search(message):
        line = int(found[1]) + 1
        return f'line {line} has an opening quotation mark (") that is never closed; correct it'
    return f"cannot be read as a table: {message}"
