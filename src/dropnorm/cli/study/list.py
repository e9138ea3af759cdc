"""``kedro study list``: the studies there are, and what their last runs found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from kedro.io import DatasetError
from rich.table import Table
from rich.text import Text

from dropnorm.cli.study.arguments import of_project
from dropnorm.cli.study.project import Project, open_project, screen
from dropnorm.datasets.catalog_entries import count_rows
from dropnorm.errors import BadInputError
from dropnorm.evaluation import wording
from dropnorm.evaluation.estimation import network_names
from dropnorm.evaluation.records import Look
from dropnorm.evaluation.runs.overrides import Standing
from dropnorm.study.compare import names_written
from dropnorm.study.optimism import OPTIMISTIC
from dropnorm.study.split import ColumnsSplit, FilesSplit, GroupedSplit, RandomSplit, TimeSplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dropnorm.evaluation.records import RunRecord
    from dropnorm.evaluation.results import VariantMetrics
    from dropnorm.study.schema import Study


_ALONE = ("dropout", "batchnorm")


@click.command("list")
@of_project
def list_studies(env: str | None, conf_source: str | None) -> None:
    """List the studies, and what their last runs found.

    The rows are those that the last complete run used, or of a study that has none, those of its
    table if it is there. A run with other options than the study's own is shown where there is no
    other, and says so; what is not read, as a copy of a version, is told behind the answer.
    """
    project = open_project(conf_source, env)
    names = project.config.studies()
    if not names:
        raise BadInputError(
            f"there are no studies in {project.config.conf_source};"
            f" '{project.command('study', 'new')}' makes one"
        )
    screen().print(_table(_row(project, name) for name in names))


def _table(rows: Iterable[list[str]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("study", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("target", max_width=24)
    table.add_column("split", max_width=32)
    table.add_column("last complete run", no_wrap=True)
    table.add_column("answer")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _row(project: Project, name: str) -> list[str]:
    try:
        study = project.config.study(name)
    except BadInputError as error:
        check = project.command("study", "check", name)
        return [name, "", "", "", "", f"{str(error).splitlines()[0]}; all problems: {check}"]
    told = [study.target.column, _split(study)]
    try:
        versions = project.versions(name)
    except OSError as error:
        return [name, "", *told, "not readable", f"its results cannot be read: {error.strerror}"]
    skipped = f"; {versions.told()}" if versions.skipped else ""
    if not versions.complete:
        return [name, _rows_of_table(project, name), *told, "none yet", skipped.removeprefix("; ")]
    version = versions.complete[0]
    try:
        version, mark = _shown(project, name, versions.complete)
        rows, found = _rows_of_run(project, name, version), answer(project, name, version) + mark
    # What a file that was changed may hold, where it has no checksum.
    except (DatasetError, OSError, ValueError, LookupError, TypeError, AttributeError):
        rows, found = "", "its files have been changed or lost since"
    return [name, rows, *told, version, found + skipped]


def _shown(project: Project, study: str, versions: Sequence[str]) -> tuple[str, str]:
    """Return the newest version of the study's own options, and what is to be said of it.

    Where all had others, that is the newest of them.
    """
    judged = {}
    for version in versions:
        judged[version] = project.judge(study, version)
        if judged[version].standing is not Standing.OVERRIDDEN:
            break
    else:
        version = versions[0]
    return version, f"; {judged[version].told}" if judged[version].told else ""


def answer(project: Project, study: str, version: str) -> str:
    """Say in one line what a complete run found: each effect, and which network to use."""
    found: Mapping[str, Any] = project.load(f"{study}.effects", version)
    if "cards" not in found:
        return f"run it again for an answer ({found['answer']})"
    use = found["recommendation"]["use"]
    # Of both layers together, the ranking says it.
    names = [name for name in found["cards"] if "against" in found or name in _ALONE]
    told = [
        f"use {network_names.spoken(use)}" if use else "use none of the networks",
        *(f"{network_names.spoken(name)}: {found['cards'][name]['verdict']}" for name in names),
        _ranking(found),
        f"{OPTIMISTIC} scores" if found.get("optimistic") else "",
        wording.counted_runs(found["splits"], found["starts"]) + _looks(found),
    ]
    return "; ".join(one for one in told if one)


def _looks(found: Mapping[str, Any]) -> str:
    """Say of a run until it is settled which look settled it."""
    looks = [Look.from_json(one) for one in found.get("looks", ())]
    if not looks:
        return ""
    settled = "settled" if looks[-1].is_settled else "not settled"
    return f", {settled} at look {len(looks)}"


def _ranking(found: Mapping[str, Any]) -> str:
    """Put the networks in order, where every difference between neighbours is settled."""
    errors = [
        f"{network_names.spoken(name)} {wording.number(found['variants'][name]['error'])}"
        for name in found["ranking"]
    ]
    return f"{' < '.join(errors)} {found['unit']}".strip() if errors else ""


def _rows_of_run(project: Project, study: str, version: str) -> str:
    record: RunRecord = project.load(f"{study}.run", version)
    one, *_ = names_written(record.options)
    metrics: VariantMetrics = project.load(f"{study}.{one}.metrics", version)
    return str(sum(metrics.rows.values()))


def _rows_of_table(project: Project, study: str) -> str:
    try:
        rows = count_rows(study, project.catalog)
    except BadInputError:
        return "not readable"
    return "no table" if rows is None else str(rows)


def _split(study: Study) -> str:
    splits = study.replicas.splits
    match study.split:
        case RandomSplit(keep_together=columns) if columns:
            told = f"random, by {', '.join(columns)}"
        case RandomSplit(identical_rows=True):
            told = "random, identical rows together"
        case RandomSplit():
            told = "random"
        case GroupedSplit(by=column):
            told = f"groups of {column}"
        case TimeSplit(by=column):
            return f"time, by {column}"
        case ColumnsSplit(columns=columns):
            return f"columns {', '.join(columns)}"
        case FilesSplit(train=file):
            return f"{splits} × index files {file}"
    if study.replicas.until:
        return f"{told}, until settled, at most {study.replicas.at_most}"
    return f"{splits} × {told}" if splits > 1 else told
