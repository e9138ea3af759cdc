"""From inputs to the curve of a sweep: each point trained and measured as the study itself is."""

from dataclasses import asdict
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from dropnorm.data.preprocessing import SplitInputs
from dropnorm.evaluation import sweep_choices
from dropnorm.evaluation.records import Provenance, RunRecord
from dropnorm.evaluation.results import SweepPoint
from dropnorm.evaluation.sweep_choices import Choices
from dropnorm.pipelines.reporting.nodes import measure, record_run
from dropnorm.pipelines.training.nodes import train_variant
from dropnorm.reporting.figures.sweep import draw_sweep
from dropnorm.study.schema import Study
from dropnorm.study.variants import Variant


class SweptVariant(NamedTuple):
    """What a sweep finds of one variant.

    Attributes:
        points: In the order of the plan.
        predictions: Of the validation rows, as the study's own are, with a column ``point`` that
            numbers the points from 0.
    """

    points: list[SweepPoint]
    predictions: pd.DataFrame


def sweep_variant(inputs: list[SplitInputs], study: Study, *, variant: Variant) -> SweptVariant:
    """Train and measure a variant at every point, each time on the same splits and starts."""
    points, predictions = [], []
    for number, point in enumerate(sweep_choices.plan_points(study, variant)):
        at_point = sweep_choices.study_at(study, point)
        trained = train_variant(inputs, at_point, variant=variant)
        metrics = measure(
            trained.history,
            trained.validation_predictions,
            trained.test_predictions,
            trained.training,
            at_point,
        )
        points.append(SweepPoint(point.one_rate, point.placement, metrics))
        predictions.append(trained.validation_predictions.assign(point=number))
    return SweptVariant(points, pd.concat(predictions, ignore_index=True))


def sweep_baseline(inputs: list[SplitInputs], study: Study) -> SweptVariant:
    """Train and measure the network without the two layers, which has nothing to choose."""
    return sweep_variant(inputs, study, variant=Variant.BASELINE)


def sweep_dropout(inputs: list[SplitInputs], study: Study) -> SweptVariant:
    """Train and measure the network with dropout at each rate."""
    return sweep_variant(inputs, study, variant=Variant.DROPOUT)


def sweep_batchnorm(inputs: list[SplitInputs], study: Study) -> SweptVariant:
    """Train and measure the network with batch normalization at each place."""
    return sweep_variant(inputs, study, variant=Variant.BATCHNORM)


def sweep_dropout_batchnorm(inputs: list[SplitInputs], study: Study) -> SweptVariant:
    """Train and measure the network with both layers at each rate and place."""
    return sweep_variant(inputs, study, variant=Variant.DROPOUT_BATCHNORM)


def find_choices(
    split: pd.DataFrame,
    baseline: list[SweepPoint],
    dropout: list[SweepPoint],
    batchnorm: list[SweepPoint],
    dropout_batchnorm: list[SweepPoint],
    baseline_predictions: pd.DataFrame,
    dropout_predictions: pd.DataFrame,
    batchnorm_predictions: pd.DataFrame,
    dropout_batchnorm_predictions: pd.DataFrame,
    study: Study,
) -> Choices:
    """Say which choices have the least error, and which are shown to be worse."""
    points = (baseline, dropout, batchnorm, dropout_batchnorm)
    predictions = (
        baseline_predictions,
        dropout_predictions,
        batchnorm_predictions,
        dropout_batchnorm_predictions,
    )
    return sweep_choices.find_choices(
        {
            variant: [one.metrics for one in of_variant]
            for variant, of_variant in zip(Variant, points, strict=True)
        },
        dict(zip(Variant, predictions, strict=True)),
        split,
        study,
    )


def tabulate(choices: Choices) -> pd.DataFrame:
    """Put the points into a table, a row each."""
    table = pd.DataFrame([asdict(point) for point in choices.points])
    table.insert(0, "study", choices.study)
    table.insert(1, "made_up", choices.made_up)
    return table


def plot(choices: Choices) -> Figure:
    """Draw the error over the rates, a panel for each place."""
    return draw_sweep(choices)


def record_sweep(
    study: Study, provenance: Provenance, baseline: list[SweepPoint], *outputs: object
) -> RunRecord:
    """Say what this sweep was, as a run's record does; written last."""
    return record_run(study, provenance, baseline[0].metrics, *outputs)
