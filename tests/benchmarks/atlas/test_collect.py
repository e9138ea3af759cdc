import math

import numpy as np
import pytest
from atlas.collect import Moderators, TableEffect, find_moderators, tidy
from scipy import stats

from dropnorm.evaluation.results import ReplicaFacts, VariantTraining
from dropnorm.training.layers import Layer

MODERATORS = Moderators(5.0, 2.0, -1.0, 0.1, 0.5, 0.25, 2.0)


def effect(**said):
    options = {
        "table": "cars", "version": "v", "engine": "jax", "overridden": "", "task": "regression",
        "layer": "dropout", "error": "mae", "baseline": 4.0, "share": -0.1, "low": -0.2,
        "high": 0.0, "pairs": 10, "verdict": "not settled", "moderators": MODERATORS,
    }  # fmt: skip
    return TableEffect(**(options | said))


def facts(split, rows):
    parts = {"train": rows, "validation": 50}
    return ReplicaFacts(split, 0, parts, 0.5, 10, 10, "last epoch", None, {"val_loss": 0.8})


def test_the_standard_error_is_that_of_a_normal_with_the_same_interval():
    mean, error = effect().log_ratio()

    assert mean == pytest.approx(math.log(0.9))
    assert error * 0.9 * stats.norm.ppf(0.975) == pytest.approx(0.1)


def test_half_the_error_and_twice_the_error_are_equally_far_from_none():
    half, _ = effect(share=-0.5, low=-0.6, high=-0.4).log_ratio()
    twice, _ = effect(share=1.0, low=0.9, high=1.1).log_ratio()

    assert half == pytest.approx(-twice)


def test_an_effect_without_an_interval_has_no_ratio_and_stays_in_the_list():
    lines = tidy([effect(share=math.nan, low=math.nan, high=math.nan, pairs=0), effect()])

    assert np.isnan(lines["log_ratio"]).tolist() == [True, False]
    assert lines["rows"].tolist() == [5.0, 5.0]


def test_an_effect_whose_interval_reaches_to_no_error_at_all_has_no_ratio():
    told, error = effect(share=1e11, low=-2e11, high=4e11, verdict="breaks training").log_ratio()

    assert math.isnan(told)
    assert math.isnan(error)


def test_moderators_are_those_of_the_protocol():
    answer = {
        "references": {
            "constant": {"error": 8.0},
            "least_squares": {"error": 4.0},
            "linear_network": {"error": None},
            "gradient_boosting": {"error": 2.0},
        }
    }
    columns = {"standard_scale": ["a", "b"], "one_hot": ["c"], "passthrough": ["d"]}
    preprocessing = columns | {
        key: [] for key in ("min_max_scale", "robust_scale", "quantile_scale", "ordinal")
    }
    training = VariantTraining(
        study="Cars",
        made_up=False,
        variant="baseline",
        engine="jax",
        trainable_parameters=6 * 32 + 33 * 16 + 17,  # 5 inputs, 32 and 16 units, one output
        layers=tuple(Layer("dense", f"dense_{units}", units=units) for units in (32, 16, 1)),
        replicas=(facts(0, 100), facts(1, 102)),
    )

    found = find_moderators(
        answer, {"preprocessing": preprocessing}, training, {"val_loss": 0.6, "training_loss": 0.3}
    )

    assert found == Moderators(
        rows=math.log(101),
        inputs=math.log(5),
        width=math.log(32 / 101),
        overfitting=pytest.approx(math.log(2)),
        noise=0.25,
        categories=0.25,
        depth=2,
    )
