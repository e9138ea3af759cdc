"""Refuse files that unpack to far more than their size, before they are unpacked."""

from __future__ import annotations

import io
import json
import lzma
import os
import stat
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

from dropnorm.data.reading.parquet_size import parquet_size
from dropnorm.data.reading.text_files import compression_of_bytes, open_bytes
from dropnorm.errors import BadInputError

if TYPE_CHECKING:
    from pathlib import Path

# A file may unpack to the larger of these bytes and this many times its size: tables of numbers
# unpack to 3 to 20 times their size.
_FREE = 500_000_000
_RATIO = 100
_AT_ONCE = 1 << 20
# The most bytes that one byte of a gzip file can unpack to.
_MOST_OF_GZIP = 1032
# Reading one of these may never end.
_SPECIAL = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

_PARQUET = b"PAR1"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_HDF5_SUFFIXES = (".h5", ".hdf5")
# The layers of a Keras file, which Keras builds before it reads their weights.
_LAYERS = "config.json"
# Keys of the layers' sizes in it.
_SIZES = {"units", "batch_shape", "batch_input_shape", "input_shape", "shape"}


def refuse_special(path: Path, known_as: str | None = None) -> None:
    """Refuse a pipe, device or socket, because reading it may never end.

    Args:
        path: Path to check.
        known_as: Name of the file in messages; its path if left out.

    Raises:
        BadInputError: If the path is neither a file nor a folder.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return
    for is_it, what in _SPECIAL:
        if is_it(mode):
            raise BadInputError(
                f"{known_as or path}: is not a regular file but {what}; copy its content to a file"
                " and use that"
            )


def refuse_bomb(path: Path, known_as: str | None = None) -> None:
    """Refuse a file that unpacks to far more than its size.

    Checks gzip, bzip2, xz, zip (the format of networks and preprocessors), Parquet, HDF5 and sparse
    files. A broken file passes: its reader raises a better error.

    Args:
        path: File to check.
        known_as: Name of the file in messages; its path if left out.

    Raises:
        BadInputError: If the file unpacks to more than 500 MB and more than 100 times its size, or
            is a pipe, device or socket.
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
    # pyarrow's, h5py's and gzip's own errors are OSErrors.
    except (
        OSError, EOFError, ValueError, LookupError, TypeError, RuntimeError, NotImplementedError,
        RecursionError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
    ):  # fmt: skip
        return
    if unpacked > most:
        raise BadInputError(
            f"{known_as or path}: unpacks to more than {most / 1e6:.0f} MB from a file of"
            f" {size / 1e6:.3g} MB, which may be an attack; unpack it with a tool that you trust,"
            " and check its content"
        )


def _size_without_holes(path: Path) -> int:
    """Return how many bytes of a sparse file were written; the others read as zeros."""
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
    """Return how many bytes a file unpacks to, or some number above ``most``."""
    with path.open("rb") as file:
        head = file.read(len(_HDF5))
    size, packed = path.stat().st_size, compression_of_bytes(head)
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
        # zipfile never unpacks more of an entry than the archive's directory says.
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
    """Return how many bytes the arrays of an HDF5 file take in memory, written or not."""
    import h5py  # noqa: PLC0415  # not needed for other files

    def bytes_of(array: h5py.Dataset) -> int:
        # Each element of a text array refers to a text in the file; many may share one.
        return int(array.size or 0) * (size if array.dtype.hasobject else array.dtype.itemsize)

    sizes: list[int] = []
    with h5py.File(file, "r") as opened:
        opened.visititems(
            lambda _, one: sizes.append(bytes_of(one)) if isinstance(one, h5py.Dataset) else None
        )
    return sum(sizes)


def _size_of_network(described: Any) -> int:
    """Return the most bytes that one layer of a network may take, by the sizes of all layers."""
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
