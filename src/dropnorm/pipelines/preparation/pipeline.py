"""table → rows → split → preprocessors → inputs."""

from kedro.pipeline import Node, Pipeline

from dropnorm.pipelines.preparation import nodes


def create_pipeline() -> Pipeline:
    """Prepare a study's table, for all variants alike."""
    return Pipeline(
        [
            Node(nodes.check_rows, ["table", "params:study"], "rows", name="check_rows"),
            Node(nodes.assign_parts, ["rows", "params:study"], "split", name="assign_parts"),
            Node(
                nodes.check_data,
                ["table", "split", "params:study"],
                "findings",
                name="check_data",
            ),
            Node(
                nodes.fit_preprocessors,
                ["rows", "split", "params:study"],
                "preprocessors",
                name="fit_preprocessors",
            ),
            Node(
                nodes.make_inputs,
                ["rows", "split", "preprocessors", "params:study"],
                "inputs",
                name="make_inputs",
            ),
        ],
        tags="preparation",
    )
