"""What trainings take, in which order workers take them, and whether workers are worth it."""

from __future__ import annotations

import pytest

from dropnorm.study.variants import Variant
from dropnorm.training.job import Job
from dropnorm.training.schedule import estimate_ends, estimate_seconds, is_worth_workers, order_jobs
from small_trainings import a_study, an_input


def replicas_of(study, variant, splits=5):
    return [Job(study, variant, an_input(split), 0) for split in range(splits)]


def test_the_longest_trainings_come_first_and_else_the_order_stays():
    seconds = {"short": 1_000, "long": 100_000}
    short, long = (a_study(training__epochs=epochs) for epochs in seconds.values())
    jobs = [
        Job(study, variant, an_input(0), 0)
        for study in (short, long)
        for variant in (Variant.DROPOUT, Variant.BASELINE)
    ]

    assert order_jobs(jobs, workers=2) == [[2], [3], [0], [1]]


def test_one_worker_trains_the_replicas_of_a_network_where_that_keeps_no_other_waiting():
    short = [job for variant in Variant for job in replicas_of(a_study(), variant)]
    long = replicas_of(a_study(training__epochs=100_000), Variant.BASELINE)

    rows = order_jobs(short, workers=2)
    # The network with both layers takes longest, then those with dropout and batch normalization.
    assert rows == [[*range(first, first + 5)] for first in (15, 5, 10, 0)]
    assert [len(row) for row in order_jobs(short[:5], workers=2)] == [1, 1, 1, 1, 1]
    assert [len(row) for row in order_jobs(short[:10], workers=2)] == [3, 3, 2, 2]
    assert [len(row) for row in order_jobs(long, workers=2)] == [1, 1, 1, 1, 1]


def test_the_estimate_grows_with_epochs_rows_weights_and_layers():
    def seconds(rows=60, variant=Variant.BASELINE, **changes):
        return estimate_seconds(Job(a_study(**changes), variant, an_input(0, rows), 0))

    assert seconds(training__epochs=20) == pytest.approx(10 * seconds())
    assert seconds(rows=6_400) > 50 * seconds(rows=64)
    assert seconds(network__hidden=[800, 800]) > seconds()
    plain, dropout, batchnorm, both = (seconds(variant=variant) for variant in Variant)
    assert dropout > batchnorm > plain
    assert both - plain == pytest.approx(dropout - plain + batchnorm - plain)


def test_steps_are_faster_on_jax_and_its_workers_start_sooner(monkeypatch):
    jobs = replicas_of(a_study(training__epochs=1_000), Variant.BASELINE)

    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    seconds, worth = estimate_seconds(jobs[0]), is_worth_workers(jobs * 2, ready=False)
    monkeypatch.setenv("KERAS_BACKEND", "jax")

    assert estimate_seconds(jobs[0]) < 0.5 * seconds
    assert worth
    assert not is_worth_workers(jobs * 2, ready=False)
    assert is_worth_workers(jobs * 2, ready=True)


def test_a_worker_takes_the_next_row_when_it_is_free():
    jobs = [
        Job(a_study(training__epochs=epochs), Variant.BASELINE, an_input(0), 0)
        for epochs in (6_000, 4_000, 1_000)
    ]
    longest, middle, short = map(estimate_seconds, jobs)

    ends = estimate_ends([[0], [1], [2]], jobs, workers=2)

    assert ends == pytest.approx({0: longest, 1: middle, 2: middle + short})
    assert estimate_ends([[0, 1], [2]], jobs, workers=1) == pytest.approx(
        {0: longest, 1: longest + middle, 2: longest + middle + short}
    )
