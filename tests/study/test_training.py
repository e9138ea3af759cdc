from __future__ import annotations

import pytest

from conftest import read_study
from dropnorm.errors import BadInputError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training__threads": 0}, "threads is 0; it should be from 1 to 1024"),
        ({"training__loss": "hubber"}, "did you mean 'huber'?"),
        ({"training__huber_delta": 0}, "huber_delta is 0; it should be from 1e-18 to 1e+18"),
        ({"training__learning_rate": 1e300}, "learning_rate is 1e+300; it should be from 1e-30 to"),
        ({"training__learning_rate": 1e-300}, "learning_rate is 1e-300; it should be from 1e-30"),
        ({"training__schedule": {"method": "cosin"}}, "schedule.method is 'cosin'; did you mean"),
        ({"training__schedule": {}}, "one of cosine, exponential, reduce_on_plateau"),
        (
            {"training__schedule": {"method": "exponential", "factor": 2}},
            "schedule.factor is 2; it should be above 0 and at most 1",
        ),
        (
            {"training__schedule": {"method": "cosine", "final_fractoin": 0.1}},
            "schedule.final_fractoin: no such key; did you mean 'final_fraction'?",
        ),
        (
            {"training__schedule": {"method": "cosine", "warmup_epochs": 100}},
            "warms up for 100 of 100 epochs",
        ),
        ({"training__early_stopping": {"patience": 0}}, "early_stopping.patience is 0"),
        (
            {"training__optimizer_options": {"beta_1": 0.8}},
            "has 'beta_1' in 'optimizer_options', which sgd does not take (it takes: momentum",
        ),
        (
            {"training__optimizer_options": {"clipnorm": 1, "clipvalue": 1}},
            "optimizer_options clips gradients in two ways: clipnorm and clipvalue",
        ),
        ({"training__optimizer_options": {"weight_decay": 1}}, "should be at least 0 and below 1"),
    ],
)
def test_training_options_out_of_range_are_refused_with_the_range(changes, message):
    with pytest.raises(BadInputError) as refused:
        read_study("concrete", **changes)

    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
