"""One pipeline per study; studies are found in the configuration, not listed here."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from dropnorm.config import study_names
from dropnorm.pipelines import prediction, preparation, reporting, sweep, training
from dropnorm.pipelines.reporting.pipeline import create_variant_pipeline
from dropnorm.study import Variant

# What follows a study's name in that of its other pipelines; no study's name has a dot.
PREDICT = ".predict"
SWEEP = ".sweep"


def register_pipelines() -> dict[str, Pipeline]:
    """Return a pipeline for every study of the configuration in use, and all of them together.

    Beside each stand ``<study>.predict``, which needs a file of new rows, and ``<study>.sweep``,
    which trains several times as much; neither is run with all.
    """
    studies = {name: create_study_pipeline(name) for name in study_names()}
    predictions = {f"{name}{PREDICT}": create_prediction_pipeline(name) for name in studies}
    sweeps = {f"{name}{SWEEP}": create_sweep_pipeline(name) for name in studies}
    everything = sum(studies.values(), start=Pipeline([]))
    return {**studies, **predictions, **sweeps, "__default__": everything}


def create_study_pipeline(study: str) -> Pipeline:
    """Return the whole graph of one study: the same template for all, under the study's name."""
    options = {"params:study": f"params:{study}"}
    shared = {"inputs": f"{study}.inputs"}
    pipeline = Pipeline(
        preparation.create_pipeline() + training.create_reference_pipeline(),
        namespace=study,
        parameters=options,
    )
    for variant in Variant:
        pipeline += Pipeline(
            training.create_pipeline(variant) + create_variant_pipeline(),
            namespace=f"{study}.{variant}",
            parameters=options,
            inputs=shared,
        )
    report = reporting.create_pipeline()
    of_variants = {
        f"{variant}_{output}": f"{study}.{variant}.{output}"
        for variant in Variant
        for output in (
            "metrics",
            "history",
            "training",
            "learning_curves",
            "validation_predictions",
            "examination",
        )
    }
    taken = {name: full for name, full in of_variants.items() if name in report.inputs()}
    return pipeline + Pipeline(report, namespace=study, parameters=options, inputs=taken)


def create_prediction_pipeline(study: str) -> Pipeline:
    """Return what applies the saved networks of a complete run to new rows, for each variant."""
    shared = {name: f"{study}.{name}" for name in ("new_rows", "run", "preprocessors")}
    return sum(
        (
            Pipeline(prediction.create_pipeline(), namespace=f"{study}.{variant}", inputs=shared)
            for variant in Variant
        ),
        start=Pipeline([]),
    )


def create_sweep_pipeline(study: str) -> Pipeline:
    """Return what tries rates of dropout and places of batch normalization on a study's replicas.

    It writes below a name of its own, and never a version of the study.
    """
    name = f"{study}{SWEEP}"
    options = {"params:study": f"params:{study}"}
    pipeline = Pipeline(
        preparation.create_pipeline().to_outputs("inputs"),
        namespace=name,
        parameters=options,
        inputs={"table": f"{study}.table"},
    )
    for variant in Variant:
        pipeline += Pipeline(
            sweep.create_variant_pipeline(variant),
            namespace=f"{name}.{variant}",
            parameters=options,
            inputs={"inputs": f"{name}.inputs"},
        )
    of_variants = {
        f"{variant}_{output}": f"{name}.{variant}.{output}"
        for variant in Variant
        for output in ("points", "predictions")
    }
    return pipeline + Pipeline(
        sweep.create_pipeline(), namespace=name, parameters=options, inputs=of_variants
    )
