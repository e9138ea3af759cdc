"""Files and folders that are there whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from kedro.io import AbstractVersionedDataset, DatasetError, Version

from dropnorm.datasets.kedro_compat import filepath_of, load_path_of, save_path_of, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_unfinished: set[Path] = set()


class WholeFileDataset(AbstractVersionedDataset[Any, Any]):
    """A local file or folder, versioned or not; what is saved appears under its name at once."""

    def __init__(
        self,
        *,
        filepath: str,
        version: Version | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        refuse_address(filepath)
        super().__init__(filepath=PurePosixPath(filepath), version=version)
        self.metadata = metadata

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self.path), "version": version_of(self)}

    def _exists(self) -> bool:
        return load_path_of(self).exists()

    @property
    def path(self) -> Path:
        """Where it is, without its version."""
        return Path(str(filepath_of(self)))

    def _path_to_load(self) -> Path:
        return load_path_of(self)

    @contextmanager
    def _path_to_save(self) -> Iterator[Path]:
        """Give a path to write to, which takes its name when all went well."""
        with written_whole(save_path_of(self)) as path:
            yield path


def is_address(path: object) -> bool:
    """Tell an address, such as ``s3://…`` or ``simplecache::…``, from a path."""
    return bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]*(://|::)", str(path)))


def refuse_address(filepath: str) -> None:
    """Refuse what is no path: a file takes its name at once on a disk alone.

    Raises:
        DatasetError: Says what to write.
    """
    if is_address(filepath):
        raise DatasetError(
            f"{filepath[:60]} is an address, and such a file is kept on a disk; write its path, and"
            " copy it when the run is complete"
        )


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a path beside ``path`` to write a file or folder to; then move it there.

    A failure or an interruption leaves no file behind, though perhaps the empty folder for it; a
    folder that is there is not replaced.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    _unfinished.add(folder)
    try:
        yield folder / path.name
        os.replace(folder / path.name, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _unfinished.discard(folder)


def discard_unfinished() -> None:
    """Remove what is being written in this process, before it ends without another word."""
    for folder in tuple(_unfinished):
        shutil.rmtree(folder, ignore_errors=True)


def from_here(path: Path) -> str:
    """Return a path as a person here would write it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
