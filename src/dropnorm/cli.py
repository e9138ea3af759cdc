"""The command line: Kedro's, with manners."""

from __future__ import annotations

import click
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.cli.utils import KedroCliError

from dropnorm import commands
from dropnorm.commands.arguments import environments, pipelines
from dropnorm.errors import in_one_line
from dropnorm.running import run_pipelines
from dropnorm.start import leave_ctrl_c_to_the_command


@click.group()
def cli() -> None:
    """Commands of this project."""


class _RunCommand(click.Command):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the options; what Kedro refuses is told as click tells it."""
        try:
            return super().parse_args(ctx, args)
        except KedroCliError as error:
            raise click.UsageError(in_one_line(error), ctx) from error


def _completed(option: click.Parameter) -> click.Parameter:
    """Return an option of Kedro's with the completion of its words that we know."""
    complete = {"pipelines": pipelines, "env": environments}.get(str(option.name))
    if complete is None or not isinstance(option, click.Option):
        return option
    return click.Option(
        [*option.opts, str(option.name)],
        default=option.default,
        type=option.type,
        help=option.help,
        callback=option.callback,
        shell_complete=complete,
    )


run = _RunCommand(
    "run",
    callback=run_pipelines,
    params=[
        *map(_completed, kedro_run.params),
        click.Option(["--verbose"], is_flag=True, help="Show what Kedro does, and tracebacks."),
    ],
    help="Run studies: all of them, or those that --pipelines names.",
)
cli.add_command(run)
cli.add_command(commands.study)

leave_ctrl_c_to_the_command()
