"""What those who develop the project rely on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_pre_commit_runs_nothing_that_is_not_among_all_checks_and_downloads_nothing():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    checks = (ROOT / ".ci" / "lint").read_text()

    for hook in (hook for repository in hooks for hook in repository["hooks"]):
        assert hook["language"] == "system"
        command = re.match(r"[\w./ -]*\w", hook["entry"].split(" --")[0])
        assert command[0] in checks


def test_every_dependency_is_bounded_and_pinned_within_its_bounds():
    pins = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if not line.startswith("#")
    )
    versions = {canonicalize_name(name): version for name, version in pins.items()}
    extras = PROJECT["optional-dependencies"].values()
    named = [*PROJECT["dependencies"], *(one for extra in extras for one in extra)]

    for requirement in map(Requirement, named):
        if requirement.name == PROJECT["name"]:
            continue
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)])
        assert {bound.operator for bound in requirement.specifier} == {">=", "<"}


def check_github(root: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run([root / ".ci" / "github"], env={**os.environ, "PATH": path},
                          capture_output=True, text=True, check=False, timeout=300)  # fmt: skip


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for folder in (".github", ".ci"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def test_workflows_and_templates_fit_the_schemas_of_github():
    done = check_github(ROOT)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("workflows/nightly.yml", "runs-on:", "run-on:"),
        ("dependabot.yml", "interval: weekly", "interval: sometimes"),
        ("ISSUE_TEMPLATE/bug_report.yml", "type: textarea", "type: textbox"),
        ("ISSUE_TEMPLATE/config.yml", "blank_issues_enabled", "blank_issue_enabled"),
    ],
)
def test_a_mistake_in_what_github_reads_is_found(copied, file, right, wrong):
    path = copied / ".github" / file
    path.write_text(path.read_text().replace(right, wrong))

    assert check_github(copied).returncode != 0


def jobs() -> list[dict[str, Any]]:
    read = [yaml.safe_load(path.read_text()) for path in WORKFLOWS]
    return [job for workflow in read for job in workflow["jobs"].values()]


def test_workflows_read_only_end_and_run_scripts_that_are_there():
    for path in WORKFLOWS:
        assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}
    for job in jobs():
        assert job["timeout-minutes"] <= 90
        for step in job["steps"]:
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/x@v1"))
            for script in re.findall(r"\.ci/\w+", step.get("run", "")):
                assert os.access(ROOT / script, os.X_OK)


def test_the_tests_run_on_every_python_that_is_named():
    prefix = "Programming Language :: Python :: 3."
    named = [one.split(" :: ")[-1] for one in PROJECT["classifiers"] if one.startswith(prefix)]
    tested = [job["strategy"]["matrix"]["python-version"] for job in jobs() if "strategy" in job]

    assert named in tested
    assert all(set(versions) <= set(named) for versions in tested)


def test_without_bounds_every_dependency_is_named_once():
    printed = subprocess.run([sys.executable, ROOT / ".ci" / "unbounded"], check=True,
                             capture_output=True, text=True).stdout.split()  # fmt: skip
    extras = PROJECT["optional-dependencies"].values()
    wanted = {Requirement(one).name for one in sum(extras, PROJECT["dependencies"])} - {"dropnorm"}

    assert sorted(Requirement(one).name for one in printed) == sorted(wanted)
    assert not any(Requirement(one).specifier for one in printed)


def test_the_version_is_written_in_one_place():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())

    assert "version" not in PROJECT
    assert PROJECT["dynamic"] == ["version"]
    assert "version" not in citation
    assert citation["license"] == PROJECT["license"]
    assert [one["name"] for one in citation["authors"]] == [
        one["name"] for one in PROJECT["authors"]
    ]
