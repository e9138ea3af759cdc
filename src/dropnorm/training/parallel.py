"""All replicas of a variant: here one after the other, spread over processes, or on a cluster.

Processes, not threads: JAX on a CPU takes the calls of one process one at a time, and TensorFlow
gained less from threads. What a replica's numbers are does not depend on where it is trained: every
process runs the engine with the threads that the study says.
"""

from __future__ import annotations

import itertools
import logging
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import weakref
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import loky
from loky.backend import get_context, resource_tracker

from dropnorm.training import cache, dask_cluster, locks
from dropnorm.training.backend import engine_threads, start_engine, threads_of
from dropnorm.training.worker_processes import end_with

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dropnorm.data.preprocessing import SplitInputs
    from dropnorm.study.schema import Study
    from dropnorm.study.variants import Variant
    from dropnorm.training.trainer import TrainedReplica

    Row = dict[str, float]

logger = logging.getLogger(__name__)

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
) -> list[TrainedReplica]:
    """Train replicas of a variant, with as many cores as that is worth; known ones are recalled.

    Args:
        study: Network and training options; its threads are for each training.
        variant: Which of the two layers the network has.
        replicas: Split and number of the start of each.
        on_epoch: Told the place in ``replicas`` and each epoch's row of the history; while the
            replicas are trained, in any order, possibly in another thread.

    Returns:
        What each training leaves, in the order of ``replicas``.
    """
    found: dict[int, TrainedReplica] = {}
    for place, (split, start) in enumerate(replicas):
        known = cache.recall(study, variant, split, start)
        if known is not None:
            found[place] = known
            last = known.history.iloc[-1]
            on_epoch(place, {str(name): float(value) for name, value in last.items()})
    if found:
        logger.info(
            "%s · %s: %d of %d replicas are known from earlier runs",
            study.label,
            variant,
            len(found),
            len(replicas),
        )
    missing = [place for place in range(len(replicas)) if place not in found]
    found |= zip(
        missing,
        _train_all(
            study,
            variant,
            [replicas[place] for place in missing],
            lambda place, row: on_epoch(missing[place], row),
        ),
        strict=True,
    )
    return [found[place] for place in range(len(replicas))]


def _train_all(
    study: Study,
    variant: Variant,
    replicas: Sequence[tuple[SplitInputs, int]],
    on_epoch: Callable[[int, Row], None],
) -> list[TrainedReplica]:
    if replicas and dask_cluster.address() is not None:
        return dask_cluster.train_on_cluster(study, variant, replicas, on_epoch)
    threads = threads_of(study)
    if not _worth_spreading(study, replicas):
        return [
            cache.recall_or_train(study, variant, split, start, partial(on_epoch, place))
            for place, (split, start) in enumerate(replicas)
        ]
    pool = _pool(threads, workers_for(study))
    try:
        trainings = [
            pool.train(partial(on_epoch, place), study, variant, split, start)
            for place, (split, start) in enumerate(replicas)
        ]
        start_engine(threads)  # which saving the networks needs, while others train
        return [training() for training in trainings]
    except BaseException:
        _discard(pool)
        raise


def workers_for(study: Study) -> int:
    """Return how many trainings run at a time: one on each core, or on the cores that it asks for.

    It has no part in the numbers. An engine's usual threads need no cores of their own: they serve
    where cores would be idle.
    """
    return max(1, int(loky.cpu_count()) // (study.training.threads or 1))


def estimate_seconds(study: Study, inputs: SplitInputs) -> float:
    """Estimate what one training takes on one core, to within a factor of three or so."""
    training = study.training
    sizes = (inputs.train.x.shape[1], *study.network.hidden, inputs.target.outputs)
    weights: int = sum(before * after for before, after in itertools.pairwise(sizes))
    rows = len(inputs.train.rows)
    steps = -(-rows // training.batch_size)
    # Two operations per weight and row forwards, four backwards.
    return training.epochs * (steps * _STEP_SECONDS + 6 * weights * rows / _FLOPS)


def _worth_spreading(study: Study, replicas: Sequence[tuple[SplitInputs, int]]) -> bool:
    threads, workers = threads_of(study), workers_for(study)
    if engine_threads() not in (None, threads):
        return True  # the engine of this process would give other numbers
    # Whoever runs nodes in processes of its own has spread them already.
    if multiprocessing.parent_process() is not None or workers == 1:
        return False
    # Nodes in threads train at the same time: then one replica is not alone.
    alone = len(replicas) == 1 and threading.current_thread() is threading.main_thread()
    if alone:
        return False
    seconds = sum(estimate_seconds(study, split) for split, _ in replicas)
    return seconds / 2 > (_READY_SECONDS if _key(threads, workers) in _pools else _START_SECONDS)


class _Files:
    """Splits in files that the workers map into their memory: one copy for all of them.

    A file goes when its split is no longer in use here, and all of them when this process ends,
    however it does. Where nothing was left to remove them, as when a container is stopped, the next
    one that makes such files does.
    """

    def __init__(self) -> None:
        _remove_stale()
        self._folder = str(_locked_folder())
        resource_tracker.register(self._folder, "folder")
        self._paths: dict[int, Path] = {}
        self._lock = threading.Lock()
        self.close = weakref.finalize(self, _remove_folder, self._folder)

    def path_of(self, inputs: SplitInputs) -> Path:
        """Return the file of a split, written when it is first asked for."""
        key = id(inputs)
        with self._lock:
            if key not in self._paths:
                inputs.checksum  # noqa: B018  # goes into the file, for no worker to compute again
                path = Path(tempfile.mkdtemp(dir=self._folder), "inputs")
                joblib.dump(inputs, path)
                self._paths[key] = path
                weakref.finalize(inputs, self._remove, key)
            return self._paths[key]

    def _remove(self, key: int) -> None:
        shutil.rmtree(self._paths.pop(key).parent, ignore_errors=True)


def _locked_folder() -> Path:
    """Make a folder that is known to be in use as long as this process lives."""
    made = Path(tempfile.mkdtemp(prefix=f".{_PREFIX}"))
    locks.hold(made / _LOCK)
    try:
        # Takes its name once it is locked: nobody sees it before.
        return made.rename(made.with_name(made.name.removeprefix(".")))
    except OSError:  # Windows moves no folder in which a file is open
        return made


def _remove_stale() -> None:
    """Remove the folders of processes that were killed together with all that tidies up."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        lock = folder / _LOCK
        if not folder.is_symlink() and lock.is_file() and not locks.is_held(lock):
            shutil.rmtree(folder, ignore_errors=True)


def _remove_folder(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    resource_tracker.unregister(folder, "folder")


class _Pool:
    """Worker processes, and a thread that hears from them how far they are."""

    def __init__(self, workers: int) -> None:
        self._numbers = itertools.count()
        self._listeners: dict[int, tuple[Callable[[Row], None], Future[None]]] = {}
        _start_tracker()
        self._files = _Files()
        self._told: Any = get_context("loky").SimpleQueue()
        self._executor = loky.ProcessPoolExecutor(
            workers,
            timeout=_IDLE_SECONDS,
            initializer=_begin_worker,
            initargs=(self._told, os.getpid()),
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def train(
        self,
        on_epoch: Callable[[Row], None],
        study: Study,
        variant: Variant,
        inputs: SplitInputs,
        start: int,
    ) -> Callable[[], TrainedReplica]:
        """Have a replica trained; the function returned waits for it."""
        number, all_told = next(self._numbers), Future[None]()
        self._listeners[number] = on_epoch, all_told
        file = self._files.path_of(inputs)
        future: Future[TrainedReplica] = self._executor.submit(
            _train_here, number, study, variant, file, start
        )

        def wait() -> TrainedReplica:
            trained = future.result()
            all_told.result()
            return trained

        return wait

    def close(self) -> None:
        """End the workers, whatever they do."""
        self._executor.shutdown(wait=True, kill_workers=True)
        self._files.close()

    def _listen(self) -> None:
        while True:
            number, row = self._told.get()
            on_epoch, all_told = self._listeners[number]
            if row is None:
                del self._listeners[number]
                if not all_told.done():
                    all_told.set_result(None)
                continue
            try:
                on_epoch(row)
            # Whatever it is, it belongs to who waits for the training, not to this thread.
            except Exception as error:
                if not all_told.done():
                    all_told.set_exception(error)


def _start_tracker() -> None:
    """Start the process that removes what an interrupted run leaves, and let it do so silently."""
    told = "ignore:resource_tracker:UserWarning"
    sys.warnoptions.append(told)
    try:
        resource_tracker.ensure_running()
    finally:
        sys.warnoptions.remove(told)


_pools: dict[tuple[int, int, int], _Pool] = {}
_pools_lock = threading.Lock()


def _key(threads: int, workers: int) -> tuple[int, int, int]:
    return os.getpid(), threads, workers  # the pool of a process is not that of its fork


def _pool(threads: int, workers: int) -> _Pool:
    key = _key(threads, workers)
    with _pools_lock:
        if key not in _pools:
            _pools[key] = _Pool(workers)
        return _pools[key]


def _discard(pool: _Pool) -> None:
    with _pools_lock:
        for key in [key for key, other in _pools.items() if other is pool]:
            del _pools[key]
    pool.close()


_tell_parent: Any = None


def _begin_worker(told: Any, parent: int) -> None:
    global _tell_parent  # noqa: PLW0603  # a queue reaches a worker when it is made, not later
    _tell_parent = told.put
    # Ctrl-C goes to the whole group of processes: workers leave at once and without a word.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    end_with(parent)


def _train_here(
    number: int, study: Study, variant: Variant, file: Path, start: int
) -> TrainedReplica:
    def tell(row: Row | None) -> None:
        _tell_parent((number, row))

    # Writable, as engines want arrays: what is written would be the worker's own.
    inputs: SplitInputs = joblib.load(file, mmap_mode="c")
    trained = cache.recall_or_train(study, variant, inputs, start, tell)
    tell(None)
    return trained
