"""inputs → points of each variant → choices, curve, record of the sweep."""

from functools import cache

from kedro.pipeline import Pipeline

from dropnorm.pipelines.node_previews import described_node
from dropnorm.pipelines.sweep import nodes
from dropnorm.study.variants import Variant

_SWEEP = {
    Variant.BASELINE: nodes.sweep_baseline,
    Variant.DROPOUT: nodes.sweep_dropout,
    Variant.BATCHNORM: nodes.sweep_batchnorm,
    Variant.DROPOUT_BATCHNORM: nodes.sweep_dropout_batchnorm,
}


@cache  # one template for all studies
def create_variant_pipeline(variant: Variant) -> Pipeline:
    """Train a variant at every point of the sweep."""
    return Pipeline(
        [
            described_node(
                _SWEEP[variant],
                ["inputs", "params:study"],
                ["points", "predictions"],
                name="train",
            )
        ],
        tags="training",
    )


@cache  # one template for all studies
def create_pipeline() -> Pipeline:
    """Compare the points, and record the sweep when everything else is written.

    What it takes of a variant is called ``baseline_points`` and so on here.
    """
    return Pipeline(
        [
            described_node(
                nodes.find_choices,
                {
                    "split": "split",
                    **{variant.value: f"{variant}_points" for variant in Variant},
                    **{f"{variant}_predictions": f"{variant}_predictions" for variant in Variant},
                    "study": "params:study",
                },
                "choices",
                name="find_choices",
            ),
            described_node(nodes.tabulate, "choices", "curve", name="tabulate"),
            described_node(nodes.plot, "choices", "curve_plot", name="plot"),
            described_node(
                nodes.record_sweep,
                [
                    "params:study",
                    "provenance",
                    f"{Variant.BASELINE}_points",
                    "curve",
                    "curve_plot",
                ],
                "run",
                name="record_run",
            ),
        ],
        tags="reporting",
    )
