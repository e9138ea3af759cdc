from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from conftest import ROOT, read_study
from dropnorm.evaluation.answers.checks import check_answer, check_trainings
from dropnorm.evaluation.estimation.verdicts import Verdict
from dropnorm.findings import CODES
from made_results import measured
from made_up_answers import a_reference, an_answer, an_effect

STUDY = read_study("concrete")
EPOCHS = 20


def trainings(val_loss, runs=2, diverged=(), collapsed=()):
    """Trainings whose loss falls to 1, and whose val_loss is what it is told to be."""
    epochs = np.arange(1, EPOCHS + 1)
    history = pd.concat(
        [
            pd.DataFrame({"split": split, "start": 0, "epoch": epochs, "loss": 1 + 1 / epochs,
                          "val_loss": val_loss(epochs)})
            for split in range(runs)
        ]
    )  # fmt: skip
    replicas = [
        measured(
            split, diverged_at_epoch=3 if split in diverged else None, collapsed=split in collapsed
        )
        for split in range(runs)
    ]
    return history, replicas


def codes(findings):
    return [(one.code.code, one.where, one.count, one.of) for one in findings]


def test_runs_that_diverged_or_collapsed_are_counted():
    found = check_trainings(
        "dropout_batchnorm", *trainings(lambda n: 2 + 1 / n, 5, (1, 4), (0,)), STUDY
    )

    assert codes(found) == [
        ("DN007", "dropout + batchnorm", 2, 5),
        ("DN008", "dropout + batchnorm", 1, 5),
    ]
    assert found[0].found == "2 of 5 runs, the first in epoch 3"


@pytest.mark.parametrize(
    ("val_loss", "grows"),
    [
        (lambda n: 2 + 0.02 * n, True),  # overfits to the end
        (lambda n: 2 + 1 / n, False),  # falls with the training loss
        (lambda n: 2 + 0.0005 * n, False),  # grows by next to nothing
        (lambda n: 2 + 0.2 * np.minimum(n, 12), False),  # grew, and ended
        (lambda n: 0.5 + 0.02 * n, False),  # better than in training, to the end
        (lambda n: 0.9 + 0.02 * n, True),  # better at first
    ],
)
def test_a_gap_is_told_where_it_keeps_growing_to_the_end(val_loss, grows):
    found = check_trainings("baseline", *trainings(val_loss), STUDY)

    assert codes(found) == ([("DN011", "baseline", 2, 2)] if grows else [])


def test_few_epochs_show_no_trend():
    history, replicas = trainings(lambda n: 2 + 0.1 * n)

    assert check_trainings("baseline", history.query("epoch <= 7"), replicas, STUDY) == []


def beside_linear(verdict=Verdict.HELPS, half=0.5, **differences):
    """An answer with networks whose error is so much above a linear model's."""

    def reference(error):
        return a_reference(error, differences, half)

    return an_answer(
        effects={"dropout": an_effect(-1.0, verdict=verdict),
                 "batchnorm": an_effect(-1.0)},
        references={"constant": reference(20.0), "least_squares": reference(9.0),
                    "linear_network": reference(8.0), "gradient_boosting": reference(math.nan)},
    )  # fmt: skip


def test_a_network_worse_than_the_better_linear_model_is_told_by_how_much():
    found = check_answer(beside_linear(baseline=1.25, dropout=-1.0), STUDY)

    assert codes(found) == [("DN009", "baseline", 5, 5), ("DN010", "baseline", 1, 2)]
    assert found[0].found == "1.25 MPa (0.75 to 1.75) above linear network"
    assert found[1].found == "the MAE of linear network is 8.00 MPa"


@pytest.mark.parametrize("difference", [0.0, 0.25])
def test_a_network_that_may_be_as_good_as_the_linear_model_is_not_called_worse(difference):
    found = check_answer(beside_linear(baseline=difference), STUDY)

    assert codes(found) == [("DN010", "baseline", 1, 1)]


@pytest.mark.parametrize("difference", [-0.25, 0.25])
def test_of_one_run_a_network_is_called_worse_where_its_error_is_larger(difference):
    found = check_answer(beside_linear(half=math.nan, baseline=difference), STUDY)

    assert ("DN009" in [one.code.code for one in found]) == (difference > 0)


@pytest.mark.parametrize("verdict", [Verdict.NOT_SETTLED, Verdict.NONE])
def test_verdicts_that_want_more_runs_are_told(verdict):
    found = check_answer(beside_linear(verdict, baseline=-1.0), STUDY)

    assert codes(found) == [("DN012", "dropout", 1, 2)]
    assert found[0].found == "5 splits cannot tell"


def test_each_is_silenced_by_its_code():
    study = read_study("concrete", silence=["DN007", "DN008", "DN009", "DN010", "DN011", "DN012"])

    trained = trainings(lambda n: 2 + 0.02 * n, 5, (1,), (0,))
    assert check_trainings("baseline", *trained, study) == []
    assert check_answer(beside_linear(Verdict.NOT_SETTLED, baseline=1.0), study) == []


def test_the_page_of_checks_says_what_the_codes_say():
    page = (ROOT / "docs" / "reference" / "findings.md").read_text()

    sections = page.split("\n## ")[1:]
    assert [section.split(":")[0] for section in sections] == list(CODES)
    for section, code in zip(sections, CODES.values(), strict=True):
        title, *paragraphs = (" ".join(one.split()) for one in section.strip().split("\n\n"))
        assert title == f"{code.code}: {code.title}"
        assert paragraphs == [
            f"**How it is found.** {code.how}",
            f"**Why it matters.** {code.why}",
            f"**What to do.** {code.remedy}",
        ]


def test_networks_that_are_too_sure_of_their_classes_are_counted_apart():
    study = read_study("wine", task="classification", target={"column": "quality"},
                       training__loss="cross_entropy")  # fmt: skip
    history, replicas = trainings(lambda n: 2 + 1 / n, 3)
    replicas = [replace(one, failures={"overconfident": one.split > 0}) for one in replicas]

    assert codes(check_trainings("dropout", history, replicas, study)) == [
        ("DN014", "dropout", 2, 3)
    ]
