"""Complete runs in MLflow, where the environment has an ``mlflow.yml``; nothing where it has none.

A study's run is one run in MLflow, below it one for each variant, below that one for each replica.
What is logged is read from disk when all of it is there: a run loses nothing to a server.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import logging
import math
import os
import re
import time
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
from kedro.config import MissingConfigException
from kedro.framework.hooks import hook_impl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dropnorm.datasets.run_record import RunRecordDataset
from dropnorm.errors import BadInputError, did_you_mean, in_one_line
from dropnorm.evaluation.overrides import tell
from dropnorm.study.variants import Variant
from dropnorm.training.backend import engine_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pandas as pd
    from kedro.framework.context import KedroContext
    from kedro.io import DataCatalog
    from kedro.pipeline import Pipeline

logger = logging.getLogger(__name__)

_FILE = "mlflow.yml"
_VARIABLE = "MLFLOW_TRACKING_URI"
_SQLITE = "sqlite:///"
# Characters that MLflow does not take in the name of a parameter or metric, and the most of both.
_NOT_IN_NAMES = re.compile(r"[^\w\-. :/]", re.ASCII)
_LONGEST_NAME, _LONGEST_VALUE = 250, 6000
# Characters of what MLflow says is wrong.
_LONGEST_REASON = 200
# Of what is measured, what is said by a tag or a parameter.
_TOLD_ELSEWHERE = ("made_up", "split", "start")
# MLflow takes so many metrics, or parameters, at a time.
_METRICS_AT_ONCE, _PARAMETERS_AT_ONCE = 1000, 100
# How often MLflow asks a server before a run, and how many seconds it waits.
_IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
# What is said of each effect; the rest stands in the report.
_OF_EFFECTS = ("difference", "low", "high", "p_holm", "pairs")
# How MLflow's page shows an experiment.
_SHOWN_AS = {"mlflow.experimentKind": "custom_model_development"}
# Files that belong to a study's run, or to a variant's.
_REPORTED = "08_reporting"


class Tracking(BaseModel):
    """What ``mlflow.yml`` may say."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    tracking_uri: str = Field(min_length=1)
    experiment: str = Field("{study}", min_length=1)
    models: bool = True
    tags: dict[str, str] = {}


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
        self._tracking = _parse(written) if written else None

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Refuse to train what could not be logged."""
        if self._tracking is None or not list(_complete_studies(pipeline, catalog)):
            return
        uri = _tracking_uri(self._tracking, self._folder)
        mlflow = _load_mlflow()
        try:
            with _tracked_at(mlflow, uri), _impatient():
                for study in _complete_studies(pipeline, catalog):
                    _experiment_id(mlflow, uri, self._tracking.experiment.replace("{study}", study))
        except BadInputError:
            raise
        except Exception as error:
            raise BadInputError(
                f"{_FILE}: MLflow cannot be reached at {_shown(uri)} ({_why(error, uri)}); start"
                " 'mlflow server' there, or give another address with tracking_uri or"
                f" {_VARIABLE}"
            ) from error

    @hook_impl
    def after_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> None:
        """Log the studies that are complete; what goes wrong in it is told, and costs no result."""
        if self._tracking is None:
            return
        for study in _complete_studies(pipeline, catalog):
            uri = _tracking_uri(self._tracking, self._folder)
            try:
                mlflow = _load_mlflow()
                with _tracked_at(mlflow, uri):
                    link = _log_study(mlflow, study, catalog, uri, self._tracking)
                logger.info("  logged to MLflow: %s", link)
            except Exception as error:  # whatever it is, the results are there
                logger.warning(
                    "%s: the run is complete on disk (version %s), and not logged to MLflow at %s:"
                    " %s",
                    study,
                    run_params["run_id"],
                    _shown(uri),
                    _why(error, uri),
                )


def _parse(written: dict[str, Any]) -> Tracking:
    try:
        return Tracking.model_validate(written)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        if problem["type"] == "extra_forbidden":
            known = list(Tracking.model_fields)
            raise BadInputError(
                f"{_FILE}: {key}: no such key{did_you_mean(key, known)} (known: {', '.join(known)})"
            ) from error
        told = problem["msg"].replace("Input should be", "it should be")
        raise BadInputError(f"{_FILE}: {key} is {problem['input']!r}; {told}") from error


def _complete_studies(pipeline: Pipeline, catalog: DataCatalog) -> Iterator[str]:
    """Yield the studies of which the run writes a record: of a part of a study it writes none."""
    for name in sorted(pipeline.all_outputs()):
        if name.endswith(".run") and isinstance(catalog.get(name), RunRecordDataset):
            yield name.removesuffix(".run")


def _load_mlflow() -> Any:
    if importlib.util.find_spec("mlflow") is None:
        raise BadInputError(
            f"the environment has an {_FILE}, and MLflow is not installed;"
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


def _tracking_uri(tracking: Tracking, folder: Path) -> str:
    """Return the address; a database's path counts from the project's folder."""
    uri = os.environ.get(_VARIABLE) or tracking.tracking_uri
    if not uri.startswith(_SQLITE):
        return uri
    file = folder / uri.removeprefix(_SQLITE)
    file.parent.mkdir(parents=True, exist_ok=True)
    return f"{_SQLITE}{file}"


def _shown(uri: str) -> str:
    """Return the address without a password."""
    parts = urlsplit(uri)
    if parts.password is None:
        return uri
    return parts._replace(netloc=f"{parts.username}:…@{parts.netloc.rpartition('@')[2]}").geturl()


def _why(error: Exception, uri: str) -> str:
    told = in_one_line(error).replace(uri, _shown(uri))
    return f"{type(error).__name__}: {told[:_LONGEST_REASON]}"


@contextmanager
def _tracked_at(mlflow: Any, uri: str) -> Iterator[None]:
    """Have MLflow log there, and where it did before afterwards.

    MLflow puts the address into the environment, where the next run of this process would find it
    and take it for the user's.
    """
    before = os.environ.get(_VARIABLE)
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before)


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


def _experiment_id(mlflow: Any, uri: str, name: str) -> str:
    """Return the experiment of that name, made if need be."""
    found = mlflow.get_experiment_by_name(name)
    if found is not None and found.lifecycle_stage != "active":
        raise BadInputError(
            f"{_FILE}: MLflow's experiment '{name}' is deleted; restore it there, or change"
            " 'experiment'"
        )
    if found is not None:
        return str(found.experiment_id)
    # A server knows where its files go; without one they stand beside the database.
    beside = Path(uri.removeprefix(_SQLITE)).parent / "mlflow-artifacts"
    place = beside.as_uri() if uri.startswith(_SQLITE) else None
    return str(mlflow.create_experiment(name, artifact_location=place, tags=_SHOWN_AS))


def _log_study(mlflow: Any, study: str, catalog: DataCatalog, uri: str, tracking: Tracking) -> str:
    """Log a complete run; return where it can be looked at."""
    record = catalog.load(f"{study}.run")
    experiment = _experiment_id(mlflow, uri, tracking.experiment.replace("{study}", study))
    tags = {
        **tracking.tags,
        "study": study,
        "version": record["version"],
        "engine": record["engine"],
        "made_up": str(record["made_up"]).lower(),
    }
    if record["overridden"]:
        tags["overridden"] = tell(record["overridden"])

    def begin(name: str, level: str, **more: str) -> Any:
        return mlflow.start_run(
            experiment_id=experiment,
            run_name=name,
            nested=level != "study",
            tags={**tags, "level": level, **more},
        )

    with begin(f"{study} {record['version']}", "study") as run:
        effects = catalog.load(f"{study}.effects")
        mlflow.set_tag("mlflow.note.content", _in_markdown(effects["answer"]))
        table = {key: value for key, value in record["table"].items() if key != "format"}
        _log_parameters(mlflow, {**record["options"], "table": table})
        for name, effect in effects["effects"].items():
            told = {key: effect[key] for key in _OF_EFFECTS}
            _log_metrics(mlflow, _numbers({f"effect.{name}": told}))
        _log_files(mlflow, study, catalog, None)
        inputs = _input_names(study, catalog, mlflow) if tracking.models else {}
        for variant in Variant:
            with begin(variant.value, "variant", variant=variant.value):
                _log_variant(mlflow, study, variant, catalog, inputs, begin)
    if uri.startswith(_SQLITE):
        place = (
            f"mlflow ui --backend-store-uri {_SQLITE}{os.path.relpath(uri.removeprefix(_SQLITE))}"
        )
        return f"run {run.info.run_id} in '{place}'"
    return f"{_shown(uri).rstrip('/')}/#/experiments/{experiment}/runs/{run.info.run_id}"


def _log_variant(
    mlflow: Any,
    study: str,
    variant: Variant,
    catalog: DataCatalog,
    inputs: Mapping[int, list[str]],
    begin: Any,
) -> None:
    metrics = catalog.load(f"{study}.{variant}.metrics")
    history = catalog.load(f"{study}.{variant}.history").replace([np.inf, -np.inf], np.nan)
    models = catalog.load(f"{study}.{variant}.models") if inputs else {}
    curves = history.drop(columns=["split", "start"])
    # The mean is no number where one of the replicas has none: it has diverged.
    _log_metrics(mlflow, _numbers(metrics), curves.groupby("epoch").agg(_strict_mean))
    _log_parameters(mlflow, {"variant": variant.value, "replicas": len(metrics["replicas"])})
    _log_files(mlflow, study, catalog, variant)
    for one in metrics["replicas"]:
        split, start = one["split"], one["start"]
        name = f"split_{split}-start_{start}"
        with begin(f"{variant} {name}", "replica", variant=variant.value):
            mine = curves[(history["split"] == split) & (history["start"] == start)]
            _log_parameters(mlflow, {"variant": variant.value, "split": split, "start": start})
            _log_metrics(mlflow, _numbers(one), mine.set_index("epoch"))
            if inputs and one["diverged_at_epoch"] is None:
                _log_model(mlflow, name, models[name], inputs[split])


def _log_model(mlflow: Any, name: str, network: Any, inputs: list[str]) -> None:
    """Log a network as a ``.keras`` file with its signature: no pickle, no code."""
    types = importlib.import_module("mlflow.types")
    shapes = [network.input_shape, network.output_shape]
    taken, given = (
        types.Schema([types.TensorSpec(np.dtype(np.float32), (-1, *shape[1:]))]) for shape in shapes
    )
    mlflow.keras.log_model(
        network,
        name=name,
        signature=mlflow.models.ModelSignature(inputs=taken, outputs=given),
        # Named, or MLflow would load every network in a process of its own to find them.
        pip_requirements=[f"{name}=={version(name)}" for name in ("keras", engine_name())],
        metadata={"inputs": inputs},
    )


def _input_names(study: str, catalog: DataCatalog, mlflow: Any) -> dict[int, list[str]]:
    """Log the fitted preprocessors, and return the names of the inputs that each split's gives."""
    preprocessors = catalog.load(f"{study}.preprocessors")
    mlflow.log_artifact(_path(catalog, f"{study}.preprocessors"))
    return {
        split: [str(name) for name in one["inputs"].get_feature_names_out()]
        for split, one in preprocessors.items()
    }


def _path(catalog: DataCatalog, name: str) -> str:
    dataset: Any = catalog.get(name)
    return str(dataset._get_load_path())


def _log_files(mlflow: Any, study: str, catalog: DataCatalog, variant: Variant | None) -> None:
    """Log what was reported of the study as a whole, or of one variant."""
    path = Path(_path(catalog, f"{study}.run"))
    data = path.parents[4]  # <data>/08_reporting/<study>/run.json/<version>/run.json
    names = [str(one) for one in Variant]
    for file in json.loads(path.read_text(encoding="utf-8"))["files"]:
        layer, _, first, *_ = Path(file["path"]).parts
        if layer == _REPORTED and (first if first in names else None) == variant:
            mlflow.log_artifact(str(data / file["path"]))
    if variant is None:
        mlflow.log_artifact(str(path))


def _log_parameters(mlflow: Any, options: Mapping[str, Any]) -> None:
    named = {
        _named(name): (value if isinstance(value, str) else json.dumps(value))[:_LONGEST_VALUE]
        for name, value in _flat(options)
    }
    items = list(named.items())
    for first in range(0, len(items), _PARAMETERS_AT_ONCE):
        mlflow.log_params(dict(items[first : first + _PARAMETERS_AT_ONCE]))


def _log_metrics(
    mlflow: Any, numbers: Mapping[str, float], curves: pd.DataFrame | None = None
) -> None:
    """Log numbers, and curves by epoch; many at a time."""
    metric = importlib.import_module("mlflow.entities").Metric
    now = int(time.time() * 1000)
    metrics = [metric(_named(name), value, now, 0) for name, value in numbers.items()]
    if curves is not None:
        metrics += [
            metric(_named(str(name)), float(value), now, int(epoch))
            for name in curves
            for epoch, value in zip(curves.index, curves[name], strict=True)
        ]
    client, run = mlflow.MlflowClient(), mlflow.active_run().info.run_id
    for first in range(0, len(metrics), _METRICS_AT_ONCE):
        client.log_batch(run, metrics=metrics[first : first + _METRICS_AT_ONCE])


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """Return what of plain data is a number, by its dotted key; nan where there is none."""
    numbers = {}
    for name, value in _flat(values):
        if name in _TOLD_ELSEWHERE:
            continue
        if value is None:
            numbers[name] = math.nan
        elif isinstance(value, (bool, int, float)):
            numbers[name] = float(value)
    return numbers


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _named(name: str) -> str:
    return _NOT_IN_NAMES.sub("_", name)[:_LONGEST_NAME]


def _in_markdown(text: str) -> str:
    """Escape what MLflow's page, which reads a note as Markdown, would not show as it is."""
    return re.sub(r"([\\`*_\[\]<>#|~&$])", r"\\\1", text)


def _strict_mean(values: pd.Series) -> float:
    return float(np.mean(values.to_numpy()))
