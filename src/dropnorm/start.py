"""Ctrl-C while Kedro and the project are being imported; imports nothing that takes time.

Why it is an entry point: ``docs/development/decisions/0014-ctrl-c-from-the-start.md``.
"""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from kedro.utils import find_kedro_project

if TYPE_CHECKING:
    from types import FrameType


def begin() -> None:
    """What Kedro calls first of all (its entry point ``kedro.init``), in every project."""
    if _is_this_project():
        begin_imports()


def begin_imports() -> None:
    """Let Ctrl-C end a command in one line before the command itself begins; collect no garbage.

    Imports take seconds then, and nothing has been read or written that would have to be put in
    order. A sixth of their time went into looking for garbage, of which they make none. When the
    process ends, Python would look through all of it again: a second and more with an engine.
    """
    gc.disable()
    atexit.register(gc.freeze)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def end_imports() -> None:
    """Let Ctrl-C mean what it meant, and collect garbage, once everything is imported."""
    if not gc.isenabled():
        gc.freeze()  # what is imported stays: it need not be looked at again
        gc.enable()
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _is_this_project() -> bool:
    folder = find_kedro_project(Path.cwd())
    if folder is None:
        return False
    try:
        described = tomllib.loads(Path(folder, "pyproject.toml").read_text(encoding="utf-8"))
        return bool(described["tool"]["kedro"]["package_name"] == "dropnorm")
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _end(number: int, _: FrameType | None) -> None:
    # An exception could be caught by whatever is being imported.
    sys.stderr.write("Interrupted\n")
    sys.stderr.flush()
    os._exit(128 + number)
