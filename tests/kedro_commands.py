"""Run Kedro's commands one after the other in one process, as a user types them in a project.

An engine is imported once. Reads a JSON list of argument lists from standard input, and writes
``exit code: command`` after each to standard output.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml
from kedro.framework.cli.cli import KedroCLI

from dropnorm.config_loader import StudyConfigLoader


def shorten(study: str) -> None:
    """Give a study few epochs, splits and units, in its own file, to be quick."""
    (file,) = Path("conf").glob(f"*/parameters/{study}.yml")
    options = yaml.safe_load(file.read_text())
    options[study].setdefault("training", {})["epochs"] = 2
    options[study].setdefault("replicas", {})["splits"] = 2
    options[study].setdefault("network", {})["hidden"] = [8]
    file.write_text(yaml.safe_dump(options, sort_keys=False))


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
        if command[:2] == ["study", "new"] and not code:
            shorten(command[2])
        sys.stdout.flush()
        print(f"{code}: kedro {' '.join(command)}", flush=True)  # noqa: T201
