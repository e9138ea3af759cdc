"""inputs → models, history, predictions, of one variant."""

from kedro.pipeline import Pipeline

from dropnorm.pipelines.boxes import described_node
from dropnorm.pipelines.training import nodes


def create_pipeline(variant: str) -> Pipeline:
    """Train a variant, by its name: all its replicas are one node's work."""
    return Pipeline(
        [
            described_node(
                nodes.VariantTrainer(variant).train,
                ["inputs", "params:study", "params:execution"],
                [
                    "models",
                    "history",
                    "validation_predictions",
                    "test_predictions",
                    "first_steps",
                    "training",
                ],
                name="train",
            ),
            described_node(
                nodes.examine_networks,
                ["models", "inputs", "training", "params:study"],
                "examination",
                name="examine_networks",
            ),
        ],
        tags="training",
    )


def create_reference_pipeline() -> Pipeline:
    """Fit the reference models of a study, on the same rows as its variants."""
    return Pipeline(
        [
            described_node(
                nodes.predict_references,
                ["inputs", "params:study", "params:execution"],
                "reference_predictions",
                name="predict_references",
            )
        ],
        tags="training",
    )
