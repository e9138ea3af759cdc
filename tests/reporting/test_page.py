"""The report's page, of answers made up by hand and trainings of a handful of rows."""

from __future__ import annotations

import html
import json
import re

import pandas as pd
import pytest

from dropnorm.evaluation.estimation.contrasts import Design
from dropnorm.evaluation.results import TableFindings
from dropnorm.findings import Code, Finding, Severity
from dropnorm.pipelines.reporting import nodes
from dropnorm.tasks.targets import TargetScale
from handful import PROVENANCE, STUDY, some_outcomes
from handful import an_outcome as handful_outcome
from made_up_answers import OUTCOMES, an_outcome, an_outcome_named
from small_trainings import a_study

TRAINED = some_outcomes()
TARGETS = {split: {"target": TargetScale().fields()} for split in (0, 1)}


def page_of(answer, study=STUDY, findings=(), trained=TRAINED, **more):
    comparison = pd.DataFrame({"fit_seconds": [1.0, 2.0], "constant_val_loss": 15.0})
    data = nodes.make_report(
        study, answer.as_json() | more, TableFindings(study.name, False, (), findings), comparison,
        nodes.compare_diagnostics(study, TARGETS, **trained), PROVENANCE, trained["baseline"],
    )  # fmt: skip
    json.dumps(data, allow_nan=False)
    return nodes.write_report(study, data, TARGETS, **trained)


def seen(page):
    """Return what a reader sees of a page, above its learning curves."""
    body = page[page.index("<main>") : page.index("Learning curves</h2>")]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


@pytest.mark.parametrize("name", OUTCOMES)
def test_the_first_screen_says_what_to_do_in_each_outcome(name):
    _, _, words = OUTCOMES[name]
    answer = an_outcome_named(name)

    first = seen(page_of(answer))

    assert words in first
    for card in answer.cards.values():
        assert f"{card.name} {card.verdict} {card.effect}".strip() in first
        assert card.rules_out in first


def test_two_layers_that_rescue_training_are_told_in_the_plural():
    page = page_of(an_outcome_named("batch normalization rescues"))

    verdicts = re.findall(r'<td class="words">([^<]*)</td>', page)[:3]
    assert verdicts == ["both fail", "rescues training", "rescue training"]
    assert "with them, the error is 5.40 MPa, against 13.0 MPa for a constant" in page


def test_the_page_is_small_and_asks_for_nothing_from_elsewhere():
    page = page_of(an_outcome((10, 8, 10, 8)))

    assert len(page) < 2_000_000
    assert not re.search(r'(src|srcset|href)="(?!data:|#)', page)
    assert "<script" not in page
    assert "– to" not in page
    assert "– %" not in page
    assert "kedro run" in page
    assert 'aria-label="Mean validation error: baseline 10.0 MPa' in page


@pytest.mark.parametrize("verdict", ["helps", "both fail"])
def test_a_run_until_settled_shows_and_tells_each_effect_at_each_look(verdict):
    answer = an_outcome((10, 8, 10, 8))
    looks = [
        {"splits": splits, "level": 0.98,
         "seen": {name: {"difference": -2.0, "low": -2.5, "high": -1.5, "boundary": 0.4,
                         "verdict": verdict, "settled": True} for name in answer.cards}}
        for splits in (5, 10)
    ]  # fmt: skip
    study = a_study(replicas={"until": "settled", "at_most": 10, "splits": 10})

    page = page_of(answer, study, looks=looks, stopped="All verdicts stand.")

    told = re.findall(r'aria-label="Difference of ([^"]*)"', page)
    expected = "at each look: 5 splits −2.00 (interval −2.50 to −1.50), helps; 10 splits"
    assert [one.split(" at")[0] for one in told] == (
        ["dropout", "batchnorm", "dropout + batchnorm"] if verdict == "helps" else []
    )
    assert all(expected in one for one in told)
    assert ("Beyond the grey lines" in page) == (verdict == "helps")


def test_what_stands_in_a_table_cannot_put_markup_into_the_report():
    said = "<img src=x onerror=alert(2)>"
    study = STUDY.model_copy(update={"title": "<script>alert(1)</script>"})

    page = page_of(
        an_outcome((10, 8, 10, 8)), study,
        (Finding(Code(said, said, said, said, said), said, said, 1, 2),),
    )  # fmt: skip

    assert "<script" not in page
    assert "<img src=x" not in page


def test_title_and_columns_stand_on_the_page_as_they_are_written():
    title, column = "日本語 <b>&amp;</b> $^{$ [red]'", "a<b 'ß'"
    preprocessing = STUDY.preprocessing.model_copy(update={"passthrough": (column,)})
    study = STUDY.model_copy(update={"title": title, "preprocessing": preprocessing})

    page = html.unescape(re.sub(r"<[^>]*>", "", page_of(an_outcome((10, 8, 10, 8)), study)))

    assert f"help the network on {title}?" in page
    assert column in page


def finding(code, severity):
    return Finding(
        Code(code, "a title", "how", "why", "a remedy", severity, "{where} is odd: {found}"),
        "a column", "1 of 2", 1, 2,
    )  # fmt: skip


def test_only_serious_findings_stand_above_the_cards():
    found = [finding("DN901", Severity.NOTE), finding("DN902", Severity.SERIOUS),
             finding("DN903", Severity.CAUTION)]  # fmt: skip

    page = page_of(an_outcome((10, 8, 10, 8)), findings=tuple(found))

    first = seen(page)
    assert "DN902 A column is odd: 1 of 2." in first
    assert "DN901" not in first
    assert "DN903" not in first
    assert "Findings: 1 serious, 1 caution, 1 note." in first
    assert page.index('id="DN902"') < page.index('id="DN903"') < page.index('id="DN901"')


def test_of_many_networks_the_reference_models_head_the_columns():
    names = ("baseline", "dropout", "weight_decay", "wide", "layernorm", "tabm")
    design = Design(names, "baseline", frozenset({"dropout"}), crossed=False)
    study = a_study(
        replicas__splits=2,
        network__hidden=[4],
        compare={
            "baseline": {},
            "dropout": {},
            "weight_decay": {"training": {"optimizer_options": {"weight_decay": 0.1}}},
            "wide": {"network": {"hidden": [9]}},
            "layernorm": {"network": {"layernorm": {}}},
            "tabm": {"layers": ["batchnorm"], "network": {"batch_ensemble": {"members": 8}}},
        },
    )
    trained = {name: handful_outcome(name, 3.0) for name in names}

    page = page_of(an_outcome((10, 9, 8, 12, 7, 10), design=design), study, trained=trained)

    first = seen(page)
    assert "Which of six networks should be used on Concrete" in first
    assert "Weight decay helps −2.00 MPa" in first
    assert "of each network less that of the baseline: plus is worse" in first
    assert "<th>less gradient boosting</th>" in page
    assert "Interaction" not in page
    assert '<div class="panels threes">' in page
    layers = "→ 8 members → factors → 4 linear → factors relu → batch norm → output → mean"
    assert layers in " ".join(re.sub(r"<[^>]*>", " ", page).split())


def test_the_page_says_when_the_run_began_with_which_version_and_what_it_rests_on():
    page = " ".join(re.sub(r"<[^>]*>", " ", page_of(an_outcome((10, 8, 10, 8)))).split())

    assert (
        "It began on 31 January 2026, 23:59 UTC, and its version is 2026-01-31T23.59.58.999Z."
        " Dropnorm 1.2 with tensorflow. Python 3.11"
    ) in page


def test_what_is_not_settled_stands_with_the_time_that_more_splits_take():
    page = seen(page_of(an_outcome((10, 9.8, 10.3, 9.9))))

    assert (
        "these splits can show a difference above about 0.71 MPa. At the pace of this run" in page
    )


@pytest.mark.parametrize(
    ("splits", "told"), [(0, "not defined"), (1, "not defined (1 of 5 splits)"), (5, "not defined")]
)
def test_an_effect_on_a_score_of_some_splits_says_of_how_many(splits, told):
    answer = an_outcome_named("batch normalization rescues")
    one = {"difference": None, "low": None, "high": None, "splits": splits, "of_splits": 5,
           "verdict": "not defined"}  # fmt: skip
    classes = {
        "effects": {"auc": dict.fromkeys(answer.effects, one)},
        "calibration": {},
        "told": [],
    }

    page = page_of(answer, classes=classes)

    assert page.count(f"<small>{told}</small>") == len(answer.effects)
