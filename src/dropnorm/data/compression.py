"""Compressed files, and how much is in them: asked before they are unpacked."""

from __future__ import annotations

import io
import json
import lzma
import os
import stat
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

from dropnorm.data.parquet_size import parquet_size
from dropnorm.data.text_files import open_bytes, packed_by
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
# What a path may lead to that has no end, or waits until somebody writes to it.
_SPECIAL = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

_PARQUET = b"PAR1"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_HDF5_SUFFIXES = (".h5", ".hdf5")
# Of a network: its layers, which Keras makes before it reads their weights.
_LAYERS = "config.json"
# What the layers' sizes are called there.
_SIZES = {"units", "batch_shape", "batch_input_shape", "input_shape", "shape"}


def refuse_special(path: Path, known_as: str | None = None) -> None:
    """Refuse what is neither a file nor a folder: a pipe, a device or a socket.

    Reading one may wait for ever, or never end.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return
    for is_it, what in _SPECIAL:
        if is_it(mode):
            raise BadInputError(
                f"{known_as or path}: is not a regular file but {what}; copy what it gives to a"
                " file, and take that"
            )


def refuse_bomb(path: Path, known_as: str | None = None) -> None:
    """Refuse a file that unpacks to far more than a file of its size would hold, or is no file.

    Looks into gzip, bzip2, xz, zip (as which networks and preprocessors are kept), Parquet and HDF5
    files, and at files that are holes for the most part; of a file that is broken, whoever reads it
    will tell.
    """
    refuse_special(path, known_as)
    if not path.is_file():
        return
    size = path.stat().st_size
    try:
        size = min(size, _size_without_holes(path))
        most = max(_FREE, _RATIO * size)
        unpacked = _unpacked_size(path, most)
    except MemoryError:
        unpacked = most + 1
    # Of these formats' own kinds, some are OSErrors: pyarrow's, h5py's and gzip's.
    except (
        OSError, EOFError, ValueError, LookupError, TypeError, RuntimeError, NotImplementedError,
        RecursionError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
    ):  # fmt: skip
        return
    if unpacked > most:
        raise BadInputError(
            f"{known_as or path}: holds more than {most / 1e6:.0f} MB in a file of"
            f" {size / 1e6:.3g} MB; nothing that is meant to be read is packed so tightly: unpack"
            " it with a tool that you trust, and look at it"
        )


def _size_without_holes(path: Path) -> int:
    """Return how many bytes of a file were written; what was skipped reads as zeros."""
    size = path.stat().st_size
    if size <= _FREE or not hasattr(os, "SEEK_DATA"):
        return size
    written = end = 0
    with path.open("rb") as file:
        while end < size:
            try:
                begin = os.lseek(file.fileno(), end, os.SEEK_DATA)
            except OSError:  # there are no more
                break
            end = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
            written += end - begin
    return written


def _unpacked_size(path: Path, most: int) -> int:
    """Return how many bytes are in a file, or some number above ``most``."""
    with path.open("rb") as file:
        head = file.read(len(_HDF5))
    size, packed = path.stat().st_size, packed_by(head)
    if head.startswith(_PARQUET):
        return parquet_size(path, most)
    if head.startswith(_HDF5):
        return _size_of_hdf5(path, size)
    if packed == "zip":
        return _size_of_zip(path, most)
    if packed is None or (packed == "gzip" and size * _MOST_OF_GZIP <= most):
        return size
    count = 0
    with open_bytes(path, packed) as file:
        while count <= most and (chunk := file.read(_AT_ONCE)):
            count += len(chunk)
    return count


def _size_of_zip(path: Path, most: int) -> int:
    with zipfile.ZipFile(path) as archive:
        # zipfile gives no more of an entry than its directory says.
        size = sum(entry.file_size for entry in archive.infolist())
        if size > most:
            return size
        for entry in archive.infolist():
            if entry.filename.endswith(_HDF5_SUFFIXES):
                size = max(size, _size_of_hdf5(io.BytesIO(archive.read(entry)), entry.file_size))
            elif entry.filename == _LAYERS:
                size = max(size, _size_of_network(json.loads(archive.read(entry))))
    return size


def _size_of_hdf5(file: Path | io.BytesIO, size: int) -> int:
    """Return what the arrays of an HDF5 file take in memory: what was never written has a size."""
    import h5py  # noqa: PLC0415  # not needed for other files

    def bytes_of(array: h5py.Dataset) -> int:
        # Of texts each place names one in the file; many may name the same.
        return int(array.size or 0) * (size if array.dtype.hasobject else array.dtype.itemsize)

    sizes: list[int] = []
    with h5py.File(file, "r") as opened:
        opened.visititems(
            lambda _, one: sizes.append(bytes_of(one)) if isinstance(one, h5py.Dataset) else None
        )
    return sum(sizes)


def _size_of_network(described: Any) -> int:
    """Return the most that one layer of a network may take, by the sizes of all layers."""
    sizes = sorted(_sizes_in(described))[-2:]
    return 4 * sizes[0] * sizes[-1] if len(sizes) > 1 else 4 * sum(sizes)


def _sizes_in(described: Any) -> list[int]:
    if isinstance(described, dict):
        own = [one for key, one in described.items() if key in _SIZES]
        flat = [size for one in own for size in (one if isinstance(one, list) else [one])]
        inner = [size for one in described.values() for size in _sizes_in(one)]
        return [size for size in flat if isinstance(size, int)] + inner
    if isinstance(described, list):
        return [size for one in described for size in _sizes_in(one)]
    return []
