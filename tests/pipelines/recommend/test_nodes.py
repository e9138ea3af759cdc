from __future__ import annotations

import math

import pandas as pd
import pytest
import yaml

from dropnorm.data.validation import check_table
from dropnorm.pipelines.recommend import nodes
from dropnorm.study.variants import Variant
from dropnorm.tuning.results import Trial
from dropnorm.tuning.search import choose_trials
from dropnorm.tuning.space import draw_configurations
from handful import (
    ERRORS,
    PROVENANCE,
    SPLIT,
    TABLE,
    an_outcome,
    predictions,
    references,
    some_inputs,
)
from small_trainings import a_study

STUDY = a_study(replicas__splits=2, network__hidden=[4], recommend={"trials": 3})


def searched(variant: Variant):
    """Three trials in both splits; what is chosen is better by 0.5."""
    trials = [
        Trial(split, configuration, 5.0 - configuration.trial, 2)
        for split in (0, 1)
        for configuration in draw_configurations(STUDY)
    ]
    error = ERRORS[variant]
    budgets = {"configured": error, "chosen": error - 0.5}
    return nodes.gather_search(
        choose_trials(trials),
        *(an_outcome(variant.value, one).metrics for one in budgets.values()),
        pd.concat([predictions(one).assign(budget=name) for name, one in budgets.items()]),
    )


@pytest.fixture(scope="module")
def networks():
    return {variant.value: searched(variant) for variant in Variant}


@pytest.fixture(scope="module")
def found(networks):
    return nodes.compare_at_equal_budget(SPLIT, references(), STUDY, **networks)


def test_divide_training_rows_gives_inner_inputs_of_each_split():
    inner = nodes.divide_training_rows(check_table(TABLE, STUDY), SPLIT, STUDY)

    assert [one.split for one in inner] == [0, 1]
    assert all(len(one.train.rows) + len(one.validation.rows) == 8 for one in inner)


@pytest.mark.training
def test_search_tries_every_configuration_and_trains_the_chosen_one_on_all_training_rows():
    inner = nodes.divide_training_rows(check_table(TABLE, STUDY), SPLIT, STUDY)

    left = nodes.NetworkSearcher("dropout").search(inner, some_inputs(STUDY), STUDY)

    assert [(one.split, one.configuration.trial) for one in left.trials] == [
        (split, trial) for split in (0, 1) for trial in range(3)
    ]
    assert sum(one.chosen for one in left.trials) == 2
    assert left.configured.rows == left.chosen.rows == {"train": 8, "validation": 4}
    assert left.predictions.groupby("budget")["row"].size().to_dict() == {
        "chosen": 8, "configured": 8,
    }  # fmt: skip


def test_gather_search_keeps_what_is_compared_of_a_network():
    found = searched(Variant.DROPOUT)

    assert found.chosen.variant == found.configured.variant == "dropout"


def test_compare_at_equal_budget_says_what_choosing_was_worth(found):
    assert [one.name for one in found.networks] == [variant.value for variant in Variant]
    assert found.networks[0].worth.difference == pytest.approx(-0.5, abs=0.01)


def test_tabulate_trials_has_a_row_for_each(networks):
    table = nodes.tabulate_trials(STUDY, **networks)

    assert len(table) == 4 * 2 * 3
    assert table["chosen"].sum() == 4 * 2
    assert not table["inner_error"].map(math.isnan).any()


def test_tabulate_trials_says_what_a_network_was_trained_with():
    wide = {"layers": ["dropout"], "network": {"hidden": [9], "dropout": {"rate": 0.25}}}
    study = a_study(
        replicas__splits=2, network__hidden=[4], recommend={"trials": 3},
        compare={"baseline": {}, "wide": wide},
    )  # fmt: skip
    networks = {"baseline": searched(Variant.BASELINE), "wide": searched(Variant.DROPOUT)}

    table = nodes.tabulate_trials(study, **networks).set_index("network")

    assert set(table.loc["wide", "hidden"]) == {"9"}
    assert set(table.loc["wide", "dropout_rate"]) == {"0.25"}
    assert len(set(table.loc["baseline", "hidden"])) > 1


def test_plot_equal_budget_draws_effects_and_curves(found):
    assert len(nodes.plot_equal_budget(found, STUDY).axes) == 2


def test_write_recommended_is_yaml_of_the_study(found):
    assert set(yaml.safe_load(nodes.write_recommended(found, STUDY)) or {"concrete"}) == {
        "concrete"
    }


def test_record_search_says_what_was_searched(networks):
    record = nodes.record_search(STUDY, PROVENANCE, networks["baseline"], "a plot")

    assert (record.study, record.options["recommend"]["trials"]) == ("concrete", 3)
