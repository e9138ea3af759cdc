from __future__ import annotations

import threading
from contextlib import ExitStack

import sklearn.linear_model  # noqa: F401  # BLAS and OpenMP are there only where they are imported
from threadpoolctl import threadpool_info, threadpool_limits

from dropnorm.evaluation.references.thread_limits import limit_threads


def threads_of(kind):
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == kind}


def test_the_limit_stays_until_the_last_thread_has_left():
    with threadpool_limits(2):
        first, second = ExitStack(), ExitStack()
        first.enter_context(limit_threads(1))
        second.enter_context(limit_threads(1))

        first.close()
        assert threads_of("blas") == {1}
        second.close()
        assert threads_of("blas") == {2}
        assert threads_of("openmp") == {2}


def test_who_wants_another_number_waits_for_the_others():
    order = []

    def want_two():
        with limit_threads(2):
            order.append("two")

    with limit_threads(1):
        waiting = threading.Thread(target=want_two)
        waiting.start()
        waiting.join(0.2)
        order.append("one")
    waiting.join(10)

    assert order == ["one", "two"]
