"""Complete runs in MLflow, where the environment has an ``mlflow.yml``; nothing where it has none.

A study's run is one run in MLflow, below it one for each variant, below that one for each replica.
What is logged is read from disk when all of it is there: a run loses nothing to a server.
"""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.config import MissingConfigException
from kedro.framework.hooks import hook_impl

from dropnorm.datasets.run_record import RunRecordDataset
from dropnorm.errors import BadInputError
from dropnorm.hooks.mlflow_options import FILE, Tracking, parse_options
from dropnorm.hooks.mlflow_server import (
    VARIABLE,
    experiment_id,
    load_mlflow,
    reason_of,
    shown,
    tracked_at,
    tracking_uri_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kedro.framework.context import KedroContext
    from kedro.io import DataCatalog
    from kedro.pipeline import Pipeline


logger = logging.getLogger(__name__)


# How often MLflow asks a server before a run, and how many seconds it waits.
_IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


class TrackingHooks:
    """Checks before a run that MLflow takes it, and logs it when it is complete."""

    def __init__(self) -> None:
        self._tracking: Tracking | None = None
        self._folder = Path()

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Learn whether the environment asks for MLflow."""
        self._folder = context.project_path
        try:
            written = context.config_loader["mlflow"]
        except MissingConfigException:
            written = {}
        # Without an environment of its own, as when it is packaged, Kedro gives what is in no file.
        self._tracking = parse_options(written) if written else None

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Refuse to train what could not be logged."""
        if self._tracking is None or not list(_complete_studies(pipeline, catalog)):
            return
        uri = tracking_uri_of(self._tracking, self._folder)
        mlflow = load_mlflow()
        try:
            with tracked_at(mlflow, uri), _impatient():
                for study in _complete_studies(pipeline, catalog):
                    experiment_id(mlflow, uri, self._tracking.experiment.replace("{study}", study))
        except BadInputError:
            raise
        except Exception as error:
            raise BadInputError(
                f"{FILE}: MLflow cannot be reached at {shown(uri)} ({reason_of(error, uri)}); start"
                " 'mlflow server' there, or give another address with tracking_uri or"
                f" {VARIABLE}"
            ) from error

    @hook_impl
    def after_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> None:
        """Log the studies that are complete; what goes wrong in it is told, and costs no result."""
        if self._tracking is None:
            return
        from dropnorm.hooks.mlflow_logging import log_study  # noqa: PLC0415  # of no use without

        for study in _complete_studies(pipeline, catalog):
            uri = tracking_uri_of(self._tracking, self._folder)
            try:
                mlflow = load_mlflow()
                with tracked_at(mlflow, uri):
                    link = log_study(mlflow, study, catalog, uri, self._tracking)
                logger.info("  logged to MLflow: %s", link)
            except Exception as error:  # whatever it is, the results are there
                logger.warning(
                    "%s: the run is complete on disk (version %s), and not logged to MLflow at %s:"
                    " %s",
                    study,
                    run_params["run_id"],
                    shown(uri),
                    reason_of(error, uri),
                )


def _complete_studies(pipeline: Pipeline, catalog: DataCatalog) -> Iterator[str]:
    """Yield the studies of which the run writes a record: of a part of a study it writes none."""
    for name in sorted(pipeline.all_outputs()):
        if name.endswith(".run") and isinstance(catalog.get(name), RunRecordDataset):
            yield name.removesuffix(".run")


@contextmanager
def _impatient() -> Iterator[None]:
    """Let a server that does not answer be given up in seconds; MLflow's default is minutes."""
    few = {name: value for name, value in _IMPATIENT.items() if name not in os.environ}
    os.environ.update(few)
    try:
        yield
    finally:
        for name in few:
            del os.environ[name]
