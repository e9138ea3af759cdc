from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dropnorm.study.arms import arm_of
from dropnorm.study.variants import Variant
from dropnorm.training.trainer import TrainedReplica
from dropnorm.tuning import search
from dropnorm.tuning.results import Trial
from dropnorm.tuning.space import as_configured, draw_configurations
from small_trainings import a_study, an_input

OWN = as_configured(a_study())


def trial(number: int, error: float | None, split: int = 0, epochs: int = 5) -> Trial:
    return Trial(split, replace(OWN, trial=number), error, epochs)


def chosen(*trials: Trial) -> list[tuple[int, int]]:
    marked = search.choose_trials(trials)
    return [(one.split, one.configuration.trial) for one in marked if one.chosen]


def test_each_split_chooses_its_own_least_error():
    trials = [trial(0, 3.0), trial(1, 2.0), trial(0, 1.0, split=1), trial(1, 2.0, split=1)]

    assert chosen(*trials) == [(0, 1), (1, 0)]


def test_of_equal_errors_the_first_trial_is_chosen():
    assert chosen(trial(2, 1.0), trial(1, 1.0), trial(0, 1.5)) == [(0, 1)]


def test_a_trial_that_diverged_is_not_chosen_unless_all_did():
    assert chosen(trial(0, None), trial(1, 9.0)) == [(0, 1)]
    assert chosen(trial(1, None), trial(0, None)) == [(0, 0)]


def test_networks_are_given_the_same_trials_in_every_split():
    study = a_study(recommend={"trials": 4})
    inner = [an_input(0), an_input(1)]

    plans = [search.plan_trials(study, variant.value, inner) for variant in Variant]

    for plan in plans[1:]:
        assert [job.study for job in plan] == [job.study for job in plans[0]]
    assert [job.inputs.split for job in plans[0]] == [0, 1] * 4


def test_a_drawn_trial_stops_early_and_the_studys_own_trains_as_it_says():
    first, *drawn = search.plan_trials(
        a_study(recommend={"trials": 3}, training__epochs=70), "baseline", [an_input(0)]
    )

    assert first.study.training.early_stopping is None
    assert {job.study.training.epochs for job in (first, *drawn)} == {70}
    assert all(job.study.training.early_stopping.patience == 10 for job in drawn)


def test_what_is_chosen_trains_for_its_epochs_and_no_scoring_row_ends_it():
    study = a_study(training__epochs=70, training__early_stopping={"patience": 3})

    for number in (0, 1):
        training = search.study_trained(study, "dropout", trial(number, 1.0, epochs=12)).training
        assert (training.epochs, training.early_stopping) == (12, None)


def test_as_configured_is_the_studys_own_training_to_the_last_option():
    study = a_study(training__epochs=70)

    trained = search.study_trained(study, "dropout", trial(0, 1.0, epochs=70))

    assert trained == arm_of(study, "dropout").study


def test_a_schedule_along_a_cosine_is_gone_through_to_its_end():
    study = a_study(
        recommend={"trials": 2}, training__epochs=70, training__schedule={"method": "cosine"}
    )

    plan = search.plan_trials(study, "baseline", [an_input(0)])
    trained = search.study_trained(study, "baseline", trial(1, 1.0, epochs=12))

    assert [job.study.training.early_stopping for job in plan] == [None, None]
    assert trained.training.epochs == 70


def test_trainings_are_scored_in_the_targets_unit_and_diverged_ones_are_not():
    study = a_study(recommend={"trials": 2})
    inner = [an_input(0)]

    def replica(wrong: float, diverged: int | None) -> TrainedReplica:
        outputs = inner[0].validation.y[:, np.newaxis].astype(float) + wrong
        history = pd.DataFrame({"epoch": [1, 2], "loss": 1.0, "val_loss": 1.0})
        return TrainedReplica([], history, outputs, 2, diverged, history.head(0), 0.1)

    trials = search.judge_trials(study, inner, [replica(0.5, None), replica(0.1, 1)])

    assert [one.error for one in trials] == [pytest.approx(0.5), None]
    assert [one.chosen for one in trials] == [True, False]
    assert [one.configuration for one in trials] == draw_configurations(study)


def test_an_error_is_that_of_the_epochs_around_the_chosen_one_and_no_single_lucky_epoch():
    study = a_study(recommend={"trials": 2})
    inner = [an_input(0)]

    def replica(losses: list[float], chosen: int) -> TrainedReplica:
        outputs = inner[0].validation.y[:, np.newaxis] + losses[chosen - 1]
        history = pd.DataFrame(
            {"epoch": range(1, len(losses) + 1), "loss": 1.0, "val_loss": losses}
        )
        return TrainedReplica([], history, outputs, chosen, None, history.head(0), 0.1)

    steady, lucky = [3.0] * 20, [4.0] * 20
    lucky[9] = 2.0
    trials = search.judge_trials(study, inner, [replica(steady, 20), replica(lucky, 10)])

    assert [one.error for one in trials] == [pytest.approx(3.0), pytest.approx((10 * 4 + 2) / 11)]
    assert [one.chosen for one in trials] == [True, False]


def test_of_configurations_that_are_all_the_same_the_choice_flatters_and_the_score_does_not():
    """On pure noise the least inner error is far below what the rows outside say."""
    chance, true, spread, repeats = np.random.default_rng(0), 10.0, 1.0, 400
    inner = chance.normal(true, spread, (repeats, 20))
    outside = chance.normal(true, spread, (repeats, 20))

    picked = [
        next(
            one
            for one in search.choose_trials([trial(k, e) for k, e in enumerate(row)])
            if one.chosen
        )
        for row in inner.tolist()
    ]
    scored = np.array([outside[k, one.configuration.trial] for k, one in enumerate(picked)])

    error = spread / np.sqrt(repeats)
    assert abs(scored.mean() - true) < 2.6 * error
    assert np.mean([one.error for one in picked]) < true - 1.5 * spread
