"""Run Kedro's commands in a copy of the project, and find what they wrote."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from kedro.framework.project import configure_project

from dropnorm.cli.main import run
from dropnorm.cli.study.group import study
from dropnorm.config_loader import StudyConfigLoader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result


def kedro(project: Path, *options: str, below: str = ".") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-m", "kedro", *options],
        cwd=project / below, env=env, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@contextmanager
def working_in(project: Path) -> Iterator[None]:
    """Let a project be the one that Kedro works in, in this process; restore the logging."""
    root, told = logging.getLogger(), logging.getLogger("dropnorm.training.progress")
    before = (root.handlers[:], told.handlers[:], told.propagate)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        patch.setenv("COLUMNS", "200")
        patch.setattr(StudyConfigLoader, "latest", None)
        configure_project("dropnorm")
        yield
    root.handlers, told.handlers, told.propagate = before


def kedro_here(project: Path, *options: str) -> Result:
    """``kedro run`` or ``kedro study`` in this process, where an engine is imported once."""
    command, *rest = options
    with working_in(project):
        return CliRunner().invoke({"run": run, "study": study}[command], rest)


def newest(project: Path, path: str) -> Path:
    (file,) = (project / "data" / "sample").glob(f"{path}/*/{Path(path).name}")
    return file


def refused(done: subprocess.CompletedProcess[str], told: str) -> None:
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, done.stdout + done.stderr
    assert told in errors[0]
    assert "Traceback" not in done.stdout + done.stderr
