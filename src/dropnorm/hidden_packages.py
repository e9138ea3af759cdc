"""Import a package without the optional packages that it looks for and that nothing here needs."""

from __future__ import annotations

import contextlib
import sys
import threading
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Hidden(MetaPathFinder):
    """Finds, for one thread, that packages are not installed.

    Args:
        names: Of the packages.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names, self._thread = names, threading.get_ident()

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Raise ModuleNotFoundError for these packages; leave others to other finders."""
        if fullname in self._names and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


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
