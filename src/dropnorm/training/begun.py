"""What this process has begun to compute before anybody asks for it.

A run begins all its trainings at once, before its first node, so that no worker waits for a node. A
node takes the results of its own. It finds them by a key that stands for all that a result depends
on. Who finds none computes anew.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable
    from concurrent.futures import Future

# Two networks of a study may be the same: each is trained, and each result is taken once.
_begun: defaultdict[Hashable, deque[Future[Any]]] = defaultdict(deque)
_lock = threading.Lock()


def add(key: Hashable, result: Future[Any]) -> None:
    """Keep what has begun, until it is taken."""
    with _lock:
        _begun[key].append(result)


def take(key: Hashable) -> Future[Any] | None:
    """Return what has begun under a key, for its only use; None if nothing has."""
    with _lock:
        waiting = _begun.get(key)
        if not waiting:
            return None
        result = waiting.popleft()
        if not waiting:
            del _begun[key]
        return result


def forget_all() -> None:
    """Drop what nobody took, as after a run that has failed."""
    with _lock:
        _begun.clear()
