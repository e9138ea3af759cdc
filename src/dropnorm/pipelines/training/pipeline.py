"""inputs → models, history, predictions, of one variant."""

from functools import partial, update_wrapper

from kedro.pipeline import Node, Pipeline

from dropnorm.pipelines.training import nodes
from dropnorm.pipelines.training.nodes import TrainedVariant
from dropnorm.study import Variant


class _NamedPartial(partial[TrainedVariant]):
    """A partial function that keeps its name in other processes; multiprocessing drops others'."""


def create_pipeline(variant: Variant) -> Pipeline:
    """Train a variant: all its replicas are one node's work."""
    # Wrapped, because Kedro reads name and annotations of a node.
    train = update_wrapper(_NamedPartial(nodes.train_variant, variant=variant), nodes.train_variant)
    return Pipeline(
        [
            Node(
                train,
                ["inputs", "params:study"],
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
            Node(
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
            Node(
                nodes.predict_references,
                ["inputs", "params:study"],
                "reference_predictions",
                name="predict_references",
            )
        ],
        tags="training",
    )
