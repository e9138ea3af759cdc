"""Tables that are fetched on first use."""

from __future__ import annotations

import hashlib
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import DatasetError
from kedro_datasets.pandas import CSVDataset

from dropnorm.data.fetching import RefusedError, download
from dropnorm.datasets.atomic_files import refuse_address, written_whole
from dropnorm.datasets.kedro_compat import filepath_of
from dropnorm.errors import BadInputError

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)


class DownloadedCSVDataset(CSVDataset):  # type: ignore[misc]  # kedro-datasets has no types
    """A CSV file that is downloaded if it is not there; one that is there is never touched.

    Args:
        filepath: Where the file lies, or will.
        url: Where it can be had.
        sha256: Checksum of the file, in hexadecimal; a download with another one is thrown away.
        size: Of the file in bytes, if it is known; a download that is larger is stopped at once.
        kwargs: As for ``pandas.CSVDataset``.
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
        """Load the table, after fetching it if need be.

        Raises:
            DatasetError: If it is not there and cannot be had; its cause is what :meth:`fetch`
                raises.
        """
        self.fetch()
        table: pd.DataFrame = super().load()
        return table

    def preview(self, nrows: int = 5) -> Any:
        """Return the first rows for kedro-viz; looking at the graph downloads nothing."""
        path = Path(str(filepath_of(self)))
        if not path.exists():
            raise DatasetError(f"{path} has not been downloaded yet")
        return super().preview(nrows)

    def fetch(self) -> None:
        """Download the file if it is not there, whole or not at all.

        Raises:
            BadInputError: If it cannot be had, or has another checksum.
        """
        path = Path(str(filepath_of(self)))
        if path.exists():
            return
        logger.info("Downloading %s to %s", self.url, path)
        try:
            with written_whole(path) as part:
                download(self.url, part, self.size, progress=sys.stderr.isatty())
                self._check(part)
        # requests' errors are OSErrors, but for some addresses that are none.
        except (OSError, ValueError, RefusedError) as error:
            why = f"it could not be downloaded ({type(error).__name__})"
            raise BadInputError(
                f"{path} is not there, and {error if isinstance(error, RefusedError) else why}: get"
                f" {self.url} with a browser and put it there, or run with --env=sample, which"
                " needs no network"
            ) from error

    def _check(self, part: Path) -> None:
        with part.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != self.sha256.lower():
                raise RefusedError(
                    "what came is not the file that is meant (its checksum is another)"
                )
