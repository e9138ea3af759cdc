"""Locks that a living process holds: the system frees them when it ends, however it does.

On NFS, Linux asks the server, so that machines that share a folder know of each other.
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_held: dict[Path, int] = {}
_guard = threading.Lock()

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def hold(file: Path) -> bool:
    """Take a lock, whose file is made if it is not there; return whether it was free.

    What this process forks holds the lock with it, what it starts anew does not. Where a file
    system knows no locks, none is taken, and :func:`is_held` says that it is: nobody can tell.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(descriptor)
    except (BlockingIOError, PermissionError):
        os.close(descriptor)
        return False
    except OSError:
        os.close(descriptor)
        return True
    with _guard:
        _held[file] = descriptor
    return True


def release(file: Path) -> None:
    """Give a lock back, and remove its file; one that is not held by this process as well."""
    with _guard:
        descriptor = _held.pop(file, None)
    if descriptor is not None:
        os.close(descriptor)
    with suppress(OSError):
        file.unlink()


def is_held(file: Path) -> bool:
    """Return whether a living process holds a lock, or may hold it."""
    try:
        descriptor = os.open(file, os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        _lock(descriptor)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
