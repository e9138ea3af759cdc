from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from conftest import read_study, read_table
from dropnorm.data import ahead
from dropnorm.data.ahead import compute_ahead, computed
from dropnorm.data.preprocessing import fit_preprocessors
from dropnorm.data.splits import assign_parts
from dropnorm.data.validation import check_table

TABLE = pd.DataFrame({"a": [1.0, np.nan], "b": ["x", None]})


class Sum:
    """Function that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, table: pd.DataFrame, number: int) -> float:
        self.calls += 1
        return float(table["a"].sum()) + number


@pytest.fixture(autouse=True)
def nothing_kept():
    yield
    ahead.forget_all()


def test_a_kept_result_is_returned_once_for_equal_arguments():
    add = Sum()

    assert compute_ahead(add, TABLE, 1) == 2
    assert computed(add, TABLE.copy(), 1) == 2
    assert add.calls == 1
    assert computed(add, TABLE, 1) == 2  # no longer kept
    assert add.calls == 2


def test_a_result_is_kept_for_the_given_number_of_uses():
    add = Sum()
    compute_ahead(add, TABLE, 1, uses=2)

    assert [computed(add, TABLE, 1) for _ in range(3)] == [2, 2, 2]
    assert add.calls == 2


@pytest.mark.parametrize(
    "other",
    [
        TABLE.assign(a=[2.0, np.nan]),
        TABLE.assign(a=[1.0, 0.0]),
        TABLE.astype({"a": "float32"}),
        TABLE.set_axis([1, 0]),
        TABLE[["b", "a"]],
        TABLE.rename(columns={"b": "c"}),
        TABLE.head(1),
    ],
)
def test_a_different_table_is_computed_anew(other):
    add = Sum()
    compute_ahead(add, TABLE, 1)

    assert computed(add, other, 1) == Sum()(other, 1)
    assert add.calls == 2


def test_a_different_argument_or_function_is_computed_anew():
    add, another = Sum(), Sum()
    compute_ahead(add, TABLE, 1)

    assert computed(add, TABLE, 2) == 3
    assert computed(another, TABLE, 1) == 2
    assert (add.calls, another.calls) == (2, 1)


def test_forgotten_results_are_computed_anew():
    add = Sum()
    compute_ahead(add, TABLE, 1)
    ahead.forget_all()

    assert computed(add, TABLE, 1) == 2
    assert add.calls == 2


def test_only_one_of_many_threads_gets_the_kept_result():
    add = Sum()
    compute_ahead(add, TABLE, 1)

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: computed(add, TABLE, 1), range(8)))

    assert found == [2] * 8
    assert add.calls == 8


def test_a_study_with_other_options_is_computed_anew():
    table, study = read_table("concrete"), read_study("concrete")
    rows = check_table(table, study)
    split = assign_parts(rows, study)
    scaled = study.preprocessing.model_copy(
        update={"passthrough": (), "standard_scale": study.preprocessing.passthrough}
    )
    compute_ahead(fit_preprocessors, rows, split, study)

    fitted = computed(
        fit_preprocessors, rows, split, study.model_copy(update={"preprocessing": scaled})
    )

    assert "standard_scale" in fitted[0]["inputs"].named_transformers_


def test_what_has_begun_is_waited_for_and_found_by_its_arguments():
    add, go_on = Sum(), threading.Event()

    def slow(table, number):
        go_on.wait()
        return add(table, number)

    ahead.begin(slow, [(TABLE, 1), (TABLE, 2)])
    with ThreadPoolExecutor() as other:
        second = other.submit(computed, slow, TABLE.copy(), 2)
        assert not second.done()
        go_on.set()
        assert second.result() == 3
    assert computed(slow, TABLE, 1) == 2
    assert add.calls == 2


def test_what_has_not_begun_is_computed_by_who_asks_for_it():
    began, go_on, threads = threading.Event(), threading.Event(), {}

    def remember(number):
        threads[number] = threading.current_thread()
        if number == 1:
            began.set()
            go_on.wait()
        return number

    ahead.begin(remember, [(1,), (2,), (3,)])
    began.wait()
    assert computed(remember, 3) == 3
    assert threads[3] is threading.current_thread()
    go_on.set()
    assert [computed(remember, 1), computed(remember, 2)] == [1, 2]
    assert threads[1].name == "ahead"


def test_what_goes_wrong_in_a_thread_is_raised_where_its_result_is_asked_for():
    def fails(number):
        raise ValueError(f"no {number}")

    ahead.begin(fails, [(1,), (2,)])

    with pytest.raises(ValueError, match="no 2"):
        computed(fails, 2)


def test_what_is_forgotten_does_not_begin():
    go_on, began = threading.Event(), []

    def wait(number):
        began.append(number)
        go_on.wait()

    ahead.begin(wait, [(1,), (2,)])
    ahead.forget_all()
    go_on.set()
    for thread in threading.enumerate():
        if thread.name == "ahead":
            thread.join()

    assert began in ([], [1])
