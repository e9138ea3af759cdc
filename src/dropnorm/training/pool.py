"""The worker processes of this process: started once, and ended with it.

Processes, not threads: JAX on a CPU takes the calls of one process one at a time, and TensorFlow
gained less from threads. joblib starts the processes, maps large arrays into their memory and
brings results and errors back; what it does not do stands here: progress, workers that end with
the process that started them, and files of processes that were killed.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import itertools
import os
import shutil
import signal
import sys
import tempfile
import threading
import warnings
from collections import defaultdict
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.backend import get_context, resource_tracker

from dropnorm.training import locks
from dropnorm.training.worker_processes import end_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    # What a worker calls to tell how far it is.
    Tell = Callable[[Any], None]

# A worker that has grown, as JAX's do with every network they compile, is replaced by another.
warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)

# Folders of files that workers read, and what says that one is in use.
_PREFIX, _LOCK = "dropnorm-", "in-use.lock"
# A worker leaves when it had nothing to do for so long.
_IDLE_SECONDS = 60

# Of which process, for how many threads, how many workers were started.
_started: set[tuple[int, int, int]] = set()
_listeners: dict[int, _Listener] = {}
_numbers = itertools.count()
# How many calls use workers of which kind: those of another kind have to wait.
_in_use: defaultdict[tuple[int, int], int] = defaultdict(int)
_free = threading.Condition()
_starting, _ending = threading.Lock(), threading.Lock()


def compute(
    tasks: Sequence[Callable[[Tell], Any]],
    on_told: Callable[[Any], None],
    threads: int,
    workers: int,
) -> Iterator[tuple[int, Any]]:
    """Compute tasks in workers, in their order as far as there are workers.

    The workers are those of the calls before, and wait for work of the next. If a task fails, or
    whoever is told, all workers are ended.

    Args:
        tasks: Each is given what tells ``on_told`` how far it is.
        on_told: Called in a thread of this process.
        threads: On which the engine of a worker computes.
        workers: How many.

    Returns:
        The place of each task and its result, as they come, and after all that the task has told.
        The tasks begin when the first is asked for.

    Raises:
        BrokenExecutor: If a worker was killed, or does not start. What a task raises is raised too.
    """
    # From here on, not from the first result on, they can be ended.
    number = next(_numbers)
    _listeners[number] = _Listener(on_told, len(tasks))
    return _results(number, tasks, threads, workers)


def _results(
    number: int, tasks: Sequence[Callable[[Tell], Any]], threads: int, workers: int
) -> Iterator[tuple[int, Any]]:
    kind, listener = (threads, workers), _listeners[number]
    with _free:  # workers of another kind would be ended while they compute
        _free.wait_for(lambda: not any(n for other, n in _in_use.items() if other != kind))
        _in_use[kind] += 1
    try:
        _started.add((os.getpid(), threads, workers))
        results = _workers(threads, workers)(
            joblib.delayed(_compute_here)(number, place, task) for place, task in enumerate(tasks)
        )
        if listener.is_cancelled:  # before there were workers to end
            raise BrokenExecutor("the workers were ended")
        for place, result in results:
            listener.wait(place)
            yield place, result
    except BaseException:
        end_workers()
        if listener.error is not None:
            raise listener.error from None
        raise
    finally:
        del _listeners[number]
        with _free:
            _in_use[kind] -= 1
            _free.notify_all()


def started(threads: int) -> int:
    """Return how many workers this process has started, at most, for engines on so many threads."""
    here = os.getpid(), threads
    return max((workers for *kind, workers in _started if tuple(kind) == here), default=0)


def end_workers() -> None:
    """End the workers of this process, whatever they do; a later task starts others."""
    with _ending:
        for listener in list(_listeners.values()):
            listener.is_cancelled = True
        if any(process == os.getpid() for process, *_ in _started):
            get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=True)
        _started.clear()
        # Who was killed may have left a half-written message, or the queue locked.
        _told.cache_clear()


def _workers(threads: int, workers: int) -> joblib.Parallel:
    """Return what calls functions in the workers of this process: the same for each call."""
    here = os.getpid()
    with _starting:  # two threads would make two of each
        folder, told = _folder(here), _told(here, threads)
    return joblib.Parallel(
        max(2, workers),  # where it is to be one, joblib would compute in this process
        backend="loky",
        return_as="generator_unordered",
        pre_dispatch=workers,
        batch_size=1,
        mmap_mode="c",  # engines want arrays that can be written: what is would be the worker's own
        temp_folder=folder,
        idle_worker_timeout=_IDLE_SECONDS,
        initializer=_begin_worker,
        initargs=(told, here),
    )


class _Listener:
    """Passes on what the tasks of one call tell."""

    def __init__(self, on_told: Callable[[Any], None], tasks: int) -> None:
        self._on_told = on_told
        self._ended = [threading.Event() for _ in range(tasks)]
        self.error: Exception | None = None
        self.is_cancelled = False

    def hear(self, told: Any) -> None:
        """Take what a task tells."""
        if self.error is None:
            try:
                self._on_told(told)
            # Whatever it is, it belongs to who waits for the tasks, not to this thread.
            except Exception as error:
                self.error = error
                get_reusable_executor(reuse=True).shutdown(wait=False, kill_workers=True)

    def end(self, place: int) -> None:
        """Take that a task has ended."""
        self._ended[place].set()

    def wait(self, place: int) -> None:
        """Wait until all was heard: a result may be back before what was told last."""
        self._ended[place].wait()
        if self.error is not None:
            raise self.error


@functools.cache
def _told(process: int, threads: int) -> Any:
    """Return what workers write to and a thread of this process reads.

    Workers are taken again by who gives them the same queue: this process, not a fork of it, for
    trainings on as many threads.
    """
    _start_tracker()
    told = get_context("loky").SimpleQueue()

    def listen() -> None:
        while True:
            number, place, what = told.get()
            if listener := _listeners.get(number):
                if place is None:
                    listener.hear(what)
                else:
                    listener.end(place)

    name = f"listener of {process} for {threads} threads"
    threading.Thread(target=listen, name=name, daemon=True).start()
    return told


def _start_tracker() -> None:
    """Start the process that removes what an interrupted run leaves, and let it do so silently."""
    told = "ignore:resource_tracker:UserWarning"
    sys.warnoptions.append(told)
    try:
        resource_tracker.ensure_running()
    finally:
        sys.warnoptions.remove(told)


@functools.cache
def _folder(process: int) -> str:
    """Return the folder of files that workers map into their memory; it goes with its process.

    Where nothing was left to remove it, as when a container is stopped, the next process that makes
    such a folder does. It is known to be in use as long as its process lives.
    """
    _start_tracker()
    for other in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        lock = other / _LOCK
        if not other.is_symlink() and lock.is_file() and not locks.is_held(lock):
            shutil.rmtree(other, ignore_errors=True)
    # Takes its name once it is locked: nobody sees it before.
    made = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}{process}-"))
    locks.hold(made / _LOCK)
    with contextlib.suppress(OSError):  # Windows moves no folder in which a file is open
        made = made.rename(made.with_name(made.name.removeprefix(".")))
    resource_tracker.register(str(made), "folder")
    atexit.register(_remove_folder, str(made), process)
    return str(made)


def _remove_folder(folder: str, process: int) -> None:
    if process == os.getpid():
        shutil.rmtree(folder, ignore_errors=True)
        resource_tracker.unregister(folder, "folder")


_tell_parent: Any = None


def _begin_worker(told: Any, parent: int) -> None:
    global _tell_parent  # noqa: PLW0603  # a queue reaches a worker when it is made, not later
    _tell_parent = told.put
    # Ctrl-C goes to the whole group of processes: workers leave at once and without a word.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    end_with(parent)


def _compute_here(number: int, place: int, task: Callable[[Tell], Any]) -> tuple[int, Any]:
    result = task(lambda told: _tell_parent((number, None, told)))
    _tell_parent((number, place, None))
    return place, result
