"""What the benchmarks share: a program run by itself, with its time and the most memory it held."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
# A processor's products are slowed by these, which some machines set for older libraries' sake.
SLOWING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
_PACKAGES = ("tensorflow", "jax", "jaxlib", "keras", "numpy", "scikit-learn", "kedro")


@dataclass(frozen=True)
class Ended:
    """A program that has ended well.

    Attributes:
        told: Lines of JSON that it printed, read.
        seconds: From its start to its end.
        processor_seconds: Of it and of all that it started and waited for.
        peak_mib: The most memory that it and all its children held at one time, in MiB.
    """

    told: list[dict]
    seconds: float
    processor_seconds: float
    peak_mib: int


def run(*command: str, engine: str = "tensorflow", cwd: Path = ROOT, **variables: str) -> Ended:
    """Run Python on an engine, without the memory of earlier trainings.

    Raises:
        RuntimeError: If it does not end well; with what it said.
    """
    env = {key: value for key, value in os.environ.items() if key not in SLOWING}
    env |= {"KERAS_BACKEND": engine, "DROPNORM_MEMORY": "off", "TF_CPP_MIN_LOG_LEVEL": "3"}
    began, before, most = time.perf_counter(), _used_by_children(), 0
    with subprocess.Popen(  # the neighbours of this file
        [sys.executable, *command], cwd=cwd, env=env | variables, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        while True:
            try:
                said, errors = running.communicate(timeout=0.5)
                break
            except subprocess.TimeoutExpired:
                most = max(most, held_by(running.pid))
    seconds, used = time.perf_counter() - began, _used_by_children() - before
    if running.returncode:
        raise RuntimeError(f"{' '.join(command)}: {said[-2000:]}{errors[-2000:]}")
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    return Ended(lines, seconds, used, most // 2**20)


def _used_by_children() -> float:
    """Return the processors' seconds of all that this process started and that has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def held_by(pid: int) -> int:
    """Return the bytes that a process and all that it started hold now, shared pages once."""
    return sum(_pages(one) for one in _tree(pid))


def _tree(pid: int) -> list[int]:
    """Return a process and all that it started."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:  # it has ended meanwhile
            continue
        for child in children:
            found += _tree(int(child))
    return found


def _pages(pid: int) -> int:
    """Return the bytes of a process, of pages that it shares with n others one nth."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def copy_project(folder: Path, root: Path = ROOT) -> Path:
    """Copy configuration and tables to a folder, to run there and leave this one as it is."""
    shutil.copytree(root / "conf", folder / "conf")
    shutil.copytree(root / "data" / "01_raw", folder / "data" / "01_raw")
    (folder / "src").mkdir()  # Kedro asks for one; the package is the installed one
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(root / name, folder)
    return folder


def told(values: list[float], form: str = ".2f") -> str:
    """Write a median with its range."""
    low, high = min(values), max(values)
    spread = f" ({low:{form}} to {high:{form}})" if len(values) > 1 else ""
    return f"{median(values):{form}}{spread}"


def machine() -> str:
    """Say what was measured on: processor, cores, system, versions."""
    cpu = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    return (
        f"{cpu}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()},"
        f" {packages}"
    )


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Write a table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
