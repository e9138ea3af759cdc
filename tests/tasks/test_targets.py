from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import expit, softmax

from dropnorm.errors import BadInputError
from dropnorm.tasks.targets import Classes

logits = st.floats(-700, 700)  # beyond, probabilities underflow


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (["10", "9", "9", "-1"], ("-1", "9", "10")),
        (["b", "10", "9"], ("10", "9", "b")),
        (["True", "False"], ("False", "True")),
    ],
)
def test_classes_are_sorted_as_numbers_if_possible_else_as_text(values, labels):
    assert Classes.among(pd.Series(values)).labels == labels


@given(values=st.lists(st.sampled_from(["a", "b", "c d", "7"]), min_size=1, max_size=20))
def test_classes_are_restored_by_their_names(values):
    target = Classes(("7", "a", "b", "c d"))

    learnt = target.apply(pd.Series(values))

    assert set(learnt) <= {0.0, 1.0, 2.0, 3.0}
    assert list(target.restore(learnt.astype(np.float32))) == values
    assert Classes(tuple(target.fields()["labels"])) == target


def test_a_class_without_training_rows_is_reported_with_its_row():
    values = pd.Series(["a", "c", "c"], index=[5, 7, 9], name="kind")

    with pytest.raises(BadInputError, match=r"column 'kind', row 7: .* class 'c' \(2 of the other"):
        Classes(("a", "b")).apply(values)


@given(outputs=hnp.arrays(np.float64, (5, 1), elements=logits))
def test_probabilities_of_two_classes_are_the_logistic_function(outputs):
    probabilities = Classes(("no", "yes")).invert(outputs)

    np.testing.assert_allclose(probabilities[:, 1], expit(outputs[:, 0]), rtol=1e-12)
    # The other probability is accurate, however small.
    np.testing.assert_allclose(probabilities[:, 0], expit(-outputs[:, 0]), rtol=1e-12)


@given(outputs=hnp.arrays(np.float64, (4, 3), elements=st.floats(-300, 300)))
def test_probabilities_of_more_classes_are_the_softmax(outputs):
    target = Classes(("x", "y", "z"))

    table = target.table(target.invert(outputs))

    predicted = np.stack([table[f"probability_{label}"] for label in "xyz"], axis=1)
    np.testing.assert_allclose(predicted, softmax(outputs, axis=1), rtol=1e-12)
    assert list(table["prediction"]) == ["xyz"[one] for one in predicted.argmax(axis=1)]


def test_a_table_of_predictions_omits_values_that_are_not_finite():
    target = Classes(("no", "yes"))

    table = pd.DataFrame(target.table(np.array([[0.25, 0.75], [np.nan, np.nan]])))

    assert list(table) == ["prediction", "probability_no", "probability_yes"]
    assert table["prediction"][0] == "yes"
    assert pd.isna(table["prediction"][1])
    numbers, probabilities = Classes.predicted(table.assign(target=["no", "yes"]))
    assert list(numbers) == [0, 1]
    np.testing.assert_array_equal(probabilities[0], [0.25, 0.75])
