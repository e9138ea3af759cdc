"""Tables that are fetched on first use."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from kedro.io import DatasetError
from kedro_datasets.pandas import CSVDataset

from dropnorm.data.fetching import Arrival, RefusedError, download, wait_for
from dropnorm.datasets.atomic_files import refuse_address, written_whole
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
        if not Path(self._filepath).exists():
            raise DatasetError(f"{self._filepath} has not been downloaded yet")
        return super().preview(nrows)

    def fetch(self) -> None:
        """Download the file if it is not there, whole or not at all.

        Only the server of ``url`` is asked: where it sends to another one, or from https to http,
        the download is refused.

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
                self._retrieve(part)
        # requests' errors are OSErrors, some of them ValueErrors too; what pooch raises for another
        # checksum is a ValueError alone.
        except (OSError, ValueError, RefusedError) as error:
            match error:
                case RefusedError():
                    why = str(error)
                case OSError():
                    why = f"it could not be downloaded ({type(error).__name__})"
                case _:
                    why = "what came is not the file that is meant (its checksum is another)"
            raise BadInputError(
                f"{path} is not there, and {why}: get {self.url} with a browser and put it there,"
                " or run with --env=sample, which needs no network"
            ) from error
        finally:
            pooch.get_logger().setLevel(quiet)

    def _retrieve(self, part: Path) -> None:
        import pooch  # noqa: PLC0415

        def save(url: str, target: str, _: Any) -> None:
            with Path(target).open("wb") as file:
                arrival = Arrival(file, self.size)
                shown = sys.stderr.isatty()
                wait_for(
                    lambda: download(url, arrival, self._check_answer, progress=shown), arrival
                )

        pooch.retrieve(
            url=self.url,
            known_hash=f"sha256:{self.sha256}",
            fname=part.name,
            path=part.parent,
            downloader=save,
        )

    def _check_answer(self, answer: Any, **_: Any) -> None:
        """Refuse an answer that sends elsewhere, or announces another size."""
        if answer.is_redirect:
            target = urljoin(answer.url, answer.headers["location"])
            before, after = urlsplit(answer.url), urlsplit(target)
            if before.hostname != after.hostname or (after.scheme not in {"https", before.scheme}):
                raise RefusedError(
                    f"its server sends to another place, {target}, which the catalog does not name"
                )
        announced = answer.headers.get("content-length", "")
        if self.size is not None and answer.ok and not answer.is_redirect and announced.isdigit():
            packed = "content-encoding" in answer.headers
            if not packed and int(announced) != self.size:
                raise RefusedError(
                    "what its server has is not the file that is meant (it has"
                    f" {announced} bytes, not {self.size})"
                )
