"""inputs → trials of each network → effects at equal budget, curves, configuration, record."""

from collections.abc import Sequence

from kedro.pipeline import Pipeline

from dropnorm.pipelines.boxes import described_node
from dropnorm.pipelines.recommend import nodes


def create_inner_pipeline() -> Pipeline:
    """Divide the training rows once more."""
    return Pipeline(
        [
            described_node(
                nodes.divide_training_rows,
                ["rows", "split", "params:study"],
                "inner_inputs",
                name="divide_training_rows",
            )
        ]
    )


def create_variant_pipeline(name: str) -> Pipeline:
    """Search for the configuration of a network, and train what was chosen.

    Args:
        name: Of the network.
    """
    parts = ["trials", "configured", "chosen", "predictions"]
    return Pipeline(
        [
            described_node(
                nodes.NetworkSearcher(name).search,
                ["inner_inputs", "inputs", "params:study", "params:execution"],
                parts,
                name="train",  # what asks for the engine, and for the cluster
                tags="training",
            ),
            described_node(
                nodes.gather_search, parts, "outcome", name="gather_search", tags="reporting"
            ),
        ]
    )


def create_pipeline(names: Sequence[str]) -> Pipeline:
    """Compare the networks, and record the search when everything else is written.

    Args:
        names: Of the networks; what the search leaves of one is called ``<name>_outcome`` here.
    """
    outcomes = {name: f"{name}_outcome" for name in names}
    predicted = {"reference_predictions": "reference_predictions", "split": "split"}
    study = {"study": "params:study"}
    return Pipeline(
        [
            described_node(
                nodes.compare_at_equal_budget,
                predicted | study | outcomes,
                "recommendation",
                name="compare",
            ),
            described_node(
                nodes.tabulate_trials, study | outcomes, "trials", name="tabulate_trials"
            ),
            described_node(
                nodes.plot_equal_budget,
                ["recommendation", "params:study"],
                "recommendation_plot",
                name="plot",
            ),
            described_node(
                nodes.write_recommended,
                ["recommendation", "params:study"],
                "recommended",
                name="write_recommended",
            ),
            described_node(
                nodes.record_search,
                [
                    "params:study",
                    "params:run",
                    *outcomes.values(),
                    "trials",
                    "recommendation_plot",
                    "recommended",
                ],
                "run",
                name="record_run",
            ),
        ],
        tags="reporting",
    )
