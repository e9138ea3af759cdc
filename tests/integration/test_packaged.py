"""The packaged project: a wheel and an archive of the configuration, installed by themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from conftest import copy_project
from dropnorm import __version__

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with wheel and archive; conf/local is not among what is packaged."""
    project = copy_project(tmp_path_factory.mktemp("packaged"))
    shutil.rmtree(project / "src")
    shutil.copytree(ROOT / "src", project / "src")
    for name in ("README.md", "LICENSE"):
        shutil.copy(ROOT / name, project)
    shutil.rmtree(project / "conf" / "local")
    subprocess.run([sys.executable, "-m", "kedro", "package"], cwd=project, check=True,
                   capture_output=True, timeout=300)  # fmt: skip
    return project / "dist"


@pytest.fixture(scope="module")
def python(packaged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment into which the wheel is installed.

    What the wheel depends on is lent by the environment in use: to install it anew takes minutes.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True, with_pip=True)  # uv makes environments without one
    python = folder / Path(sysconfig.get_path("scripts")).name / Path(sys.executable).name
    own = installed_in(python)
    lent = Path(sysconfig.get_path("purelib"))
    (own / "lent.pth").write_text(f"{lent}\n")
    (wheel,) = packaged.glob(f"dropnorm-{__version__}-*.whl")
    subprocess.run([python, "-m", "pip", "--quiet", "install", "--no-index", "--no-deps",
                    "--force-reinstall", wheel], check=True, timeout=300)  # fmt: skip
    assert (own / "dropnorm" / "cli" / "main.py").is_file()
    return python


def installed_in(python: Path) -> Path:
    """Return the folder of an environment's own packages."""
    base = python.parents[1]
    return Path(sysconfig.get_path("purelib", "venv", {"base": base, "platbase": base}))


@pytest.mark.training
def test_the_packaged_project_runs_where_there_is_nothing_but_a_table(
    packaged, python, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "data" / "01_raw").mkdir(parents=True)
    table = ROOT / "data" / "sample" / "01_raw" / "concrete.csv"
    shutil.copy(table, folder / "data" / "01_raw" / "concrete.csv")
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [python, "-m", "dropnorm", f"--conf-source={packaged}/conf-dropnorm.tar.gz",
             *options],
            cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    refused = run("--pipelines=concreet")
    assert refused.returncode == 1
    assert refused.stderr == (
        "Error: there is no pipeline 'concreet'; did you mean 'concrete'?"
        " (studies: concrete, spotify, wine)\n"
    )
    assert refused.stdout == ""

    done = run(
        "--pipelines=concrete",
        "--params=concrete.training.epochs=1,concrete.replicas.splits=1,concrete.network.hidden=[8]",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    warned, first, *_, results, page = done.stdout.splitlines()
    assert warned.startswith("Warning: Concrete: DN019 running statistics")
    assert first.startswith("Concrete · baseline: replica 1/1")
    assert results.startswith("  results: data/08_reporting/concrete, version ")
    version = results.split()[-1]
    assert f"report.html/{version}/report.html" in page
    assert (folder / "data/08_reporting/concrete/run.json" / version / "run.json").is_file()
    assert [path.name for path in folder.iterdir()] == ["data"]


@pytest.mark.training
def test_the_starter_makes_a_project_whose_own_tests_pass_and_whose_study_runs(
    python, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("projects")
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    # The environment in use has an editable installation of this project, too.
    env |= {"DO_NOT_TRACK": "1", "PYTHONPATH": str(installed_in(python))}

    def call(*arguments: str, within: Path = folder) -> subprocess.CompletedProcess[str]:
        return subprocess.run([python, "-m", *arguments], cwd=within, env=env, text=True,
                              capture_output=True, timeout=300, check=False)  # fmt: skip

    made = call("kedro", "new", "--starter=dropnorm", "--name=My tables")
    project = folder / "my-tables"
    tested = call("pytest", "-q", "-p", "no:cacheprovider", within=project)
    ran = call("kedro", "run", "--pipelines=concrete",
               "--params=concrete.training.epochs=1,concrete.replicas.splits=1,concrete.network.hidden=[8]",
               within=project)  # fmt: skip

    assert made.returncode == 0, made.stdout + made.stderr
    assert (project / ".telemetry").read_text() == "consent: false\n"
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert list((project / "data/08_reporting/concrete/run.json").glob("*/run.json"))
    assert not (project / "src").exists()
