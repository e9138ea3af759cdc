from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.linear_model import LinearRegression

from conftest import read_study
from dropnorm.data.piecewise_linear import PiecewiseLinearEncoder
from dropnorm.data.transformers import make_preprocessor
from dropnorm.datasets.skops import SkopsDataset

COLUMN = np.arange(5.0)[:, np.newaxis]  # edges 0, 2, 4 of two bins


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, [0, 0]), (1, [0.5, 0]), (2, [1, 0]), (3, [1, 0.5]), (4, [1, 1]),
        (5, [1, 1.5]), (-1, [-0.5, 0]),
    ],
)  # fmt: skip
def test_values_are_encoded_as_in_the_paper(value, encoded):
    encoder = PiecewiseLinearEncoder(bins=2).fit(COLUMN)

    np.testing.assert_allclose(encoder.transform([[value]]), [encoded])


@given(
    hnp.arrays(np.float64, st.tuples(st.integers(1, 40), st.just(2)), elements=st.integers(-9, 9)),
    st.integers(1, 9),
)
def test_encoded_columns_are_monotonic_and_keep_values_distinct(values, bins):
    encoder = PiecewiseLinearEncoder(bins).fit(values)

    encoded = encoder.transform(values)

    assert encoded.shape == (len(values), len(encoder.get_feature_names_out()))
    assert np.isfinite(encoded).all()
    first = encoded[:, : len(encoder.edges_[0]) - 1]
    order = np.argsort(values[:, 0], kind="stable")
    steps, sums = np.diff(values[order, 0]), np.diff(first[order].sum(axis=1))
    assert ((steps > 0) == (sums > 1e-12)).all()
    assert (np.diff(first[order], axis=0) >= 0).all()


def test_a_linear_model_fits_functions_that_bend_at_the_edges():
    x = np.linspace(0, 8, 33)[:, np.newaxis]
    bent = np.abs(x[:, 0] - 2) - 3 * np.maximum(x[:, 0] - 6, 0)
    encoded = PiecewiseLinearEncoder(bins=4).fit_transform(x)

    found = LinearRegression().fit(encoded, bent).predict(encoded)

    np.testing.assert_allclose(found, bent, atol=1e-9)


def test_a_constant_column_becomes_one_input_of_zeros():
    encoded = PiecewiseLinearEncoder().fit_transform(np.full((3, 1), 7.0))

    np.testing.assert_array_equal(encoded, np.zeros((3, 1)))


def test_a_study_encodes_the_columns_that_it_lists(tmp_path):
    study = read_study(
        "concrete",
        preprocessing={"piecewise_linear": ["Age"], "standard_scale": ["Water"], "bins": 2},
    )
    table = pd.DataFrame({"Water": [1.0, 2.0, 3.0], "Age": [0.0, 2.0, 4.0]})
    preprocessor = make_preprocessor(study.preprocessing, 3, impute=False).fit(table)
    saved = SkopsDataset(filepath=str(tmp_path / "p.skops"), version=None)

    saved.save({0: preprocessor})

    loaded = saved.load()[0]
    np.testing.assert_allclose(loaded.transform(table)[:, 1:], [[0, 0], [1, 0], [1, 1]])
    names = ["standard_scale__Water", "piecewise_linear__Age_bin_1", "piecewise_linear__Age_bin_2"]
    assert list(loaded.get_feature_names_out()) == names
