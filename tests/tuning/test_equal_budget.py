from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dropnorm.evaluation.estimation.verdicts import Verdict
from dropnorm.pipelines.reporting.nodes import measure
from dropnorm.reporting.figures.tuning import draw_equal_budget
from dropnorm.study.variants import Variant
from dropnorm.tasks.registry import task_of
from dropnorm.tuning.equal_budget import CHOSEN, CONFIGURED, find_equal_budget, mean_errors
from dropnorm.tuning.results import SearchedNetwork, Trial
from dropnorm.tuning.search import choose_trials
from dropnorm.tuning.space import as_configured
from made_results import a_training, some_facts
from small_trainings import a_study

ROWS, SPLITS = 40, 5
STUDY = a_study(replicas__splits=SPLITS, recommend={"trials": 9})
SPLIT = pd.DataFrame(
    [
        {"split": k, "row": row, "part": "validation" if row < ROWS else "train"}
        for k in range(SPLITS)
        for row in range(4 * ROWS)
    ]
)
TARGET = np.linspace(0, 60, ROWS)


def predicted(errors: list[float], chance: np.random.Generator) -> pd.DataFrame:
    """Predictions of each split that are wrong by about so much."""
    tables = []
    for split, error in enumerate(errors):
        wrong = error + chance.normal(0, 0.05, ROWS)
        columns = {"split": split, "start": 0, "row": range(ROWS), "target": TARGET}
        tables.append(pd.DataFrame({**columns, "prediction": TARGET + wrong}))
    return pd.concat(tables, ignore_index=True)


def measured(name: str, table: pd.DataFrame, lost: bool, study):
    training = a_training(
        *(some_facts(k, diverged_at_epoch=1 if lost else None) for k in range(SPLITS)),
        variant=name,
    )
    history = pd.DataFrame(
        {"split": k, "start": 0, "epoch": epoch, "loss": 1.0, "val_loss": np.nan if lost else 1.0}
        for k in range(SPLITS)
        for epoch in (1, 2, 3)
    )
    return measure(history, table, table.head(0), training, study)


def searched(
    name: str, configured: float, chosen: float, inner: list[float | None], seed: int = 0,
    *, lost: bool = False, spread: float = 0.1, study=STUDY,
) -> SearchedNetwork:  # fmt: skip
    """A network with these errors outside, and these of its trials inside, in each split."""
    chance = np.random.default_rng(seed)
    own = as_configured(STUDY)
    trials = [
        Trial(
            split, replace(own, trial=number, learning_rate=0.01 * (number + 1)), error, 10 + split
        )
        for split in range(SPLITS)
        for number, error in enumerate(inner)
    ]
    metrics, tables = {}, []
    for budget, error in ((CONFIGURED, configured), (CHOSEN, chosen)):
        table = predicted([error + chance.normal(0, spread) for _ in range(SPLITS)], chance)
        metrics[budget] = measured(name, table, lost and budget == CONFIGURED, study)
        tables.append(table.assign(budget=budget))
    predictions = pd.concat(tables, ignore_index=True)
    return SearchedNetwork(choose_trials(trials), metrics[CONFIGURED], metrics[CHOSEN], predictions)


def found(study=STUDY, **networks: SearchedNetwork):
    references = pd.concat(
        predicted([20.0 + place] * SPLITS, np.random.default_rng(place)).assign(model=name)
        for place, name in enumerate(task_of(STUDY).references)
    )
    return find_equal_budget(networks, references, SPLIT, study)


INNER = [5.0, 4.0, 3.5, *[6.0] * 6]


@pytest.fixture(scope="module")
def dropout_helps_no_longer():
    """Dropout is 2 better as configured, and 1 worse when each network had its chance."""
    errors = {
        "baseline": (6, 3),
        "dropout": (4, 4),
        "batchnorm": (6, 3),
        "dropout_batchnorm": (4, 4),
    }
    return found(
        **{
            name: searched(name, *pair, INNER, seed)
            for seed, (name, pair) in enumerate(errors.items())
        }
    )


def test_an_effect_is_told_as_configured_and_at_equal_budget_with_its_change(
    dropout_helps_no_longer,
):
    effect = next(one for one in dropout_helps_no_longer.effects if one.name == "dropout")

    assert effect.configured.verdict == Verdict.HELPS
    assert effect.equal_budget.verdict == Verdict.HURTS
    assert effect.configured.low < -2 < effect.configured.high
    assert effect.equal_budget.low < 1 < effect.equal_budget.high
    assert effect.change.low < 3 < effect.change.high


def test_what_choosing_was_worth_is_the_paired_difference_outside(dropout_helps_no_longer):
    baseline, dropout, *_ = dropout_helps_no_longer.networks

    assert baseline.worth.low < -3 < baseline.worth.high < 0
    assert dropout.worth.low < 0 < dropout.worth.high
    assert baseline.inner == pytest.approx(3.5)
    assert baseline.picked == (2,) * SPLITS


def test_the_recommended_configuration_is_the_best_over_all_splits_of_the_network_to_use(
    dropout_helps_no_longer,
):
    best = dropout_helps_no_longer.recommended

    assert best.network == "baseline"
    assert best.configuration.trial == 2
    assert (best.epochs, best.inner) == (12, pytest.approx(3.5))
    assert dropout_helps_no_longer.answer.startswith("Use the network without either layer")


def test_a_network_that_diverges_as_configured_is_compared_at_equal_budget_alone():
    four = {variant.value: searched(variant.value, 4, 4, INNER, 3) for variant in Variant}
    inner = [None, *INNER[1:]]

    result = found(**{**four, "baseline": searched("baseline", 9, 3, inner, lost=True)})

    dropout, baseline = result.effects[0], result.networks[0]
    assert dropout.configured.difference is None
    assert dropout.configured.verdict == Verdict.RESCUES
    assert dropout.equal_budget.verdict == Verdict.HURTS
    assert (baseline.configured, baseline.worth.difference) == (None, None)
    assert (baseline.diverged_configured, baseline.diverged_chosen) == (SPLITS, 0)
    assert baseline.diverged_trials == SPLITS
    assert dropout.change.verdict == baseline.worth.verdict == Verdict.DIVERGED
    assert baseline.curve[0].expected == pytest.approx(20, abs=0.2)  # the constant's


def test_networks_that_a_study_names_itself_are_compared_with_its_reference():
    compare = {"plain": {}, "wide": {"layers": ["dropout"], "network": {"hidden": [64, 64]}}}
    study = a_study(
        replicas__splits=SPLITS, recommend={"trials": 9}, compare=compare, against="plain"
    )

    result = found(
        study,
        plain=searched("plain", 6, 3, INNER, 1, study=study),
        wide=searched("wide", 4, 4, INNER, 2, study=study),
    )

    (effect,) = result.effects
    assert effect.name == "wide"
    assert (effect.configured.verdict, effect.equal_budget.verdict) == ("helps", "hurts")
    assert result.recommended.network == "plain"
    assert len(draw_equal_budget(result, study).axes) == 2


def test_where_no_network_is_better_than_a_constant_none_is_recommended():
    result = found(**{name.value: searched(name.value, 30, 30, INNER) for name in Variant})

    assert result.recommended is None


def test_a_trial_that_diverged_in_one_split_has_no_mean():
    own = as_configured(STUDY)
    second = replace(own, trial=1)

    means = mean_errors(
        [
            Trial(0, own, 1.0, 5),
            Trial(1, own, 3.0, 5),
            Trial(0, second, 1.0, 5),
            Trial(1, second, None, 5),
        ]
    )

    assert means[0] == 2.0
    assert np.isnan(means[1])


def test_on_pure_noise_no_network_gains_and_its_inner_error_flatters():
    """All configurations are equal: the rows that choose see gains, those that score see none."""
    chance, worths, flattered, covered = np.random.default_rng(1), [], [], 0
    for seed in range(4):
        four = {}
        for place, variant in enumerate(Variant):
            inner = chance.normal(10, 1, 9).tolist()
            four[variant.value] = searched(
                variant.value, 10, 10, inner, 10 * seed + place, spread=0.5
            )
        for one in found(**four).networks:
            worths.append(one.worth.difference)
            flattered.append(one.inner - one.chosen)
            covered += one.worth.low < 0 < one.worth.high

    assert abs(np.mean(worths)) < 3 * np.std(worths) / np.sqrt(len(worths))
    assert np.mean(flattered) < -1
    assert covered >= 0.8 * len(worths)
