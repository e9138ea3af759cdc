"""Write files and folders atomically."""

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
    """A local file or folder, versioned or not, that is saved atomically."""

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
        """Yield a temporary path, which is moved to the save path on success."""
        with written_whole(save_path_of(self)) as path:
            yield path


def is_address(path: object) -> bool:
    """Return whether a path is an address, such as ``s3://…`` or ``simplecache::…``."""
    return bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]*(://|::)", str(path)))


def refuse_address(filepath: str) -> None:
    """Refuse an address, because only a local file can be replaced atomically.

    Raises:
        DatasetError: If the path is an address.
    """
    if is_address(filepath):
        raise DatasetError(
            f"{filepath[:60]} is an address, but this file must be local; write a path, and copy"
            " the file when the run is complete"
        )


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` for a file or folder, and move it there on success.

    A failure or an interruption leaves no file, but may leave the empty parent folder. An existing
    folder is not replaced.
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
    """Remove the temporary files of this process, before it is killed."""
    for folder in tuple(_unfinished):
        shutil.rmtree(folder, ignore_errors=True)


def from_here(path: Path) -> str:
    """Return a path relative to the working folder if it is below it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
