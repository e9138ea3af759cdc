"""The packaged project: a wheel and an archive of the configuration, in a folder of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def packaged(project: Path) -> Path:
    """Return the folder with wheel and archive; conf/local is not among what is packaged."""
    shutil.rmtree(project / "src")
    shutil.copytree(ROOT / "src", project / "src")
    for name in ("README.md", "LICENSE"):
        shutil.copy(ROOT / name, project)
    shutil.rmtree(project / "conf" / "local")
    subprocess.run([sys.executable, "-m", "kedro", "package"], cwd=project, check=True,
                   capture_output=True, timeout=300)  # fmt: skip
    return project / "dist"


@pytest.mark.training
def test_the_packaged_project_runs_where_there_is_nothing_but_a_table(packaged, tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "data" / "01_raw").mkdir(parents=True)
    table = ROOT / "data" / "sample" / "01_raw" / "concrete.csv"
    shutil.copy(table, folder / "data" / "01_raw" / "concrete.csv")
    unpacked = tmp_path_factory.mktemp("unpacked")
    (wheel,) = packaged.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(unpacked)

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "dropnorm", f"--conf-source={packaged}/conf-dropnorm.tar.gz",
             *options],
            cwd=folder, env={**os.environ, "PYTHONPATH": str(unpacked)}, capture_output=True,
            text=True, timeout=300, check=False,
        )  # fmt: skip

    refused = run("--pipelines=concreet")
    assert refused.returncode == 1
    assert refused.stderr == (
        "Error: there is no pipeline 'concreet'; did you mean 'concrete'?"
        " (studies: concrete, spotify, wine)\n"
    )
    assert refused.stdout == ""

    done = run(
        "--pipelines=concrete", "--params=concrete.training.epochs=1,concrete.replicas.splits=1"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    first, *_, last = done.stdout.splitlines()
    assert first.startswith("Concrete · baseline: replica 1/1")
    assert last.startswith("  results: data/08_reporting/concrete, version ")
    version = last.split()[-1]
    assert (folder / "data/08_reporting/concrete/run.json" / version / "run.json").is_file()
    assert [path.name for path in folder.iterdir()] == ["data"]
