"""What commands that do not train import."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import sys
from pathlib import Path

from kedro.framework.cli.cli import KedroCLI
from kedro.framework.startup import bootstrap_project

project = Path.cwd()
bootstrap_project(project)
command_line = KedroCLI(project)
for words in sys.argv[1:]:
    try:
        ended = command_line.main(words.split(), prog_name="kedro", standalone_mode=False)
    except SystemExit as end:
        ended = end.code
    print()  # ends a line that kedro-viz leaves open
    print("ran", words, ended or 0, flush=True)
"""
COMMANDS = (
    "registry list", "catalog describe-datasets", "study list", "study check wine", "viz build",
)  # fmt: skip


ENGINES = {"keras", "tensorflow", "jax", "torch"}
# What takes long to import, and a list does not use.
HEAVY = {"sklearn", "scipy.stats", "scipy.optimize", "matplotlib", "sqlalchemy.engine"}


def imported_by(*command: str, cwd: Path) -> tuple[subprocess.CompletedProcess[str], set[str]]:
    """Run Python; return the modules that it, or a process that it started, has imported."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, *command], cwd=cwd, env={**env, "PYTHONPROFILEIMPORTTIME": "1"},
        text=True, capture_output=True, timeout=800, check=False,
    )  # fmt: skip
    imported = {
        line.rpartition("|")[2].strip()
        for line in done.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert "dropnorm.study.schema" in imported, done.stdout  # so they are told at all
    return done, imported


def test_commands_that_do_not_train_import_no_engine(project):
    done, imported = imported_by("-c", SCRIPT, *COMMANDS, cwd=project)

    told = [line for line in done.stdout.splitlines() if line.startswith("ran ")]
    assert told == [f"ran {words} 0" for words in COMMANDS]
    assert (project / "build" / "index.html").is_file()
    assert imported & ENGINES == set()


def test_lists_of_studies_and_pipelines_import_no_library_that_computes_or_draws(project):
    done, imported = imported_by("-c", SCRIPT, "study list", "registry list", cwd=project)

    assert done.stdout.count("ran ") == 2
    assert imported & (ENGINES | HEAVY) == set()


def test_collecting_the_tests_imports_no_engine(imported_when_collected):
    assert "dropnorm.study.schema" in imported_when_collected
    assert imported_when_collected & ENGINES == set()
