"""Replicas on a Dask cluster: worker processes on this machine, or on many.

Dask does what is hard: it takes a split to the workers that need it, notices a worker that dies,
and has its work done anew by another. (joblib's backend for Dask does not: what it scatters is lost
with the worker that holds it, and what an interrupted run began goes on.) A replica's numbers do
not depend on where it is trained, as long as versions, engine and its threads agree; a worker where
they do not is refused.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.metadata
import importlib.util
import os
import sys
import threading
import time
import uuid
import weakref
from concurrent.futures import BrokenExecutor
from typing import TYPE_CHECKING, Any

from dropnorm.errors import BadInputError, in_one_line
from dropnorm.training import cache
from dropnorm.training.backend import engine_name, engine_threads, threads_of
from dropnorm.training.execution import CLUSTER
from dropnorm.training.switches import switches_of
from dropnorm.training.trainer import train_replica

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dropnorm.data.preprocessing import SplitInputs
    from dropnorm.study.schema import Study
    from dropnorm.study.variants import Variant
    from dropnorm.training.execution import Execution
    from dropnorm.training.job import Job
    from dropnorm.training.trainer import TrainedReplica

    Row = dict[str, float]

LOCAL = "local"
# Seconds that a scheduler may take to answer.
_CONNECT_SECONDS = 10
# Seconds between two messages of one training.
_QUIET_SECONDS = 0.2
# On which numbers may depend.
_PACKAGES = ("dropnorm", "keras", "numpy")


@contextlib.contextmanager
def ready_cluster(cluster: str, threads: set[int], workers: int) -> Iterator[str]:
    """Check a cluster before anything is trained; start one if it is to be local.

    Args:
        cluster: Address of its scheduler, or ``local``.
        threads: Per training, of all studies that will be trained.
        workers: Of a local cluster.

    Yields:
        The address of its scheduler.

    Raises:
        BadInputError: If the cluster cannot be reached, or would give other numbers.
    """
    if importlib.util.find_spec("distributed") is None:
        raise BadInputError(
            f"{CLUSTER} is {cluster!r}, and Dask is not installed; 'pip install \".[dask]\"' brings"
            " it"
        )
    if len(threads) > 1:
        counts = ", ".join(map(str, sorted(threads)))
        raise BadInputError(
            f"{CLUSTER} is {cluster!r}, and the studies differ in training.threads ({counts}): a"
            " worker's engine keeps one number; run these studies one by one, or give them one"
            " number"
        )
    with contextlib.ExitStack() as stack:
        if cluster == LOCAL:
            one_each = {"threads_per_worker": 1, "dashboard_address": None}
            started = _load_dask().LocalCluster(n_workers=workers, **one_each)
            cluster = str(stack.enter_context(started).scheduler_address)
        client = _client(os.getpid(), cluster)
        stack.callback(_client.cache_clear)
        stack.callback(client.close)
        _check_workers(client, cluster, *threads)
        yield cluster


def train_on_cluster(
    jobs: Sequence[Job],
    on_epoch: Callable[[int, Row], None],
    execution: Execution,
) -> list[TrainedReplica]:
    """Train replicas on a cluster; see :func:`dropnorm.training.parallel.train_jobs`.

    Raises:
        BrokenExecutor: If the cluster is lost, or a training has ended too many workers.
    """
    distributed = _load_dask()
    client = _client(os.getpid(), str(execution.cluster))
    topic = f"dropnorm-{uuid.uuid4().hex}"
    found: dict[int, TrainedReplica] = {}
    lock = threading.Lock()
    errors: list[Exception] = []

    def tell(place: int, row: Row) -> None:
        try:
            on_epoch(place, row)
        # It belongs to who waits for the trainings, not to Dask's thread.
        except Exception as error:
            errors.append(error)

    def hear(event: tuple[float, tuple[int, Row]]) -> None:
        place, row = event[1]
        with lock:
            if place not in found and not errors:  # else it comes late
                tell(place, row)

    client.subscribe_topic(topic, hear)
    wanted = _facts(engine_name()), threads_of(jobs[0].study)
    places: dict[Any, int] = {}
    try:
        for place, (study, variant, inputs, start) in enumerate(jobs):
            sent = study, variant, _send(client, inputs), start
            future = client.submit(_train_there, wanted, topic, place, *sent, pure=False)
            places[future] = place
        waiting = distributed.as_completed(list(places), loop=client.loop, with_results=True)
        for future, trained in waiting:
            place = places[future]
            cache.remember(*jobs[place], trained, execution.memory)
            with lock:
                found[place] = trained
                tell(place, trained.last_row())
            if errors:
                raise errors[0]
    except BaseException as error:
        with contextlib.suppress(OSError):  # where there is nobody to tell
            client.cancel([future for future in places if not future.done()])
        if isinstance(error, distributed.KilledWorker | distributed.CancelledError):
            raise BrokenExecutor(
                f"the cluster at {execution.cluster} did not bring the trainings of"
                f" {jobs[0].study.label} to their end: {in_one_line(error)}"
            ) from error
        raise
    finally:
        client.unsubscribe_topic(topic)
    return [found[place] for place in range(len(jobs))]


def _load_dask() -> Any:
    # A split is large, and there is no smaller way to say what it is.
    threshold = {"distributed.admin.large-graph-warning-threshold": "1TB"}
    importlib.import_module("dask").config.set(threshold)
    return importlib.import_module("distributed")


@functools.cache
def _client(process: int, scheduler: str) -> Any:
    """Return what this process asks a scheduler with; a fork has no threads, and needs its own."""
    try:
        return _load_dask().Client(
            scheduler, timeout=_CONNECT_SECONDS, set_as_default=False, name=f"dropnorm-{process}"
        )
    except (OSError, ValueError) as error:  # TimeoutError is an OSError
        raise BadInputError(
            f"{CLUSTER} is {scheduler!r}, and no Dask scheduler answers there"
            f" ({in_one_line(error)}); start one with 'dask scheduler', or take another address"
        ) from error


# Splits that a client has sent.
_sent: dict[tuple[str, int], Any] = {}
_sending = threading.Lock()


def _send(client: Any, inputs: SplitInputs) -> Any:
    """Return the future of a split, which Dask sends again if its workers die."""
    key = str(client.id), id(inputs)
    with _sending:
        if key not in _sent:
            inputs.checksum  # noqa: B018  # goes along, for no worker to compute again
            # Not scattered: what is scattered is lost with the worker that holds it.
            _sent[key] = client.submit(_itself, inputs, pure=False)
            weakref.finalize(inputs, _sent.pop, key, None)
        return _sent[key]


def _check_workers(client: Any, cluster: str, threads: int) -> None:
    wanted = _facts(engine_name()), threads
    try:
        workers = client.run(_differences, wanted, on_error="return")
    except (OSError, ValueError) as error:
        raise BadInputError(
            f"{CLUSTER} is {cluster!r}: its workers do not answer ({in_one_line(error)})"
        ) from error
    if not workers:
        raise BadInputError(
            f"{CLUSTER} is {cluster!r}, and that scheduler has no worker; start some, as with"
            f" 'dask worker {cluster}'"
        )
    for worker, told in workers.items():
        if isinstance(told, BaseException):
            told = f"{type(told).__name__}: {in_one_line(told)}"  # noqa: PLW2901
        if told:
            raise BadInputError(f"the worker {worker} would not give the same numbers: {told}")


def _facts(engine: str) -> dict[str, str]:
    """Return what the numbers depend on, of this process."""
    versions = {}
    for name in (*_PACKAGES, engine):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    switches = switches_of(engine)
    # Not the processor's instruction set: a cluster of machines of two ages is one still.
    return {
        "engine": engine,
        **versions,
        "floatx": switches.floatx,
        "epsilon": str(switches.epsilon),
        "device": switches.device,
        "switches": " ".join(f"{name}={value}" for name, value in switches.variables.items()),
    }


# ---- what runs on the workers -----------------------------------------------------------------


def _differences(wanted: tuple[dict[str, str], int]) -> str:
    """Say what differs here from the process that asks; nothing if all agrees."""
    facts, threads = wanted
    if "keras" not in sys.modules:  # the run chooses the engine, not who started the worker
        os.environ["KERAS_BACKEND"] = facts["engine"]
        engine = facts["engine"]
    else:
        engine = importlib.import_module("keras").backend.backend()
    for name, value in _facts(engine).items():
        if facts.get(name) != value:
            return f"it has {name} {value}, and the run {facts.get(name)}; make them the same"
    if engine_threads() not in (None, threads):
        return (
            f"its engine runs on {engine_threads()} threads, and the study asks for {threads};"
            " restart the worker"
        )
    return ""


def _itself(inputs: SplitInputs) -> SplitInputs:
    return inputs


def _train_there(
    wanted: tuple[dict[str, str], int],
    topic: str,
    place: int,
    study: Study,
    variant: Variant,
    inputs: SplitInputs,
    start: int,
) -> TrainedReplica:
    if differs := _differences(wanted):  # of a worker that came after the check
        raise BrokenExecutor(f"a worker would not give the same numbers: {differs}")
    worker = _load_dask().get_worker()
    key = worker.get_current_task()
    told = 0.0

    def tell(row: Row) -> None:
        nonlocal told
        task = worker.state.tasks.get(key)
        if task is None or task.state == "cancelled":  # who asked for it is gone
            raise BrokenExecutor("nobody waits for this training")
        if time.monotonic() - told > _QUIET_SECONDS:
            told = time.monotonic()
            worker.log_event(topic, (place, {name: float(value) for name, value in row.items()}))

    return train_replica(study, variant, inputs, start, tell)
