from __future__ import annotations

from kedro.pipeline import Node

from dropnorm.pipelines.boxes import box, described_node


def double(x: int) -> int:
    """Return twice as much.

    And no more.
    """
    return 2 * x


def test_a_described_node_tells_the_first_paragraph_of_its_function():
    node = described_node(double, "x", "y", name="double")

    assert node.preview().content == "Return twice as much."


def test_a_box_names_its_nodes_and_leaves_the_names_of_datasets():
    (node,) = box("prepare", Node(double, "x", "y", name="double")).nodes

    assert node.name == "prepare.double"
    assert (node.inputs, node.outputs) == (["x"], ["y"])
