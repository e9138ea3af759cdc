from __future__ import annotations

import pytest

from dropnorm.evaluation.sweeps.sweep_results import Choices
from dropnorm.findings import CODES, Finding
from dropnorm.hooks.summary import summarize_sweep
from small_trainings import a_study


@pytest.mark.parametrize(
    ("changes", "choice"),
    [
        ({}, []),
        (
            {"training__early_stopping": {}},
            [
                "  Epochs are chosen on one in five of the training rows; validation rows only"
                " score."
            ],
        ),
        (
            {"training__early_stopping": {"rows": "validation"}},
            ["  Scores are optimistic: epochs are chosen on the rows that score."],
        ),
    ],
)
def test_a_sweep_calls_its_least_error_optimistic_and_says_which_rows_choose(changes, choice):
    study = a_study(**changes)
    finding = Finding(CODES["DN023"], "dropout", "0.5 of 0.1 to 0.5", 1, 1)
    choices = Choices(**{
        "study": "concrete", "title": "Concrete", "made_up": False, "error": "mae", "unit": "MPa",
        "splits": 2, "starts": 1, "estimand": "", "points": (),
        "sentences": {"dropout": "Dropout: rate 0.5 has the least error, 3 MPa."},
        "findings": (finding,),
    })  # fmt: skip

    lines = summarize_sweep(study, choices).splitlines()

    assert lines[:3] == [
        "Concrete: mae of the validation rows by choice",
        "  Dropout: rate 0.5 has the least error, 3 MPa.",
        "  The least error of several choices is optimistic: the rows that score it choose it.",
    ]
    assert lines[3:-1] == choice
    assert lines[-1].startswith("  DN023")
