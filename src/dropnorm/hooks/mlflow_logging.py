"""A study's run, its variants and replicas, logged to MLflow."""

from __future__ import annotations

import importlib
import importlib.util
import json
import math
import os
import re
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dropnorm.datasets.kedro_compat import load_path_of
from dropnorm.evaluation.answers.answer import Card
from dropnorm.evaluation.json_form import to_json
from dropnorm.evaluation.runs.overrides import tell
from dropnorm.hooks.mlflow_server import SQLITE, experiment_id, shown
from dropnorm.study.compare import names_written
from dropnorm.study.optimism import OPTIMISTIC
from dropnorm.training.backend import engine_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd
    from kedro.io import DataCatalog

    from dropnorm.evaluation.records import RunRecord
    from dropnorm.evaluation.results import VariantMetrics
    from dropnorm.hooks.mlflow_options import Tracking


# Characters that MLflow does not take in the name of a parameter or metric, and the most of both.
_NOT_IN_NAMES = re.compile(r"[^\w\-. :/]", re.ASCII)
_LONGEST_NAME, _LONGEST_VALUE = 250, 6000
# Of what is measured, what is said by a tag or a parameter.
_TOLD_ELSEWHERE = ("made_up", "split", "start")
# MLflow takes so many metrics, or parameters, at a time.
_METRICS_AT_ONCE, _PARAMETERS_AT_ONCE = 1000, 100
# What is said of each effect; the rest stands in the report.
_OF_EFFECTS = ("difference", "low", "high", "p_holm", "pairs")
# Files that belong to a study's run, or to a variant's.
_REPORTED = "08_reporting"


def log_study(mlflow: Any, study: str, catalog: DataCatalog, uri: str, tracking: Tracking) -> str:
    """Log a complete run; return where it can be looked at."""
    record: RunRecord = catalog.load(f"{study}.run")
    experiment = experiment_id(mlflow, uri, tracking.experiment.replace("{study}", study))
    tags = {
        **tracking.tags,
        "study": study,
        "version": record.version,
        "engine": str(record.engine),
        "made_up": str(record.made_up).lower(),
    }
    if record.overridden:
        tags["overridden"] = tell(record.overridden)

    def begin(name: str, level: str, **more: str) -> Any:
        return mlflow.start_run(
            experiment_id=experiment,
            run_name=name,
            nested=level != "study",
            tags={**tags, "level": level, **more},
        )

    with begin(f"{study} {record.version}", "study") as run:
        effects = catalog.load(f"{study}.effects")
        lines = [effects["answer"], *(Card(**one).line() for one in effects["cards"].values())]
        mlflow.set_tag("mlflow.note.content", "\n\n".join(map(_in_markdown, lines)))
        mlflow.set_tag("use", effects["recommendation"]["use"] or "none")
        if effects.get("optimistic"):
            mlflow.set_tag(OPTIMISTIC, effects["choice"])
        for name, card in effects["cards"].items():
            mlflow.set_tag(f"verdict.{name}", card["verdict"])
        table = {"path": record.table.path, "sha256": record.table.sha256}
        _log_parameters(mlflow, {**record.options, "table": table})
        for name, effect in effects["effects"].items():
            told = {key: effect[key] for key in _OF_EFFECTS}
            _log_metrics(mlflow, _numbers({f"effect.{name}": told}))
        _log_files(mlflow, study, catalog, None)
        inputs = _input_names(study, catalog, mlflow) if tracking.models else {}
        for variant in names_written(record.options):
            with begin(variant, "variant", variant=variant):
                _log_variant(mlflow, study, variant, catalog, inputs, begin)
    if uri.startswith(SQLITE):
        place = f"mlflow ui --backend-store-uri {SQLITE}{os.path.relpath(uri.removeprefix(SQLITE))}"
        return f"run {run.info.run_id} in '{place}'"
    return f"{shown(uri).rstrip('/')}/#/experiments/{experiment}/runs/{run.info.run_id}"


def _log_variant(
    mlflow: Any,
    study: str,
    variant: str,
    catalog: DataCatalog,
    inputs: Mapping[int, list[str]],
    begin: Any,
) -> None:
    metrics: VariantMetrics = catalog.load(f"{study}.{variant}.metrics")
    history = catalog.load(f"{study}.{variant}.history").replace([np.inf, -np.inf], np.nan)
    models = catalog.load(f"{study}.{variant}.models") if inputs else {}
    curves = history.drop(columns=["split", "start"])
    # The mean is no number where one of the replicas has none: it has diverged.
    _log_metrics(mlflow, _numbers(to_json(metrics)), curves.groupby("epoch").agg(_strict_mean))
    _log_parameters(mlflow, {"variant": variant, "replicas": len(metrics.replicas)})
    _log_files(mlflow, study, catalog, variant)
    for one in metrics.replicas:
        split, start = one.split, one.start
        name = f"split_{split}-start_{start}"
        with begin(f"{variant} {name}", "replica", variant=variant):
            mine = curves[(history["split"] == split) & (history["start"] == start)]
            _log_parameters(mlflow, {"variant": variant, "split": split, "start": start})
            _log_metrics(mlflow, _numbers(to_json(one)), mine.set_index("epoch"))
            if inputs and one.is_finite:
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
    return str(load_path_of(dataset))


def _log_files(mlflow: Any, study: str, catalog: DataCatalog, variant: str | None) -> None:
    """Log what was reported of the study as a whole, or of one variant."""
    path = Path(_path(catalog, f"{study}.run"))
    data = path.parents[4]  # <data>/08_reporting/<study>/run.json/<version>/run.json
    record = json.loads(path.read_text(encoding="utf-8"))
    names = names_written(record["options"])
    for file in record["files"]:
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
