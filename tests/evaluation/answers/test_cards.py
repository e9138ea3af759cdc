from __future__ import annotations

import math
from dataclasses import replace

import pytest

from dropnorm.evaluation.answers.build import in_words
from dropnorm.evaluation.estimation.verdicts import Health, Verdict
from dropnorm.study.variants import Variant
from made_up_answers import NAN, an_outcome

# Error with dropout where it is 10 without, half an interval, margin: the line of its card.
LINES = {
    (8, 0.5, 0): "Dropout: helps. −2.00 MPa (95 % interval −2.50 to −1.50), −20 %."
    " Any harm is ruled out, and a gain above 2.50 MPa.",
    (12, 0.5, 0): "Dropout: hurts. +2.00 MPa (95 % interval +1.50 to +2.50), +20 %."
    " Any gain is ruled out, and harm above 2.50 MPa.",
    (10.1, 0.2, 0.5): "Dropout: makes no practical difference. +0.10 MPa (95 % interval −0.10 to"
    " +0.30), +1.0 %. A gain above 0.10 MPa and harm above 0.30 MPa are ruled out.",
    (9.9, 0.5, 0): "Dropout: not settled. −0.10 MPa (95 % interval −0.60 to +0.40), −1.0 %."
    " Any gain is below 0.60 MPa, any harm below 0.40 MPa.",
    (8, math.nan, 0): "Dropout: one run: no verdict. −2.00 MPa. One run of each shows what happened"
    " once.",
}


@pytest.mark.parametrize(("told", "line"), LINES.items())
def test_a_card_says_verdict_effect_and_what_is_ruled_out(told, line):
    error, half, margin = told

    answer = an_outcome((10, error, 10, 10), half=half, margin=margin)

    assert answer.cards["dropout"].line() == line


@pytest.mark.parametrize(
    ("errors", "verdict"),
    [
        ((NAN, 8, 8, 8), Verdict.RESCUES),
        ((35, 8, 8, 8), Verdict.RESCUES),
        ((8, NAN, 8, 8), Verdict.BREAKS),
        ((8, 35, 8, 8), Verdict.BREAKS),
        ((NAN, 35, 8, 8), Verdict.BOTH_FAIL),
        ((35, 31, 8, 8), Verdict.BOTH_FAIL),
    ],
)
def test_failed_trainings_have_verdicts_of_their_own(errors, verdict):
    answer = an_outcome(errors, constant=30)

    card = answer.cards["dropout"]
    assert card.verdict == verdict
    assert card.effect == ""


@pytest.mark.parametrize("health", [Health.USELESS, Health.UNPROVEN, Health.DIVERGES])
def test_nothing_good_is_said_of_a_network_no_better_than_a_constant(health):
    answer = an_outcome((10, 8, 10, 8), failing=dict.fromkeys(Variant, health))

    for card in answer.cards.values():
        assert card.verdict in ("both fail",)
    assert answer.recommendation.action.startswith("Use none of the four networks")
    assert answer.interaction == ""


def test_a_gain_of_a_network_not_shown_to_work_is_not_settled():
    answer = an_outcome((10, 8, 10, 8), failing={Variant.DROPOUT: Health.UNPROVEN})

    assert answer.cards["dropout"].verdict == Verdict.NOT_SETTLED


def test_two_layers_take_the_plural():
    answer = an_outcome((10, 8, 10, 8))

    assert answer.cards["dropout_batchnorm"].line().startswith("Both layers: help. −2.00 MPa")


@pytest.mark.parametrize(
    ("optimistic", "told"),
    [((), (False, False)), (("dropout",), (True, False)), (("baseline",), (True, True))],
)
def test_a_card_says_whether_one_of_its_two_scores_is_optimistic(optimistic, told):
    answer = in_words(replace(an_outcome((10, 8, 9, 8)), optimistic=optimistic))

    effects = [answer.cards[name].effect for name in ("dropout", "batchnorm")]
    assert tuple(one.endswith(", optimistic") for one in effects) == told


def test_a_card_without_an_effect_says_so_too():
    answer = in_words(replace(an_outcome((NAN, 8, 8, 8)), optimistic=("dropout",)))

    assert answer.cards["dropout"].rules_out.endswith(" for a constant. Scores are optimistic.")
    assert "optimistic" not in answer.cards["batchnorm"].rules_out
