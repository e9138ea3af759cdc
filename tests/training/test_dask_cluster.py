"""Replicas on a real Dask cluster of two worker processes."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from dropnorm.errors import BadInputError
from dropnorm.study.variants import Variant
from dropnorm.training import cache, dask_cluster, parallel
from dropnorm.training.execution import Execution
from dropnorm.training.trainer import train_replica
from small_trainings import a_study, an_input

distributed = pytest.importorskip("distributed", reason="a cluster needs the extra dask")


def begin(cluster, threads=frozenset({1})) -> None:
    with dask_cluster.ready_cluster(cluster, set(threads), 1):
        pytest.fail("it must not come so far")


@pytest.fixture
def two_workers():
    """The address of a scheduler with two workers, and a client of it."""
    with dask_cluster.ready_cluster(dask_cluster.LOCAL, {1}, 2) as address:
        yield address, dask_cluster._client(os.getpid(), address)


@pytest.mark.training
def test_a_worker_killed_in_the_middle_costs_neither_the_run_nor_a_bit_of_its_numbers(
    two_workers, tmp_path
):
    address, client = two_workers
    study = a_study(training__epochs=60)
    wanted = [(an_input(split), start) for split in (0, 1) for start in (0, 1)]
    told: list[tuple[int, float]] = []
    pids = list(client.run(os.getpid).values())
    lock, killed = threading.Lock(), []

    def tell(place, row):
        with lock:
            told.append((place, row["epoch"]))
            if not killed:
                killed.append(pids[0])
                os.kill(killed[0], signal.SIGKILL)

    there = Execution(memory=tmp_path, cluster=address)
    found = parallel.train_replicas(study, Variant.DROPOUT_BATCHNORM, wanted, tell, there)

    assert killed
    for trained, (inputs, start) in zip(found, wanted, strict=True):
        here = train_replica(study, Variant.DROPOUT_BATCHNORM, inputs, start)
        np.testing.assert_array_equal(trained.history.to_numpy(), here.history.to_numpy())
        np.testing.assert_array_equal(trained.outputs, here.outputs)
        for mine, other in zip(trained.weights, here.weights, strict=True):
            np.testing.assert_array_equal(mine, other)
    for place, (inputs, start) in enumerate(wanted):
        epochs = [epoch for of, epoch in told if of == place]
        assert epochs[-1] == 60  # the bar comes to its end
        assert cache.recall(study, Variant.DROPOUT_BATCHNORM, inputs, start, tmp_path)
    assert any(epoch < 60 for _, epoch in told)


@pytest.mark.training
def test_a_worker_with_another_version_is_refused_before_anything_trains(monkeypatch, two_workers):
    monkeypatch.setattr(dask_cluster, "_PACKAGES", ("dropnorm", "numpy"))

    with pytest.raises(BadInputError, match=r"worker tcp://.* would not give the same numbers"):
        dask_cluster._check_workers(two_workers[1], two_workers[0], 1)


def test_an_address_where_no_scheduler_answers_is_refused_in_one_line(monkeypatch):
    monkeypatch.setattr(dask_cluster, "_CONNECT_SECONDS", 1)

    with pytest.raises(BadInputError, match=r"no Dask scheduler answers there") as refused:
        begin("tcp://127.0.0.1:1")

    assert "\n" not in str(refused.value)


def test_a_scheduler_without_workers_is_refused():
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=None) as empty,
        pytest.raises(BadInputError, match="has no worker; start some, as with 'dask worker"),
    ):
        begin(empty.scheduler_address)


def test_studies_that_differ_in_threads_are_not_run_on_one_cluster():
    with pytest.raises(BadInputError, match=r"differ in training.threads \(1, 2\)"):
        begin(dask_cluster.LOCAL, {1, 2})


def test_a_cluster_without_dask_says_what_to_install(monkeypatch):
    monkeypatch.setattr(dask_cluster.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(BadInputError, match="Dask is not installed; 'pip install"):
        begin(dask_cluster.LOCAL)
