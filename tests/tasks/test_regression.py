from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from conftest import read_study
from dropnorm.errors import BadInputError
from dropnorm.tasks.registry import task_of


@pytest.mark.parametrize(
    ("values", "target", "message"),
    [
        (
            [1.0, 2.0],
            {"divide_by": 1e300},
            "target.divide_by: 1e+300, .* up to 2e-300, .* too small",
        ),
        ([1.0, 2.0], {"divide_by": 1e-20}, "target.divide_by: 1e-20, .* up to 2e+20, .* too large"),
        ([1e20, 2e20], {}, "target.divide_by: 1, .* up to 2e+20, .* too large for float32"),
        ([1e9, 1e9 + 1], {}, "is 1e+09 in all 2 training rows in float32"),
        ([1e-20, 3e-20], {"scale": "log1p"}, "target.scale: log1p, .* up to 3e-20, .* too small"),
    ],
)
def test_a_target_that_float32_cannot_hold_is_refused(values, target, message):
    study = read_study("wine", target={"column": "quality", **target})

    with pytest.raises(BadInputError, match=message.replace("+", r"\+")) as refused:
        task_of(study).fit_target(pd.Series(values), 0, study)
    assert "change target.divide_by, or write target.scale: standardize" in str(refused.value)


@pytest.mark.parametrize("worst", [700.0, 800.0])
def test_a_training_whose_error_is_beyond_float64_has_collapsed(worst):
    """With a logarithmic target, one row of many has little weight in the loss."""
    task = task_of(read_study("wine", target={"column": "quality", "scale": "log1p"}))
    predicted = [2.0, 3.0, np.exp(worst) if worst < 710 else np.inf]
    table = pd.DataFrame({"target": [1.0, 2.0, 3.0], "prediction": predicted})
    scores = {name: score if np.isfinite(score) else None
              for name, score in task.score(table).items()}  # fmt: skip

    assert scores["rmse"] is None
    assert task.judge(0.1, scores, {"val_loss": 0.3}) == {"collapsed": True}
    assert task.judge(0.1, {"mae": 1.0, "rmse": 1.0, "r2": None}, {"val_loss": 0.3}) == {
        "collapsed": False
    }


@pytest.mark.parametrize(
    ("divisor", "lost", "deviation"), [(1, "2", "5.2"), (1e6, "2.4e-06", "5.3e-06")]
)
def test_a_target_that_float32_rounds_too_coarsely_is_refused(divisor, lost, deviation):
    """In float32, numbers of this size are multiples of 8: one is rounded by 2.75."""
    study = read_study("wine", target={"column": "quality", "divide_by": divisor})

    with pytest.raises(BadInputError) as refused:
        task_of(study).fit_target(pd.Series([123456789.25, 123456799.75]), 0, study)

    assert str(refused.value) == (
        f"split 0: with target.divide_by: {divisor:g}, column 'quality' is rounded by {lost} in"
        f" float32, which is much beside its standard deviation of {deviation}; write"
        " target.scale: standardize"
    )


@pytest.mark.parametrize(
    ("values", "target"),
    [
        ([1e9, 1e9 + 1], {"scale": "standardize"}),
        ([1e9, 3e9], {"divide_by": 1e9}),
        ([1e12, 2e12], {}),
        ([123456789.25, 123456799.75], {"scale": "standardize"}),
        ([123456789.25, 123556789.25], {}),
        ([0.1, 0.2], {}),
        # Whole numbers below 2 ** 24 are exact.
        ([16_000_000, 16_000_001], {}),
    ],
)
def test_a_large_target_that_float32_can_hold_is_accepted(values, target):
    study = read_study("wine", target={"column": "quality", **target})

    task_of(study).fit_target(pd.Series(values), 0, study)
