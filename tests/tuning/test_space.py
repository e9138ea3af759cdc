from __future__ import annotations

import math

import pytest

from conftest import read_study
from dropnorm.study.arms import arm_of
from dropnorm.study.training import OptimizerOptions
from dropnorm.training.backend import load_keras
from dropnorm.tuning.space import (
    KERAS_RATES,
    as_configured,
    draw_configurations,
    of_network,
    study_at,
)


def searched(trials: int, seed: int = 0, **changes: object):
    return read_study("concrete", recommend={"trials": trials, "seed": seed}, **changes)


def test_the_first_trial_is_the_study_as_it_is_configured():
    study = searched(5)

    first = draw_configurations(study)[0]

    assert first == as_configured(study)
    assert (first.learning_rate, first.hidden, first.batch_size) == (0.01, (512, 512, 512), 64)
    assert study_at(study, first) == study


def test_one_trial_is_the_study_alone():
    assert [one.trial for one in draw_configurations(searched(1))] == [0]


def test_more_trials_begin_with_those_of_fewer_and_another_seed_draws_others():
    few, many = draw_configurations(searched(4)), draw_configurations(searched(30))

    assert many[:4] == few
    assert draw_configurations(searched(4)) == few
    assert draw_configurations(searched(4, seed=1))[1:] != few[1:]


def test_every_trial_gives_a_study_that_could_be_written():
    study = searched(40)

    for one in draw_configurations(study):
        changed = study_at(study, one)
        assert type(study).model_validate(changed.model_dump()) == changed
        assert 0.0001 <= changed.training.learning_rate <= 0.1
        assert changed.network.hidden in [(512,) * 3, (256,) * 3, (128,) * 3]


def test_learning_rates_are_spread_evenly_over_their_logarithms():
    rates = [one.learning_rate for one in draw_configurations(searched(401))[1:]]

    decades = [math.floor(math.log10(rate)) for rate in rates]
    assert all(100 < decades.count(decade) < 167 for decade in (-4, -3, -2))


def test_what_a_network_of_compare_sets_itself_stays_and_the_rest_is_the_trials():
    study = searched(
        9, compare={"baseline": {}, "small": {"layers": ["dropout"], "network": {"hidden": [4]}}}
    )
    one = next(one for one in draw_configurations(study) if one.trial and one.batch_size != 64)

    small = arm_of(study_at(study, one), "small").study

    assert small.network.hidden == (4,)
    assert small.training.batch_size == one.batch_size


def test_other_options_of_the_optimizer_stay():
    study = searched(9, training__optimizer_options={"momentum": 0.9})
    one = next(one for one in draw_configurations(study) if one.weight_decay)

    changed = study_at(study, one).training.optimizer_options

    assert changed == OptimizerOptions(momentum=0.9, weight_decay=one.weight_decay)


@pytest.mark.training
def test_the_learning_rates_of_optimizers_are_those_of_keras():
    optimizers = load_keras().optimizers

    for name, rate in KERAS_RATES.items():
        assert float(optimizers.get(name).learning_rate) == pytest.approx(rate)


def test_a_trial_of_a_network_has_the_options_that_the_network_sets_itself():
    wide = {"network": {"hidden": [9, 9]}, "training": {"optimizer": "adam", "batch_size": 7}}
    study = searched(3, compare={"baseline": {}, "wide": wide}, training__learning_rate=None)
    first, second, _ = draw_configurations(study)

    assert of_network(study, "baseline", second) == second
    of_wide = of_network(study, "wide", second)
    assert (of_wide.trial, of_wide.hidden, of_wide.batch_size) == (1, (9, 9), 7)
    assert of_wide.learning_rate == second.learning_rate
    # As configured, it has the learning rate of its own optimizer.
    assert (first.learning_rate, of_network(study, "wide", first).learning_rate) == (0.01, 0.001)
