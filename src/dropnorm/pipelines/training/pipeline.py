"""inputs → models, history, predictions, of one variant."""

from functools import partial, update_wrapper

from kedro.pipeline import Node, Pipeline

from dropnorm.pipelines.training import nodes
from dropnorm.study import Variant


def create_pipeline(variant: Variant) -> Pipeline:
    """Train a variant: all its replicas are one node's work."""
    # Wrapped, because Kedro reads the annotations of a node, and pickles it for other processes.
    train = update_wrapper(partial(nodes.train_variant, variant=variant), nodes.train_variant)
    return Pipeline(
        [
            Node(
                train,
                ["inputs", "params:study"],
                ["models", "history", "validation_predictions", "first_steps", "training"],
                name="train",
            )
        ],
        tags="training",
    )
