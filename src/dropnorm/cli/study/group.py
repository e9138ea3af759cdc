"""``kedro study``: studies of one's own tables, from the table to predictions."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
from kedro.config import BadConfigException, MissingConfigException
from kedro.framework.cli.utils import KedroCliError
from kedro.io import DatasetError
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from dropnorm.cli.interrupt import ends_when_interrupted
from dropnorm.cli.progress_bar import print_what_can_be_printed
from dropnorm.cli.run_command import why_it_ended
from dropnorm.cli.study.arguments import refusing_empty
from dropnorm.cli.study.check import check_study
from dropnorm.cli.study.compare import compare_runs
from dropnorm.cli.study.list import list_studies
from dropnorm.cli.study.new import new_study
from dropnorm.cli.study.open import open_report
from dropnorm.cli.study.predict import predict_study
from dropnorm.cli.study.prune import prune_study
from dropnorm.cli.study.recommend import recommend_study
from dropnorm.cli.study.rerun import rerun_study
from dropnorm.cli.study.sweep import sweep_study
from dropnorm.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

# What can happen to a command that is not at fault: told in one line.
_TOLD = (
    BadConfigException,
    BadInputError,
    DatasetError,
    KedroCliError,
    MissingConfigException,
    OSError,
    OmegaConfBaseException,
    YAMLError,
)


class _StudyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands in the order in which one needs them."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what it refuses is told as click tells it."""
        try:
            return super().invoke(ctx)
        except BadInputError as error:
            raise click.ClickException(str(error)) from error
        except _TOLD as error:
            raise click.ClickException(why_it_ended(error)) from error


@click.group(cls=_StudyGroup)
def study() -> None:
    """Studies of your own tables, from the table to predictions.

    \b
    kedro study new cars --csv cars.csv --target mpg
    kedro run --pipelines=cars
    kedro study predict cars --input new.csv --output out.csv
    """  # noqa: D301  # a real \\b keeps click from filling the lines


@contextmanager
def _plain_messages() -> Iterator[None]:
    """Print this project's messages as they are, to the standard error, and none of Kedro's."""
    print_what_can_be_printed()
    ours, kedro = logging.getLogger("dropnorm"), logging.getLogger("kedro")
    handler, level = _MessageHandler(), kedro.level
    propagate = ours.propagate
    ours.addHandler(handler)
    ours.propagate = False
    kedro.setLevel(logging.ERROR)
    try:
        yield
    finally:
        ours.removeHandler(handler)
        ours.propagate = propagate
        kedro.setLevel(level)


class _MessageHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        prefix = "" if record.levelno < logging.WARNING else f"{record.levelname.capitalize()}: "
        click.echo(f"{prefix}{record.getMessage()}", err=True)


_TOLD_PLAINLY = (
    *(new_study, check_study, list_studies, open_report),
    *(predict_study, compare_runs, prune_study),
)
for _command in _TOLD_PLAINLY:
    if _command.callback is not None:
        _ends = ends_when_interrupted(lambda: click.echo("Interrupted"))
        _command.callback = _ends(_plain_messages()(_command.callback))
for _command in (
    *_TOLD_PLAINLY,
    *(sweep_study, recommend_study, rerun_study),  # these train, and show what a run shows
):
    if _command.callback is not None:
        _command.callback = refusing_empty(_command.callback)
    study.add_command(_command)
