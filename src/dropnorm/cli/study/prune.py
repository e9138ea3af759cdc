"""``kedro study prune``: old versions removed."""

from __future__ import annotations

import os
import re
import shutil
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dropnorm.cli.study.arguments import of_project, of_study
from dropnorm.cli.study.project import Project, open_project
from dropnorm.config_loader import networks_written
from dropnorm.data.inspection.column_kinds import counted
from dropnorm.datasets.atomic_files import from_here
from dropnorm.datasets.kedro_compat import filepath_of, version_of
from dropnorm.datasets.run_record import RunRecordDataset
from dropnorm.errors import BadInputError
from dropnorm.evaluation.runs.overrides import Standing
from dropnorm.pipeline_registry import APART, create_of_networks, study_of
from dropnorm.study.compare import names_written
from dropnorm.training.execution import forget_beyond

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# As Kedro names versions.
_VERSION = re.compile(r"\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d\.\d{3}Z", re.ASCII)
# Names of what is left alone: how many of a folder, and how much of each.
_NAMED, _SHOWN = 3, 60


@dataclass(frozen=True)
class _Stored:
    """One version of a study on disk.

    Attributes:
        version: Its name.
        complete: Whether it has a record.
        overridden: Whether its options were not the study's own.
        why_kept: Why it is left alone whatever is asked for: its run goes on, or it has a record
            that cannot be read as it is; empty if it is not.
        folders: Of its files; the record's first.
    """

    version: str
    complete: bool
    overridden: bool
    why_kept: str
    folders: list[Path]

    def remove(self) -> None:
        """Remove all folders; after the first, an interruption leaves an incomplete version."""
        for folder in self.folders:
            shutil.rmtree(folder)

    def told(self) -> str:
        files = [file for folder in self.folders for file in folder.rglob("*") if file.is_file()]
        size = sum(file.stat().st_size for file in files) / 1e6
        kind = ", overridden options" if self.overridden else ""
        kind = kind if self.complete else ", incomplete"
        return f"version {self.version} ({counted(len(files), 'file')}, {size:.1f} MB{kind})"


@click.command("prune")
@of_study
@click.option(
    "--keep",
    type=click.IntRange(min=0),
    required=True,
    help="How many of the newest complete versions stay.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option(
    "--memory",
    "megabytes",
    type=click.IntRange(min=0),
    metavar="MB",
    help="Also forget the trainings kept for later runs, of any study, beyond so many megabytes.",
)
@of_project
def prune_study(
    name: str,
    keep: int,
    dry_run: bool,
    megabytes: int | None,
    env: str | None,
    conf_source: str | None,
) -> None:
    """Remove old versions of the study NAME.

    That is of its runs, sweeps and searches, in all layers. The newest KEEP complete versions of
    each stay. Versions with overridden options count as older than all others: they never take the
    place of a version with the study's own options. Versions without a run.json, which interrupted
    runs have left, are removed. A run that goes on, a version whose run.json is not read, links,
    folders that are no versions, tables and predictions are left alone.
    """
    project = open_project(conf_source, env)
    project.check_study(name)
    for run in (name, *(f"{name}{what}" for what in APART)):
        stored = _stored_versions(project, run)
        if run == name or stored:
            _remove(project, run, stored, _to_remove(stored, keep), dry_run=dry_run)
    place = project.config["globals"].get("memory")
    if megabytes is not None and place and not dry_run:
        forget_beyond(megabytes * 1_000_000, project.root / place)
        click.echo(f"{place}: at most {megabytes} MB of trainings kept")


def _remove(
    project: Project, run: str, stored: list[_Stored], gone: list[_Stored], *, dry_run: bool
) -> None:
    for one in stored:
        if one.why_kept:
            click.echo(f"left alone: version {one.version}, {one.why_kept}")
    record = project.catalog.get(f"{run}.run")
    for one in gone:
        # Said before it is done: an interruption then leaves no version half gone and unnamed.
        click.echo(f"{'would remove' if dry_run else 'removing'} {one.told()}")
        if dry_run:
            continue
        try:
            one.remove()
        except OSError as error:
            where = from_here(Path(str(error.filename))) if error.filename else run
            raise BadInputError(
                f"version {one.version} could not be removed: {where}: {error.strerror}; what is"
                " left of it is not complete, and the next prune removes it"
            ) from error
        if isinstance(record, RunRecordDataset):
            record.unclaim(one.version)
    done = "would be removed" if dry_run else "removed"
    kept = [one for one in stored if one not in gone]
    why = _why_kept(kept) if any(one.overridden for one in stored) else ""
    click.echo(f"{run}: {counted(len(gone), 'version')} {done}, {len(kept)} kept{why}")


def _why_kept(kept: list[_Stored]) -> str:
    """Say which versions stay, where some had overridden options."""
    alone = sum(bool(one.why_kept) for one in kept)
    other = sum(one.overridden and not one.why_kept for one in kept)
    told = f"; {len(kept) - other - alone} with the study's own options, {other} with overridden"
    told += f" options, {alone} left alone" if alone else " options"
    return f"{told} (overridden ones count as older)"


def _to_remove(stored: Iterable[_Stored], keep: int) -> list[_Stored]:
    """Choose what goes: what interrupted runs have left, and complete versions but the newest.

    Those with overridden options count as older than all others.
    """
    newest_first = sorted(stored, key=lambda one: one.version, reverse=True)
    known = [one for one in newest_first if not one.why_kept]
    complete = sorted((one for one in known if one.complete), key=lambda one: one.overridden)
    incomplete = [one for one in known if not one.complete]
    return sorted([*complete[keep:], *incomplete], key=lambda one: one.version)


def _stored_versions(project: Project, run: str) -> list[_Stored]:
    """Find the versions of everything that the pipeline of a study or its sweep writes."""
    record = project.catalog.get(f"{run}.run")
    folders: dict[str, list[Path]] = defaultdict(list)
    for place in _places(project, run):
        for folder in _versions_in(place):
            folders[folder.name].append(folder)
    if not isinstance(record, RunRecordDataset):
        return []
    # In this order: a run that ends in between is complete by then.
    kept = {name: "whose run goes on" for name in folders if record.is_running(name)}
    versions = project.versions(run)
    # Somebody's results may be in it: an earlier version of this project named fewer files.
    kept |= {name: f"which is not read: {why}" for name, why in versions.skipped.items()}
    overridden = {
        name
        for name in versions.complete
        if project.judge(run, name).standing is Standing.OVERRIDDEN
    }
    return [
        _Stored(name, name in versions.complete, name in overridden, kept.get(name, ""), found)
        for name, found in folders.items()
    ]


def _places(project: Project, run: str) -> Iterator[Path]:
    """Yield the folders with the versions of what a run writes, the record's first.

    Links below the folder of all data lead to what is somebody else's: they are not followed.
    """
    record = f"{run}.run"
    links: set[Path] = set()
    for name in (record, *sorted(_outputs(project, run) - {record})):
        dataset = project.catalog.get(name)
        if version_of(dataset) is None:
            continue
        place = Path(str(filepath_of(dataset)))
        if name == record:
            data = place.parents[2]
        if not place.is_dir():
            continue
        inside = place.relative_to(data) if place.is_relative_to(data) else Path("..")
        if ".." in inside.parts or inside.parts[1:2] != (run,):
            click.echo(f"left alone: {from_here(place)}, which is not in the study's own folders")
        elif link := _link_in(data, inside):
            if link not in links:
                click.echo(f"left alone: {from_here(link)}, which is a link")
            links.add(link)
        else:
            yield place


def _outputs(project: Project, run: str) -> set[str]:
    """Return what is written of the networks that are compared, and that were when a run was."""
    compared = {networks_written(study_of(run))}
    for version in project.complete_versions(run):
        compared.add(names_written(project.load(f"{run}.run", version).options))
    return {one for names in compared for one in create_of_networks(run, names).all_outputs()}


def _link_in(data: Path, inside: Path) -> Path | None:
    """Return the first part of a path below ``data`` that leads elsewhere."""
    real = Path(os.path.realpath(data))
    for depth in range(1, len(inside.parts) + 1):
        part = Path(*inside.parts[:depth])
        if os.path.normcase(os.path.realpath(data / part)) != os.path.normcase(real / part):
            return data / part
    return None


def _versions_in(place: Path) -> Iterator[Path]:
    """Yield the folders of versions; say what else there is, and is left alone."""
    others = []
    for folder in sorted(place.iterdir()):
        if folder.name.startswith("."):
            continue
        if not _VERSION.fullmatch(folder.name):
            others.append(repr(folder.name[:_SHOWN]))
        elif _link_in(place, Path(folder.name)):
            click.echo(f"left alone: {from_here(folder)}, which is a link")
        elif folder.is_dir():
            yield folder
    if others:
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        click.echo(
            f"left alone in {from_here(place)}: {', '.join(others[:_NAMED])}{more}, which no run"
            " has written"
        )
