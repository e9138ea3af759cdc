"""What the recipe says: packages, tables, and frames that are left out."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

HERE = Path(__file__).parent
CHECKSUMS = HERE / "tables.csv"


class RecipeError(Exception):
    """The recipe cannot be followed; the message says why, in a line."""


@dataclass(frozen=True)
class Package:
    """Where frames come from.

    Attributes:
        source: How it is had: by ``pip download``, ``apt-get download``, or installed anyway.
        name: In its registry.
        version: That the checksums hold for; empty for one that is installed anyway.
        licence: As its copyright file says.
    """

    source: Literal["pip", "apt", "installed"]
    name: str
    version: str
    licence: str


@dataclass(frozen=True)
class Table:
    """One table of the atlas.

    Attributes:
        name: Of the file and of the study.
        package: That it is in.
        frame: Its name there.
        target: Column to predict.
        task: What the target is for; None where ``kedro study new`` decides.
        groups: Column whose values stand in one part of a split each; None where rows are taken
            to be independent.
        drop: Columns that are left out, with the reason.
        columns: All columns that are taken; empty for all but the dropped.
    """

    name: str
    package: str
    frame: str
    target: str
    task: str | None
    groups: str | None
    drop: dict[str, str]
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Recipe:
    """All that is needed to write the tables.

    Attributes:
        packages: By name.
        tables: In the order of the file.
        excluded: Frames that are left out, ``package/frame``, with the reason.
    """

    packages: dict[str, Package]
    tables: tuple[Table, ...]
    excluded: dict[str, str]


@dataclass(frozen=True)
class Checksum:
    """What a written table must be.

    Attributes:
        rows: Without the header.
        columns: With the target.
        sha256: Of the file.
    """

    rows: int
    columns: int
    sha256: str


def read_recipe(path: Path = HERE / "recipe.yml") -> Recipe:
    """Read the recipe.

    Raises:
        RecipeError: If a table names a package that the recipe does not have.
    """
    told = yaml.safe_load(path.read_text())
    packages = {
        name: Package(said["from"], said["name"], str(said["version"]), said["licence"])
        for name, said in told["packages"].items()
    }
    tables = tuple(_table(name, said) for name, said in told["tables"].items())
    for table in tables:
        if table.package not in packages:
            raise RecipeError(f"{path.name}: table {table.name}: no package {table.package!r}")
    return Recipe(packages, tables, told["excluded"])


def _table(name: str, said: dict[str, Any]) -> Table:
    package, frame = said["frame"].split("/", 1)
    return Table(
        name=name,
        package=package,
        frame=frame,
        target=said["target"],
        task=said.get("task"),
        groups=said.get("groups"),
        drop=said.get("drop", {}),
        columns=tuple(said.get("columns", ())),
    )


def read_checksums(path: Path = CHECKSUMS) -> dict[str, Checksum]:
    """Return what each written table must be, by name."""
    with path.open(newline="") as lines:
        return {
            line["table"]: Checksum(int(line["rows"]), int(line["columns"]), line["sha256"])
            for line in csv.DictReader(lines)
        }


def write_checksums(checksums: dict[str, Checksum], path: Path = CHECKSUMS) -> None:
    """Write what each table is, to be compared with from then on."""
    with path.open("w", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(["table", "rows", "columns", "sha256"])
        writer.writerows(
            [name, one.rows, one.columns, one.sha256] for name, one in checksums.items()
        )
