"""Arguments that many commands take, and what a shell offers to complete them."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from dropnorm.cli.study.project import open_project
from dropnorm.config_loader import networks_written
from dropnorm.errors import BadInputError
from dropnorm.pipeline_registry import APART, PREDICT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dropnorm.cli.study.project import Project

    Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _offering(names: Callable[[Project, click.Context], Iterable[str]]) -> Complete:
    """Return what completes a word; whatever is wrong with the project, a shell is told nothing."""

    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        try:
            project = open_project(ctx.params.get("conf_source"), ctx.params.get("env"))
            return [name for name in names(project, ctx) if name.startswith(incomplete)]
        except Exception:
            return []

    return complete


def _versions(project: Project, ctx: click.Context) -> list[str]:
    # An option that waits for its value keeps click from telling the arguments before it.
    name = ctx.params.get("name") or next(iter(ctx.args), "")
    return project.complete_versions(str(name))


def _environments(project: Project, _: click.Context) -> list[str]:
    return sorted(entry.name for entry in os.scandir(project.config.conf_source) if entry.is_dir())


studies = _offering(lambda project, _: project.config.studies())
versions = _offering(_versions)
networks = _offering(lambda _, ctx: networks_written(str(ctx.params.get("name"))))
versions_or_newest = _offering(lambda project, ctx: ["newest", *_versions(project, ctx)])
environments = _offering(_environments)


def pipelines(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the last of several names with commas between."""
    before, comma, last = incomplete.rpartition(",")
    offered = _offering(
        lambda project, _: [
            f"{study}{what}" for study in project.config.studies() for what in ("", *APART, PREDICT)
        ]
    )
    return [f"{before}{comma}{name}" for name in offered(ctx, param, last)]


def of_study(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the argument that names a study there is."""
    return click.argument("name", shell_complete=studies)(command)


def of_project(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that choose configuration and environment."""
    for option in (
        click.option(
            "--env",
            "-e",
            help="Configuration environment, as of 'kedro run'.",
            shell_complete=environments,
        ),
        click.option("--conf-source", help="Configuration folder, as of 'kedro run'."),
    ):
        command = option(command)
    return command


def refuse_empty(ctx: click.Context) -> None:
    """Refuse an argument or option that was typed and holds nothing.

    It comes of a variable of a script that is not set, and must not stand for everything.

    Raises:
        BadInputError: Names the option.
    """
    for param in ctx.command.params:
        value = ctx.params.get(str(param.name))
        typed = ctx.get_parameter_source(str(param.name)) is ParameterSource.COMMANDLINE
        # A comma parts lists; where there is one value, it may be what is meant.
        several, blank = [value], " "
        if isinstance(value, list | tuple | dict):
            several, blank = [*value], " ,"
        if typed and not any(str("" if one is None else one).strip(blank) for one in several):
            is_option = isinstance(param, click.Option)
            told = param.opts[0] if is_option else str(param.human_readable_name)
            remedy = "give it a value" + " or leave it out" * is_option
            raise BadInputError(f"{told} names nothing: what was typed is empty; {remedy}")


def refusing_empty(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command refuse what was typed and is empty, before anything else."""

    @functools.wraps(command)
    def checked(*args: Any, **options: Any) -> Any:
        refuse_empty(click.get_current_context())
        return command(*args, **options)

    return checked
