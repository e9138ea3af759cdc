from __future__ import annotations

import numpy as np
import pytest

from conftest import read_study
from dropnorm.tuning.shares import FEWEST, options_of, shares_of_variance
from dropnorm.tuning.space import draw_configurations


def drawn(trials: int = 60):
    study = read_study("concrete", recommend={"trials": trials})
    return [options_of(one, dropout=True, batchnorm=False) for one in draw_configurations(study)]


def test_the_option_that_errors_follow_has_nearly_all_of_their_variance():
    options = drawn()

    shares = shares_of_variance(options, [one["learning_rate"] ** 2 for one in options])

    assert shares["learning_rate"] > 0.8
    assert max(share for name, share in shares.items() if name != "learning_rate") < 0.1


def test_only_options_that_a_network_uses_have_a_share():
    assert set(drawn(1)[0]) == {
        "learning_rate", "hidden", "batch_size", "weight_decay", "dropout_rate",
    }  # fmt: skip


@pytest.mark.parametrize("errors", [np.arange(FEWEST - 1.0), np.ones(20)])
def test_of_few_trials_or_equal_errors_nothing_is_said(errors):
    assert shares_of_variance(drawn(len(errors)), errors.tolist()) == {}
