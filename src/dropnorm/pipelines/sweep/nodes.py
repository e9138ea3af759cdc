"""From inputs to the curve of a sweep: each point trained and measured as the study itself is."""

from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from dropnorm.data.preprocessing import SplitInputs
from dropnorm.evaluation import sweep_choices
from dropnorm.pipelines.reporting.nodes import measure, record_run
from dropnorm.pipelines.training.nodes import train_variant
from dropnorm.reporting.figures.sweep import draw_sweep
from dropnorm.study.schema import Study
from dropnorm.study.variants import Variant


class SweptVariant(NamedTuple):
    """What a sweep finds of one variant.

    Attributes:
        points: Of each point its ``rate``, its ``placement`` and its ``metrics``.
        predictions: Of the validation rows, as the study's own are, with a column ``point`` that
            numbers the points from 0.
    """

    points: list[dict[str, Any]]
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
        points.append({"rate": point.one_rate, "placement": point.placement, "metrics": metrics})
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
    baseline: list[dict[str, Any]],
    dropout: list[dict[str, Any]],
    batchnorm: list[dict[str, Any]],
    dropout_batchnorm: list[dict[str, Any]],
    baseline_predictions: pd.DataFrame,
    dropout_predictions: pd.DataFrame,
    batchnorm_predictions: pd.DataFrame,
    dropout_batchnorm_predictions: pd.DataFrame,
    study: Study,
) -> dict[str, Any]:
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
            variant: [one["metrics"] for one in of_variant]
            for variant, of_variant in zip(Variant, points, strict=True)
        },
        dict(zip(Variant, predictions, strict=True)),
        split,
        study,
    )


def tabulate(choices: dict[str, Any]) -> pd.DataFrame:
    """Put the points into a table, a row each."""
    table = pd.DataFrame(choices["points"])
    table.insert(0, "study", choices["study"])
    table.insert(1, "made_up", choices["made_up"])
    return table


def plot(choices: dict[str, Any]) -> Figure:
    """Draw the error over the rates, a panel for each place."""
    return draw_sweep(choices)


def record_sweep(
    study: Study, provenance: dict[str, Any], baseline: list[dict[str, Any]], *outputs: object
) -> dict[str, Any]:
    """Say what this sweep was, as a run's record does; written last."""
    return record_run(study, provenance, baseline[0]["metrics"], *outputs)
