"""inputs → points of each variant → choices, curve, record of the sweep."""

from collections.abc import Sequence

from kedro.pipeline import Pipeline

from dropnorm.pipelines.boxes import described_node
from dropnorm.pipelines.sweep import nodes


def create_variant_pipeline(variant: str) -> Pipeline:
    """Train a variant, by its name, at every point of the sweep."""
    return Pipeline(
        [
            described_node(
                nodes.VariantSweeper(variant).train_points,
                ["inputs", "params:study", "params:execution"],
                ["points", "predictions"],
                name="train",
                tags="training",
            ),
            described_node(
                nodes.gather_points,
                ["points", "predictions"],
                "outcome",
                name="gather_points",
                tags="reporting",
            ),
        ]
    )


def create_pipeline(variants: Sequence[str]) -> Pipeline:
    """Compare the points, and record the sweep when everything else is written.

    Args:
        variants: Their names; what the sweep finds of a variant is called ``<name>_outcome`` here.
    """
    outcomes = {name: f"{name}_outcome" for name in variants}
    return Pipeline(
        [
            described_node(
                nodes.find_choices,
                {"split": "split", "study": "params:study"} | outcomes,
                "choices",
                name="find_choices",
            ),
            described_node(nodes.tabulate, "choices", "curve", name="tabulate"),
            described_node(nodes.plot_choices, "choices", "curve_plot", name="plot"),
            described_node(
                nodes.record_sweep,
                ["params:study", "params:run", *outcomes.values(), "curve", "curve_plot"],
                "run",
                name="record_run",
            ),
        ],
        tags="reporting",
    )
