from __future__ import annotations

import re
from pathlib import Path

import pytest

from dropnorm.pipeline_registry import (
    create_prediction_pipeline,
    create_recommend_pipeline,
    create_study_pipeline,
    create_sweep_pipeline,
)

FOLDER = Path(__file__).parent
NODES = [
    node
    for create in (
        create_study_pipeline,
        create_prediction_pipeline,
        create_sweep_pipeline,
        create_recommend_pipeline,
    )
    for node in create("s").nodes
]


def found_by(folder: Path, name: str) -> list[str]:
    """Names of tests that begin with a node's name."""
    files = [file.read_text(encoding="utf-8") for file in sorted(folder.rglob("test_nodes.py"))]
    return re.findall(rf"def (test_{name}_\w+)", "".join(files))


@pytest.mark.parametrize("name", sorted({node.name.rpartition(".")[2] for node in NODES}))
def test_every_node_has_tests_that_its_name_finds(name):
    assert found_by(FOLDER, name)


def test_every_function_of_a_node_has_tests_beside_its_pipeline():
    for function in {node.func.__name__: node.func for node in NODES}.values():
        pipeline = function.__module__.split(".")[2]

        assert found_by(FOLDER / pipeline, function.__name__), function.__name__
