from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest

from conftest import ROOT, read_study
from dropnorm.evaluation.answers.build import in_words
from dropnorm.evaluation.answers.more_runs import more_runs
from dropnorm.evaluation.estimation.verdicts import Health
from dropnorm.study.variants import Variant
from made_up_answers import NAN, OUTCOMES, an_outcome, an_outcome_named

BASELINE, DROPOUT, BATCHNORM, BOTH = Variant


@pytest.mark.parametrize("name", OUTCOMES)
def test_each_outcome_has_its_action(name):
    _, use, words = OUTCOMES[name]

    answer = an_outcome_named(name)

    assert answer.recommendation.use == use
    assert words in answer.answer


@pytest.mark.parametrize(
    ("name", "network"),
    [("dropout helps", DROPOUT), ("boosting is better", DROPOUT), ("all diverge", "")],
)
def test_the_network_to_use_is_named_also_where_a_reference_model_is_better(name, network):
    assert an_outcome_named(name).recommendation.network == network


@pytest.mark.parametrize("failing", list(Variant))
def test_a_network_that_fails_is_never_recommended(failing):
    answer = an_outcome((10, 10, 10, 10), failing={failing: Health.USELESS})

    assert answer.recommendation.use != failing


@pytest.mark.parametrize(
    ("health", "why"),
    [
        (Health.USELESS, "with either layer, or both, the training fails"),
        (Health.UNPROVEN, "no network with either layer, or both, is shown to be better than a"),
    ],
)
def test_a_network_alone_that_works_is_used_for_what_is_known_of_the_others(health, why):
    failing = {DROPOUT: Health.USELESS, BATCHNORM: health, BOTH: health}

    answer = an_outcome((10, 10, 10, 10), failing=failing)

    assert answer.recommendation.use == BASELINE
    assert f"without either layer: {why}" in answer.answer


def test_without_layers_it_is_only_chosen_if_nothing_is_better():
    answer = an_outcome((10, 9.4, 9.3, 8.0), half=0.5)

    assert answer.not_beaten() == [BOTH]
    assert answer.recommendation.use == BOTH
    assert "1.30 MPa (0.80 to 1.80) lower than with batch normalization" in answer.answer


@pytest.mark.parametrize(
    ("errors", "last", "above", "words"),
    [
        ((NAN, NAN, NAN, NAN), 1.0, 0.1, "lower the learning rate, or clip the gradients"),
        ((NAN, 41, 42, 43), 2.0, 1.1, "lower the learning rate, or clip the gradients"),
        ((40, 41, 42, 43), 2.0, 1.1, "train for fewer epochs or stop early"),
        ((40, 41, 42, 43), 1.0, 0.1, "train for more epochs, or try another learning rate"),
        # It has stopped early: the last epochs are of no network.
        ((40, 41, 42, 43), 2.0, 0.1, "train for more epochs, or try another learning rate"),
    ],
)
def test_the_advice_follows_how_the_trainings_failed(errors, last, above, words):
    answer = an_outcome(errors, constant=13, final_val_loss=last, minimum_flatters_by=above)

    assert words in answer.answer
    assert ("more epochs" in answer.answer) == ("more epochs" in words)


def unproven(study):
    answer = an_outcome((10, 10, 10, 10), failing=dict.fromkeys(Variant, Health.UNPROVEN))
    return in_words(replace(answer, more_runs=more_runs(study)))


COLUMNS = {"method": "columns", "columns": ["a", "b", "c"]}


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"replicas": {"splits": 5}}, "write a larger replicas.splits."),
        ({"replicas": {"starts": 5}}, "write a larger replicas.starts."),
        ({"replicas": {"until": "settled"}},
         "write a larger replicas.at_most, which counts as a further look (DN018)."),
        ({"split": COLUMNS, "replicas": {"splits": 3}}, "write a larger replicas.starts."),
        ({"split": COLUMNS, "replicas": {"splits": 2}}, "write a larger replicas.splits."),
    ],
)  # fmt: skip
def test_the_advice_names_the_option_that_gives_more_runs(changes, advice):
    answer = unproven(read_study("concrete", **changes))

    assert advice in answer.answer
    assert "more_runs" not in answer.as_json()


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({}, "splits=5"),
        ({"split": COLUMNS}, "splits=3"),
        ({"split": {"method": "time", "by": "age"}}, "starts=5"),
    ],
)
def test_one_run_is_told_the_option_that_its_split_allows(changes, option):
    study = read_study("concrete", **changes, replicas={"splits": 1, "starts": 1})
    answer = in_words(
        replace(an_outcome((10, 8, 10, 8), half=NAN, runs=1), more_runs=more_runs(study))
    )

    assert f"--params=made.replicas.{option} before you choose" in answer.answer


def test_of_two_that_help_alike_the_simpler_is_chosen():
    answer = an_outcome((10, 8, 7.9, 7.8), half=0.5)

    assert answer.recommendation.use == DROPOUT
    assert "any further gain is below 0.60 MPa with batch normalization" in answer.answer


def test_a_network_that_is_as_good_in_practice_is_told_with_the_margin():
    answer = an_outcome((10, 9, 10, 9), half=0.05, margin=0.2)

    assert answer.recommendation.use == DROPOUT
    assert answer.recommendation.open == (
        "A network with both layers is as good in practice: the difference is below 0.2 MPa."
    )


def test_a_reference_model_that_may_be_as_good_is_told():
    answer = an_outcome((10, 8, 10, 8), best_reference=8.1)

    assert answer.recommendation.use == DROPOUT
    assert "better than gradient boosting, the best reference model, is not settled" in (
        answer.answer
    )


def test_a_reference_model_that_fails_in_one_run_is_not_recommended():
    answer = an_outcome((10, 8, 10, 8), best_reference=6)
    partly = replace(answer.references["gradient_boosting"], finite=4)

    answer = in_words(
        replace(answer, references={**answer.references, "gradient_boosting": partly})
    )

    assert answer.recommendation.use == DROPOUT
    assert "gradient boosting" not in answer.answer


def test_a_network_that_beats_the_reference_models_is_told():
    answer = an_outcome((10, 8, 10, 8), best_reference=9)

    assert "It is 1.00 MPa (0.50 to 1.50) better than gradient boosting" in answer.answer


def test_networks_are_ranked_only_where_neighbours_are_settled():
    assert an_outcome((10, 8, 9, 7)).ranked() == [BOTH, DROPOUT, BATCHNORM, BASELINE]
    assert an_outcome((10, 8, 8.2, 7)).ranked() == []
    assert an_outcome((NAN, NAN, 4.3, 5.4), constant=13).ranked() == [BATCHNORM, BOTH]


def test_a_comparison_is_the_same_from_both_sides():
    answer = an_outcome((10, 8, 9, 7))

    one, other = answer.between(DROPOUT, BATCHNORM), answer.between(BATCHNORM, DROPOUT)

    assert (one.difference, one.low, one.high) == (-other.difference, -other.high, -other.low)
    assert (one.worse, other.worse) == (False, True)
    assert answer.between(BASELINE, DROPOUT).worse


def test_a_recommendation_holds_for_one_run_of_which_one_diverged():
    answer = an_outcome((NAN, 8, 10, 8), half=math.nan, runs=1)

    assert answer.recommendation.use == DROPOUT
    assert "without it, the one run diverged" in answer.answer


PAGE = ROOT / "docs" / "explanation" / "recommendation.md"
ROWS = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
TABLE = [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in ROWS[1:]]
# What the page says to use, and what the code calls it.
SAID = {
    "use dropout": DROPOUT,
    "use batch normalization": BATCHNORM,
    "use neither layer": BASELINE,
    "use none of them; boosting works": "gradient_boosting",
    "use none of them, nor boosting": "",
    "use boosting": "gradient_boosting",
}


def as_written(errors: str, beside: str):
    """Make the outcome of a row of the page's table."""
    words = [one.strip() for one in errors.split(",")]
    found = [NAN if one == "diverged" else float(one) for one in words if one != "all four"]

    def given(name: str) -> dict[str, float]:
        numbers = re.search(rf"{name}(?: is)? ([0-9.]+)", beside)
        return {} if numbers is None else {OF_PAGE[name]: float(numbers[1])}

    told = {key: value for name in OF_PAGE for key, value in given(name).items()}
    if "one run" in beside:
        told |= {"half": NAN, "runs": 1}
    return an_outcome(found * 4 if len(found) == 1 else found, **told)


OF_PAGE = {"half an interval": "half", "the margin": "margin", "boosting": "best_reference",
           "a constant": "constant"}  # fmt: skip


@pytest.mark.parametrize(("errors", "beside", "action"), TABLE)
def test_the_page_says_of_each_outcome_what_the_code_does(errors, beside, action):
    answer = as_written(errors, beside)

    (use,) = (
        use for said, use in SAID.items() if re.match(rf"(it does not matter: )?{said}\b", action)
    )
    assert answer.recommendation.use == use
    if limit := re.search(r"only differences above ([0-9.]+) could be shown", action):
        assert f"a difference above about {limit[1]}" in answer.answer
    assert (" for now:" in answer.answer) == ("for now" in action)
    if "run 5 splits" in action:
        assert "replicas.splits=5 before you choose" in answer.answer
    if "if it must be a network, the one with dropout" in action:
        assert "If it must be a network, use the one with dropout" in answer.answer
    if "mend the training" in action:
        assert "Mend the training before you compare layers" in answer.answer


def test_the_page_has_ten_outcomes():
    assert len(TABLE) == 10
