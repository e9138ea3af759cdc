"""What commands that do not train import."""

from __future__ import annotations

import os
import subprocess
import sys

from conftest import ROOT

SCRIPT = """
import sys
from pathlib import Path

import pytest
from kedro.framework.cli.cli import KedroCLI
from kedro.framework.startup import bootstrap_project

ENGINES = {"keras", "tensorflow", "jax", "torch"}
project = Path.cwd()
bootstrap_project(project)
command_line = KedroCLI(project)
for words in sys.argv[2:]:
    try:
        ended = command_line.main(words.split(), prog_name="kedro", standalone_mode=False)
    except SystemExit as end:
        ended = end.code
    print("ran", words, ended or 0, sorted(ENGINES & set(sys.modules)))
collected = pytest.main(["--collect-only", "-qq", "-n0", "--no-cov", "-p", "no:cacheprovider",
                         "--rootdir", sys.argv[1], f"--config-file={sys.argv[1]}/pyproject.toml",
                         f"{sys.argv[1]}/tests"])
print("ran", "pytest", int(collected), sorted(ENGINES & set(sys.modules)))
"""
COMMANDS = (
    "registry list", "catalog describe-datasets", "study list", "study check wine", "viz build",
)  # fmt: skip


def test_commands_that_do_not_train_and_collecting_the_tests_import_no_engine(project):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(ROOT), *COMMANDS], cwd=project, text=True,
        capture_output=True, timeout=600, check=False,
        env={key: value for key, value in os.environ.items() if not key.startswith("PYTEST")},
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    told = [line for line in done.stdout.splitlines() if line.startswith("ran ")]
    assert told == [f"ran {words} 0 []" for words in (*COMMANDS, "pytest")]
    assert (project / "build" / "index.html").is_file()
