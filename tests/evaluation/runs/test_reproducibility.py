from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropnorm.errors import BadInputError
from dropnorm.evaluation.json_form import to_json
from dropnorm.evaluation.records import Process
from dropnorm.evaluation.runs.reproducibility import (
    Agreement,
    compare_histories,
    conclude,
    what_may_explain,
)
from dropnorm.training.switches import switches_of
from made_results import a_record

LOSSES = st.floats(allow_nan=True, allow_infinity=True)


def history(losses: list[float], start: int = 0) -> pd.DataFrame:
    epochs = range(1, len(losses) + 1)
    return pd.DataFrame(
        {"split": 0, "start": start, "epoch": epochs, "loss": losses, "val_loss": losses}
    )


@given(st.lists(LOSSES, min_size=1, max_size=5))
def test_a_history_agrees_with_itself_in_any_order_diverged_or_not(losses):
    both = pd.concat([history(losses), history(losses, start=1)], ignore_index=True)

    found = compare_histories(both, both.iloc[::-1])

    assert found == Agreement(replicas=2, epochs=2 * len(losses))
    assert str(found) == f"{2 * len(losses)} epochs of 2 replicas agree bit for bit"


@given(st.floats(1e-300, 1e300))
def test_one_bit_is_a_difference(loss):
    found = compare_histories(history([1.0, loss]), history([1.0, np.nextafter(loss, 0)]))

    assert found.first == (0, 0, 2)
    assert found.largest > 0
    assert found.relative == pytest.approx(2**-53, rel=1.01)


def test_the_largest_difference_is_told_with_the_first_epoch_that_differs():
    found = compare_histories(history([4.0, 2.0, 1.0]), history([4.0, 2.5, 3.0]))

    assert (found.largest, found.relative, found.first) == (2.0, 2.0, (0, 0, 2))
    assert str(found) == (
        "3 epochs of 1 replica agree within 2 (2 of the loss), first in epoch 2 of split 0, start 0"
    )


@pytest.mark.parametrize("other", [[1.0, np.nan], [1.0], [1.0, np.inf], [1.0, 2.0, 3.0]])
def test_a_loss_that_one_has_and_the_other_has_not_is_no_small_difference(other):
    found = compare_histories(history([1.0, 2.0]), history(other))

    assert found.largest == np.inf
    assert "differ" in str(found)
    assert found.first == (0, 0, 3 if len(other) > 2 else 2)


def test_other_columns_are_not_compared():
    with pytest.raises(ValueError, match="'mae'"):
        compare_histories(history([1.0]), history([1.0]).assign(mae=1.0))


def test_what_is_another_here_is_named():
    here = Process("jax", switches_of("jax"), {"keras": "3.15"}, "3.11", "x")
    told = to_json(here)

    assert what_may_explain(a_record(**told), here) == {}
    assert what_may_explain(
        a_record(**told | {"engine": "tensorflow", "packages": {"keras": "3.14", "scipy": "1"}}),
        here,
    ) == {"engine": "tensorflow → jax", "keras": "3.14 → 3.15"}
    assert what_may_explain(a_record(), here)["keras"] == "None → 3.15"


def test_a_difference_is_an_error_unless_something_explains_it():
    same, other = Agreement(1, 3), Agreement(1, 3, 0.1, 0.01, (0, 0, 2))

    assert conclude([same, same], []) == "the repetition agrees bit for bit"
    assert conclude([same, same], ["keras"]) == "the repetition agrees bit for bit"
    assert conclude([same, other], ["engine", "jax"]) == (
        "the repetition agrees as far as another engine, another jax allows"
    )
    with pytest.raises(BadInputError, match="differs, though engine"):
        conclude([same, other], [])
