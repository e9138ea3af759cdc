"""Import a package without the optional packages that it looks for and that nothing here needs."""

from __future__ import annotations

import contextlib
import sys
import threading
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


class _NotInstalled(Loader):
    """Refuses to load a module. Only then: who only looks for a package may go on.

    PyTorch looks for packages with ``importlib.util.find_spec``, where no error is expected.
    """

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Raise ModuleNotFoundError."""
        raise ModuleNotFoundError(f"No module named {spec.name!r}", name=spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: there is no module."""


class _Hidden(MetaPathFinder):
    """Finds, for one thread, packages that cannot be loaded.

    Args:
        names: Of the packages.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names, self._thread = names, threading.get_ident()

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        """Return a module without a file for these packages; leave others to other finders."""
        if fullname in self._names and threading.get_ident() == self._thread:
            return ModuleSpec(fullname, _NotInstalled())
        return None


@contextlib.contextmanager
def hidden(*names: str) -> Iterator[None]:
    """Import as if packages that this process has not imported were not installed.

    Args:
        names: Of packages, or of modules with the names of their packages before them.
    """
    finder = _Hidden(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
