"""Threads of reference models, which two threads of this process may fit at the same time."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Limit:
    """What BLAS is limited to: it has one limit for all threads of a process."""

    def __init__(self) -> None:
        self.free = threading.Condition()
        self.inside = 0
        self.threads = 0
        self.given_back = ExitStack()


_limit = _Limit()


@contextmanager
def limit_threads(threads: int) -> Iterator[None]:
    """Let BLAS and OpenMP compute on so many threads.

    The limit stays until the last thread of this process has left: another number of threads would
    change the last digits of a fit. Who wants another number waits until then.

    Args:
        threads: How many.
    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415  # only where it is needed

    with _limit.free:
        _limit.free.wait_for(lambda: not _limit.inside or _limit.threads == threads)
        if not _limit.inside:
            _limit.threads = threads
            _limit.given_back.enter_context(threadpool_limits(threads, user_api="blas"))
        _limit.inside += 1
    try:
        with threadpool_limits(threads, user_api="openmp"):  # of the thread that calls
            yield
    finally:
        with _limit.free:
            _limit.inside -= 1
            if not _limit.inside:
                _limit.given_back.close()
            _limit.free.notify_all()
