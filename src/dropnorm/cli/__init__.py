"""Command line: ``kedro run`` with one-line errors and progress, and ``kedro study``.

Kedro asks this package for ``cli`` and ``run``. They are imported then, so that one module of the
package can be imported without all commands.
"""

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    if name in ("cli", "run"):
        return getattr(import_module("dropnorm.cli.main"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
