"""A run that is interrupted ends at once, whatever its runner waits for."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dropnorm.datasets.whole import discard_unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Seconds in which a run may clean up after itself, and then its worker processes.
_PATIENCE = 0.7


@contextmanager
def ends_when_interrupted(last_words: Callable[[], None]) -> Iterator[None]:
    """End the process at Ctrl-C or SIGTERM, with exit code 130 or 143.

    Kedro's runners wait for nodes that have begun, and start those that have been queued; a
    training can take hours. So the main thread is interrupted as always, which lets it tidy up, and
    a moment later the process ends with its workers and what they had not finished writing.

    Args:
        last_words: Called before the process ends; leaves the terminal as it was.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    run = os.getpid()
    received: list[int] = []
    ending = threading.Lock()

    def interrupted(number: int, _: Any) -> None:
        if os.getpid() != run:  # a worker, forked with these handlers
            discard_unfinished()
            os._exit(128 + number)
        if received:
            end()
            return
        received.append(number)
        timer = threading.Timer(_PATIENCE, end)
        timer.daemon = True
        timer.start()
        raise KeyboardInterrupt

    def end() -> None:
        if not ending.acquire(blocking=False):
            return
        last_words()
        sys.stdout.flush()
        sys.stderr.flush()
        _end_workers()
        discard_unfinished()
        os._exit(128 + received[0])

    # Who is deaf to a signal stays so, as programs in the background of a script are to Ctrl-C.
    before = {
        number: handler
        for number in _SIGNALS
        if (handler := signal.getsignal(number)) in (signal.default_int_handler, signal.SIG_DFL)
    }
    for number in before:
        signal.signal(number, interrupted)
    try:
        yield
    except KeyboardInterrupt:
        if not received:
            raise
        end()
        threading.Event().wait()  # the timer was first, and ends the process
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_workers() -> None:
    workers = multiprocessing.active_children()
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.join(_PATIENCE / len(workers))
        worker.kill()
