from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from dropnorm.study.arms import arm_of
from dropnorm.study.compare import merged
from dropnorm.study.parsing import parse_study
from dropnorm.tuning.fragment import write_fragment
from dropnorm.tuning.results import EqualBudget, Recommended, Trial
from dropnorm.tuning.search import study_trained
from dropnorm.tuning.space import draw_configurations
from small_trainings import a_study

STUDY = a_study(recommend={"trials": 5}, training__optimizer_options={"weight_decay": 0.5})


def found(recommended: Recommended | None) -> EqualBudget:
    return EqualBudget(
        study="concrete", title="Concrete", made_up=False, error="mae", unit="MPa", splits=5,
        starts=1, trials=5, seed=0, estimand="", answer_configured="", answer="", effects=(),
        networks=(), recommended=recommended,
    )  # fmt: skip


@pytest.mark.parametrize("trial", range(5))
@pytest.mark.parametrize("network", ["baseline", "dropout_batchnorm"])
def test_the_fragment_makes_the_study_the_recommended_one(trial, network):
    best = draw_configurations(STUDY)[trial]
    text = write_fragment(found(Recommended(network, best, 7, 3.0)), STUDY)

    options = STUDY.model_dump(mode="json", exclude={"name"})
    study = parse_study("concrete", merged(options, yaml.safe_load(text)["concrete"]))

    assert study.network.hidden == best.hidden
    assert study.training.learning_rate == best.learning_rate
    assert study.training.batch_size == best.batch_size
    assert study.training.optimizer_options.weight_decay == best.weight_decay
    assert study.training.epochs == (7 if trial else STUDY.training.epochs)
    if network == "dropout_batchnorm":
        assert study.network.dropout.rate == best.dropout_rate
        assert study.network.batchnorm.momentum == best.batchnorm_momentum


def test_early_stopping_is_left_out_of_the_fragment():
    study = a_study(training__early_stopping={"patience": 3})
    best = replace(draw_configurations(study)[0])

    text = write_fragment(found(Recommended("baseline", best, 7, 3.0)), study)

    assert yaml.safe_load(text)["concrete"]["training"]["early_stopping"] is None


OWN: dict[str, dict[str, object]] = {
    "stops": {"training": {"early_stopping": {"patience": 3}}},
    "longer": {"training": {"epochs": 50}},
    "wide": {"network": {"hidden": [9, 9]}},
    "little": {"layers": ["dropout"], "network": {"dropout": {"rate": 0.1}}},
    "slow": {"training": {"learning_rate": 0.0001, "optimizer_options": {"weight_decay": 0.2}}},
}


@pytest.mark.parametrize("trial", range(3))
@pytest.mark.parametrize("network", OWN)
@pytest.mark.parametrize("training", [{}, {"training__early_stopping": {"patience": 5}}])
def test_the_fragment_reaches_a_network_that_changes_options_itself(network, trial, training):
    study = a_study(compare={"baseline": {}, "dropout": {}} | OWN, **training)
    best = draw_configurations(study)[trial]
    text = write_fragment(found(Recommended(network, best, 7, 3.0)), study)

    options = study.model_dump(mode="json", exclude={"name"})
    changed = parse_study("concrete", merged(options, yaml.safe_load(text)["concrete"]))

    wanted = study_trained(study, network, Trial(0, best, 3.0, 7))
    run = arm_of(changed, network)
    assert run.study.training == wanted.training
    assert run.study.network.hidden == wanted.network.hidden
    if run.variant.has_dropout:
        assert run.study.network.dropout == wanted.network.dropout
    # Others do not get what the network has of its own.
    if network == "wide":
        assert arm_of(changed, "baseline").study.network.hidden == study.network.hidden


def test_without_a_network_that_works_the_fragment_says_so_and_changes_nothing():
    text = write_fragment(found(None), STUDY)

    assert yaml.safe_load(text) is None
    assert "No network is shown to work" in text
