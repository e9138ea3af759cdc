"""What a run says of itself: its record, and what only the run itself knows of it."""

from dataclasses import dataclass, field
from typing import Any

from dropnorm.evaluation.json_form import Json, Result
from dropnorm.training.switches import Switches


@dataclass(frozen=True)
class Override(Result):
    """An option of a run that is not its study's own.

    Attributes:
        run: Its value in the run.
        study: Its value in the study.
        by: What changed it: ``--params``, or ``--env=…``.
    """

    run: Any
    study: Any
    by: str


@dataclass(frozen=True)
class TableRead(Result):
    """The table that a run read.

    Attributes:
        path: Where it stands.
        sha256: Checksum of its bytes; None of a table that is not a local file.
        format: How its file was read, as JSON; None where the catalog's entry does not tell.
        whole: Its columns of whole numbers.
    """

    path: str = ""
    sha256: str | None = None
    format: Json | None = None
    whole: tuple[str, ...] = ()

    def described(self) -> Json:
        """Return the attributes for JSON: without a format or whole columns where none are."""
        told: Json = {"path": self.path, "sha256": self.sha256}
        if self.format is not None:
            told["format"] = self.format
        return {**told, "whole": self.whole} if self.whole else told


@dataclass(frozen=True)
class Process(Result):
    """What the numbers of a run may depend on beside its study and its table.

    Attributes:
        engine: What Keras computes on.
        switches: Of the engine.
        packages: Their versions.
        python: Its version.
        platform: Where it runs.
    """

    engine: str
    switches: Switches
    packages: dict[str, str]
    python: str
    platform: str


@dataclass(frozen=True)
class Provenance(Result):
    """What only the run itself knows, and its record and report tell.

    Attributes:
        command: Which repeats it.
        environment: Kedro's; None if none was asked for.
        overridden: Options that are not the study's own, by their dotted key.
        table: What was read.
        switches: Of the engine.
        packages: Versions of those on which the numbers may depend.
        python: Its version.
        platform: Where it ran.
        version: Of the results: when the run began, in UTC; empty where they have none.
    """

    command: str
    environment: str | None
    overridden: dict[str, Override]
    table: TableRead
    switches: Switches
    packages: dict[str, str]
    python: str
    platform: str
    version: str = ""


@dataclass(frozen=True)
class Replica(Result):
    """Which split of the rows, and which random start."""

    split: int
    start: int


@dataclass(frozen=True)
class Seeds(Result):
    """What a run drew its random numbers from.

    Attributes:
        split: Seed of each split; None where the rows decide.
        training: Of all starts.
        replicas: Which there are.
    """

    split: tuple[int | None, ...] = ()
    training: int | None = None
    replicas: tuple[Replica, ...] = ()


@dataclass(frozen=True)
class WrittenFile(Result):
    """A file that a run wrote: its path below the folder of results, size and checksum."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class RunRecord(Result):
    """The record of a run, or of a sweep: ``run.json``.

    Earlier versions of this project wrote less: what they did not say has its default here.

    Attributes:
        study: Its name.
        made_up: Whether the table is.
        engine: What Keras computed on.
        command: Which repeats it.
        environment: Kedro's; None if none was asked for.
        overridden: Options that are not the study's own, by dotted key; None if not told.
        table: What was read.
        switches: Of the engine.
        packages: Versions of those on which the numbers may depend.
        python: Its version.
        platform: Where it ran.
        seeds: What the random numbers were drawn from.
        options: The study with all its options, as JSON.
        version: Of the results; given when the record is written.
        files: All that the run wrote; likewise.
    """

    study: str = ""
    made_up: bool = False
    engine: str | None = None
    command: str = ""
    environment: str | None = None
    overridden: dict[str, Override] | None = None
    table: TableRead = TableRead()
    switches: Switches | None = None
    packages: dict[str, str] = field(default_factory=dict)
    python: str | None = None
    platform: str | None = None
    seeds: Seeds = Seeds()
    options: Json = field(default_factory=dict)
    version: str = ""
    files: tuple[WrittenFile, ...] = ()
