from __future__ import annotations

import shutil

import nbclient
import nbformat
import pytest

from conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_outputs(path):
    cells = nbformat.read(path, as_version=4).cells

    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


@pytest.mark.training
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom_in_the_sample_environment(project, path):
    shutil.copytree(ROOT / "notebooks", project / "notebooks")
    notebook = nbformat.read(path, as_version=4)

    nbclient.NotebookClient(
        notebook, timeout=200, resources={"metadata": {"path": str(project / "notebooks")}}
    ).execute()

    told = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])
    )
    assert "Note" in told or "too few runs" in told or "the error" in told
    assert list((project / "data" / "sample").rglob("run.json/*/run.json"))
