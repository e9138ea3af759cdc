"""Replicas on a Dask cluster: worker processes on this machine, or on many.

Dask does what is hard: it takes a split to the workers that need it, notices a worker that dies,
and has its work done anew by another. A replica's numbers do not depend on where it is trained, as
long as versions, engine and its threads agree; a worker where they do not is refused.
"""

from __future__ import annotations

import contextlib
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
from dropnorm.training.switches import switches_of
from dropnorm.training.trainer import train_replica

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dropnorm.data.preprocessing import SplitInputs
    from dropnorm.study.schema import Study
    from dropnorm.study.variants import Variant
    from dropnorm.training.trainer import TrainedReplica

    Row = dict[str, float]

# The address of a Dask scheduler; a process passes it on to those it starts. "off" is no cluster.
VARIABLE = "DROPNORM_CLUSTER"
LOCAL = "local"
_OFF = "off"
# Seconds that a scheduler may take to answer.
_CONNECT_SECONDS = 10
# Seconds between two messages of one training.
_QUIET_SECONDS = 0.2
# On which numbers may depend.
_PACKAGES = ("dropnorm", "keras", "numpy")


def address() -> str | None:
    """Return the scheduler that replicas are sent to, or None where there is none."""
    named = os.environ.get(VARIABLE, _OFF)
    return None if named == _OFF else named


@contextlib.contextmanager
def ready_cluster(threads: set[int], workers: int) -> Iterator[None]:
    """Check the cluster in use before anything is trained; start one if it is to be local.

    Args:
        threads: Per training, of all studies that will be trained.
        workers: Of a local cluster.

    Raises:
        BadInputError: If the cluster cannot be reached, or would give other numbers.
    """
    named = address()
    if named is None:
        yield
        return
    if importlib.util.find_spec("distributed") is None:
        raise BadInputError(
            f"{VARIABLE} is {named!r}, and Dask is not installed; 'pip install \".[dask]\"' brings"
            " it"
        )
    if len(threads) > 1:
        counts = ", ".join(map(str, sorted(threads)))
        raise BadInputError(
            f"{VARIABLE} is {named!r}, and the studies differ in training.threads ({counts}): a"
            " worker's engine keeps one number; run these studies one by one, or give them one"
            " number"
        )
    with contextlib.ExitStack() as stack:
        if named == LOCAL:
            started = stack.enter_context(_local_cluster(workers))
            stack.callback(os.environ.__setitem__, VARIABLE, named)
            os.environ[VARIABLE] = started
        stack.callback(_disconnect)
        _check_workers(threads)
        yield


def train_on_cluster(
    study: Study,
    variant: Variant,
    replicas: Sequence[tuple[SplitInputs, int]],
    on_epoch: Callable[[int, Row], None],
) -> list[TrainedReplica]:
    """Train replicas on the cluster in use; see :func:`dropnorm.training.parallel.train_replicas`.

    Raises:
        BrokenExecutor: If the cluster is lost, or a training has ended too many workers.
    """
    distributed = _load_dask()
    connection = _connection()
    progress = _Progress(on_epoch)
    topic = f"dropnorm-{uuid.uuid4().hex}"
    connection.client.subscribe_topic(topic, progress.hear)
    wanted = _facts(engine_name()), threads_of(study)
    places: dict[Any, int] = {}
    found: dict[int, TrainedReplica] = {}
    try:
        for place, (inputs, start) in enumerate(replicas):
            there = connection.send(inputs)
            future = connection.client.submit(
                _train_there, wanted, topic, place, study, variant, there, start, pure=False
            )
            places[future] = place
        waiting = distributed.as_completed(
            list(places), loop=connection.client.loop, with_results=True
        )
        for future, trained in waiting:
            place = places[future]
            cache.remember(study, variant, *replicas[place], trained)
            progress.end(place, trained)
            found[place] = trained
    except BaseException as error:
        with contextlib.suppress(OSError):  # where there is nobody to tell
            connection.client.cancel([future for future in places if not future.done()])
        if isinstance(error, distributed.KilledWorker | distributed.CancelledError):
            raise BrokenExecutor(
                f"the cluster at {address()} did not bring the trainings of {study.label} ·"
                f" {variant} to their end: {in_one_line(error)}"
            ) from error
        raise
    finally:
        connection.client.unsubscribe_topic(topic)
    return [found[place] for place in range(len(replicas))]


class _Progress:
    """Tells of each replica what its worker says, and its last epoch when it is back."""

    def __init__(self, on_epoch: Callable[[int, Row], None]) -> None:
        self._on_epoch = on_epoch
        self._ended: set[int] = set()
        self._lock = threading.Lock()
        self._error: Exception | None = None

    def hear(self, event: tuple[float, tuple[int, Row]]) -> None:
        """Take a message from a worker; those that come late are dropped."""
        _, (place, row) = event
        with self._lock:
            if place in self._ended:
                return
            try:
                self._on_epoch(place, row)
            # It belongs to who waits for the trainings, not to Dask's thread.
            except Exception as error:
                self._error = error

    def end(self, place: int, trained: TrainedReplica) -> None:
        """Tell the last epoch of a replica; raise what went wrong in telling."""
        with self._lock:
            if self._error is not None:
                raise self._error
            self._ended.add(place)
            last = trained.history.iloc[-1]
            self._on_epoch(place, {str(name): float(value) for name, value in last.items()})


class _Connection:
    """A client of the scheduler, and which splits the cluster has."""

    def __init__(self, scheduler: str) -> None:
        distributed = _load_dask()
        try:
            self.client: Any = distributed.Client(
                scheduler, timeout=_CONNECT_SECONDS, set_as_default=False
            )
        except (OSError, ValueError) as error:  # TimeoutError is an OSError
            raise BadInputError(
                f"{VARIABLE} is {scheduler!r}, and no Dask scheduler answers there"
                f" ({in_one_line(error)}); start one with 'dask scheduler', or take another address"
            ) from error
        self._sent: dict[int, Any] = {}
        self._lock = threading.Lock()

    def send(self, inputs: SplitInputs) -> Any:
        """Return the future of a split, which Dask sends again if its workers die."""
        key = id(inputs)
        with self._lock:
            if key not in self._sent:
                inputs.checksum  # noqa: B018  # goes along, for no worker to compute again
                # Not scattered: what is scattered is lost with the worker that holds it.
                self._sent[key] = self.client.submit(_itself, inputs, pure=False)
                weakref.finalize(inputs, self._sent.pop, key, None)
            return self._sent[key]


def _load_dask() -> Any:
    # A split is large, and there is no smaller way to say what it is.
    threshold = {"distributed.admin.large-graph-warning-threshold": "1TB"}
    importlib.import_module("dask").config.set(threshold)
    return importlib.import_module("distributed")


_connections: dict[tuple[int, str], _Connection] = {}
_connections_lock = threading.Lock()


def _connection() -> _Connection:
    with _connections_lock:
        scheduler = str(address())
        key = os.getpid(), scheduler  # a fork has no threads, and a client lives on its own
        if key not in _connections:
            _connections[key] = _Connection(scheduler)
        return _connections[key]


def _disconnect() -> None:
    with _connections_lock:
        for key in [key for key in _connections if key[0] == os.getpid()]:
            _connections.pop(key).client.close()


@contextlib.contextmanager
def _local_cluster(workers: int) -> Iterator[str]:
    one_each = {"threads_per_worker": 1, "dashboard_address": None}
    with _load_dask().LocalCluster(n_workers=workers, **one_each) as cluster:
        yield str(cluster.scheduler_address)


def _check_workers(threads: Iterable[int]) -> None:
    client = _connection().client
    wanted, (count,) = _facts(engine_name()), threads
    try:
        workers = client.run(_differences, (wanted, count), on_error="return")
    except (OSError, ValueError) as error:
        raise BadInputError(
            f"{VARIABLE} is {address()!r}: its workers do not answer ({in_one_line(error)})"
        ) from error
    if not workers:
        raise BadInputError(
            f"{VARIABLE} is {address()!r}, and that scheduler has no worker; start some, as with"
            f" 'dask worker {address()}'"
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
