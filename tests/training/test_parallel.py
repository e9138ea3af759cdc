"""Replicas trained here and in worker processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import BrokenExecutor, Future
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from conftest import ROOT
from dropnorm.data.preprocessing import Part, SplitInputs
from dropnorm.study.variants import Variant
from dropnorm.training import begun, cache, parallel, pool
from dropnorm.training.backend import threads_of
from dropnorm.training.execution import Execution
from dropnorm.training.job import Job
from dropnorm.training.trainer import train_replica
from small_trainings import a_study, an_input


@pytest.fixture(scope="module", autouse=True)
def ended():
    """Workers, which take seconds to start, are shared by the tests, and end with them."""
    yield
    parallel.end_trainings()


@pytest.fixture
def spread(monkeypatch):
    """Whatever the estimate says, a study is worth two workers."""
    monkeypatch.setattr(parallel, "is_worth_workers", lambda jobs, *, ready: True)
    monkeypatch.setattr(parallel, "workers_for", lambda study: 2)


@pytest.mark.training
def test_no_more_workers_start_than_have_something_to_do_and_more_when_they_have(
    spread, monkeypatch
):
    parallel.end_trainings()
    monkeypatch.setattr(parallel, "workers_for", lambda study: 3)
    # Each replica is a row of its own, so that a worker more has something to do.
    monkeypatch.setattr(
        parallel, "order_jobs", lambda jobs, workers: [[place] for place in range(len(jobs))]
    )
    study, wanted = a_study(), [(an_input(0), start) for start in (0, 1, 2)]

    two = parallel.train_replicas(study, Variant.BASELINE, wanted[:2], lambda *_: None)
    assert pool.started(threads_of(study)) == 2
    three = parallel.train_replicas(study, Variant.BASELINE, wanted, lambda *_: None)
    assert pool.started(threads_of(study)) == 3

    for one, other in zip(two, three[:2], strict=True):
        np.testing.assert_array_equal(one.outputs, other.outputs)
    parallel.end_trainings()


@pytest.mark.training
def test_replicas_in_workers_have_the_numbers_of_those_trained_here_and_tell_each_epoch(spread):
    study, told = a_study(), []
    wanted = [(an_input(split), start) for split in (0, 1) for start in (0, 1)]

    found = parallel.train_replicas(
        study, Variant.DROPOUT_BATCHNORM, wanted, lambda place, row: told.append((place, row))
    )

    assert pool._started  # they were not trained here
    for place, (trained, (inputs, start)) in enumerate(zip(found, wanted, strict=True)):
        here = train_replica(study, Variant.DROPOUT_BATCHNORM, inputs, start)
        np.testing.assert_array_equal(trained.history.to_numpy(), here.history.to_numpy())
        np.testing.assert_array_equal(trained.outputs, here.outputs)
        for mine, other in zip(trained.weights, here.weights, strict=True):
            np.testing.assert_array_equal(mine, other)
        rows = [row for of, row in told if of == place]
        assert rows == trained.history.to_dict("records")


@pytest.mark.training
def test_many_short_trainings_whose_epochs_are_told_slowly_all_come_back(spread):
    """A training may be back before its last epoch has been told."""
    wanted = [(an_input(0), start) for start in range(12)]

    found = parallel.train_replicas(
        a_study(), Variant.BASELINE, wanted, lambda place, row: time.sleep(0.05)
    )

    assert len(found) == 12


@pytest.mark.training
def test_what_goes_wrong_in_telling_an_epoch_is_raised_and_keeps_nobody_waiting(spread):
    def tell(place, row):
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        parallel.train_replicas(
            a_study(), Variant.BASELINE, [(an_input(0), 0), (an_input(0), 1)], tell
        )

    assert not pool._started


@pytest.mark.training
def test_a_training_that_fails_in_a_worker_fails_here_and_leaves_no_worker(spread):
    stops = a_study(training__early_stopping={})

    with pytest.raises(ValueError, match="not divided as the training needs"):
        parallel.train_replicas(
            stops, Variant.BASELINE, [(an_input(0), 0), (an_input(1), 0)], lambda *_: None
        )

    assert not pool._started


TWO = Execution(workers=2)


def told_nobody(place, row):
    pass


def begin(*studies, execution=TWO, tell=told_nobody):
    """Begin two starts of each study's baseline; return these trainings."""
    networks = [
        [Job(study, Variant.BASELINE, an_input(0), start) for start in (0, 1)] for study in studies
    ]
    parallel.begin_trainings([(jobs, tell) for jobs in networks], execution)
    return [job for jobs in networks for job in jobs]


def are_equal(one, other) -> bool:
    return one.history.equals(other.history) and all(
        np.array_equal(mine, theirs)
        for mine, theirs in zip(
            [*one.weights, one.outputs], [*other.weights, other.outputs], strict=True
        )
    )


@pytest.mark.training
def test_what_has_begun_before_a_node_asks_has_the_numbers_of_what_begins_then(spread):
    told = []
    short, wide = a_study(), a_study(network__hidden=[16, 8])
    jobs = begin(short, wide, tell=lambda place, row: told.append((place, row["epoch"])))
    nodes = []

    found = parallel.train_jobs(jobs[2:], lambda *told: nodes.append(told), Execution(workers=2))
    found += parallel.train_jobs(jobs[:2], lambda *told: nodes.append(told), Execution(workers=2))

    for trained, job in zip(found, [*jobs[2:], *jobs[:2]], strict=True):
        assert are_equal(trained, train_replica(*job))
    assert sorted(told) == sorted(2 * [(place, epoch) for place in (0, 1) for epoch in (1, 2)])
    assert nodes == []  # who begins a training is told its epochs
    assert begun.take(cache.key_of(*jobs[0])) is None


@pytest.mark.training
def test_a_training_that_has_begun_for_one_of_two_equal_networks_is_not_taken_for_both(spread):
    jobs = begin(a_study())

    first, second = (parallel.train_jobs(jobs, told_nobody, Execution(workers=2)) for _ in range(2))

    assert all(map(are_equal, first, second))


@pytest.mark.training
def test_a_training_that_fails_cancels_all_others_and_leaves_no_worker(spread):
    wrong = an_input(0)
    wrong = SplitInputs(
        0, Part(wrong.train.rows, wrong.train.x, wrong.train.y[:1]), wrong.validation
    )
    long = [Job(a_study(training__epochs=1_000_000), Variant.BASELINE, an_input(0), 0)]
    fails = [Job(a_study(), Variant.BASELINE, wrong, 0)]
    parallel.begin_trainings([(long, told_nobody), (fails, told_nobody)], Execution(workers=2))
    wait_until(lambda: pool._started)
    ahead = workers()

    with pytest.raises(IndexError):  # of a training that it did not ask for
        parallel.train_jobs(long, told_nobody, Execution(workers=2))

    assert not pool._started
    assert begun.take(cache.key_of(*fails[0])) is None
    wait_until(lambda: not any(map(alive, ahead)))


@pytest.mark.training
def test_what_has_begun_ends_without_waiting_for_it(spread):
    jobs = begin(a_study(training__epochs=1_000_000))
    wait_until(lambda: pool._started and len(workers()) == 2)
    ahead = workers()

    parallel.end_trainings()

    wait_until(lambda: not any(map(alive, ahead)))
    assert all(begun.take(cache.key_of(*job)) is None for job in jobs)


def workers() -> set[int]:
    return set(pool.get_reusable_executor(reuse=True)._processes)


def test_nothing_begins_that_is_little_or_known_or_is_trained_elsewhere(monkeypatch):
    long = a_study(training__epochs=100_000)

    begin(a_study())
    begin(long, execution=Execution(workers=1))
    begin(long, execution=Execution(workers=2, cluster="tcp://here:8786"))
    monkeypatch.setattr(cache, "is_kept", lambda *_: True)
    begin(long)

    assert not begun._begun
    assert not pool._started


def test_trainings_on_another_number_of_threads_begin_when_they_are_asked_for(monkeypatch):
    monkeypatch.setattr(parallel, "_submit", lambda jobs, *_: [Future() for _ in jobs])
    one, two = (a_study(training__epochs=100_000, training__threads=n) for n in (1, 2))

    first, *_, last = begin(one, two)

    assert begun.take(cache.key_of(*first)) is not None
    assert begun.take(cache.key_of(*last)) is None
    begun.forget_all()


def test_networks_come_in_the_order_in_which_their_trainings_end(monkeypatch):
    monkeypatch.setattr(parallel, "_submit", lambda jobs, *_: [Future() for _ in jobs])
    monkeypatch.setattr(cache, "is_kept", lambda study, *_: study.training.epochs == 1)

    def network(epochs, threads=1):
        study = a_study(training__epochs=epochs, training__threads=threads)
        return [Job(study, Variant.BASELINE, an_input(0), 0)]

    # The first worker trains the longest, the second the middle one and then the short one.
    short, longest, middle = network(10_000), network(100_000), network(60_000)
    known, not_begun = network(1), network(10, threads=2)
    networks = [(jobs, told_nobody) for jobs in (short, longest, not_begun, middle, known)]
    turns = parallel.begin_trainings(networks, Execution(workers=2))

    assert [networks[place][0] for place in turns] == [known, middle, short, longest, not_begun]
    begun.forget_all()


def test_a_tiny_study_is_not_worth_workers_and_a_long_one_is():
    def two(study):
        return [Job(study, Variant.BASELINE, an_input(0), start) for start in (0, 1)]

    long = two(a_study(training__epochs=100_000))

    assert not parallel._worth_spreading(two(a_study()), 2)
    assert parallel._worth_spreading(long, 2)
    assert not parallel._worth_spreading(long[:1], 2)


@pytest.mark.parametrize(("threads", "workers"), [(None, 4), (1, 4), (2, 2), (3, 1), (8, 1)])
def test_named_threads_have_cores_of_their_own_and_an_engines_usual_ones_share(
    monkeypatch, threads, workers
):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setattr(parallel.joblib, "cpu_count", lambda: 4)

    assert parallel.workers_for(a_study(training__threads=threads)) == workers


def test_an_engine_that_runs_on_another_number_of_threads_sends_even_one_replica_away(monkeypatch):
    monkeypatch.setattr(parallel, "engine_threads", lambda: 1)

    def one(**changes):
        return [Job(a_study(**changes), Variant.BASELINE, an_input(0), 0)]

    assert not parallel._worth_spreading(one(), 2)
    assert parallel._worth_spreading(one(training__threads=2), 2)


@pytest.mark.training
def test_a_worker_that_is_killed_ends_the_training_with_one_error_and_not_in_waiting(spread):
    def kill(place, row):
        for worker in multiprocessing.active_children():
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)

    with pytest.raises(BrokenExecutor):
        parallel.train_replicas(
            a_study(training__epochs=100_000),
            Variant.BASELINE,
            [(an_input(0), 0), (an_input(0), 1)],
            kill,
        )

    assert not pool._started


SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
if __name__ == "__main__":
    from small_trainings import a_study, an_input
    from dropnorm.training import parallel as replicas
    from dropnorm.study.variants import Variant
    replicas.workers_for = lambda study: 2
    replicas.train_replicas(
        a_study(training__epochs=1_000_000), Variant.BATCHNORM,
        [(an_input(0), start) for start in range(4)], lambda place, row: print("told", flush=True),
    )
"""


@pytest.mark.training
@pytest.mark.skipif(os.name != "posix", reason="asks /proc and the process group")
@pytest.mark.usefixtures("ctrl_c")
def test_an_interruption_ends_the_workers_too(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    running = subprocess.Popen(
        [sys.executable, str(script), str(ROOT / "tests")], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert running.stdout.readline() == "told\n"
        workers = children(running.pid)
        assert len(workers) >= 2
        os.killpg(running.pid, signal.SIGINT)  # as Ctrl-C in a terminal does
        assert running.wait(timeout=60) != 0
        wait_until(lambda: not any(map(alive, workers)))
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
        running.stdout.close()


def children(pid: int) -> list[int]:
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in found.stdout.split()]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(holds) -> None:
    for _ in range(300):
        if holds():
            return
        time.sleep(0.1)
    pytest.fail("it did not come to hold in 30 seconds")


def test_files_of_a_process_that_was_killed_with_all_that_tidies_up_go_at_the_next_start(
    tmp_path, monkeypatch
):
    script = "from dropnorm.training.pool import _folder; import os; print(_folder(os.getpid()))"
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    mine = tmp_path / "dropnorm-mine"  # has no lock: not one of ours
    mine.mkdir()
    # With its whole group, as a container that is stopped.
    done = subprocess.run(
        [sys.executable, "-c", f"{script}; import signal; os.killpg(0, signal.SIGKILL)"],
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
        start_new_session=True, capture_output=True, text=True, check=False,
    )  # fmt: skip
    left = Path(done.stdout.strip())
    assert left.is_dir()
    make = pool._folder.__wrapped__
    in_use = make(os.getpid())

    assert not left.exists()
    again = make(os.getpid())
    assert {str(path) for path in tmp_path.glob("*dropnorm-*")} == {str(mine), in_use, again}
    pool._remove_folder(in_use, os.getpid())
    pool._remove_folder(again, os.getpid())
    assert list(tmp_path.glob("*dropnorm-*")) == [mine]
