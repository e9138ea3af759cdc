"""All replicas of a run: here one after the other, spread over processes, or on a cluster.

A run begins its trainings before its first node, those of all networks in one queue, the longest
first: workers then have something to do until the last training. A node takes the results of its
own trainings, and trains what has not begun. A replica's numbers do not depend on where and when it
is trained: every process runs the engine with the threads that the study says.
"""

from __future__ import annotations

import logging
import math
import multiprocessing
import threading
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

import joblib

from dropnorm.training import begun, cache, dask_cluster, pool
from dropnorm.training.backend import engine_threads, start_engine, threads_of
from dropnorm.training.execution import HERE
from dropnorm.training.job import Job
from dropnorm.training.schedule import estimate_ends, is_worth_workers, order_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from dropnorm.data.preprocessing import SplitInputs
    from dropnorm.study.schema import Study
    from dropnorm.study.variants import Variant
    from dropnorm.training.execution import Execution
    from dropnorm.training.trainer import TrainedReplica

    Row = dict[str, float]
    OnEpoch = Callable[[int, Row], None]
    # The trainings of a network, and who is told their epochs.
    Asked = tuple[Sequence[Job], OnEpoch]

logger = logging.getLogger(__name__)


def train_replicas(
    study: Study,
    variant: Variant,
    replicas: Sequence[tuple[SplitInputs, int]],
    on_epoch: OnEpoch,
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
    jobs: Sequence[Job], on_epoch: OnEpoch, execution: Execution = HERE
) -> list[TrainedReplica]:
    """Train replicas, each with the options of its own study; see :func:`train_replicas`.

    Args:
        jobs: What is trained, all with the same number of threads.
        on_epoch: Told the place in ``jobs`` and each epoch's row of the history; not of those that
            :func:`begin_trainings` has begun.
        execution: Where they are trained and kept; left out, here, and nothing is kept.
    """
    waiting = {
        place: result
        for place, job in enumerate(jobs)
        if (result := begun.take(cache.key_of(*job))) is not None
    }
    found: dict[int, TrainedReplica] = {}
    for place in range(len(jobs)):
        if place not in waiting and (known := cache.recall(*jobs[place], execution.memory)):
            found[place] = known
    if found:
        logger.info(
            "%s · %s: %s known from earlier runs",
            jobs[0].study.label,
            jobs[0].variant,
            _replicas_are(len(found), len(jobs)),
        )
    for place, known in found.items():
        on_epoch(place, known.last_row())
    missing = [place for place in range(len(jobs)) if place not in found and place not in waiting]
    trained = _train_all(
        [jobs[place] for place in missing],
        lambda place, row: on_epoch(missing[place], row),
        execution,
    )
    found |= zip(missing, trained, strict=True)
    if waiting:
        start_engine(threads_of(jobs[0].study))  # which saving the networks needs
        found |= zip(waiting, _wait(list(waiting.values())), strict=True)
    return [found[place] for place in range(len(jobs))]


def _replicas_are(count: int, of: int) -> str:
    if of == 1:
        return "the one replica is"
    return f"{count} of {of} replicas {'is' if count == 1 else 'are'}"


def begin_trainings(networks: Sequence[Asked], execution: Execution) -> list[int]:
    """Begin in workers what :func:`train_jobs` will be asked for, if that is worth starting them.

    Known replicas are left out, and those that need workers of another kind than the first: with
    another number of threads.

    Args:
        networks: The trainings of each network, and who is told their epochs.
        execution: Where they are trained and kept; on a cluster nothing is begun.

    Returns:
        The places of all networks, in the order in which their trainings are expected to end, those
        with nothing to train first, and those that have not begun last. Empty if no worker trains.
    """
    wanted = [
        (network, job, partial(on_epoch, place))
        for network, (jobs, on_epoch) in enumerate(networks)
        for place, job in enumerate(jobs)
        if not cache.is_kept(*job, execution.memory)
    ]
    if execution.cluster is not None or not wanted:
        return []
    kind = _kind(wanted[0][1].study, execution)
    begun_now = [one for one in wanted if _kind(one[1].study, execution) == kind]
    jobs = [job for _, job, _ in begun_now]
    if not _may_spread(kind[1]) or not is_worth_workers(jobs, ready=False):
        return []
    rows = order_jobs(jobs, kind[1])
    results = _submit(jobs, [tell for *_, tell in begun_now], rows, execution.memory, *kind)
    for job, result in zip(jobs, results, strict=True):
        begun.add(cache.key_of(*job), result)
    ends = dict.fromkeys(range(len(networks)), 0.0)
    for place, end in estimate_ends(rows, jobs, kind[1]).items():
        network = begun_now[place][0]
        ends[network] = max(ends[network], end)
    later = {one[0] for one in wanted if _kind(one[1].study, execution) != kind}
    return sorted(ends, key=lambda network: math.inf if network in later else ends[network])


def end_trainings() -> None:
    """End what trains, and drop what has been trained for nobody, as after a run that failed."""
    pool.end_workers()
    begun.forget_all()


def _train_all(
    jobs: Sequence[Job], on_epoch: OnEpoch, execution: Execution
) -> list[TrainedReplica]:
    if not jobs:
        return []
    if execution.cluster is not None:
        return dask_cluster.train_on_cluster(jobs, on_epoch, execution)
    threads, workers = _kind(jobs[0].study, execution)
    if _worth_spreading(jobs, workers):
        tells = [partial(on_epoch, place) for place in range(len(jobs))]
        rows = order_jobs(jobs, workers)
        results = _submit(jobs, tells, rows, execution.memory, threads, workers)
        start_engine(threads)  # which saving the networks needs, while others train
        return _wait(results)
    return [
        cache.recall_or_train(*job, partial(on_epoch, place), execution.memory)
        for place, job in enumerate(jobs)
    ]


def workers_for(study: Study) -> int:
    """Return how many trainings run at a time: one on each core, or on the cores that it asks for.

    It has no part in the numbers. An engine's usual threads need no cores of their own: they serve
    where cores would be idle.
    """
    return max(1, int(joblib.cpu_count()) // (study.training.threads or 1))


def _kind(study: Study, execution: Execution) -> tuple[int, int]:
    """Return the threads of the workers that train a study, and how many workers there are."""
    return threads_of(study), execution.workers or workers_for(study)


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
    return is_worth_workers(jobs, ready=pool.started(threads) > 0)


def _may_spread(workers: int) -> bool:
    # Whoever runs nodes in processes of its own has spread them already.
    return multiprocessing.parent_process() is None and workers > 1


def _submit(
    jobs: Sequence[Job],
    tells: Sequence[Callable[[Row], None]],
    rows: Sequence[Sequence[int]],
    memory: Path | None,
    threads: int,
    workers: int,
) -> list[Future[TrainedReplica]]:
    """Let workers train rows of jobs; return what will be there, in the order of the jobs."""
    for job in jobs:
        job.inputs.checksum  # noqa: B018  # goes along, for no worker to compute again
    results: list[Future[TrainedReplica]] = [Future() for _ in jobs]
    tasks = [partial(_train_row, [(place, jobs[place]) for place in row], memory) for row in rows]

    def hear(told: tuple[int, Row]) -> None:
        place, row = told
        tells[place](row)

    # One that has nothing to do would import an engine all the same.
    busy = min(workers, max(len(rows), pool.started(threads)))
    computed = pool.compute(tasks, hear, threads, busy)

    def collect() -> None:
        try:
            for _, trained in computed:
                for place, one in trained:
                    results[place].set_result(one)
        # Belongs to those who wait for a training, not to this thread.
        except BaseException as error:
            for result in results:
                if not result.done():
                    result.set_exception(error)

    threading.Thread(target=collect, name="trainings", daemon=True).start()
    return results


def _wait(results: Sequence[Future[TrainedReplica]]) -> list[TrainedReplica]:
    try:
        return [result.result() for result in results]
    except BaseException:  # of a training, or Ctrl-C
        end_trainings()
        raise


def _train_row(
    row: Sequence[tuple[int, Job]], memory: Path | None, tell: Callable[[tuple[int, Row]], None]
) -> list[tuple[int, TrainedReplica]]:
    def tell_of(place: int) -> Callable[[Row], None]:
        return lambda told: tell((place, told))

    return [(place, cache.recall_or_train(*job, tell_of(place), memory)) for place, job in row]
