"""The MLflow server: where it is, and what is wrong with it."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dropnorm.errors import BadInputError, in_one_line
from dropnorm.hooks.mlflow_options import FILE, Tracking

if TYPE_CHECKING:
    from collections.abc import Iterator


VARIABLE = "MLFLOW_TRACKING_URI"
SQLITE = "sqlite:///"
# Characters of what MLflow says is wrong.
_LONGEST_REASON = 200
# How MLflow's page shows an experiment.
_SHOWN_AS = {"mlflow.experimentKind": "custom_model_development"}


def load_mlflow() -> Any:
    """Import MLflow, without its telemetry and its messages."""
    if importlib.util.find_spec("mlflow") is None:
        raise BadInputError(
            f"the environment has an {FILE}, and MLflow is not installed;"
            " 'pip install \".[mlflow]\"' brings it"
        )
    # As Kedro's: this project tells nobody that it is used.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    mlflow = importlib.import_module("mlflow")
    # They would tell of each migration of a new database, of each link and of each attempt; MLflow
    # sets its own level when it is imported.
    for name in ("alembic", "mlflow", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return mlflow


def tracking_uri_of(tracking: Tracking, folder: Path) -> str:
    """Return the address; a database's path counts from the project's folder."""
    uri = os.environ.get(VARIABLE) or tracking.tracking_uri
    if not uri.startswith(SQLITE):
        return uri
    file = folder / uri.removeprefix(SQLITE)
    file.parent.mkdir(parents=True, exist_ok=True)
    return f"{SQLITE}{file}"


def shown(uri: str) -> str:
    """Return the address without a password."""
    parts = urlsplit(uri)
    if parts.password is None:
        return uri
    return parts._replace(netloc=f"{parts.username}:…@{parts.netloc.rpartition('@')[2]}").geturl()


def reason_of(error: Exception, uri: str) -> str:
    """Return in one line why MLflow did not answer."""
    told = in_one_line(error).replace(uri, shown(uri))
    return f"{type(error).__name__}: {told[:_LONGEST_REASON]}"


@contextmanager
def tracked_at(mlflow: Any, uri: str) -> Iterator[None]:
    """Have MLflow log there, and where it did before afterwards.

    MLflow puts the address into the environment, where the next run of this process would find it
    and take it for the user's.
    """
    before = os.environ.get(VARIABLE)
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)


def experiment_id(mlflow: Any, uri: str, name: str) -> str:
    """Return the experiment of that name, made if need be."""
    found = mlflow.get_experiment_by_name(name)
    if found is not None and found.lifecycle_stage != "active":
        raise BadInputError(
            f"{FILE}: MLflow's experiment '{name}' is deleted; restore it there, or change"
            " 'experiment'"
        )
    if found is not None:
        return str(found.experiment_id)
    # A server knows where its files go; without one they stand beside the database.
    beside = Path(uri.removeprefix(SQLITE)).parent / "mlflow-artifacts"
    place = beside.as_uri() if uri.startswith(SQLITE) else None
    return str(mlflow.create_experiment(name, artifact_location=place, tags=_SHOWN_AS))
