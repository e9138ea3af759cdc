"""Run Kedro's commands one after the other in one process, as a user types them in a project.

An engine is imported once. Reads a JSON list of argument lists from standard input, and writes
``exit code: command`` after each to standard output.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from kedro.framework.cli.cli import KedroCLI

from dropnorm.config import StudyConfigLoader


def run(arguments: list[str]) -> int:
    StudyConfigLoader.latest = None  # as in a new process
    try:
        KedroCLI(Path.cwd()).main(arguments, prog_name="kedro")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


if __name__ == "__main__":
    for command in json.load(sys.stdin):
        code = run(command)
        sys.stdout.flush()
        print(f"{code}: kedro {' '.join(command)}", flush=True)  # noqa: T201
