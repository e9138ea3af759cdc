"""Download tables on first use."""

from __future__ import annotations

import hashlib
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import DatasetError

from dropnorm.data.reading.fetching import RefusedError, download
from dropnorm.datasets.atomic_files import refuse_address, written_whole
from dropnorm.datasets.kedro_compat import CSVDataset, filepath_of
from dropnorm.errors import BadInputError

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)


class DownloadedCSVDataset(CSVDataset):  # type: ignore[misc]  # kedro-datasets has no types
    """A CSV file that is downloaded if it does not exist; an existing file is never changed.

    Args:
        filepath: Path of the file.
        url: Address to download it from.
        sha256: Checksum of the file, in hexadecimal; any other file is refused.
        size: Size of the file in bytes, if known; a larger download is stopped.
        kwargs: Arguments of ``pandas.CSVDataset``.
    """

    def __init__(
        self, *, filepath: str, url: str, sha256: str, size: int | None = None, **kwargs: Any
    ) -> None:
        refuse_address(filepath)
        super().__init__(filepath=filepath, **kwargs)
        self.url = url
        self.sha256 = sha256
        self.size = size

    def load(self) -> pd.DataFrame:
        """Load the table, and download it first if it does not exist.

        Raises:
            DatasetError: If it cannot be downloaded; the cause is the error of :meth:`fetch`.
        """
        self.fetch()
        table: pd.DataFrame = super().load()
        return table

    def preview(self, nrows: int = 5) -> Any:
        """Return the first rows for kedro-viz, without a download."""
        path = Path(str(filepath_of(self)))
        if not path.exists():
            raise DatasetError(f"{path} has not been downloaded yet")
        return super().preview(nrows)

    def fetch(self) -> None:
        """Download the file atomically if it does not exist.

        Raises:
            BadInputError: If the download fails or has another checksum.
        """
        path = Path(str(filepath_of(self)))
        if path.exists():
            return
        logger.info("Downloading %s to %s", self.url, path)
        try:
            with written_whole(path) as part:
                download(self.url, part, self.size, progress=sys.stderr.isatty())
                self._check(part)
        # requests' errors are OSErrors, except those for invalid addresses.
        except (OSError, ValueError, RefusedError) as error:
            why = f"it could not be downloaded ({type(error).__name__})"
            raise BadInputError(
                f"{path} does not exist, and {error if isinstance(error, RefusedError) else why};"
                f" download {self.url} with a browser and save it there, or run with --env=sample,"
                " which needs no network"
            ) from error

    def _check(self, part: Path) -> None:
        with part.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != self.sha256.lower():
                raise RefusedError("the download is not the expected file (its checksum differs)")
