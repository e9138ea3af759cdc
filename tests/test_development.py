"""What those who develop the project rely on."""

from __future__ import annotations

import re
import tomllib

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from conftest import ROOT


def test_pre_commit_runs_nothing_that_is_not_among_all_checks_and_downloads_nothing():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    checks = (ROOT / ".ci" / "lint").read_text()

    for hook in (hook for repository in hooks for hook in repository["hooks"]):
        assert hook["language"] == "system"
        command = re.match(r"[\w -]*\w", hook["entry"].split(" --")[0])
        assert command[0] in checks


def test_every_dependency_is_bounded_and_pinned_within_its_bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if not line.startswith("#")
    )
    versions = {canonicalize_name(name): version for name, version in pins.items()}
    extras = project["optional-dependencies"].values()
    named = [*project["dependencies"], *(one for extra in extras for one in extra)]

    for requirement in map(Requirement, named):
        if requirement.name == project["name"]:
            continue
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)])
        assert any(bound.operator.startswith(">") for bound in requirement.specifier)
