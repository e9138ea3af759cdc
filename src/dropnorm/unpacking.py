"""Compressed files, and how much is in them: asked before they are unpacked."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

from dropnorm.errors import BadInputError

if TYPE_CHECKING:
    from pathlib import Path

# What may be in any file, in bytes, and in a larger one for each of its own bytes: tables of
# numbers unpack to 3 to 20 times their size.
_FREE = 500_000_000
_RATIO = 100
_AT_ONCE = 1 << 20
# No byte of a gzip file gives more than so many.
_MOST_OF_GZIP = 1032

_GZIP = b"\x1f\x8b"
_OPENERS: dict[bytes, Any] = {
    _GZIP: gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}
_ZIP = b"PK\x03\x04"
_PARQUET = b"PAR1"


def refuse_bomb(path: Path, known_as: str | None = None) -> None:
    """Refuse a file that unpacks to far more than a file of its size would hold.

    Looks into gzip, bzip2, xz, zip (as which networks and preprocessors are kept) and Parquet
    files; of a file that is broken, whoever reads it will tell.

    Args:
        path: Of the file; one that is not there is not refused.
        known_as: What to call it in the message; its path if left out.

    Raises:
        BadInputError: If it is more than 500 MB, and more than 100 times the size of the file.
    """
    if not path.is_file():
        return
    size = path.stat().st_size
    most = max(_FREE, _RATIO * size)
    try:
        unpacked = _unpacked_size(path, most)
    # Of these formats' own kinds, some are OSErrors: pyarrow's and gzip's.
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error, lzma.LZMAError):
        return
    if unpacked > most:
        raise BadInputError(
            f"{known_as or path}: holds more than {most / 1e6:.0f} MB in a file of"
            f" {size / 1e6:.3g} MB; nothing that is meant to be read is packed so tightly: unpack"
            " it with a tool that you trust, and look at it"
        )


def _unpacked_size(path: Path, most: int) -> int:
    """Return how many bytes are in a file, or some number above ``most``."""
    with path.open("rb") as file:
        head = file.read(max(map(len, (*_OPENERS, _ZIP, _PARQUET))))
    if head.startswith(_ZIP):
        with zipfile.ZipFile(path) as archive:
            # zipfile gives no more of an entry than its directory says.
            return sum(entry.file_size for entry in archive.infolist())
    if head.startswith(_PARQUET):
        return _size_as_table(path)
    for magic, opener in _OPENERS.items():
        if head.startswith(magic):
            if magic == _GZIP and path.stat().st_size * _MOST_OF_GZIP <= most:
                return 0
            return _count(opener, path, most)
    return 0


def _count(opener: Any, path: Path, most: int) -> int:
    count = 0
    with opener(path) as file:
        while count <= most and (chunk := file.read(_AT_ONCE)):
            count += len(chunk)
    return count


def _size_as_table(path: Path) -> int:
    """Return about what a Parquet file takes in memory: a value that repeats is written once."""
    import pyarrow.parquet as pq  # noqa: PLC0415  # not needed for other files

    about = pq.read_metadata(path)
    return int(about.num_rows * about.num_columns * 8)
