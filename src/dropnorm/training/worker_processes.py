"""Processes that compute for another one, and end when it does."""

from __future__ import annotations

import os
import threading
import time

# Seconds between two looks at whether the other process is there.
_EVERY = 0.5

_forking = 0
_watched = False


def end_with(parent: int) -> None:
    """End this process, within a second, when the one that started it is no more.

    Who waits for work from a process that was killed waits for ever: a killed process tells nobody,
    and pipes stay open as long as one of its workers holds their other end.

    Args:
        parent: Of this process. (Windows never tells that it has gone.)
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_EVERY)
        os._exit(1)

    threading.Thread(target=watch, name="end_with", daemon=True).start()


def forks_end_with_this() -> None:
    """Let what is forked from here on end with the process that forked it."""
    global _watched  # noqa: PLW0603  # what is registered once stays
    if not _watched and hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_remember, after_in_child=lambda: end_with(_forking))
        _watched = True


def _remember() -> None:
    global _forking  # noqa: PLW0603  # the fork asks for it, and may have lost its parent by then
    _forking = os.getpid()
