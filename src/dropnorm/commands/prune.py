"""``kedro study prune``: old versions removed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from kedro.io import AbstractVersionedDataset

from dropnorm import memory
from dropnorm.commands.arguments import of_project, of_study
from dropnorm.commands.project import Project, open_project
from dropnorm.inspection import counted
from dropnorm.pipeline_registry import SWEEP, create_pipeline

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class _Stored:
    """One version of a study on disk.

    Attributes:
        version: Its name.
        complete: Whether it has a record.
        folders: Of its files; the record's first.
    """

    version: str
    complete: bool
    folders: list[Path]

    def remove(self) -> None:
        """Remove all folders; after the first, an interruption leaves an incomplete version."""
        for folder in self.folders:
            shutil.rmtree(folder)

    def told(self) -> str:
        files = [file for folder in self.folders for file in folder.rglob("*") if file.is_file()]
        size = sum(file.stat().st_size for file in files) / 1e6
        kind = "" if self.complete else ", incomplete"
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

    That is of its runs and of its sweeps, in all layers. The newest KEEP complete versions of each
    stay, and whatever is newer than the newest complete one: it may belong to a run that goes on.
    Older versions without a run.json are removed too. Tables and predictions are left alone.
    """
    project = open_project(conf_source, env)
    project.check_study(name)
    for run in (name, f"{name}{SWEEP}"):
        stored = _stored_versions(project, run)
        if run == name or stored:
            _remove(run, stored, _to_remove(stored, keep), dry_run=dry_run)
    place = project.config["globals"].get("memory")
    if megabytes is not None and place and not dry_run:
        memory.forget_beyond(megabytes * 1_000_000, project.root / place)
        click.echo(f"{place}: at most {megabytes} MB of trainings kept")


def _remove(run: str, stored: list[_Stored], gone: list[_Stored], *, dry_run: bool) -> None:
    for one in gone:
        # Said before it is done: an interruption then leaves no version half gone and unnamed.
        click.echo(f"{'would remove' if dry_run else 'removing'} {one.told()}")
        if not dry_run:
            one.remove()
    done = "would be removed" if dry_run else "removed"
    click.echo(f"{run}: {counted(len(gone), 'version')} {done}, {len(stored) - len(gone)} kept")


def _to_remove(stored: Iterable[_Stored], keep: int) -> list[_Stored]:
    """Choose what goes: complete versions but the newest, and incomplete ones that are older."""
    newest_first = sorted(stored, key=lambda one: one.version, reverse=True)
    complete = [one for one in newest_first if one.complete]
    if not complete:
        return []
    incomplete = [
        one for one in newest_first if not one.complete and one.version < complete[0].version
    ]
    return sorted([*complete[keep:], *incomplete], key=lambda one: one.version)


def _stored_versions(project: Project, run: str) -> list[_Stored]:
    """Find the versions of everything that the pipeline of a study or its sweep writes."""
    record = f"{run}.run"
    names = [record, *sorted(create_pipeline(run).all_outputs() - {record})]
    folders: dict[str, list[Path]] = {}
    complete = set(project.complete_versions(run))
    for name in names:
        dataset = project.catalog.get(name)
        if not isinstance(dataset, AbstractVersionedDataset) or dataset._version is None:
            continue
        place = Path(dataset._filepath)
        for folder in place.iterdir() if place.is_dir() else ():
            if folder.is_dir():
                folders.setdefault(folder.name, []).append(folder)
    return [_Stored(version, version in complete, found) for version, found in folders.items()]
