"""history, predictions → metrics, plots, comparison, record of the run."""

from functools import cache

from kedro.pipeline import Pipeline

from dropnorm.pipelines.node_previews import described_node
from dropnorm.pipelines.reporting import nodes
from dropnorm.study.variants import Variant


@cache  # one template for all studies
def create_variant_pipeline() -> Pipeline:
    """Report one variant."""
    return Pipeline(
        [
            described_node(
                nodes.measure,
                [
                    "history",
                    "validation_predictions",
                    "test_predictions",
                    "training",
                    "params:study",
                ],
                "metrics",
                name="measure",
            ),
            described_node(
                nodes.plot_learning_curves,
                ["history", "first_steps", "metrics", "params:study"],
                "learning_curves",
                name="plot_learning_curves",
            ),
        ],
        tags="reporting",
    )


@cache  # one template for all studies
def create_pipeline() -> Pipeline:
    """Compare the variants of a study, and record the run when everything else is written.

    What it takes of a variant is called ``baseline_metrics`` and so on here.
    """
    return Pipeline(
        [
            described_node(
                nodes.compare,
                {
                    **{variant.value: f"{variant}_metrics" for variant in Variant},
                    "study": "params:study",
                },
                "comparison",
                name="compare",
            ),
            described_node(
                nodes.plot_comparison,
                {
                    "comparison": "comparison",
                    **{variant.value: f"{variant}_history" for variant in Variant},
                    "study": "params:study",
                },
                "comparison_plot",
                name="plot_comparison",
            ),
            described_node(
                nodes.estimate_effects,
                {
                    "split": "split",
                    "reference_predictions": "reference_predictions",
                    **{variant.value: f"{variant}_metrics" for variant in Variant},
                    **{
                        f"{variant}_predictions": f"{variant}_validation_predictions"
                        for variant in Variant
                    },
                    "study": "params:study",
                },
                "effects",
                name="estimate_effects",
            ),
            described_node(
                nodes.compare_diagnostics,
                {
                    name: f"{variant}_{output}"
                    for variant in Variant
                    for name, output in (
                        (variant.value, "metrics"),
                        (f"{variant}_history", "history"),
                        (f"{variant}_examination", "examination"),
                    )
                },
                "diagnostics",
                name="compare_diagnostics",
            ),
            described_node(
                nodes.plot_diagnostics,
                {
                    "diagnostics": "diagnostics",
                    **{
                        f"{variant}_{output}": f"{variant}_{output}"
                        for variant in Variant
                        for output in ("history", "examination")
                    },
                    "study": "params:study",
                },
                "diagnostics_plot",
                name="plot_diagnostics",
            ),
            described_node(nodes.plot_effects, "effects", "effects_plot", name="plot_effects"),
            described_node(
                nodes.make_report,
                [
                    "params:study",
                    "effects",
                    "findings",
                    "comparison",
                    "diagnostics",
                    "provenance",
                    f"{Variant.BASELINE}_training",
                ],
                "report",
                name="make_report",
            ),
            described_node(
                nodes.write_report,
                {
                    "study": "params:study",
                    "report_data": "report",
                    "preprocessors": "preprocessors",
                    **{
                        f"{variant}_{output}": f"{variant}_{output}"
                        for variant in Variant
                        for output in ("history", "first_steps", "examination")
                    },
                    **{
                        f"{variant}_predictions": f"{variant}_validation_predictions"
                        for variant in Variant
                    },
                },
                "report_page",
                name="write_report",
            ),
            described_node(
                nodes.record_run,
                [
                    "params:study",
                    "provenance",
                    f"{Variant.BASELINE}_training",
                    "findings",
                    *(f"{variant}_learning_curves" for variant in Variant),
                    "comparison_plot",
                    "effects_plot",
                    "diagnostics_plot",
                    "report_page",
                ],
                "run",
                name="record_run",
            ),
        ],
        tags="reporting",
    )
