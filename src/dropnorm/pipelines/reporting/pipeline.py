"""history, predictions → metrics, plots, comparison, record of the run."""

from collections.abc import Sequence

from kedro.pipeline import Pipeline

from dropnorm.pipelines.boxes import box, described_node
from dropnorm.pipelines.reporting import nodes


def create_variant_pipeline() -> Pipeline:
    """Report one variant, and put together what the study compares of it."""
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
            described_node(
                nodes.gather_outcome,
                [
                    "training",
                    "metrics",
                    "history",
                    "first_steps",
                    "validation_predictions",
                    "test_predictions",
                    "examination",
                    "learning_curves",
                ],
                "outcome",
                name="gather_outcome",
            ),
        ],
        tags="reporting",
    )


def create_pipeline(variants: Sequence[str]) -> Pipeline:
    """Compare the variants of a study, and record the run when everything else is written.

    Args:
        variants: Their names; what a variant came to is called ``<name>_outcome`` here.
    """
    outcomes = {name: f"{name}_outcome" for name in variants}
    study = {"study": "params:study"}
    parts = [
        box(
            "comparison",
            described_node(nodes.compare, study | outcomes, "comparison", name="compare"),
            described_node(
                nodes.plot_comparison,
                {"comparison": "comparison"} | study | outcomes,
                "comparison_plot",
                name="plot_comparison",
            ),
        ),
        box(
            "effects",
            described_node(
                nodes.estimate_effects,
                {
                    "split": "split",
                    "reference_predictions": "reference_predictions",
                    "provenance": "params:run",
                }
                | study
                | outcomes,
                "effects",
                name="estimate_effects",
            ),
            described_node(nodes.plot_effects, "effects", "effects_plot", name="plot_effects"),
        ),
        box(
            "diagnostics",
            described_node(
                nodes.compare_diagnostics,
                {"preprocessors": "preprocessors"} | study | outcomes,
                "diagnostics",
                name="compare_diagnostics",
            ),
            described_node(
                nodes.plot_diagnostics,
                {"diagnostics": "diagnostics", "preprocessors": "preprocessors"} | study | outcomes,
                "diagnostics_plot",
                name="plot_diagnostics",
            ),
        ),
        _create_report_pipeline(list(outcomes.values())),
    ]
    return Pipeline(parts, tags="reporting")


def _create_report_pipeline(outcomes: Sequence[str]) -> Pipeline:
    return Pipeline(
        [
            described_node(
                nodes.make_report,
                [
                    "params:study",
                    "effects",
                    "findings",
                    "comparison",
                    "diagnostics",
                    "params:run",
                    outcomes[0],
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
                    **{name.removesuffix("_outcome"): name for name in outcomes},
                },
                "report_page",
                name="write_report",
            ),
            described_node(
                nodes.record_run,
                [
                    "params:study",
                    "params:run",
                    *outcomes,
                    "findings",
                    "comparison_plot",
                    "effects_plot",
                    "diagnostics_plot",
                    "report_page",
                ],
                "run",
                name="record_run",
            ),
        ]
    )
