"""All replicas of a variant: here one after the other, spread over processes, or on a cluster.

Processes, not threads: JAX on a CPU takes the calls of one process one at a time, and TensorFlow
gained less from threads. joblib starts the processes, maps large arrays into their memory and
brings results and errors back; what it does not do stands here: progress, workers that end with
the process that started them, and files of processes that were killed. A replica's numbers do not
depend on where it is trained: every process runs the engine with the threads that the study says.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import itertools
import logging
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import warnings
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.backend import get_context, resource_tracker

from dropnorm.study.arms import arm_names, arm_of
from dropnorm.training import cache, dask_cluster, locks
from dropnorm.training.backend import engine_threads, start_engine, threads_of
from dropnorm.training.execution import HERE
from dropnorm.training.job import Job
from dropnorm.training.worker_processes import end_with

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dropnorm.data.preprocessing import SplitInputs
    from dropnorm.study.schema import Study
    from dropnorm.study.variants import Variant
    from dropnorm.training.execution import Execution
    from dropnorm.training.trainer import TrainedReplica

    Row = dict[str, float]

logger = logging.getLogger(__name__)

# A worker that has grown, as JAX's do with every network they compile, is replaced by another.
warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)

# Seconds until a new worker has imported its engine and compiled, and for one that has.
_START_SECONDS, _READY_SECONDS = 8.0, 1.0
# Folders of files that workers read, and what says that one is in use.
_PREFIX, _LOCK = "dropnorm-", "in-use.lock"
# A worker leaves when it had nothing to do for so long.
_IDLE_SECONDS = 60
# What one core does, roughly: per step beside the arithmetic, and arithmetic per second.
_STEP_SECONDS, _FLOPS = 5e-4, 8e10


def train_replicas(
    study: Study,
    variant: Variant,
    replicas: Sequence[tuple[SplitInputs, int]],
    on_epoch: Callable[[int, Row], None],
    execution: Execution = HERE,
) -> list[TrainedReplica]:
    """Train replicas of a variant, with as many cores as that is worth; known ones are recalled.

    Args:
        study: Network and training options; its threads are for each training.
        variant: Which of the two layers the network has.
        replicas: Split and number of the start of each.
        on_epoch: Told the place in ``replicas`` and each epoch's row of the history; while the
            replicas are trained, in any order, possibly in another thread. Of a known replica, the
            last row.
        execution: Where they are trained and kept; left out, here, and nothing is kept.

    Returns:
        What each training leaves, in the order of ``replicas``.
    """
    return train_jobs([Job(study, variant, *one) for one in replicas], on_epoch, execution)


def train_jobs(
    jobs: Sequence[Job],
    on_epoch: Callable[[int, Row], None],
    execution: Execution = HERE,
    *,
    together: int = 1,
) -> list[TrainedReplica]:
    """Train replicas, each with the options of its own study; see :func:`train_replicas`.

    Args:
        jobs: What is trained, all with the same number of threads.
        on_epoch: Told the place in ``jobs`` and each epoch's row of the history.
        execution: Where they are trained and kept; left out, here, and nothing is kept.
        together: So many neighbours go to one worker: those of one network are compiled once.
    """
    recalled = [cache.recall(*job, execution.memory) for job in jobs]
    found = {place: known for place, known in enumerate(recalled) if known is not None}
    if found:
        logger.info(
            "%s · %s: %d of %d replicas are known from earlier runs",
            jobs[0].study.label,
            jobs[0].variant,
            len(found),
            len(jobs),
        )
    for place, known in found.items():
        on_epoch(place, known.last_row())
    missing = [place for place in range(len(jobs)) if place not in found]
    trained = _train_all(
        [jobs[place] for place in missing],
        lambda place, row: on_epoch(missing[place], row),
        execution,
        together,
    )
    found |= zip(missing, trained, strict=True)
    return [found[place] for place in range(len(jobs))]


def _train_all(
    jobs: Sequence[Job],
    on_epoch: Callable[[int, Row], None],
    execution: Execution,
    together: int,
) -> list[TrainedReplica]:
    if not jobs:
        return []
    if execution.cluster is not None:
        return dask_cluster.train_on_cluster(jobs, on_epoch, execution)
    workers = execution.workers or workers_for(jobs[0].study)
    if _worth_spreading(jobs, workers):
        return _train_in_workers(jobs, on_epoch, execution.memory, workers, together)
    return [
        cache.recall_or_train(*job, partial(on_epoch, place), execution.memory)
        for place, job in enumerate(jobs)
    ]


def prepare_workers(study: Study, inputs: Sequence[SplitInputs], execution: Execution) -> None:
    """Start the workers of trainings that are to come: they import their engine meanwhile.

    None are started for trainings that will be done elsewhere, or that are not worth it: those of
    all networks of the study count together.

    Args:
        study: Whose networks will be trained.
        inputs: Its splits.
        execution: Where they are trained and kept.
    """
    threads, workers = threads_of(study), execution.workers or workers_for(study)
    if execution.cluster is not None or not _may_spread(workers):
        return
    arms = [arm_of(study, name) for name in arm_names(study)]
    starts = range(study.replicas.starts)
    jobs = [
        Job(arm.study, arm.variant, split.as_seen_by(arm.study.training), start)
        for arm in arms
        for split, start in product(inputs, starts)
    ]
    missing = [job for job in jobs if not cache.is_kept(*job, execution.memory)]
    if sum(estimate_seconds(job.study, job.inputs) for job in missing) / 2 > _START_SECONDS:
        parallel = _workers(threads, workers)
        _started.add((os.getpid(), threads, workers))
        threading.Thread(
            target=_start_engines, args=(parallel, threads, workers), daemon=True
        ).start()


def _start_engines(parallel: Any, threads: int, workers: int) -> None:
    # A worker that does not start is told of by the first training that it should have done.
    with contextlib.suppress(Exception):
        for _ in parallel(joblib.delayed(start_engine)(threads) for _ in range(workers)):
            pass


def workers_for(study: Study) -> int:
    """Return how many trainings run at a time: one on each core, or on the cores that it asks for.

    It has no part in the numbers. An engine's usual threads need no cores of their own: they serve
    where cores would be idle.
    """
    return max(1, int(joblib.cpu_count()) // (study.training.threads or 1))


def estimate_seconds(study: Study, inputs: SplitInputs) -> float:
    """Estimate what one training takes on one core, to within a factor of three or so."""
    training = study.training
    sizes = (inputs.train.x.shape[1], *study.network.hidden, inputs.target.outputs)
    weights: int = sum(before * after for before, after in itertools.pairwise(sizes))
    rows = len(inputs.train.rows)
    steps = -(-rows // training.batch_size)
    # Two operations per weight and row forwards, four backwards.
    return training.epochs * (steps * _STEP_SECONDS + 6 * weights * rows / _FLOPS)


def _worth_spreading(jobs: Sequence[Job], workers: int) -> bool:
    threads = threads_of(jobs[0].study)
    if engine_threads() not in (None, threads):
        return True  # the engine of this process would give other numbers
    if not _may_spread(workers):
        return False
    # Nodes in threads train at the same time: then one replica is not alone.
    alone = len(jobs) == 1 and threading.current_thread() is threading.main_thread()
    if alone:
        return False
    seconds = sum(estimate_seconds(job.study, job.inputs) for job in jobs)
    ready = (os.getpid(), threads, workers) in _started
    return seconds / 2 > (_READY_SECONDS if ready else _START_SECONDS)


def _may_spread(workers: int) -> bool:
    # Whoever runs nodes in processes of its own has spread them already.
    return multiprocessing.parent_process() is None and workers > 1


# Of which process, with how many threads, how many workers were started.
_started: set[tuple[int, int, int]] = set()
_listeners: dict[int, _Listener] = {}
_numbers = itertools.count()


def _train_in_workers(
    jobs: Sequence[Job],
    on_epoch: Callable[[int, Row], None],
    memory: Path | None,
    workers: int,
    together: int,
) -> list[TrainedReplica]:
    threads, here, number = threads_of(jobs[0].study), os.getpid(), next(_numbers)
    listener = _listeners[number] = _Listener(on_epoch)
    for job in jobs:
        job.inputs.checksum  # noqa: B018  # goes along, for no worker to compute again
    parallel = _workers(threads, workers, together)
    try:
        trainings = parallel(
            joblib.delayed(_train_here)(number, place, job, memory)
            for place, job in enumerate(jobs)
        )
        _started.add((here, threads, workers))
        start_engine(threads)  # which saving the networks needs, while others train
        trained = list(trainings)
        listener.wait(len(trained))
    except BaseException:
        end_workers()
        if listener.error is not None:
            raise listener.error from None
        raise
    finally:
        del _listeners[number]
    return trained


def _workers(threads: int, workers: int, together: int = 1) -> joblib.Parallel:
    """Return what calls functions in the workers of this process: the same for each call."""
    here = os.getpid()
    return joblib.Parallel(
        max(2, workers),  # where it is to be one, joblib would train in this process
        backend="loky",
        return_as="generator",
        pre_dispatch=workers * together,
        batch_size=together,
        mmap_mode="c",  # engines want arrays that can be written: what is would be the worker's own
        temp_folder=_folder(here),
        idle_worker_timeout=_IDLE_SECONDS,
        initializer=_begin_worker,
        initargs=(_told(here, threads), here),
    )


def end_workers() -> None:
    """End the workers of this process, whatever they do; a later training starts others."""
    if any(process == os.getpid() for process, *_ in _started):
        get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=True)
    _started.clear()
    _told.cache_clear()  # who was killed may have left a half-written message, or the queue locked


class _Listener:
    """Passes on how far the trainings of one call are."""

    def __init__(self, on_epoch: Callable[[int, Row], None]) -> None:
        self._on_epoch = on_epoch
        self._ended = threading.Semaphore(0)
        self.error: Exception | None = None

    def hear(self, place: int, row: Row | None) -> None:
        """Take an epoch of a training, or that it has ended."""
        if row is None:
            self._ended.release()
        elif self.error is None:
            try:
                self._on_epoch(place, row)
            # Whatever it is, it belongs to who waits for the trainings, not to this thread.
            except Exception as error:
                self.error = error
                get_reusable_executor(reuse=True).shutdown(wait=False, kill_workers=True)

    def wait(self, trainings: int) -> None:
        """Wait until all was heard: a training may be back before its last epoch was told."""
        for _ in range(trainings):
            self._ended.acquire()
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
            number, place, row = told.get()
            if listener := _listeners.get(number):
                listener.hear(place, row)

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


def _train_here(number: int, place: int, job: Job, memory: Path | None) -> TrainedReplica:
    def tell(row: Row | None) -> None:
        _tell_parent((number, place, row))

    trained = cache.recall_or_train(*job, tell, memory)
    tell(None)
    return trained
