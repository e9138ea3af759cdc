"""Read tables from text files in any format."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from copy import copy
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Never, Self

import fsspec
from kedro.io import AbstractDataset, DatasetError
from kedro.io.core import get_protocol_and_path
from pydantic import ValidationError

from dropnorm.data.reading.detection import count_rows
from dropnorm.data.reading.fetching import RefusedError, receive
from dropnorm.data.reading.formats import ColumnFormat, TableFormat
from dropnorm.data.reading.new_rows import read_alike
from dropnorm.data.reading.readers import read_table
from dropnorm.datasets.atomic_files import from_here
from dropnorm.datasets.kedro_compat import TablePreview
from dropnorm.errors import BadInputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from dropnorm.data.reading.new_rows import InputFormats
    from dropnorm.data.reading.readers import ReadTable

_LOCAL = "file"


class TableDataset(AbstractDataset[Never, "pd.DataFrame"]):
    """A table in a text file, with any separator, encoding or compression, or in a Parquet file.

    Attributes:
        warnings: What the user should check after the last reading, one sentence each.

    Args:
        filepath: Path, or address that fsspec supports.
        format: Fields of a :class:`dropnorm.data.reading.formats.TableFormat`; a cell that does not
            match is refused. Left out, the format is detected from the whole file, and an ambiguous
            file is refused.
        credentials: Credentials of the file system of an address.
        fs_args: Further arguments of that file system.
        metadata: Metadata for plugins such as kedro-viz.
    """

    def __init__(
        self,
        *,
        filepath: str,
        format: Mapping[str, Any] | None = None,  # shadows the built-in, but reads well in YAML
        credentials: Mapping[str, Any] | None = None,
        fs_args: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self._protocol, path = get_protocol_and_path(filepath)
        self._filepath = PurePosixPath(path)
        self._fs = fsspec.filesystem(self._protocol, **{**(credentials or {}), **(fs_args or {})})
        self._format = None if format is None else _parsed(format)
        self._alike: InputFormats | None = None
        self._found: TableFormat | None = None
        self.warnings: tuple[str, ...] = ()
        self.metadata = metadata

    @property
    def format(self) -> TableFormat | None:
        """Format in the catalog, or else the one detected when the file was last read."""
        return self._format or self._found

    def load(self) -> pd.DataFrame:
        """Load the table."""
        return self.read().table

    def read(self) -> ReadTable:
        """Read the table with its format, reasons and warnings.

        Raises:
            BadInputError: If the file cannot be read, or can be read in two ways.
        """
        with self._local_file() as file:
            if self._alike is not None and self._format is None:
                read = read_alike(file, self._alike, known_as=self._place)
            else:
                read = read_table(file, self._format, known_as=self._place)
        self._found, self.warnings = read.format, read.warnings
        return read

    def count_rows(self) -> int:
        """Count the rows without loading the table."""
        with self._local_file() as file:
            return count_rows(file, self._format)

    def written_as(self, table_format: TableFormat) -> Self:
        """Return a dataset of the same file with another format."""
        same = copy(self)
        same._format = table_format
        return same

    def alike(self, inputs: InputFormats) -> Self:
        """Return a dataset of the same file, to be read as new rows with these inputs."""
        same = copy(self)
        same._alike = inputs
        return same

    def save(self, data: Never) -> None:
        """Refuse to overwrite the user's table."""
        raise DatasetError(f"{self._filepath}: a table is only read and never written")

    def preview(self, nrows: int = 5) -> TablePreview:
        """Return the first rows for kedro-viz."""
        return TablePreview(self.load().head(nrows).to_dict(orient="split"))

    @property
    def _place(self) -> str:
        if self._protocol == _LOCAL:
            return from_here(Path(self._filepath))
        return f"{self._protocol}://{self._filepath}"

    @contextmanager
    def _local_file(self) -> Iterator[Path]:
        if self._protocol == _LOCAL:
            if not (path := Path(self._filepath)).exists():
                raise FileNotFoundError(path)
            yield path
            return
        with TemporaryDirectory() as folder:
            path = Path(folder, self._filepath.name)
            with self._fs.open(str(self._filepath), "rb") as remote:
                try:
                    receive(lambda arrival: shutil.copyfileobj(remote, arrival), path)
                except RefusedError as error:
                    raise BadInputError(f"{self._place}: {error}") from error
            yield path

    def _exists(self) -> bool:
        return bool(self._fs.exists(str(self._filepath)))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "protocol": self._protocol, "format": self._format}


def _parsed(table_format: Mapping[str, Any]) -> TableFormat:
    try:
        return TableFormat.model_validate(table_format)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = list(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            known = (ColumnFormat if len(path) > 1 else TableFormat).model_fields
            place, hint = ".".join(["format", *path[:-1]]), did_you_mean(path[-1], known)
            raise DatasetError(
                f"{place} has no key '{path[-1]}'{hint} (known: {', '.join(known)})"
            ) from error
        key = ".".join(["format", *path])
        raise DatasetError(f"{key} is {first['input']!r}: {first['msg']}") from error
