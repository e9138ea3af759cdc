"""A scratch Kedro project with a study of each table, and the commands that it is run with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from atlas.networks import write_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from atlas.networks import Networks
    from atlas.recipe import Table

ROOT = Path(__file__).parents[2]
_COPIED = ("conf", "src", "pyproject.toml", ".telemetry")
_LAST_LINES = 3


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Attributes:
        command: What was typed.
        code: Its exit code.
        seconds: That it took.
        told: Its last lines: what a failure says.
    """

    command: str
    code: int
    seconds: float
    told: str


def make_project(folder: Path) -> None:
    """Copy what a project needs; leave one that is there as it is."""
    if folder.exists():
        return
    partly = folder.with_name(folder.name + ".part")
    shutil.rmtree(partly, ignore_errors=True)
    partly.mkdir(parents=True)
    for name in _COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, partly / name)
        else:
            shutil.copy2(ROOT / name, partly / name)
    partly.rename(folder)


def run_table(
    project: Path,
    table: Table,
    csv: Path,
    options: Mapping[str, str],
    *,
    trials: int | None = None,
    networks: Networks | None = None,
    retry: bool = False,
) -> dict[str, Outcome]:
    """Make the study of a table, check it and run or search it, as far as that was not done.

    Args:
        project: Folder of ``make_project``.
        table: Which.
        csv: The written table.
        options: Of the study, that are overridden, such as ``replicas.splits``.
        trials: Of each network in a search, which takes the place of the run; None to run.
        networks: What it compares, in an environment of theirs; None for the two layers.
        retry: Whether a step that failed is tried again.

    Returns:
        How each step ended. They stand in ``outcomes/<table>.json`` too, so that a run that was
        broken off goes on.
    """
    kept = project / "outcomes" / f"{table.name}.json"
    outcomes = _read(kept)
    for step, arguments in _steps(table, csv, options, trials, networks).items():
        done = outcomes.get(step)
        if done is not None and done.command == " ".join(arguments) and not (retry and done.code):
            if done.code:
                break
            continue
        if networks is not None and step == networks.name:
            write_environment(project, table, networks)
        outcomes[step] = _call(project, arguments)
        _write(kept, outcomes)
        if outcomes[step].code:
            break
    return outcomes


def _steps(
    table: Table,
    csv: Path,
    options: Mapping[str, str],
    trials: int | None,
    networks: Networks | None,
) -> dict[str, list[str]]:
    new = ["study", "new", table.name, "--csv", str(csv.resolve()), "--target", table.target]
    if table.task:
        new += ["--task", table.task]
    if table.groups:
        new += ["--groups", table.groups]
    told = ",".join(f"{table.name}.{key}={value}" for key, value in options.items())
    params = [f"--params={told}"] if told else []
    first = {"new": new, "check": ["study", "check", table.name]}
    if networks is not None:
        run = ["run", f"--pipelines={table.name}", f"--env={networks.name}", *params]
        return first | {networks.name: run}
    if trials is None:
        return first | {"run": ["run", f"--pipelines={table.name}", *params]}
    search = ["study", "recommend", table.name, "--trials", str(trials), *params]
    return first | {"search": search}


def _call(project: Path, arguments: list[str]) -> Outcome:
    variables = os.environ | {
        "KERAS_BACKEND": "jax",
        "PYTHONPATH": str(project.resolve() / "src"),
        "COLUMNS": "200",
    }
    began = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-m", "kedro", *arguments], cwd=project, env=variables,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds = round(time.perf_counter() - began, 1)
    said = ended.stdout + ended.stderr
    log = project / "logs" / f"{'-'.join(arguments[:3]).replace('/', '_')}.txt"
    log.parent.mkdir(exist_ok=True)
    log.write_text(said)
    last = "\n".join(said.strip().splitlines()[-_LAST_LINES:]) if ended.returncode else ""
    return Outcome(" ".join(arguments), ended.returncode, seconds, last)


def _read(path: Path) -> dict[str, Outcome]:
    if not path.exists():
        return {}
    return {step: Outcome(**said) for step, said in json.loads(path.read_text()).items()}


def _write(path: Path, outcomes: Mapping[str, Outcome]) -> None:
    path.parent.mkdir(exist_ok=True)
    partly = path.with_suffix(".part")
    partly.write_text(json.dumps({step: asdict(one) for step, one in outcomes.items()}, indent=2))
    partly.replace(path)
