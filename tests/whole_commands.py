"""Run Kedro's commands in a copy of the project, and find what they wrote."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def kedro(project: Path, *options: str, below: str = ".") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-m", "kedro", *options],
        cwd=project / below, env=env, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def newest(project: Path, path: str) -> Path:
    (file,) = (project / "data" / "sample").glob(f"{path}/*/{Path(path).name}")
    return file


def refused(done: subprocess.CompletedProcess[str], told: str) -> None:
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, done.stdout + done.stderr
    assert told in errors[0]
    assert "Traceback" not in done.stdout + done.stderr
