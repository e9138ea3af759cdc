"""What the project depends on: pinned, and needed."""

from __future__ import annotations

import ast
import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", name)[0]).lower()


def pins(text: str) -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)
    return {normal(name): version for name, version in found}


def installed_with(named: Iterable[str]) -> set[str]:
    """Return the packages that requirements bring, and all that those bring, as installed here."""
    found: set[str] = set()
    waiting = [Requirement(one) for one in named]
    while waiting:
        one = waiting.pop()
        key = f"{canonicalize_name(one.name)}[{','.join(sorted(one.extras))}]"
        if key in found:
            continue
        found.add(key)
        try:
            brought = distribution(one.name).requires or []
        except PackageNotFoundError:  # an extra that is not installed here
            continue
        for other in map(Requirement, brought):
            extras = one.extras or {""}
            if other.marker is None or any(other.marker.evaluate({"extra": e}) for e in extras):
                waiting.append(other)
    return {key.partition("[")[0] for key in found} - {PROJECT["name"]}


def test_the_constraints_pin_all_that_is_installed_and_name_no_index():
    text = (ROOT / "constraints.txt").read_text()
    named = [*PROJECT["dependencies"], *(one for names in EXTRAS.values() for one in names)]
    lines = [line for line in text.splitlines() if not line.startswith("#")]

    assert all(re.fullmatch(r"[\w.-]+==[\w.!+-]+", line) for line in lines)
    assert installed_with(named) - set(pins(text)) == set()


def imported(*folders: str) -> set[str]:
    """Names of the modules that Python files import at the top of their dotted names."""
    names: set[str] = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.split(".")[0])
            # Engines are imported by name, and datasets named in the catalog.
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.add(node.value)
    return names


def commands() -> str:
    """Return all that says what to run: the documents and the checks."""
    files = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    checks = [path for path in (ROOT / ".ci").iterdir() if path.is_file()]
    return "\n".join(path.read_text() for path in (*files, *checks) if path.exists())


# Of these no module is imported and no script is run by its own name.
BY_OTHERS = {
    "ipykernel": "nbclient runs the notebooks with it",
    "pytest-cov": "addopts",
    "pytest-timeout": "timeout",
    "pytest-xdist": "pytest -n",
    "filelock": "jax, for a cache of bounded size",
    "mkdocs-material": "the theme in mkdocs.yml",
    "kedro-viz": "kedro viz",
}


@pytest.mark.parametrize(
    ("of", "folders"), [("dependencies", ("src",)), ("extras", ("src", "tests", "benchmarks"))]
)
def test_every_dependency_is_imported_or_run_by_a_command_that_is_written_down(of, folders):
    extras = [one for names in EXTRAS.values() for one in names]
    wanted = PROJECT["dependencies"] if of == "dependencies" else extras
    owners = packages_distributions()
    modules = imported(*folders)
    told = commands()
    idle = []
    for name in {normal(one) for one in wanted} - {"dropnorm", *BY_OTHERS}:
        own = {module for module, names in owners.items() if name in map(normal, names)}
        if not own:
            continue  # an extra that is not installed here
        scripts = {name} | {
            one.name for one in distribution(name).entry_points.select(group="console_scripts")
        }
        is_run = any(re.search(rf"(^|[\s`(]){re.escape(one)}\b", told, re.M) for one in scripts)
        is_stub = name.startswith("types-") or name.endswith("-stubs")
        if not (own & modules or is_run or is_stub):
            idle.append(name)

    assert idle == []


def test_the_pythons_that_are_named_are_those_that_tensorflow_has_wheels_for():
    lowest, above = re.fullmatch(
        r">=3\.(\d+)(?:\.\d+)?,<3\.(\d+)", PROJECT["requires-python"]
    ).groups()
    named = {
        int(one.rpartition(".")[2])
        for one in PROJECT["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", one)
    }
    offered = {
        int(one.rpartition(".")[2])
        for one in distribution("tensorflow").metadata.get_all("Classifier")
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", one)
    }

    assert named == set(range(int(lowest), int(above)))
    assert named <= offered
    assert max(named) == max(offered)
