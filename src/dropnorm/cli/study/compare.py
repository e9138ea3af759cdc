"""``kedro study compare``: two complete runs of one study side by side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from dropnorm.cli.study.arguments import of_project, of_study, versions_or_newest
from dropnorm.cli.study.project import Project, open_project, screen
from dropnorm.errors import BadInputError
from dropnorm.evaluation import wording
from dropnorm.evaluation.runs import run_comparison
from dropnorm.study.compare import names_written
from dropnorm.study.optimism import OPTIMISTIC
from dropnorm.tasks.metrics import SCORES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dropnorm.evaluation.estimation.intervals import Interval
    from dropnorm.evaluation.runs.run_comparison import Change, Run

_NEWEST = "newest"
_CHANGE = "change (95 %)"


@click.command("compare")
@of_study
@click.argument("first", shell_complete=versions_or_newest)
@click.argument("second", shell_complete=versions_or_newest)
@of_project
def compare_runs(
    name: str, first: str, second: str, env: str | None, conf_source: str | None
) -> None:
    """Put two complete runs of the study NAME side by side.

    FIRST and SECOND are versions, 'newest' for the last one whatever its options, or with an
    environment before it: 'standardized:newest'. It says what differs between the two (engine,
    options, table, packages), what each found, and whether the difference changes the answer.

    \b
    KERAS_BACKEND=jax kedro run --pipelines=wine
    kedro study compare wine 2026-11-24T13.47.49.989Z newest
    """  # noqa: D301  # a real \\b keeps click from filling the lines
    found = [_find_run(name, words, env, conf_source) for words in (first, second)]
    (one, _), (other, _) = found
    console = screen()
    for run, told in found:
        if told:
            console.print(f"{run.name}: {told}", markup=False, highlight=False)
    for key, (before, after) in run_comparison.what_differs(one, other).items():
        console.print(f"{key}: {before} → {after}", markup=False, highlight=False)
    console.print(_errors(one, other))
    console.print(_effects(one, other, run_comparison.changes(one, other)))
    console.print("Differences: plus is a larger error.", markup=False, highlight=False)
    console.print(run_comparison.sentence(one, other), markup=False, highlight=False)
    if shared := run_comparison.shared_splits(one, other):
        console.print(shared, markup=False, highlight=False)


def _find_run(name: str, words: str, env: str | None, conf_source: str | None) -> tuple[Run, str]:
    """Return a run, and whether its options are the study's own in one line; empty if they are."""
    of_env, _, version = words.rpartition(":")
    project = open_project(conf_source, of_env or env)
    project.check_study(name)
    named = None if version == _NEWEST else version
    try:
        version = project.choose_version(name, named, "compare", own=False)
    except BadInputError as error:
        if of_env:
            raise BadInputError(f"in the environment '{of_env}', {error}") from error
        raise
    return _load_run(project, name, words, version), project.judge(name, version).told


def _load_run(project: Project, name: str, words: str, version: str) -> Run:
    record = project.load(f"{name}.run", version)
    return run_comparison.Run(
        name=words,
        record=record,
        effects=project.load(f"{name}.effects", version),
        metrics={
            network: project.load(f"{name}.{network}.metrics", version)
            for network in names_written(record.options)
        },
    )


def _errors(one: Run, other: Run) -> Table:
    measured = [_measured(run) for run in (one, other)]
    if measured[0] == measured[1]:
        heads = (f"validation {measured[0]}", one.name, other.name)
    else:
        heads = ("validation", f"{one.name} ({measured[0]})", f"{other.name} ({measured[1]})")
    table = Table(*heads, _CHANGE, box=None, pad_edge=False)
    changes = run_comparison.error_changes(one, other)
    for name in dict.fromkeys((*one.metrics, *other.metrics)):
        cells = [
            _error(
                run.effects["variants"].get(name),
                optimistic=name in run.effects.get("optimistic", ()),
            )
            for run in (one, other)
        ]
        table.add_row(name, *cells, _interval(changes[name]) if name in changes else "–")
    return table


def _error(found: Mapping[str, Any] | None, *, optimistic: bool) -> str:
    """Tell the error of a network; a dash of one that the run does not compare."""
    if found is None:
        return "–"
    lost = f"{found['diverged']} of {found['replicas']} diverged"
    told = [] if found["error"] is None else [wording.number(found["error"])]
    told += [OPTIMISTIC] * (optimistic and bool(told))
    return ", ".join(told + [lost] * bool(found["diverged"]))


def _measured(run: Run) -> str:
    unit = run.effects["unit"]
    return f"{SCORES[run.effects['error']].label}{f', {unit}' if unit else ''}"


def _effects(one: Run, other: Run, changes: list[Change]) -> Table:
    table = Table("effect", one.name, other.name, _CHANGE, box=None, pad_edge=False)
    for change in changes:
        cells = []
        for run in (one, other):
            effect = run.effects["effects"][change.contrast]
            size = effect["difference"]
            told = "" if size is None else f"{wording.signed(size)}: "
            cells.append(f"{told}{effect['verdict']}")
        table.add_row(change.contrast, *cells, _interval(change.difference))
    return table


def _interval(change: Interval) -> str:
    if not math.isfinite(change.mean):
        return "–"
    half = (change.high - change.low) / 2
    size = wording.signed(change.mean, half)
    if not math.isfinite(change.low):
        return size
    return f"{size} ({wording.signed(change.low, half)} to {wording.signed(change.high, half)})"
