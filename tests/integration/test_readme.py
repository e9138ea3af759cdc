"""README: its badges and outputs are made by a script, and say what is true."""

from __future__ import annotations

import importlib.util
import re

import pytest

from conftest import ROOT


def load_script():
    spec = importlib.util.spec_from_file_location("readme", ROOT / "benchmarks" / "readme.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = load_script()


@pytest.mark.parametrize("name", script.badges())
def test_a_badge_says_what_the_project_says(name):
    assert (ROOT / "docs" / "images" / name).read_text() == script.badges()[name]
    assert name in (ROOT / "README.md").read_text()


def test_every_marked_output_names_the_machine_it_came_from():
    marked = [
        (page.name, found)
        for page in script.PAGES
        for found in script.OUTPUT.finditer(page.read_text(encoding="utf-8"))
    ]

    assert "README.md" in [name for name, _ in marked]
    for name, found in marked:
        assert "results: data/" in found["text"], name
        assert re.search(r"tensorflow \d.*keras \d", found["machine"] or ""), name


def test_an_output_is_kept_without_its_progress():
    told = "Concrete · dropout: replica 1/5 (split 0, start 0), epoch 2/2\nConcrete: validation\n"

    assert [line for line in told.splitlines() if not script.PROGRESS.search(line)] == [
        "Concrete: validation"
    ]
