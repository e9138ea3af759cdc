"""The template of a project of one's own, without making one: tests/integration makes one."""

from pathlib import Path

import pytest

from dropnorm.starter import STARTERS

ROOT = Path(__file__).parents[1]
(STARTER,) = STARTERS
TEMPLATE = Path(STARTER.template_path) / "{{ cookiecutter.repo_name }}"


@pytest.mark.parametrize(
    "file",
    [
        "conf/base/catalog.yml", "conf/base/globals.yml", "conf/base/parameters/concrete.yml",
        "conf/logging.yml", "data/01_raw/concrete.csv", ".telemetry",
    ],
)  # fmt: skip
def test_the_template_has_the_files_of_this_project(file):
    assert (TEMPLATE / file).read_bytes() == (ROOT / file).read_bytes()


def test_no_linked_file_has_the_template_language_in_it():
    for file in (TEMPLATE / "conf").rglob("*.yml"):
        assert not any(mark in file.read_text() for mark in ("{{", "{%", "{#"))
