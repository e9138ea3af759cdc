"""What a run says of itself: its record, and what only the run itself knows of it."""

from dataclasses import dataclass, field, fields
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
        index_files: Checksums of the index files that hold its splits, by path.
    """

    path: str = ""
    sha256: str | None = None
    format: Json | None = None
    whole: tuple[str, ...] = ()
    index_files: dict[str, str] = field(default_factory=dict)

    def described(self) -> Json:
        """Return the attributes for JSON, without those that may be missing where they are."""
        told: Json = {"path": self.path, "sha256": self.sha256}
        if self.format is not None:
            told["format"] = self.format
        if self.whole:
            told["whole"] = self.whole
        return {**told, "index_files": self.index_files} if self.index_files else told


@dataclass(frozen=True)
class Seen(Result):
    """What a look saw of one difference.

    Attributes:
        difference: Mean over the pairs; None without pairs.
        low: Lower end of its interval; None if there is none.
        high: Its upper end.
        verdict: In words.
        settled: Whether the verdict stands, so that no more splits are needed for it.
        boundary: Size beyond which the difference is shown at this look, whatever the others show;
            None without an interval, with one look, and in earlier records.
    """

    difference: float | None
    low: float | None
    high: float | None
    verdict: str
    settled: bool
    boundary: float | None = None


@dataclass(frozen=True)
class Look(Result):
    """One look of a run that adds splits until it is settled.

    Attributes:
        splits: How many there were.
        level: Of its intervals.
        seen: What it saw of each layer, and of both together, by name.
    """

    splits: int
    level: float
    seen: dict[str, Seen]

    @property
    def is_settled(self) -> bool:
        """Whether all verdicts stand."""
        return all(one.settled for one in self.seen.values())


@dataclass(frozen=True)
class EarlierRun(Result):
    """An earlier complete run of the same study that had fewer replicas.

    Attributes:
        version: Of its results.
        splits: How many it had.
        starts: How many of each split.
    """

    version: str
    splits: int
    starts: int


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
        looks: Of a run until it is settled, what it saw at each; else none.
        earlier: Runs that have looked at the same study before.
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
    looks: tuple[Look, ...] = ()
    earlier: tuple[EarlierRun, ...] = ()

    def described(self) -> Json:
        """Return the attributes for JSON: without looks or earlier runs where there are none."""
        return _without_empty(self, "looks", "earlier")


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
        looks: Of a run until it is settled, what it saw at each; else none.
        earlier: Runs that have looked at the same study before.
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
    looks: tuple[Look, ...] = ()
    earlier: tuple[EarlierRun, ...] = ()

    def described(self) -> Json:
        """Return the attributes for JSON: without looks or earlier runs where there are none."""
        return _without_empty(self, "looks", "earlier")


def _without_empty(result: Provenance | RunRecord, *names: str) -> Json:
    """Return the attributes by name, without those named here that are empty."""
    told = {one.name: getattr(result, one.name) for one in fields(result)}
    return {name: value for name, value in told.items() if value or name not in names}
