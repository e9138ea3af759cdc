"""The command line: Kedro's, with manners."""

from __future__ import annotations

import json
from typing import Any

import click
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.cli.utils import KedroCliError
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from dropnorm.cli.run_command import run_pipelines
from dropnorm.cli.study import group
from dropnorm.cli.study.arguments import environments, pipelines, refuse_empty
from dropnorm.errors import BadInputError, in_one_line
from dropnorm.start import end_imports


@click.group()
def cli() -> None:
    """Commands of this project."""


class _RunCommand(click.Command):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the options; what Kedro refuses is told as click tells it."""
        try:
            rest = super().parse_args(ctx, args)
            refuse_empty(ctx)
        except KedroCliError as error:
            raise click.UsageError(in_one_line(error), ctx) from error
        except BadInputError as error:
            raise click.ClickException(str(error)) from error
        return rest


def _options_of_file(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
    """Take options from a file as Kedro does, if there are any in it."""
    if value:
        try:
            written = OmegaConf.to_container(OmegaConf.load(value))
        except (OSError, ValueError, YAMLError, OmegaConfBaseException) as error:
            raise BadInputError(
                f"--config: {value} cannot be read: {in_one_line(error)}"
            ) from error
        if not (isinstance(written, dict) and isinstance(written.get("run"), dict)):
            raise BadInputError(
                f"--config: {value} has no options of a run; they stand below the key 'run'"
            )
        for key, one in written["run"].items():
            usable = (str, dict) if key in _MAPPINGS else (str, bool, int, float)
            if not isinstance(one, usable):
                told = "is a list" if isinstance(one, list) else f"is {json.dumps(one)}"
                raise BadInputError(
                    f"--config: {value}: run.{key} {told}; write a text, as on the command line"
                )
    _KEDROS["config"].callback(ctx, param, value)  # type: ignore[misc]  # Kedro's has one
    return value


# Options that may be written as mappings in a file.
_MAPPINGS = ("params", "runner_params")
_KEDROS = {str(option.name): option for option in kedro_run.params}


def _ours(option: click.Parameter) -> click.Parameter:
    """Return an option of Kedro's with what we know better: its words, what may be in its file."""
    name = str(option.name)
    complete = {"pipelines": pipelines, "env": environments}.get(name)
    if not isinstance(option, click.Option) or not (complete or name == "config"):
        return option
    return click.Option(
        [*option.opts, name],
        default=option.default,
        type=option.type,
        help=option.help,
        is_eager=option.is_eager,
        callback=_options_of_file if name == "config" else option.callback,
        shell_complete=complete,
    )


run = _RunCommand(
    "run",
    callback=run_pipelines,
    params=[
        *map(_ours, kedro_run.params),
        click.Option(
            ["--until-settled"],
            is_flag=True,
            help="Look at 5, 10, 20, 40 splits, and stop when every verdict stands.",
        ),
        click.Option(["--verbose"], is_flag=True, help="Show what Kedro does, and tracebacks."),
    ],
    help="Run studies: all of them, or those that --pipelines names.",
)
cli.add_command(run)
cli.add_command(group.study)

end_imports()
