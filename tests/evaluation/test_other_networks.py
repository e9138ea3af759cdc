"""Cards, ranking and recommendation of networks that a study names itself."""

from __future__ import annotations

import json

import pytest

from dropnorm.evaluation.estimation.contrasts import Design
from dropnorm.evaluation.estimation.verdicts import Health
from made_up_answers import NAN, an_outcome

OTHERS = Design(
    ("baseline", "dropout", "weight_decay", "wide"), "baseline", frozenset({"dropout"}), False
)
AGAINST_WIDE = Design(("baseline", "dropout", "wide"), "wide", frozenset(), False)
TWO = Design(("baseline", "wide"), "baseline", frozenset(), False)
FIVE = Design(
    ("baseline", "dropout", "batchnorm", "dropout_batchnorm", "wide"),
    "baseline", frozenset({"dropout", "batchnorm", "dropout_batchnorm"}), True,
)  # fmt: skip


def test_each_network_but_the_reference_has_a_card_under_its_name():
    answer = an_outcome((10, 9, 8, 12), design=OTHERS)

    assert [one.name for one in answer.cards.values()] == ["Dropout", "Weight decay", "Wide"]
    assert answer.cards["weight_decay"].line() == (
        "Weight decay: helps. −2.00 MPa (95 % interval −2.50 to −1.50), −20 %."
        " Any harm is ruled out, and a gain above 2.50 MPa."
    )


def test_a_network_that_fails_is_told_beside_the_reference():
    answer = an_outcome((10, 9, NAN, 12), design=OTHERS)

    assert answer.cards["weight_decay"].line() == (
        "Weight decay: breaks training. With the baseline, the error is 10.0 MPa,"
        " against 30.0 MPa for a constant; with 'weight decay', all 5 runs diverged."
    )


@pytest.mark.parametrize(
    ("design", "errors", "others", "use", "words"),
    [
        (OTHERS, (10, 9, 8, 12), {}, "weight_decay",
         "Use the network 'weight decay': its error is 2.00 MPa (1.50 to 2.50) lower than with the"
         " baseline, and 1.00 MPa (0.50 to 1.50) lower than with dropout."),
        (OTHERS, (10, 8, 8.1, 12), {}, "dropout",
         "Use the network with dropout: its error is 2.00 MPa (1.50 to 2.50) lower than without"
         " it."),
        (OTHERS, (10, 10.1, 9.9, 10), {}, "baseline",
         "Use the baseline: no other network is shown to be better. "),
        (OTHERS, (10, 12, 13, 11), {}, "baseline",
         "Use the baseline: each other network is worse."),
        (OTHERS, (10, 10.1, 10, 10), {"half": 0.2, "margin": 0.5}, "baseline",
         "Use the baseline: no other network differs from it by more than 0.5 MPa."),
        (OTHERS, (NAN, NAN, 8, NAN), {}, "weight_decay",
         "Use the network 'weight decay': with the baseline, all 5 runs diverged."),
        (OTHERS, (10, 8, 9, 9), {"best_reference": 5}, "gradient_boosting",
         "lower than that of the network with dropout, the best choice of the four. If it must be a"
         " network, use the one with dropout: its error is"),
        (OTHERS, (NAN, NAN, NAN, NAN), {}, "gradient_boosting",
         "Use none of the four networks: trainings of all four diverged."),
        (OTHERS, (10, 8, 10, 8), {"half": NAN, "runs": 1}, "baseline",
         "Use the baseline for now: one run of each cannot show that another network is better."),
        (AGAINST_WIDE, (8, 9, 10), {}, "baseline",
         "Use the baseline: its error is 2.00 MPa (1.50 to 2.50) lower than with 'wide', and 1.00"
         " MPa (0.50 to 1.50) lower than with 'dropout'."),
        (AGAINST_WIDE, (10.1, 9.9, 10), {}, "wide",
         "Use the network 'wide': no other network is shown to be better."),
        (TWO, (10, 8), {}, "wide", "Use the network 'wide': its error is 2.00 MPa"),
        (TWO, (NAN, 40), {}, "gradient_boosting", "Use neither of the two networks: each diverged"),
        (FIVE, (10, 8, 10, 8, 6), {}, "wide", "lower than with the baseline, and 2.00 MPa"),
    ],
)  # fmt: skip
def test_each_outcome_of_other_networks_has_its_action(design, errors, others, use, words):
    answer = an_outcome(errors, design=design, **others)

    assert answer.recommendation.use == use
    assert words in f"{answer.answer} "


def test_the_layers_do_something_to_each_other_only_where_the_four_are_compared():
    assert an_outcome((10, 9, 9, 6, 5), design=FIVE).interaction.startswith("Each layer helps more")
    assert an_outcome((10, 9, 9, 6, NAN), design=FIVE).interaction.startswith("Each layer helps")
    assert an_outcome((10, 9, 8, 12), design=OTHERS).interaction == ""


def test_other_networks_are_ranked_where_neighbours_are_settled():
    assert an_outcome((10, 9, 8, 12), design=OTHERS).ranked() == [
        "weight_decay", "dropout", "baseline", "wide",
    ]  # fmt: skip
    assert an_outcome((10, 8), design=TWO).ranked() == ["wide", "baseline"]
    assert an_outcome((10, 8, 8.1, 12), design=OTHERS).not_beaten() == ["dropout", "weight_decay"]


def test_two_networks_are_one_effect_and_leave_no_others_to_compare():
    answer = an_outcome((10, 8), design=TWO)

    assert answer.comparisons == ()
    assert answer.between("baseline", "wide").worse


def test_an_answer_names_its_reference_unless_the_four_variants_are_compared():
    assert an_outcome((8, 9, 10), design=AGAINST_WIDE).as_json()["against"] == "wide"
    assert "against" not in an_outcome((10, 8, 9, 7)).as_json()
    json.dumps(an_outcome((10, 8, NAN, 7), design=OTHERS).as_json(), allow_nan=False)


def test_nothing_good_is_said_of_a_network_no_better_than_a_constant():
    answer = an_outcome((10, 8, 9, 8), design=OTHERS, failing={"wide": Health.USELESS})

    assert answer.cards["wide"].verdict == "breaks training"
    assert answer.recommendation.use == "dropout"
