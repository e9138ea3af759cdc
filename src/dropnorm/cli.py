"""The command line: Kedro's, with manners."""

from __future__ import annotations

import logging
import os
import warnings
from typing import TYPE_CHECKING, Any

import click
from kedro import KedroDeprecationWarning
from kedro.config import BadConfigException, MissingConfigException
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.project import pipelines
from kedro.pipeline import Pipeline
from kedro.utils import load_obj
from rich.console import Console
from yaml import YAMLError

from dropnorm.config import StudyConfigLoader, default_conf_source, project_config
from dropnorm.errors import BadInputError, did_you_mean
from dropnorm.progress import ProgressHandler

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_RUNNERS = ("SequentialRunner", "ThreadRunner", "ParallelRunner")


@click.group()
def cli() -> None:
    """Commands of this project."""


def _run(verbose: bool, **options: Any) -> None:
    _listen(verbose)
    try:
        _check_options(options)
        # Kedro calls the option deprecated; it is what people type.
        warnings.simplefilter("ignore", KedroDeprecationWarning)
        click.get_current_context().invoke(kedro_run, **options)
    except (BadInputError, BadConfigException, MissingConfigException, YAMLError) as error:
        if verbose:
            raise
        raise click.ClickException(str(error)) from error
    finally:
        for handler in _handlers():
            handler.close()


run = click.Command(
    "run",
    callback=_run,
    params=[
        *kedro_run.params,
        click.Option(["--verbose"], is_flag=True, help="Show what Kedro does, and tracebacks."),
    ],
    help="Run studies: all of them, or those that --pipelines names.",
)
cli.add_command(run)


def _check_options(options: dict[str, Any]) -> None:
    """Refuse what cannot be run, before Kedro starts a session.

    Raises:
        BadInputError: Names the option or the key, and the nearest name that there is.
    """
    config = _config(options)
    studies = config.studies()
    _check_runner(options["runner"])
    names = [options["pipeline"]] if options["pipeline"] else list(options["pipelines"])
    for name in names:
        if name not in (*studies, "__default__"):
            raise BadInputError(
                f"there is no pipeline '{name}'{did_you_mean(name, studies)}"
                f" (studies: {', '.join(studies)})"
            )
    everything = not names or "__default__" in names
    for study in studies if everything else names:
        config.study(study)
    _check_slice(names or ["__default__"], options)


def _config(options: dict[str, Any]) -> StudyConfigLoader:
    try:
        config = project_config(options["conf_source"], options["env"], options["params"])
        config["parameters"]  # reads the files, and says what is wrong with them
        return config
    except MissingConfigException as error:
        env = options["env"] or os.environ.get("KEDRO_ENV")
        source = options["conf_source"] or default_conf_source()
        known = _folders(source)
        if env and known and env not in known:
            raise BadInputError(
                f"there is no environment '{env}' in {source}{did_you_mean(env, known)}"
                f" (environments: {', '.join(known)})"
            ) from error
        raise


def _folders(source: str) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(source) if entry.is_dir())
    except OSError:  # an archive or a remote place
        return []


def _check_runner(runner: str | None) -> None:
    try:
        load_obj(runner or _RUNNERS[0], "kedro.runner")
    except (AttributeError, ImportError, ValueError) as error:
        raise BadInputError(
            f"--runner: there is no runner '{runner}'{did_you_mean(runner, _RUNNERS)}"
        ) from error


def _check_slice(names: Iterable[str], options: dict[str, Any]) -> None:
    try:
        sum((pipelines[name] for name in names), start=Pipeline([])).filter(
            tags=options["tags"],
            from_nodes=options["from_nodes"],
            to_nodes=options["to_nodes"],
            node_names=options["node_names"],
            from_inputs=options["from_inputs"],
            to_outputs=options["to_outputs"],
            node_namespaces=options["namespaces"],
        )
    except ValueError as error:
        raise BadInputError(" ".join(str(error).split())) from error


def _listen(verbose: bool) -> None:
    """Show this project's messages and progress; Kedro's own only if asked for.

    Whoever sets KEDRO_LOGGING_CONFIG has decided already.
    """
    if "KEDRO_LOGGING_CONFIG" in os.environ:
        return
    console = Console(soft_wrap=True)
    root = logging.getLogger()
    root.handlers = [_MessageHandler(console)]
    root.setLevel(logging.WARNING)
    logging.getLogger("kedro").setLevel(logging.INFO if verbose else logging.WARNING)
    logging.getLogger("dropnorm").setLevel(logging.INFO)
    told = logging.getLogger("dropnorm.progress")
    told.handlers, told.propagate = [ProgressHandler(console)], False


def _handlers() -> Iterator[logging.Handler]:
    yield from logging.getLogger("dropnorm.progress").handlers


class _MessageHandler(logging.Handler):
    """Print messages as they are; warnings say that they are warnings."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        prefix = "" if record.levelno < logging.WARNING else f"{record.levelname.capitalize()}: "
        text = f"{prefix}{self.format(record)}"  # with the traceback, if the record has one
        self._console.print(text, markup=False, highlight=False)
