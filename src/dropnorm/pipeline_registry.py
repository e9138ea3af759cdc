"""One pipeline per study; studies are found in the configuration, not listed here."""

from __future__ import annotations

from kedro.framework.project import pipelines
from kedro.pipeline import Pipeline

from dropnorm.config_loader import study_names
from dropnorm.pipelines import prediction, preparation, reporting, sweep, training
from dropnorm.pipelines.reporting.pipeline import create_variant_pipeline
from dropnorm.study.variants import Variant

# What follows a study's name in that of its other pipelines; no study's name has a dot.
PREDICT = ".predict"
SWEEP = ".sweep"
_EVERYTHING = "__default__"


def register_pipelines() -> dict[str, Pipeline]:
    """Return a pipeline for every study of the configuration in use, and all of them together.

    Beside each stand ``<study>.predict``, which needs a file of new rows, and ``<study>.sweep``,
    which trains several times as much; neither is run with all.

    Where a command has said which pipelines it needs (``kedro run --pipelines``), only those are
    made, as by Kedro's own ``find_pipelines``.
    """
    names = study_names()
    known = [f"{name}{what}" for what in ("", PREDICT, SWEEP) for name in names]
    # Kedro offers no public name for what its set_requested() was told.
    requested = set(pipelines._requested_pipelines or (*known, _EVERYTHING))
    if _EVERYTHING in requested:
        requested.update(names)
    registered = {name: create_pipeline(name) for name in known if name in requested}
    if _EVERYTHING in requested:
        # Not a sum, which would check and sort all nodes anew with each study.
        registered[_EVERYTHING] = Pipeline([registered[name] for name in names])
    return registered


def create_pipeline(name: str) -> Pipeline:
    """Return the pipeline that is registered by a name: a study's, ``.predict`` or ``.sweep``."""
    if name.endswith(PREDICT):
        return create_prediction_pipeline(name.removesuffix(PREDICT))
    if name.endswith(SWEEP):
        return create_sweep_pipeline(name.removesuffix(SWEEP))
    return create_study_pipeline(name)


def create_study_pipeline(study: str) -> Pipeline:
    """Return the whole graph of one study: the same template for all, under the study's name."""
    options = {"params:study": f"params:{study}"}
    before = [preparation.create_pipeline(), training.create_reference_pipeline()]
    report = reporting.create_pipeline()
    parts = [Pipeline(before, namespace=study, parameters=options)]
    taken: dict[str, str] = {}
    for variant in Variant:
        name = f"{study}.{variant}"
        alone = Pipeline([training.create_pipeline(variant), create_variant_pipeline()])
        shared = {"inputs": f"{study}.inputs"}
        parts.append(Pipeline(alone, namespace=name, parameters=options, inputs=shared))
        outputs = {f"{variant}_{output}": f"{name}.{output}" for output in alone.all_outputs()}
        taken |= {short: full for short, full in outputs.items() if short in report.inputs()}
    parts.append(Pipeline(report, namespace=study, parameters=options, inputs=taken))
    return Pipeline(parts)


def create_prediction_pipeline(study: str) -> Pipeline:
    """Return what applies the saved networks of a complete run to new rows, for each variant."""
    shared = {name: f"{study}.{name}" for name in ("new_rows", "run", "preprocessors")}
    alone = prediction.create_pipeline()
    return Pipeline(
        [Pipeline(alone, namespace=f"{study}.{variant}", inputs=shared) for variant in Variant]
    )


def create_sweep_pipeline(study: str) -> Pipeline:
    """Return what tries rates of dropout and places of batch normalization on a study's replicas.

    It writes below a name of its own, and never a version of the study.
    """
    name = f"{study}{SWEEP}"
    options = {"params:study": f"params:{study}"}
    before = preparation.create_pipeline().to_outputs("inputs")
    table = {"table": f"{study}.table"}
    parts = [Pipeline(before, namespace=name, parameters=options, inputs=table)]
    taken: dict[str, str] = {}
    for variant in Variant:
        alone = sweep.create_variant_pipeline(variant)
        shared = {"inputs": f"{name}.inputs"}
        of = f"{name}.{variant}"
        parts.append(Pipeline(alone, namespace=of, parameters=options, inputs=shared))
        taken |= {f"{variant}_{output}": f"{of}.{output}" for output in ("points", "predictions")}
    after = sweep.create_pipeline()
    parts.append(Pipeline(after, namespace=name, parameters=options, inputs=taken))
    return Pipeline(parts)
