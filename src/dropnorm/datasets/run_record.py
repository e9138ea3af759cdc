"""The record that makes a version complete."""

from __future__ import annotations

import glob
import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from kedro.io import DatasetError, Version
from kedro.io.core import VERSION_FORMAT

from dropnorm.datasets.atomic_files import WholeFileDataset, from_here
from dropnorm.datasets.kedro_compat import JSONPreview, load_path_of, version_of
from dropnorm.evaluation.json_form import to_json
from dropnorm.evaluation.records import RunRecord, WrittenFile
from dropnorm.training import locks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

# Of a version that cannot be trusted.
_REMEDY = "take another version, or run the study again"
_ELSEWHERE = "and stands in the folder of another"


@dataclass(frozen=True)
class Versions:
    """The versions of a study that have a record.

    Attributes:
        complete: Those that can be read, the newest first.
        skipped: Why others cannot, by the name of their folder.
    """

    complete: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    def told(self) -> str:
        """Say in one line what is skipped, the newest first; empty if nothing is."""
        if not self.skipped:
            return ""
        name = max(self.skipped)
        more = f", and {len(self.skipped) - 1} more" if len(self.skipped) > 1 else ""
        return f"{name:.60} is skipped: {self.skipped[name]}{more}"


class RunRecordDataset(WholeFileDataset):
    """A run's ``run.json``: names every file of its version, each with its checksum.

    It stands at ``<data>/<layer>/<study>/run.json``, and the files it names are those of the same
    version below ``<data>/*/<study>``. It is written last: a version without it is incomplete.
    """

    def load(self) -> RunRecord:
        """Load the record.

        Raises:
            DatasetError: If the file is none, or is that of another version or another study.
        """
        record = self._read()
        if why := self._why_misplaced(record):
            raise DatasetError(f"{from_here(self._path_to_load())}: {why}; {_REMEDY}")
        return record

    def _read(self) -> RunRecord:
        path = self._path_to_load()
        try:
            written = json.loads(path.read_text(encoding="utf-8"))
            record = RunRecord.from_json(written)
            whole = {"version", "files"} <= written.keys()
        # Whatever the file holds: no JSON, no text, no mapping, a list of something else.
        except (ValueError, AttributeError, RecursionError):
            whole = False
        if not whole:
            raise DatasetError(f"{from_here(path)}: is no record of a run; {_REMEDY}")
        return record

    def _why_misplaced(self, record: RunRecord) -> str:
        """Say why a record does not belong where it stands; nothing if it does."""
        path = self._path_to_load()
        if version_of(self) is not None and path.parent.name != record.version:
            return f"is the record of version {record.version:.60}, {_ELSEWHERE}"
        # A record of an earlier version of this project may name no study. A sweep is of its study.
        folder = self.path.parent.name
        if record.study not in ("", folder.partition(".")[0]):
            return f"is the record of the study '{record.study:.60}', {_ELSEWHERE}"
        return ""

    def check_files(self, version: str, place: Path) -> None:
        """Refuse what a complete version holds at ``place`` if it is not what its run wrote.

        Args:
            version: A complete one.
            place: A file of that version, or a folder with all that is in it.

        Raises:
            DatasetError: Names the first file that is missing, changed, or not the run's.
        """
        data, own = self.path.parents[2], self.at(version)
        written = {data / file.path: file.sha256 for file in own.load().files}
        if place == load_path_of(own):  # which cannot name itself
            return
        expected = {path for path in written if place in (path, *path.parents)}
        found = {path for path in (place, *place.rglob("*")) if path.is_file()}
        # Of what the record names nothing, the place itself is told.
        for path in sorted(expected | found or {place}):
            if path not in expected:
                problem = "is not of the run that wrote the others"
            elif not path.is_file():
                problem = "is missing"
            elif sha256(path) != written[path]:
                problem = "has changed since the run wrote it (its checksum is another)"
            else:
                continue
            raise DatasetError(f"{from_here(path)}: {problem}; {_REMEDY}")

    def at(self, version: str) -> RunRecordDataset:
        """Return the record of one version."""
        return RunRecordDataset(filepath=str(self.path), version=Version(version, None))

    def claim(self, version: str) -> bool:
        """Take a version for a run that begins; return whether no other had taken it.

        Until it is released, or this process ends, all others know that the run goes on.
        """
        folder = self.path / version
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
        return self.path / f".{version}.lock"

    def save(self, data: RunRecord) -> None:
        """Add version and files to the record, and write it whole or not at all."""
        version = self.resolve_save_version()
        if version is None:
            raise DatasetError("a record of a run must be versioned: write 'versioned: true'")
        record = replace(data, version=version, files=tuple(self._files(version)))
        with self._path_to_save() as path:
            text = json.dumps(to_json(record), indent=2, allow_nan=False, ensure_ascii=False)
            path.write_text(text + "\n", encoding="utf-8")

    def preview(self) -> JSONPreview:
        """Return the record for kedro-viz."""
        return JSONPreview(self._path_to_load().read_text(encoding="utf-8"))

    def versions(self, outputs: Callable[[RunRecord], Iterable[Path]] = lambda _: ()) -> Versions:
        """Return which versions are complete, and which are not though they have a record.

        A version is complete if its folder is named as Kedro names versions, its record is that of
        this version of this study, and names all that the study writes. Whether files are as the
        record says is checked when they are loaded: :meth:`check_files`.

        Args:
            outputs: Where a run with such a record writes, without versions; of places outside the
                study's folders, the record has nothing to name.
        """
        place = self.path
        if version_of(self) is None or not place.is_dir():
            return Versions()
        found = Versions()
        # Not list_versions(), which takes a bracket in a folder's name for a pattern.
        for name in sorted((folder.name for folder in place.iterdir()), reverse=True):
            try:
                if not (place / name / place.name).is_file():
                    continue
                problem = self._why_incomplete(name, outputs)
            except OSError as error:
                problem = f"its record cannot be read ({error.strerror})"
            except DatasetError:
                problem = f"its {place.name} is no record of a run"
            if problem:
                found.skipped[name] = problem
            else:
                found.complete.append(name)
        return found

    def complete_versions(
        self, outputs: Callable[[RunRecord], Iterable[Path]] = lambda _: ()
    ) -> list[str]:
        """Return the versions that can be read, the newest first; see :meth:`versions`."""
        return self.versions(outputs).complete

    def _why_incomplete(self, version: str, outputs: Callable[[RunRecord], Iterable[Path]]) -> str:
        """Say what a version lacks to be complete; nothing if it lacks nothing."""
        if not is_version(version):
            return "its folder is not named as Kedro names versions"
        data, name, own = (
            self.path.parents[2],
            self.path.name,
            self.at(version),
        )
        record = own._read()
        if why := own._why_misplaced(record):
            return f"its {name} {why}"
        named = {data / file.path for file in record.files}
        holders = {holder for path in named for holder in (path, *path.parents)}
        for output in outputs(record):
            if not self._is_named(output):
                continue
            place = output / version / output.name
            if place not in holders:
                return f"its {name} names no file of {output.relative_to(data)}"
            # A folder holds its own files; beside a plot stands the same in another format.
            kept = place.rglob("*") if place.is_dir() else place.parent.glob(f"{_plain(place)}.*")
            for path in kept:
                if path.is_file() and path not in named and not path.name.startswith("."):
                    return f"its {name} does not name {path.relative_to(data)}"
        return ""

    def _is_named(self, output: Path) -> bool:
        """Tell whether the record names what is written to a place: below its study's folders."""
        place = self.path
        data = place.parents[2]
        return (
            output != place
            and output.is_relative_to(data)
            and output.relative_to(data).parts[1:2] == (place.parent.name,)
        )

    def _files(self, version: str) -> list[WrittenFile]:
        file = self.path
        data, study = file.parents[2], file.parent.name
        found = sorted(
            path
            for folder in data.glob(f"*/{study}")
            for path in folder.rglob("*")
            if path.is_file() and version in path.relative_to(folder).parts
        )
        return [
            WrittenFile(path.relative_to(data).as_posix(), path.stat().st_size, sha256(path))
            for path in found
        ]


def is_version(name: str) -> bool:
    """Tell whether a folder is named as Kedro names versions: 2026-01-31T23.59.59.999Z."""
    try:
        parsed = datetime.strptime(name, VERSION_FORMAT)  # the Z is in the format
    except ValueError:
        return False
    written = parsed.strftime(VERSION_FORMAT)
    return name == f"{written[:-4]}Z"  # milliseconds, as Kedro writes them


def _plain(path: Path) -> str:
    return glob.escape(path.stem)


def sha256(path: Path) -> str:
    """Return a file's checksum, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
