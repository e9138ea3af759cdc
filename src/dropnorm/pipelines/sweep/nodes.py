"""From inputs to the curve of a sweep: each point trained and measured as the study itself is."""

from dataclasses import asdict, dataclass
from typing import NamedTuple

import pandas as pd

from dropnorm.data.preprocessing import SplitInputs
from dropnorm.evaluation.records import Provenance, RunRecord
from dropnorm.evaluation.results import SweepPoint, SweptVariant
from dropnorm.evaluation.sweeps import sweep_choices, sweep_points
from dropnorm.evaluation.sweeps.sweep_results import Choices
from dropnorm.pipelines.reporting.nodes import measure, record
from dropnorm.pipelines.training.nodes import VariantTrainer
from dropnorm.reporting.figures import Figure
from dropnorm.study.schema import Study
from dropnorm.training.execution import HERE, Execution


class TrainedPoints(NamedTuple):
    """What a variant leaves at the points of a sweep, as :class:`SweptVariant` describes it."""

    points: list[SweepPoint]
    predictions: pd.DataFrame


@dataclass(frozen=True)
class VariantSweeper:
    """What trains one variant at every point of a sweep; a node is the method of one.

    Attributes:
        name: Of one of the networks that the study compares.
    """

    name: str

    def train_points(
        self, inputs: list[SplitInputs], study: Study, execution: Execution = HERE
    ) -> TrainedPoints:
        """Train and measure the variant at every point, on the same splits and starts."""
        trainer = VariantTrainer(self.name)
        points, predictions = [], []
        for number, point in enumerate(sweep_points.plan_points(study, self.name)):
            at_point = sweep_points.study_at(study, point)
            trained = trainer.train(inputs, at_point, execution)
            metrics = measure(
                trained.history,
                trained.validation_predictions,
                trained.test_predictions,
                trained.training,
                at_point,
            )
            points.append(SweepPoint(point.one_rate, point.placement, metrics))
            predictions.append(trained.validation_predictions.assign(point=number))
        return TrainedPoints(points, pd.concat(predictions, ignore_index=True))


def gather_points(points: list[SweepPoint], predictions: pd.DataFrame) -> SweptVariant:
    """Put together what the sweep compares of a variant."""
    return SweptVariant(points, predictions)


def find_choices(split: pd.DataFrame, study: Study, **swept: SweptVariant) -> Choices:
    """Say which choices have the least error, and which are shown to be worse."""
    return sweep_choices.find_choices(
        {name: [point.metrics for point in one.points] for name, one in swept.items()},
        {name: one.predictions for name, one in swept.items()},
        split,
        study,
    )


def tabulate(choices: Choices) -> pd.DataFrame:
    """Put the points into a table, a row each."""
    table = pd.DataFrame([asdict(point) for point in choices.points])
    table.insert(0, "study", choices.study)
    table.insert(1, "made_up", choices.made_up)
    return table


def plot_choices(choices: Choices) -> Figure:
    """Draw the error over the rates, a panel for each place."""
    from dropnorm.reporting.figures.sweep import draw_sweep  # noqa: PLC0415  # imports Matplotlib

    return draw_sweep(choices)


def record_sweep(
    study: Study, provenance: Provenance, swept: SweptVariant, *written: object
) -> RunRecord:
    """Say what this sweep was, as a run's record does; written last.

    Args:
        study: The study as it was run.
        provenance: What only the run itself knows.
        swept: Of any variant.
        written: Everything at the end of the graph, so that the record comes last.
    """
    return record(study, provenance, swept.points[0].metrics)
