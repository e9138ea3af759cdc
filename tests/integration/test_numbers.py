"""Numbers at the edge of what a training can bear: it works, or it is said why not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from conftest import read_study
from dropnorm.data.preprocessing import fit_preprocessor, make_split_inputs
from dropnorm.data.splits import assign_parts
from dropnorm.data.validation import check_table
from dropnorm.errors import BadInputError
from dropnorm.study.variants import Variant
from dropnorm.training.trainer import train_replica

pytestmark = pytest.mark.training


def a_table(rows=40, inputs=2, seed=0):
    chance = np.random.default_rng(seed)
    table = pd.DataFrame({f"x{number}": chance.normal(size=rows) for number in range(inputs)})
    return table.assign(y=table["x0"] + chance.normal(size=rows))


def train(table, variant="dropout_batchnorm", **changes):
    """Go the whole way of a table through one training."""
    numbers = [name for name in table.columns if name.startswith("x")]
    study = read_study(
        "concrete",
        **{
            "target": {"column": "y"}, "network__hidden": [6],
            "preprocessing": {"standard_scale": numbers},
            "split": {"method": "random", "train_fraction": 0.7},
            "training": {"batch_size": 8, "epochs": 2, "loss": "mae"},
            **changes,
        },
    )  # fmt: skip
    rows = check_table(table, study)
    split = assign_parts(rows, study)
    fitted = fit_preprocessor(rows, split, 0, study)
    inputs = make_split_inputs(rows, split, 0, fitted, study)
    return train_replica(study, Variant(variant), inputs, 0), inputs


def assert_finite(trained, inputs):
    assert trained.diverged_at_epoch is None
    assert np.isfinite(trained.history.to_numpy(dtype=float)).all()
    assert len(trained.history) == 2
    assert np.isfinite(trained.outputs).all()
    assert len(trained.outputs) == len(inputs.validation.rows)


WORK = {
    "constant inputs": (lambda: a_table().assign(x0=1.0, x1=2.0), {}),
    "a batch of one row": (a_table, {"training": {"batch_size": 1, "epochs": 2, "loss": "mae"}}),
    "a last batch of one row": (lambda: a_table(36), {}),  # 25 train
    "one row that validates": (
        a_table, {"split": {"method": "random", "train_fraction": 0.98}}
    ),
    "a target of 1e12": (lambda: a_table().assign(y=lambda t: t["y"] * 1e12), {}),
    "a scaled target of 1e12": (
        lambda: a_table().assign(y=lambda t: t["y"] * 1e12),
        {"target": {"column": "y", "scale": "standardize"}},
    ),
    "1,000 columns": (lambda: a_table(60, 1000), {}),
    "a category seen once": (
        lambda: a_table().assign(kind=["often"] * 39 + ["once"]),
        {"preprocessing": {"standard_scale": ["x0", "x1"], "one_hot": ["kind"]}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WORK)
def test_what_is_at_the_edge_and_works(case):
    make, changes = WORK[case]

    trained, inputs = train(make(), **changes)

    assert_finite(trained, inputs)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (lambda: a_table().assign(x0=np.inf), "the value is infinite"),
        (lambda: a_table().assign(x0=1e39), "too large for the networks' float32"),
        (
            lambda: a_table().assign(y=lambda t: t["y"] * 1e30),
            "y' has values up to .* too large for",
        ),
        (lambda: a_table().assign(y=3.0), "there is nothing to predict"),
        (lambda: a_table(1), "there is nothing to predict"),
        (lambda: a_table(2), "there is nothing to learn|leaves no row"),
    ],
)
def test_what_cannot_work_is_refused_with_a_reason(table, told):
    with pytest.raises(BadInputError, match=told):
        train(table())
