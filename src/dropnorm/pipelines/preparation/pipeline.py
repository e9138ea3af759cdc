"""table → rows → split → preprocessors → inputs."""

from kedro.pipeline import Pipeline

from dropnorm.pipelines.boxes import described_node
from dropnorm.pipelines.preparation import nodes


def create_pipeline() -> Pipeline:
    """Prepare a study's table, for all variants alike."""
    return Pipeline(
        [
            described_node(nodes.check_rows, ["table", "params:study"], "rows", name="check_rows"),
            described_node(
                nodes.assign_parts, ["rows", "params:study"], "split", name="assign_parts"
            ),
            described_node(
                nodes.check_data,
                ["table", "split", "params:study"],
                "findings",
                name="check_data",
            ),
            described_node(
                nodes.fit_preprocessors,
                ["rows", "split", "params:study"],
                "preprocessors",
                name="fit_preprocessors",
            ),
            described_node(
                nodes.make_inputs,
                ["rows", "split", "preprocessors", "params:study"],
                "inputs",
                name="make_inputs",
            ),
        ],
        tags="preparation",
    )
