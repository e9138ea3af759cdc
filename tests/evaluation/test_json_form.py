from __future__ import annotations

import json
import math
from dataclasses import dataclass, field

import pytest

from dropnorm.evaluation.json_form import PREFIX, Result, or_nan, to_json


@dataclass(frozen=True)
class Inner(Result):
    name: str
    scores: dict[str, float | None] = field(metadata={PREFIX: "held_"})


@dataclass(frozen=True)
class Outer(Result):
    study: str
    parts: tuple[Inner, ...]
    counts: dict[str, int] = field(metadata={PREFIX: ""})
    last: int | None = None


MADE = Outer("s", (Inner("a", {"mae": 0.1, "r2": None}),), {"lost": 2}, 3)
WRITTEN = {
    "study": "s", "parts": [{"name": "a", "held_mae": 0.1, "held_r2": None}], "lost": 2, "last": 3,
}  # fmt: skip


def test_to_json_keeps_the_order_and_writes_prefixed_entries_side_by_side():
    assert json.dumps(to_json(MADE)) == json.dumps(WRITTEN)


def test_from_json_makes_the_same_result_again():
    assert Outer.from_json(json.loads(json.dumps(WRITTEN))) == MADE


def test_what_an_earlier_version_did_not_write_has_its_default():
    assert Outer.from_json({"study": "s", "parts": []}) == Outer("s", (), {})


@pytest.mark.parametrize(
    "written", [None, [], "text", {}, {"study": "s"}, {"study": [], "parts": []},
                {"study": "s", "parts": [{"name": "a", "held_mae": "much"}]}]
)  # fmt: skip
def test_what_is_no_such_result_is_refused(written):
    with pytest.raises(ValueError, match="Outer"):
        Outer.from_json(written)


def test_or_nan_gives_nan_for_none():
    assert or_nan(1.5) == 1.5
    assert math.isnan(or_nan(None))
