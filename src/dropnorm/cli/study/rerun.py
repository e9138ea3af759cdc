"""``kedro study rerun``: a complete run repeated from its record, and compared with itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from dropnorm.cli.run_command import as_a_run
from dropnorm.cli.study.arguments import of_project, of_study, versions
from dropnorm.cli.study.project import Project, open_project
from dropnorm.data.ahead import computed
from dropnorm.data.splits import assign_parts
from dropnorm.data.validation import check_table
from dropnorm.datasets.catalog_entries import checksums_of_split, shown, table_checksum
from dropnorm.datasets.new_rows import format_of
from dropnorm.datasets.table import TableDataset
from dropnorm.errors import BadInputError
from dropnorm.evaluation.runs import reproducibility
from dropnorm.hooks.project import hand_over
from dropnorm.hooks.provenance import describe_process
from dropnorm.hooks.validation import check_study
from dropnorm.pipeline_registry import EXECUTION, create_study_pipeline
from dropnorm.study.arms import arm_names
from dropnorm.study.parsing import parse_recorded
from dropnorm.training.backend import check_engine, engine_name, environment
from dropnorm.training.execution import HERE

if TYPE_CHECKING:
    from dropnorm.evaluation.records import RunRecord
    from dropnorm.study.schema import Study

_INTERRUPTED = "this repetition has written nothing"


@click.command("rerun")
@of_study
@click.option(
    "--version", help="Of a complete run; the newest if left out.", shell_complete=versions
)
@click.option("--verbose", is_flag=True, help="Show what Kedro does, and tracebacks.")
@of_project
def rerun_study(
    name: str, version: str | None, verbose: bool, env: str | None, conf_source: str | None
) -> None:
    """Repeat a complete run of the study NAME.

    It is repeated from its run.json: with the options, the table and the engine that stand there,
    whatever the YAML says today. Everything is trained anew, and nothing is written. For each
    network it says whether the histories agree bit for bit, or within what.

    They should where engine, packages, Python and platform are the same; if they do not, the exit
    code is 1. Where something of these is another, it is named, and a difference is no error.
    KERAS_BACKEND chooses another engine. A table that has changed since is refused.
    """
    with as_a_run(verbose, _INTERRUPTED):
        project = open_project(conf_source, env)
        project.check_study(name)
        chosen = project.choose_version(name, version, "repeat", own=False)
        record: RunRecord = project.load(f"{name}.run", chosen)
        _check_table(project, name, record)
        engine = os.environ.get("KERAS_BACKEND") or (record.engine or engine_name())
        with environment(KERAS_BACKEND=engine):
            check_engine()
            differing = reproducibility.what_may_explain(record, describe_process())
            click.echo(f"Repeating {name}, version {chosen}")
            if told := project.judge(name, chosen).told:
                click.echo(f"  {told}")
            for key, change in differing.items():
                click.echo(f"  {key}: {change}")
            agreements = _repeat(project, chosen, parse_recorded(name, record.options), record)
    click.echo(f"OK {reproducibility.conclude(agreements, differing)}")


def _check_table(project: Project, study: str, record: RunRecord) -> None:
    table = project.catalog.get(f"{study}.table")
    known, now = record.table.sha256, table_checksum(table)
    where = shown(table)
    if now is None and (table is None or not table.exists()):
        raise BadInputError(f"{where}: there is no such file; put the table of that run there")
    if known is None or now is None:
        click.echo(f"Warning: {where}: without a local file, nobody knows whether it has changed")
    elif known != now:
        raise BadInputError(
            f"{where}: has changed since that run (its checksum is another), so that it cannot be"
            " repeated; put the old table back, or run the study again"
        )
    files = checksums_of_split(parse_recorded(study, record.options).split)
    for path, of_run in record.table.index_files.items():
        if files.get(path) != of_run:
            raise BadInputError(
                f"{path}: has changed since that run, or is missing, so that it cannot be repeated;"
                " put the old index file back, or run the study again"
            )


def _repeat(
    project: Project, version: str, study: Study, record: RunRecord
) -> list[reproducibility.Agreement]:
    """Train all networks again, and say how each agrees with what it was."""
    name = study.name
    catalog = DataCatalog(
        {
            f"params:{name}": MemoryDataset(study),
            EXECUTION: MemoryDataset(HERE),  # nothing is recalled
        }
    )
    table = project.catalog[f"{name}.table"]
    if isinstance(table, TableDataset) and (written := format_of(record)):
        table = table.written_as(written)
    catalog[f"{name}.table"] = table
    loaded = check_study(name, catalog).loaded.table
    split = assign_parts(computed(check_table, loaded, study), study)
    parts = ["split", "row", "part"]
    if not split[parts].equals(project.load(f"{name}.split", version)[parts]):
        click.echo("  the rows do not fall into the parts in which they were")
    names = arm_names(study)
    histories = {variant: f"{name}.{variant}.history" for variant in names}
    for dataset in histories.values():
        catalog[dataset] = MemoryDataset()
    pipeline = create_study_pipeline(name, names).to_outputs(*histories.values())
    hand_over(loaded, name, pipeline, catalog)
    SequentialRunner().run(pipeline, catalog)
    agreements = []
    for variant, dataset in histories.items():
        agreements.append(
            reproducibility.compare_histories(project.load(dataset, version), catalog.load(dataset))
        )
        click.echo(f"  {variant:<{max(18, *map(len, names))}} {agreements[-1]}")
    return agreements
