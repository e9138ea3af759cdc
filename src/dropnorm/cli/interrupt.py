"""A run that is interrupted ends at once, whatever its runner waits for."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from dropnorm.datasets.atomic_files import discard_unfinished
from dropnorm.training.worker_processes import forks_end_with_this

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has but the one
# Seconds in which the worker processes may tidy up.
_PATIENCE = 0.7


@contextlib.contextmanager
def ends_when_interrupted(last_words: Callable[[], None]) -> Iterator[None]:
    """End the process at Ctrl-C or SIGTERM, with exit code 130 or 143.

    A KeyboardInterrupt would not do: Kedro's runners wait for every node that has begun or been
    queued, and trainings take long; and raised while an engine is being imported it may abort.

    Args:
        last_words: Called before the process ends; leaves the terminal as it was.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    run = os.getpid()
    forks_end_with_this()  # also when it is killed, of which it hears nothing

    def end(number: int, _: Any) -> None:
        try:
            tidy_up()
        finally:  # whatever goes wrong there, nothing that waits for a training goes on
            os._exit(128 + number)

    def tidy_up() -> None:
        if os.getpid() == run:  # else a worker, forked with this handler
            # The signal may have come in the middle of a line that is being written.
            with contextlib.suppress(RuntimeError):
                last_words()
                sys.stdout.flush()
            _end_workers()
        discard_unfinished()

    # Who is deaf to a signal stays so, as programs in the background of a script are to Ctrl-C.
    before = {
        number: handler
        for number in _SIGNALS
        if (handler := signal.getsignal(number)) in (signal.default_int_handler, signal.SIG_DFL)
    }
    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_workers() -> None:
    workers = multiprocessing.active_children()
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.join(_PATIENCE / len(workers))
        # Not worker.kill(), which loky's workers do not have.
        with contextlib.suppress(ProcessLookupError):
            if worker.pid:
                os.kill(worker.pid, _KILL)
