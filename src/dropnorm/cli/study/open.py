"""``kedro study open``: the report of a complete run, in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from kedro.io import AbstractVersionedDataset
from kedro.io.core import Version

from dropnorm.cli.study.arguments import of_project, of_study, versions
from dropnorm.cli.study.project import open_project
from dropnorm.datasets.atomic_files import from_here
from dropnorm.datasets.kedro_compat import load_path_of
from dropnorm.errors import BadInputError

if TYPE_CHECKING:
    from pathlib import Path

    from dropnorm.cli.study.project import Project


@click.command("open")
@of_study
@click.option("--version", help="Another version than the newest.", shell_complete=versions)
@of_project
def open_report(name: str, version: str | None, env: str | None, conf_source: str | None) -> None:
    """Open the report of the study NAME in the browser, and print where it is.

    It is that of the newest complete run with the study's own options, unless --version names one.
    """
    project = open_project(conf_source, env)
    project.check_study(name)
    page = find_report(project, name, project.choose_version(name, version, "open"))
    click.echo(from_here(page))
    click.launch(page.resolve().as_uri())


def find_report(project: Project, study: str, version: str) -> Path:
    """Return where the report of a complete version is.

    Raises:
        BadInputError: If there is no file, as of a run that was told to write no report.
    """
    dataset = project.catalog.get(f"{study}.report_page", version=Version(version, None))
    page = load_path_of(dataset) if isinstance(dataset, AbstractVersionedDataset) else None
    if page is None or not page.is_file():
        raise BadInputError(
            f"version {version} of the study '{study}' has no report; run it again:"
            f" {project.command('run', f'--pipelines={study}')}"
        )
    return page
