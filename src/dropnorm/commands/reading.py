"""Files that a command reads, wherever they lie."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import fsspec

from dropnorm.errors import BadInputError, in_one_line

if TYPE_CHECKING:
    from collections.abc import Iterator


def is_address(source: Path | str) -> bool:
    """Tell an address, such as ``https://…``, from a path."""
    return "://" in str(source)


@contextmanager
def fetched(source: str) -> Iterator[Path]:
    """Give the path of a file, or of what was fetched from an address, as long as it is needed.

    Raises:
        BadInputError: If nothing could be fetched, in one line.
    """
    if not is_address(source):
        yield Path(source)
        return
    with TemporaryDirectory() as folder:
        file = Path(folder, source.rsplit("/", maxsplit=1)[-1] or "table")
        try:
            with fsspec.open(source, "rb") as remote, file.open("wb") as local:
                shutil.copyfileobj(remote, local)
        except Exception as error:  # every file system has its own
            # A server that does not answer is a file that is not there, for a reason.
            why = error.__cause__ or error
            if isinstance(why, FileNotFoundError):
                raise BadInputError(f"{source}: there is no such file") from error
            told = in_one_line(why) or type(why).__name__
            raise BadInputError(f"{source}: cannot be fetched: {told}") from error
        yield file
