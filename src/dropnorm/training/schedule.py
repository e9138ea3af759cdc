"""Which trainings workers take, and when: what each takes, and whether workers are worth it."""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

from dropnorm.training.backend import engine_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dropnorm.training.job import Job


class _Pace(NamedTuple):
    """How fast an engine is, roughly, on one core.

    Attributes:
        start: Seconds until a new worker has imported it and compiled.
        step: Seconds of a step beside the arithmetic.
    """

    start: float
    step: float


_PACES = {"jax": _Pace(4.0, 1.5e-4)}
_USUAL_PACE = _Pace(6.0, 5e-4)
# Seconds until a worker that has an engine has compiled.
_READY_SECONDS = 1.0
# Arithmetic per second of one core, and seconds of the two layers per unit and row.
_FLOPS = 8e10
_DROPOUT_SECONDS, _BATCHNORM_SECONDS = 8e-9, 5e-9
# Trainings that one worker does in a row, so that it alone compiles their network, take at most so
# many seconds: with more, the other workers would have to wait for the last one.
_IN_A_ROW_SECONDS = 10.0


def _pace() -> _Pace:
    return _PACES.get(engine_name(), _USUAL_PACE)


def is_worth_workers(jobs: Sequence[Job], *, ready: bool) -> bool:
    """Tell whether two workers would train sooner than one process does.

    Args:
        jobs: What is trained.
        ready: Whether workers have been started before.
    """
    return sum(map(estimate_seconds, jobs)) / 2 > (_READY_SECONDS if ready else _pace().start)


def estimate_seconds(job: Job) -> float:
    """Estimate what one training takes on one core, to within a factor of three or so."""
    network, training = job.study.network, job.study.training
    sizes = (job.inputs.train.x.shape[1], *network.hidden, job.inputs.target.outputs)
    weights: int = sum(before * after for before, after in itertools.pairwise(sizes))
    # Two operations per weight and row forwards, four backwards.
    per_row = 6 * weights / _FLOPS
    if job.variant.has_dropout:
        per_row += _DROPOUT_SECONDS * sum(network.hidden)
    if job.variant.has_batchnorm:
        per_row += _BATCHNORM_SECONDS * sum(network.hidden)
    if network.batch_ensemble is not None:
        per_row *= network.batch_ensemble.members
    rows = len(job.inputs.train.rows)
    steps = -(-rows // training.batch_size)
    return training.epochs * (steps * _pace().step + per_row * rows)


def order_jobs(jobs: Sequence[Job], workers: int) -> list[list[int]]:
    """Return the places of jobs in the order in which workers take them, the longest first.

    What stands together is trained by one worker, one after the other: replicas of one network,
    which a worker compiles once. No row of them is much longer than half of what a worker has to do
    in all, so that all end at about the same time.

    Args:
        jobs: What is trained.
        workers: How many train at a time.
    """
    seconds = [estimate_seconds(job) for job in jobs]
    # A third more, so that the replicas of four networks stay together where one takes longer.
    most = min(4 / 3 * sum(seconds) / (2 * workers), _IN_A_ROW_SECONDS)
    alike: dict[Any, list[int]] = {}
    for place, job in enumerate(jobs):
        network = job.study.network, job.variant, job.study.training
        alike.setdefault(network, []).append(place)
    rows = []
    for places in alike.values():
        row: list[int] = []
        for place in places:
            if row and sum(seconds[one] for one in [*row, place]) > most:
                rows.append(row)
                row = []
            row.append(place)
        rows.append(row)
    return sorted(rows, key=lambda row: -sum(seconds[place] for place in row))


def estimate_ends(
    rows: Sequence[Sequence[int]], jobs: Sequence[Job], workers: int
) -> dict[int, float]:
    """Estimate after how many seconds each job has ended, by its place."""
    free = [0.0] * workers  # after how many seconds each worker is
    ends = {}
    for row in rows:
        end = heapq.heappop(free)
        for place in row:
            end += estimate_seconds(jobs[place])
            ends[place] = end
        heapq.heappush(free, end)
    return ends
