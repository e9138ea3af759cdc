"""Check every study of this project, and prepare its table."""

import subprocess
import sys
from pathlib import Path

import pytest
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

from dropnorm.pipelines.preparation.nodes import assign_parts, check_rows

PROJECT = Path(__file__).parents[1]
STUDIES = sorted(file.stem for file in (PROJECT / "conf/base/parameters").glob("*.yml"))


@pytest.fixture(scope="module")
def catalog():
    bootstrap_project(PROJECT)
    with KedroSession.create(PROJECT) as session:
        yield session.load_context().catalog


@pytest.mark.parametrize("name", STUDIES)
def test_the_table_and_its_splits_pass_all_checks(name):
    command = [sys.executable, "-m", "kedro", "study", "check", name]
    checked = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("name", STUDIES)
def test_every_split_has_rows_to_train_on_and_to_validate_on(catalog, name):
    study = catalog.load(f"params:{name}")
    rows = check_rows(catalog.load(f"{name}.table"), study)

    parts = assign_parts(rows, study).groupby("split")["part"].unique()

    assert all({"train", "validation"} <= set(found) for found in parts)
