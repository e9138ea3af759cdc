"""Data frames out of packages of Python and of R, without R and without importing the packages."""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import json
import lzma
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from sklearn import datasets

from atlas.recipe import RecipeError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Of a compressed object in R's lazy-load database: the length before compression comes first.
_LENGTH = 4
_LZMA = [{"id": lzma.FILTER_LZMA2, "preset": 6}]  # R writes no header for it


@dataclass(frozen=True)
class Archive:
    """A downloaded package: a wheel of Python, or the unpacked files of an R package.

    Attributes:
        path: Of the wheel, or of the folder that a Debian package was unpacked to.
    """

    path: Path

    def frame(self, member: str) -> pd.DataFrame:
        """Return a data frame by the file that holds it in a wheel, or by its name in R.

        Raises:
            LookupError: If the package has no such frame.
        """
        if self.path.is_dir():
            return _of_r(self.path, member)
        with zipfile.ZipFile(self.path) as wheel:
            return parse_text(wheel.read(member), member)


def bundled(name: str) -> pd.DataFrame:
    """Return one of the tables that scikit-learn ships, without a download."""
    if name == "digits":
        loaded = datasets.load_digits(as_frame=True)
    elif name == "diabetes":
        loaded = datasets.load_diabetes(as_frame=True, scaled=False)
    else:
        loaded = datasets.load_breast_cancer(as_frame=True)
    frame: pd.DataFrame = loaded.frame
    return frame


def parse_text(content: bytes, name: str) -> pd.DataFrame:
    """Return the table of a CSV or of a JSON file with a list of records."""
    if name.endswith(".json"):
        return pd.DataFrame(json.loads(content))
    # Tabs, where the file has them: statsmodels keeps one with quoted names.
    sep, quote = ("\t", "'") if b"\t" in content.partition(b"\n")[0] else (",", '"')
    return pd.read_csv(io.BytesIO(content), sep=sep, quotechar=quote)


def frame_names(package: Path) -> list[str]:
    """Return the names of all objects with data in an unpacked R package."""
    return sorted(name for name, _ in _objects(package))


def _of_r(package: Path, name: str) -> pd.DataFrame:
    for found, content in _objects(package):
        if found == name:
            return _plain(_converted(content, name))
    raise LookupError(f"{package.name} has no data called {name!r}")


def _objects(package: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted((package / "data").glob("*.rda")):
        yield path.stem, path.read_bytes()
    index = package / "data" / "Rdata.rdx"
    if index.exists():
        store = index.with_suffix(".rdb").read_bytes()
        for name, (start, length) in _places(index).items():
            yield name, unpacked(store[start : start + length])


def _places(index: Path) -> dict[str, tuple[int, int]]:
    """Return where the lazy-load database holds each object: offset and length in bytes."""
    places = _parsed(decompressed(index.read_bytes()))["variables"]
    return {str(name): (int(at[0]), int(at[1])) for name, at in places.items()}


def decompressed(content: bytes) -> bytes:
    """Return what gzip or zlib has packed."""
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else zlib.decompress(content)


def unpacked(chunk: bytes) -> bytes:
    """Return an object of a lazy-load database as R serialized it."""
    body = chunk[_LENGTH:]
    if body[:1] == b"Z":
        return lzma.decompress(body[1:], lzma.FORMAT_RAW, filters=_LZMA)
    return bz2.decompress(body[1:]) if body[:1] == b"2" else zlib.decompress(body)


def _converted(content: bytes, name: str) -> Any:
    value = _parsed(content)
    # An .rda file holds objects by name; an object of the lazy-load database is bare.
    return value[name] if isinstance(value, dict) and name in value else value


def _parsed(content: bytes) -> Any:
    try:
        rdata = importlib.import_module("rdata")
    except ModuleNotFoundError as error:
        raise RecipeError("data of R packages is read with rdata: pip install rdata") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # classes of R that stay what they are made of
        return rdata.conversion.convert(rdata.parser.parse_data(content))


def _plain(value: Any) -> pd.DataFrame:
    """Return a data frame as CSV would hold it: categories as text, no index of R's."""
    if not isinstance(value, pd.DataFrame):
        raise LookupError(f"a {type(value).__name__}, not a data frame")
    frame = value.reset_index(drop=True)
    for column in frame.columns:
        if isinstance(frame[column].dtype, pd.CategoricalDtype):
            frame[column] = frame[column].astype(object)
    return frame
