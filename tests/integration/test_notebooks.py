from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import nbclient
import nbformat
import pytest

from conftest import ROOT, TABLES, change_options, copy_project, shrink_networks

if TYPE_CHECKING:
    from nbformat import NotebookNode

LESSON = ROOT / "notebooks" / "lesson.ipynb"
pytestmark = pytest.mark.timeout(600)  # three studies
WITHOUT_TORCH = "PyTorch is an extra: pip install -c constraints.txt -e '.[torch]'"


def said(notebook: NotebookNode, tag: str | None = None) -> str:
    """What the cells wrote, all of them or those with a tag."""
    return "".join(
        output.get("text", "")
        for cell in notebook.cells
        if tag is None or tag in cell.metadata.get("tags", [])
        for output in cell.get("outputs", [])
    )


def test_the_lesson_is_committed_with_its_outputs_and_without_log_lines():
    notebook = nbformat.read(LESSON, as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]

    assert LESSON.stat().st_size < 3_000_000
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 5
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert not re.search(r"\b(INFO|WARNING|ERROR)\b|replica \d+/\d+|\x1b\[", said(notebook))
    assert "made-up table" not in said(notebook)  # the outputs are those of the real tables
    assert said(notebook).count("Correct.") == 3
    assert said(notebook).count("Not yet: ") == 3


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The lesson, run from top to bottom on the made-up tables, in a copy of the project."""
    project = copy_project(tmp_path_factory.mktemp("lesson"))
    shrink_networks(project)
    for name in TABLES:
        change_options(
            project / "conf" / "sample" / "parameters" / f"{name}.yml", name,
            {"training": {"epochs": 1}},
        )  # fmt: skip
    shutil.copytree(LESSON.parent, project / "notebooks")
    notebook = nbformat.read(LESSON, as_version=4)
    for cell in notebook.cells:
        cell.source = re.sub(r"epochs=\d+", "epochs=2", cell.source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEDRO_ENV", "sample")
        nbclient.NotebookClient(
            notebook, timeout=560, resources={"metadata": {"path": str(project / "notebooks")}}
        ).execute()
    return notebook, project


@pytest.mark.training
def test_the_lesson_runs_from_top_to_bottom_and_tells_of_its_three_studies(executed):
    notebook, project = executed

    assert len(list((project / "data" / "sample").rglob("run.json/*/run.json"))) == 3
    for title in ("Red wine", "Concrete", "Spotify"):
        assert re.search(rf"^{title}.*\n  Dropout: ", said(notebook), re.M)
    pictures = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 5  # two of losses by epoch, and one of each study


@pytest.mark.training
def test_the_checks_answer_in_the_notebook_and_each_study_has_its_findings(executed):
    notebook, _ = executed
    told = said(notebook)

    assert told.count("Correct.") == 3
    assert told.count("Not yet: ") == 3
    # So few steps leave running statistics near their first values.
    assert all(f"{study}\n  DN019: " in told for study in ("spotify", "concrete", "wine"))


@pytest.mark.training
def test_the_same_weights_give_the_same_outputs_in_pytorch_and_both_scale_in_training(executed):
    pytest.importorskip("torch", reason=WITHOUT_TORCH)
    notebook, _ = executed
    told = said(notebook, "torch")

    (apart,) = re.findall(r"evaluation mode, 10 rows: outputs at most (\S+) apart", told)
    assert float(apart) < 1e-6
    for library in ("Keras", "PyTorch"):
        (mean,) = re.findall(rf"{library} +training: values \[0.   1.25\], mean (\S+)\n", told)
        assert float(mean) == pytest.approx(1, abs=0.0025)
    (apart,) = re.findall(r"training mode: outputs at most (\S+) apart", told)
    assert float(apart) < 1e-5
    assert "running means equal" in told
