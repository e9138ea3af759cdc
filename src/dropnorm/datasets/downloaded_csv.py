"""Tables that are fetched on first use."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import DatasetError
from kedro_datasets.pandas import CSVDataset

from dropnorm.datasets.whole import written_whole
from dropnorm.errors import BadInputError

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

# Seconds without a byte until a server counts as gone.
_TIMEOUT = 30


class DownloadedCSVDataset(CSVDataset):  # type: ignore[misc]  # kedro-datasets has no types
    """A CSV file that is downloaded if it is not there; one that is there is never touched.

    Args:
        filepath: Where the file lies, or will.
        url: Where it can be had.
        sha256: Checksum of the file, in hexadecimal; a download with another one is thrown away.
        kwargs: As for ``pandas.CSVDataset``.
    """

    def __init__(self, *, filepath: str, url: str, sha256: str, **kwargs: Any) -> None:
        super().__init__(filepath=filepath, **kwargs)
        self.url = url
        self.sha256 = sha256

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
        if not Path(self._filepath).exists():
            raise DatasetError(f"{self._filepath} has not been downloaded yet")
        return super().preview(nrows)

    def fetch(self) -> None:
        """Download the file if it is not there, whole or not at all.

        Raises:
            BadInputError: If it cannot be had.
        """
        path = Path(self._filepath)
        if path.exists():
            return
        import pooch  # noqa: PLC0415  # not needed once the file is there

        logger.info("Downloading %s to %s", self.url, path)
        quiet = pooch.get_logger().level
        pooch.get_logger().setLevel(logging.WARNING)
        try:
            with written_whole(path) as part:
                pooch.retrieve(
                    url=self.url,
                    known_hash=f"sha256:{self.sha256}",
                    fname=part.name,
                    path=part.parent,
                    downloader=pooch.HTTPDownloader(
                        progressbar=sys.stderr.isatty(), timeout=_TIMEOUT
                    ),
                )
        # requests' errors are OSErrors, some of them ValueErrors too; what pooch raises for another
        # checksum is a ValueError alone.
        except (OSError, ValueError) as error:
            why = (
                f"it could not be downloaded ({type(error).__name__})"
                if isinstance(error, OSError)
                else "what came is not the file that is meant (its checksum is another)"
            )
            raise BadInputError(
                f"{path} is not there, and {why}: get {self.url} with a browser and put it there,"
                " or run with --env=sample, which needs no network"
            ) from error
        finally:
            pooch.get_logger().setLevel(quiet)
