"""new rows, preprocessors, models, residuals of held rows → predictions, of one variant."""

from kedro.pipeline import Pipeline

from dropnorm.pipelines.boxes import described_node
from dropnorm.pipelines.prediction import nodes


def create_pipeline() -> Pipeline:
    """Predict with the replicas of one variant; all that it reads was saved by one run."""
    return Pipeline(
        [
            described_node(
                nodes.predict_with_interval,
                [
                    "new_rows",
                    "run",
                    "preprocessors",
                    "models",
                    "training",
                    "validation_predictions",
                    "split",
                ],
                "predictions",
                name="predict",
            )
        ],
        tags="prediction",
    )
