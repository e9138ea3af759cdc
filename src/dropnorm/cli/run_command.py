"""Running pipelines as ``kedro run`` does, with manners: checks first, progress, Ctrl-C."""

from __future__ import annotations

import inspect
import logging
import os
import sys
import warnings
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from kedro import KedroDeprecationWarning
from kedro.config import BadConfigException, MissingConfigException
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.cli.utils import KedroCliError
from kedro.framework.project import pipelines
from kedro.io import DatasetError
from kedro.pipeline import Pipeline
from kedro.runner import AbstractRunner
from kedro.utils import load_obj
from rich.console import Console
from rich.logging import RichHandler

from dropnorm.cli.interrupt import ends_when_interrupted
from dropnorm.cli.progress_bar import ProgressHandler, print_what_can_be_printed
from dropnorm.config_loader import StudyConfigLoader, project_config
from dropnorm.datasets.atomic_files import from_here
from dropnorm.datasets.catalog_entries import make_catalog, refuse_unusable
from dropnorm.datasets.kedro_compat import version_of
from dropnorm.errors import BadInputError, did_you_mean, in_one_line
from dropnorm.hooks.commands import UNTIL_SETTLED
from dropnorm.hooks.outcomes import names_read
from dropnorm.pipeline_registry import APART, PREDICT, study_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_RUNNERS = ("SequentialRunner", "ThreadRunner", "ParallelRunner")
_INTERRUPTED = "what this run has written is not complete, and nothing will read it"
# They warn of what a run of this project does on purpose: parts of studies, no project's folder,
# worker processes that are ended.
_TALKATIVE = ("kedro_viz", "kedro.io.data_catalog", "distributed")


def run_pipelines(verbose: bool, until_settled: bool = False, **options: Any) -> None:
    """Run pipelines of the project, and say how it went.

    Args:
        verbose: Show what Kedro does, and tracebacks.
        until_settled: Add splits to each study until its verdicts stand.
        options: Of Kedro's own command, by its names.
    """
    with as_a_run(verbose):
        if until_settled:
            options["params"] = _add_splits_until_settled(options)
        _check_options(options)
        # Kedro calls the option deprecated; it is what people type.
        warnings.simplefilter("ignore", KedroDeprecationWarning)
        click.get_current_context().invoke(kedro_run, **options)


@contextmanager
def as_a_run(verbose: bool, interrupted: str = _INTERRUPTED) -> Iterator[None]:
    """Show progress, end at Ctrl-C, and tell in one line what is refused.

    Args:
        verbose: Show what Kedro does, and tracebacks.
        interrupted: Last words at Ctrl-C.
    """
    told = _listen(verbose)

    def last_words() -> None:
        told.close()
        # Not to the standard error, which is held back while an engine is imported.
        click.echo(f"Interrupted: {interrupted}")

    try:
        with ends_when_interrupted(last_words):
            yield
    except BadInputError as error:
        if verbose:
            raise
        raise click.ClickException(str(error)) from error
    # What can happen to a project that is not at fault: a place that cannot be written to, a worker
    # that the system ended for want of memory.
    except (
        BadConfigException,
        MissingConfigException,
        KedroCliError,
        DatasetError,
        OSError,
        BrokenExecutor,
    ) as error:
        if verbose:
            raise
        raise click.ClickException(why_it_ended(error)) from error
    finally:
        told.close()
        _end_workers()


def _end_workers() -> None:
    """End workers that wait for more to do: left to themselves, they end in their own time."""
    # Not imported here: a run that has trained in this process has none, and need not import it.
    if "dropnorm.training.pool" in sys.modules:
        from dropnorm.training import pool  # noqa: PLC0415

        pool.end_workers()


def why_it_ended(error: BaseException) -> str:
    """Return in one line what went wrong; of a file that the system refused, its dataset and why.

    Kedro shows the dataset with all its arguments.
    """
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    dataset, _, told = str(error).partition(": ")
    if not (told.startswith("Failed while ") and isinstance(cause, OSError) and cause.strerror):
        return in_one_line(error)
    where = f" ({from_here(Path(cause.filename))})" if cause.filename else ""
    return f"{dataset}: cannot be read or written: {cause.strerror}{where}"


def _check_options(options: dict[str, Any]) -> None:
    """Refuse what cannot be run, before Kedro starts a session.

    Raises:
        BadInputError: Names the option or the key, and the nearest name that there is.
    """
    config = _config(options)
    refuse_unusable(config["catalog"], config.credentials())
    studies = config.studies()
    _check_runner(options["runner"], options["is_async"], options["runner_params"] or {})
    names = [options["pipeline"]] if options["pipeline"] else list(options["pipelines"])
    known = [f"{study}{what}" for what in ("", PREDICT, *APART) for study in studies]
    for name in names:
        if name not in (*known, "__default__"):
            raise BadInputError(
                f"there is no pipeline '{name}'{did_you_mean(name, known)}"
                f" (studies: {', '.join(studies)})"
            )
    everything = not names or "__default__" in names
    named = {study_of(name) for name in names}
    for study in studies if everything else sorted(named.intersection(studies)):
        config.study(study)
    read = names_read(_check_slice(names or ["__default__"], options))
    _check_versions(options["load_versions"] or {}, read, config)


def _add_splits_until_settled(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of studies that the command line gives, with those of ``--until-settled``.

    Raises:
        BadInputError: They contradict it, or what runs is no study.
    """
    names = [options["pipeline"]] if options["pipeline"] else list(options["pipelines"])
    for name in names:
        if name.endswith((PREDICT, *APART)):
            raise BadInputError(
                f"--until-settled: '{name}' has no verdicts that could be settled; run it without"
            )
    studies = project_config(options["conf_source"], options["env"]).studies()
    given = options["params"] or {}
    params = dict(given)
    for name in studies if not names or "__default__" in names else names:
        if name not in studies:  # told with all other options
            continue
        of_study = given.get(name) or {}
        replicas = of_study.get("replicas") or {}
        for key, one in UNTIL_SETTLED.items():
            if key in replicas and replicas[key] != one:
                raise BadInputError(
                    f"--until-settled finds how many splits it takes; leave out"
                    f" --params={name}.replicas.{key}, or give replicas.at_most"
                )
        params[name] = {**of_study, "replicas": {**replicas, **UNTIL_SETTLED}}
    return params


def _config(options: dict[str, Any]) -> StudyConfigLoader:
    config = project_config(options["conf_source"], options["env"], options["params"])
    config["parameters"]  # reads the files, and says what is wrong with them
    config.hand_on()
    return config


def _check_runner(name: str | None, is_async: bool, options: dict[str, Any]) -> None:
    try:
        runner = load_obj(name or _RUNNERS[0], "kedro.runner")
    except (AttributeError, ImportError, TypeError, ValueError) as error:
        raise BadInputError(
            f"--runner: there is no runner '{name}'{did_you_mean(name, _RUNNERS)}"
        ) from error
    is_runner = isinstance(runner, type) and issubclass(runner, AbstractRunner)
    if not is_runner or inspect.isabstract(runner):
        raise BadInputError(
            f"--runner: '{name}' is not a runner{did_you_mean(name, _RUNNERS)}"
            f" (Kedro's: {', '.join(_RUNNERS)})"
        )
    workers = options.get("max_workers", 1)
    if not isinstance(workers, int) or isinstance(workers, bool):
        raise BadInputError(
            f"--runner-params: max_workers is {workers!r}; it should be a whole number from 1"
        )
    if options:
        try:
            runner(is_async=is_async, **options)
        except (TypeError, ValueError) as error:
            raise BadInputError(f"--runner-params: {in_one_line(error)}") from error


def _check_versions(
    versions: Mapping[str, str], read: Collection[str], config: StudyConfigLoader
) -> None:
    """Refuse a version of what has none, or is not read: Kedro would not look at it."""
    if not versions:
        return
    catalog = make_catalog(config["catalog"], config.credentials())
    for name in versions:
        dataset = catalog.get(name)
        if version_of(dataset) is None:
            raise BadInputError(f"--load-versions: '{name}' has no versions; leave it out")
        if name not in read:
            raise BadInputError(
                f"--load-versions: '{name}' is not read by this run; leave it out, or begin"
                " behind what makes it, with --from-nodes"
            )


def _check_slice(names: list[str], options: dict[str, Any]) -> Pipeline:
    """Return the nodes that run.

    Raises:
        BadInputError: Names the option that asks for what there is not.
    """
    pipelines.set_requested(list(names))  # as the session will: no other study's is made
    chosen = Pipeline({node for name in names for node in pipelines[name].nodes})
    nodes = {node.name for node in chosen.nodes}
    datasets = chosen.datasets()
    spaces = {space for node in chosen.nodes for space in node.namespace_prefixes}
    tags = {tag for node in chosen.nodes for tag in node.tags}
    for option, given, what, known in (
        ("--nodes", options["node_names"], "node", nodes),
        ("--from-nodes", options["from_nodes"], "node", nodes),
        ("--to-nodes", options["to_nodes"], "node", nodes),
        ("--from-inputs", options["from_inputs"], "dataset", datasets),
        ("--to-outputs", options["to_outputs"], "dataset", datasets),
        ("--load-versions", options["load_versions"] or (), "dataset", datasets),
        ("--namespaces", options["namespaces"], "namespace", spaces),
        ("--tags", options["tags"], "tag", tags),
    ):
        for name in given:
            if name not in known:
                where = "what runs" if "__default__" in names else " or ".join(names)
                raise BadInputError(
                    f"{option}: there is no {what} '{name}' in {where}{_nearest(name, known)}"
                )
    try:
        return chosen.filter(
            tags=options["tags"],
            from_nodes=options["from_nodes"],
            to_nodes=options["to_nodes"],
            node_names=options["node_names"],
            from_inputs=options["from_inputs"],
            to_outputs=options["to_outputs"],
            node_namespaces=options["namespaces"],
        )
    except ValueError as error:
        raise BadInputError(in_one_line(error)) from error


def _nearest(name: str, known: Collection[str]) -> str:
    """Say which name may be meant: the one that ends alike in another box, or the most similar."""
    study, last = name.partition(".")[0], name.rpartition(".")[2]
    alike = [one for one in known if one.startswith(f"{study}.") and one.endswith(f".{last}")]
    return did_you_mean(name, known) if len(alike) != 1 else f"; did you mean '{alike[0]}'?"


def _listen(verbose: bool) -> ProgressHandler:
    """Show this project's messages and progress; Kedro's own only if asked for.

    Takes the place of Kedro's handler for the screen; others, a log file's for example, stay.
    Whoever sets KEDRO_LOGGING_CONFIG has decided already.

    Returns:
        What shows the progress; to be closed when the run ends.
    """
    print_what_can_be_printed()
    console = Console()
    # A terminal wraps at words; a file or a pipe keeps long lines.
    console.soft_wrap = not console.is_terminal
    progress = ProgressHandler(console)
    if "KEDRO_LOGGING_CONFIG" in os.environ:
        return progress
    root = logging.getLogger()
    kept = [
        handler
        for handler in root.handlers
        if not isinstance(handler, RichHandler | _MessageHandler)
    ]
    root.handlers = [*kept, _MessageHandler(console, verbose)]
    told = logging.getLogger("dropnorm.training.progress")
    told.handlers, told.propagate = [progress], False
    progress.begin()
    return progress


class _MessageHandler(logging.Handler):
    """Print messages as they are; warnings say that they are warnings."""

    def __init__(self, console: Console, verbose: bool) -> None:
        super().__init__(level=logging.INFO)
        self._console = console
        self._verbose = verbose

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        if not self._verbose and record.levelno < _least_level(record.name):
            return
        prefix = "" if record.levelno < logging.WARNING else f"{record.levelname.capitalize()}: "
        text = f"{prefix}{self.format(record)}"  # with the traceback, if the record has one
        self._console.print(text, markup=False, emoji=False, highlight=False)


def _least_level(logger: str) -> int:
    if logger.startswith("dropnorm"):
        return logging.INFO
    return logging.ERROR if logger.startswith(_TALKATIVE) else logging.WARNING
