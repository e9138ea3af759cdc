"""The record that makes a version complete."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from kedro.io import DatasetError
from kedro_datasets._typing import JSONPreview

from dropnorm.datasets.whole import WholeFileDataset


class RunRecordDataset(WholeFileDataset):
    """A run's ``run.json``: names every file of its version, each with its checksum.

    It stands at ``<data>/<layer>/<study>/run.json``, and the files it names are those of the same
    version below ``<data>/*/<study>``. It is written last: a version without it is incomplete.
    """

    def load(self) -> dict[str, Any]:
        """Load the record."""
        record: dict[str, Any] = json.loads(self._path_to_load().read_text(encoding="utf-8"))
        return record

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
        if self._version is None or not Path(self._filepath).is_dir():
            return []
        return self.list_versions(full_path=False)

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
