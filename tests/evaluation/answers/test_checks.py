from __future__ import annotations

import math
from dataclasses import replace

import pytest

from conftest import ROOT, read_study
from dropnorm.evaluation.answers.checks import check_answer
from dropnorm.evaluation.estimation.verdicts import Verdict
from dropnorm.findings import CODES
from made_up_answers import a_reference, an_answer, an_effect

STUDY = read_study("concrete")


def codes(findings):
    return [(one.code.code, one.where, one.count, one.of) for one in findings]


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


def test_a_linear_model_that_fails_in_one_run_is_not_compared():
    answer = beside_linear(baseline=1.25)
    partly = replace(answer.references["linear_network"], finite=4)
    answer = replace(answer, references={**answer.references, "linear_network": partly})

    found = check_answer(answer, STUDY)

    assert found[0].found == "1.25 MPa (0.75 to 1.75) above least squares"
    assert found[1].found == "the MAE of least squares is 9.00 MPa"


@pytest.mark.parametrize("verdict", [Verdict.NOT_SETTLED, Verdict.NONE])
def test_verdicts_that_want_more_runs_are_told(verdict):
    found = check_answer(beside_linear(verdict, baseline=-1.0), STUDY)

    assert codes(found) == [("DN012", "dropout", 1, 2)]
    assert found[0].found == "5 splits cannot tell"


def test_each_is_silenced_by_its_code():
    study = read_study("concrete", silence=["DN009", "DN010", "DN012"])

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
