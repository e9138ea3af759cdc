"""The record that makes a version complete."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from kedro.io import DatasetError, Version
from kedro_datasets._typing import JSONPreview

from dropnorm import locks
from dropnorm.datasets.whole import WholeFileDataset, from_here

# Of a version that cannot be trusted.
_REMEDY = "take another version, or run the study again"


class RunRecordDataset(WholeFileDataset):
    """A run's ``run.json``: names every file of its version, each with its checksum.

    It stands at ``<data>/<layer>/<study>/run.json``, and the files it names are those of the same
    version below ``<data>/*/<study>``. It is written last: a version without it is incomplete.
    """

    def load(self) -> dict[str, Any]:
        """Load the record.

        Raises:
            DatasetError: If the file is none.
        """
        path = self._path_to_load()
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            whole = "version" in record and all(
                isinstance(file["path"], str) and isinstance(file["sha256"], str)
                for file in record["files"]
            )
        # Whatever the file holds: no JSON, no text, no mapping, a list of something else.
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            whole = False
        if not whole:
            raise DatasetError(f"{from_here(path)}: is no record of a run; {_REMEDY}")
        loaded: dict[str, Any] = record
        return loaded

    def check_files(self, version: str, place: Path) -> None:
        """Refuse what a complete version holds at ``place`` if it is not what its run wrote.

        Args:
            version: A complete one.
            place: A file of that version, or a folder with all that is in it.

        Raises:
            DatasetError: Names the first file that is missing, changed, or not the run's.
        """
        data = Path(self._filepath).parents[2]
        written = {data / file["path"]: file["sha256"] for file in self.at(version).load()["files"]}
        expected = {path for path in written if place in (path, *path.parents)}
        found = {place, *place.rglob("*")} if expected else set()
        for path in sorted(expected | {path for path in found if path.is_file()}):
            if not path.is_file():
                problem = "is missing"
            elif path not in expected:
                problem = "is not of the run that wrote the others"
            elif sha256(path) != written[path]:
                problem = "has changed since the run wrote it (its checksum is another)"
            else:
                continue
            raise DatasetError(f"{from_here(path)}: {problem}; {_REMEDY}")

    def at(self, version: str) -> RunRecordDataset:
        """Return the record of one version."""
        return RunRecordDataset(filepath=str(self._filepath), version=Version(version, None))

    def claim(self, version: str) -> bool:
        """Take a version for a run that begins; return whether no other had taken it.

        Until it is released, or this process ends, all others know that the run goes on.
        """
        folder = Path(self._filepath) / version
        folder.parent.mkdir(parents=True, exist_ok=True)
        # First, so that no version is seen whose run goes on, and that nobody holds.
        if not locks.hold(self._lock_of(version)):
            return False
        try:
            folder.mkdir()
        except BaseException as error:
            self.unclaim(version)
            if isinstance(error, FileExistsError):
                return False
            raise
        return True

    def unclaim(self, version: str) -> None:
        """Say that the run of a version has ended."""
        locks.release(self._lock_of(version))

    def is_running(self, version: str) -> bool:
        """Return whether the run that writes a version goes on, or may do so."""
        return locks.is_held(self._lock_of(version))

    def _lock_of(self, version: str) -> Path:
        return Path(self._filepath) / f".{version}.lock"

    def save(self, data: dict[str, Any]) -> None:
        """Add version and files to the record, and write it whole or not at all."""
        version = self.resolve_save_version()
        if version is None:
            raise DatasetError("a record of a run must be versioned: write 'versioned: true'")
        record = {**data, "version": version, "files": self._files(version)}
        with self._path_to_save() as path:
            text = json.dumps(record, indent=2, allow_nan=False, ensure_ascii=False)
            path.write_text(text + "\n", encoding="utf-8")

    def preview(self) -> JSONPreview:
        """Return the record for kedro-viz."""
        return JSONPreview(json.dumps(self.load()))

    def complete_versions(self) -> list[str]:
        """Return the versions that have a record, the newest first."""
        place = Path(self._filepath)
        if self._version is None or not place.is_dir():
            return []
        # Not list_versions(), which takes a bracket in a folder's name for a pattern.
        found = (folder.name for folder in place.iterdir() if (folder / place.name).is_file())
        return sorted(found, reverse=True)

    def _files(self, version: str) -> list[dict[str, Any]]:
        file = Path(self._filepath)
        data, study = file.parents[2], file.parent.name
        found = sorted(
            path
            for folder in data.glob(f"*/{study}")
            for path in folder.rglob("*")
            if path.is_file() and version in path.relative_to(folder).parts
        )
        return [
            {
                "path": path.relative_to(data).as_posix(),
                "bytes": path.stat().st_size,
                "sha256": sha256(path),
            }
            for path in found
        ]


def sha256(path: Path) -> str:
    """Return a file's checksum, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
