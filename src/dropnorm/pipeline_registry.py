"""One pipeline per study; studies are found in the configuration, not listed here.

The graphs are imported when one is asked for: a command that needs none does without.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from kedro.pipeline import Pipeline

from dropnorm.config_loader import networks_written, study_names
from dropnorm.datasets.kedro_compat import requested_pipelines
from dropnorm.study.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Iterable

# What follows a study's name in that of its other pipelines; no study's name has a dot.
PREDICT = ".predict"
SWEEP = ".sweep"
RECOMMEND = ".recommend"
# What stands apart from a study's own runs, with versions of its own.
APART = (SWEEP, RECOMMEND)
# Parameters that hooks set: where trainings are done, and what only a run knows. No study has the
# name of one, because what begins with _ is no study.
EXECUTION = "params:_execution"
_RUN = "params:_run"
_EVERYTHING = "__default__"
_NAMES = tuple(variant.value for variant in Variant)


def register_pipelines() -> dict[str, Pipeline]:
    """Return a pipeline for every study of the configuration in use, and all of them together.

    Beside each stand ``<study>.predict``, which needs a file of new rows, ``<study>.sweep`` and
    ``<study>.recommend``, which train many times as much; none is run with all.

    Where a command has said which pipelines it needs (``kedro run --pipelines``), only those are
    made, as by Kedro's own ``find_pipelines``.
    """
    names = study_names()
    known = [f"{name}{what}" for what in ("", PREDICT, *APART) for name in names]
    requested = set(requested_pipelines() or (*known, _EVERYTHING))
    if _EVERYTHING in requested:
        requested.update(names)
    registered = {name: create_pipeline(name) for name in known if name in requested}
    if _EVERYTHING in requested:
        # Not a sum, which would check and sort all nodes anew with each study.
        registered[_EVERYTHING] = Pipeline([registered[name] for name in names])
    return registered


def create_pipeline(name: str) -> Pipeline:
    """Return the pipeline that is registered by a name: a study's, or one beside it."""
    if name.endswith(PREDICT):
        study = name.removesuffix(PREDICT)
        return create_prediction_pipeline(study, networks_written(study))
    return create_of_networks(name, networks_written(study_of(name)))


def create_of_networks(run: str, networks: tuple[str, ...]) -> Pipeline:
    """Return the pipeline of a study's own runs, or of what stands apart, for these networks."""
    creators = {SWEEP: create_sweep_pipeline, RECOMMEND: create_recommend_pipeline}
    study = study_of(run)
    create = creators.get(run.removeprefix(study), create_study_pipeline)
    return create(study, networks)


def create_study_pipeline(study: str, variants: tuple[str, ...] = _NAMES) -> Pipeline:
    """Return the whole graph of one study: the same template for all, under the study's name.

    Args:
        study: Its name.
        variants: Names of the networks that it compares.
    """
    return _under(study, _study_parts(variants), variants)


def create_prediction_pipeline(study: str, variants: tuple[str, ...] = _NAMES) -> Pipeline:
    """Return what applies the saved networks of a complete run to new rows, for each variant."""
    return _under(study, _prediction_parts(variants), variants)


def create_sweep_pipeline(study: str, variants: tuple[str, ...] = _NAMES) -> Pipeline:
    """Return what tries rates of dropout and places of batch normalization on a study's replicas.

    It writes below a name of its own, and never a version of the study.
    """
    return _under(f"{study}{SWEEP}", _sweep_parts(variants), variants)


def create_recommend_pipeline(study: str, variants: tuple[str, ...] = _NAMES) -> Pipeline:
    """Return what gives each network of a study the same number of trials, and compares them.

    It writes below a name of its own, and never a version of the study.
    """
    return _under(f"{study}{RECOMMEND}", _recommend_parts(variants), variants)


def study_of(run: str) -> str:
    """Return the study whose table and options a run takes, its own or one that stands apart."""
    for what in APART:
        run = run.removesuffix(what)
    return run


def run_parameter(run: str) -> str:
    """Return the parameter with what only a run knows, of a study or of what stands apart."""
    return f"{_RUN}.{run}"


@cache  # one template for all studies
def _study_parts(variants: tuple[str, ...]) -> tuple[Pipeline, ...]:
    from dropnorm.pipelines import preparation, reporting, training  # noqa: PLC0415
    from dropnorm.pipelines.boxes import box  # noqa: PLC0415
    from dropnorm.pipelines.reporting.pipeline import create_variant_pipeline  # noqa: PLC0415

    return (
        box("prepare", preparation.create_pipeline(), training.create_reference_pipeline()),
        *(
            _of_variant(variant, training.create_pipeline(variant), create_variant_pipeline())
            for variant in variants
        ),
        box("report", reporting.create_pipeline(variants)),
    )


@cache
def _sweep_parts(variants: tuple[str, ...]) -> tuple[Pipeline, ...]:
    from dropnorm.pipelines import preparation, sweep  # noqa: PLC0415
    from dropnorm.pipelines.boxes import box  # noqa: PLC0415

    return (
        box("prepare", preparation.create_pipeline().to_outputs("inputs")),
        *(_of_variant(variant, sweep.create_variant_pipeline(variant)) for variant in variants),
        box("report", sweep.create_pipeline(variants)),
    )


@cache
def _recommend_parts(variants: tuple[str, ...]) -> tuple[Pipeline, ...]:
    from dropnorm.pipelines import preparation, recommend, training  # noqa: PLC0415
    from dropnorm.pipelines.boxes import box  # noqa: PLC0415

    return (
        box(
            "prepare",
            preparation.create_pipeline().to_outputs("inputs"),
            recommend.create_inner_pipeline(),
            training.create_reference_pipeline(),
        ),
        *(_of_variant(variant, recommend.create_variant_pipeline(variant)) for variant in variants),
        box("report", recommend.create_pipeline(variants)),
    )


@cache
def _prediction_parts(variants: tuple[str, ...]) -> tuple[Pipeline, ...]:
    from dropnorm.pipelines import prediction  # noqa: PLC0415

    shared = {"new_rows", "run", "preprocessors", "split"}
    alone = prediction.create_pipeline()
    return tuple(Pipeline(alone, namespace=name, inputs=shared) for name in variants)


def _of_variant(variant: str, *parts: Pipeline) -> Pipeline:
    """Put a variant's pipelines under its name; all variants share inputs and options."""
    shared = {"params:study", "params:execution"} & Pipeline(parts).inputs()
    inputs = {"inputs", "inner_inputs"} & Pipeline(parts).inputs()
    return Pipeline(parts, namespace=variant, inputs=inputs, parameters=shared)


def _under(name: str, parts: Iterable[Pipeline], variants: Iterable[str] = _NAMES) -> Pipeline:
    """Put the parts of a graph under the name of a run, of a study or of what stands apart.

    The table and the options are the study's. What only the run itself knows is a parameter, which
    a hook sets: in kedro-viz parameters do not stand in the graph unless asked for.
    """
    study = study_of(name)
    parameters = {
        "params:study": f"params:{study}",
        "params:run": run_parameter(name),
        "params:execution": EXECUTION,
    }
    given = {"table": f"{study}.table"} | {
        f"{variant}_outcome": f"{name}.{variant}.outcome" for variant in variants
    }
    return Pipeline(
        [
            Pipeline(
                part,
                namespace=name,
                inputs={one: given[one] for one in part.inputs() & given.keys()},
                parameters={one: parameters[one] for one in part.inputs() & parameters.keys()},
            )
            for part in parts
        ]
    )
