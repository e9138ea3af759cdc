import json

import pandas as pd
import pytest
from atlas.analysis import analyse
from atlas.collect import LAYERS
from atlas.publish import EXPECTATIONS, PAGE, expectations

from dropnorm.evaluation.other_tables import expect
from dropnorm.evaluation.verdicts import Verdict


def flat(told, key=""):
    """Numbers by the path to them; other values as they are."""
    items = told.items() if isinstance(told, dict) else enumerate(told)
    return {
        path: value
        for name, one in items
        for path, value in (
            flat(one, f"{key}/{name}") if isinstance(one, dict | list) else {f"{key}/{name}": one}
        ).items()
    }


@pytest.fixture(scope="module")
def effects():
    return pd.read_csv(PAGE / "effects.csv")


def test_what_studies_are_told_to_expect_follows_from_the_published_effects(effects):
    found = expectations(effects)

    assert list(json.loads(EXPECTATIONS.read_text())) == sorted(found)
    assert {task: expect(task) for task in found} == found


def test_the_published_analysis_follows_from_the_published_effects(effects):
    told, _ = analyse(effects)

    published = json.loads((PAGE / "analysis.json").read_text())
    assert flat(published) == pytest.approx(flat(json.loads(json.dumps(told))), nan_ok=True)


def test_both_published_forms_of_the_effects_say_the_same(effects):
    other = pd.read_json(PAGE / "effects.json", orient="records", precise_float=True)

    pd.testing.assert_frame_equal(other, effects, check_dtype=False, rtol=1e-9)


def test_rescued_and_broken_trainings_count_as_help_and_harm(effects):
    some = effects.assign(verdict=Verdict.RESCUES.value)

    for layers in expectations(some).values():
        assert [one.helps == one.tables for one in layers.values()] == [True] * len(LAYERS)
