from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from conftest import read_study, read_table
from dropnorm.data.inspection.checks import check_study_table
from dropnorm.data.inspection.leaks import find_formula
from dropnorm.data.splits import assign_parts, parts_of
from dropnorm.data.validation import check_table

if TYPE_CHECKING:
    from dropnorm.data.inspection.leaks import Formula
    from dropnorm.study.schema import Study

ROWS = 400
CHANCE = np.random.default_rng(0)
# Like bicycle hires, a person's measures and a sale; "t" is unrelated noise.
T, A, B = CHANCE.normal(size=ROWS), CHANCE.integers(1, 300, ROWS), CHANCE.integers(1, 500, ROWS)
KILOS, METRES = CHANCE.uniform(40, 110, ROWS), CHANCE.uniform(1.5, 2, ROWS)
KIND = CHANCE.choice(["x", "y", "z"], ROWS)
NOISE = CHANCE.normal(size=ROWS)
MONTHS = {f"month {number}": CHANCE.gamma(2, 50, ROWS) for number in range(12)}


def study_of(table: pd.DataFrame, **changes: Any) -> Study:
    inputs = [name for name in table.columns if name != "y"]
    texts = [name for name in inputs if pd.api.types.is_string_dtype(table[name])]
    preprocessing = {"one_hot": texts, "standard_scale": [n for n in inputs if n not in texts]}
    return read_study("wine", target={"column": "y"}, preprocessing=preprocessing, **changes)


def formula_of(table: pd.DataFrame, **changes: Any) -> Formula | None:
    study = study_of(table, **changes)
    rows = check_table(table, study)
    return find_formula(rows, study, parts_of(assign_parts(rows, study), 0, rows.index))


@pytest.mark.parametrize(
    ("inputs", "target", "columns", "text"),
    [
        ({"a": A, "b": B}, A + B, ["a", "b"], "y = a + b"),
        ({"a": A, "b": B}, (B - 0.5 * A + 7), ["a", "b"], "y = b + 7 - 0.5 × a"),
        ({"a": A, "b": B}, ((A + B) / 2).round(1), ["a", "b"], "y = 0.5 × a + 0.5 × b"),
        ({"a": A}, A * 1.8 + 32, ["a"], "y = 1.8 × a + 32"),
        ({"a": A, "twice": 2 * A, "b": B}, A + B, ["a", "b"], "y = a + b"),
        ({"a": A, "b": B, "total": A + B}, A + B + 9 * T, ["t", "total"], "y = 9 × t + total"),
        (
            {"a": A, "kind": KIND},
            A + np.select([KIND == "x", KIND == "y"], [10, 250], 700),
            ["a", "kind"],
            "y = a + 450 × [kind is 'z'] + 250 - 240 × [kind is 'x']",
        ),
        ({"a": A, "mean €": B}, A + 3 * B, ["a", "mean €"], "y = a + 3 × 'mean €'"),
        (MONTHS, sum(MONTHS.values()), list(MONTHS), "y = the sum of these columns"),
        (MONTHS, 2 * sum(MONTHS.values()), list(MONTHS), "y = a weighted sum of these columns"),
        ({"kg": KILOS, "m": METRES}, KILOS / METRES**2, ["kg", "m"], "y = kg / m^2"),
        ({"a": A, "m": METRES}, 2 * A * METRES, ["a", "m"], "y = 2 × a × m"),
        ({"m": METRES, "a": A}, 1 / METRES / A, ["m", "a"], "y = 1 / m / a"),
        ({"a": A}, A + 1.5 + NOISE, ["a"], "y ≈ a + "),
    ],
)
def test_a_formula_that_gives_the_target_is_found(inputs, target, columns, text):
    found = formula_of(pd.DataFrame({"t": T, **inputs, "y": target}))

    assert found is not None
    assert sorted(found.columns) == sorted(columns)
    assert found.text.startswith(text) if text.endswith("+ ") else found.text == text
    assert found.r2 > 0.999


@pytest.mark.parametrize("holes", [["a"], ["t"], ["t", "a", "b"]])
def test_a_formula_is_found_despite_missing_values(holes):
    table = pd.DataFrame({"t": T, "a": A, "b": B, "y": A + B})
    for number, column in enumerate(holes):
        table[column] = table[column].where(np.random.default_rng(number).random(ROWS) > 0.3)

    found = formula_of(table, missing="impute")

    assert found is not None
    assert found.text == "y = a + b"


SUM = (A + B) / np.std(A + B)
FAR = np.where(np.arange(ROWS) % 50 == 0, 1e5, 0)


@pytest.mark.parametrize(
    ("inputs", "target"),
    [
        ({"a": A, "b": B}, SUM + 0.05 * NOISE),  # R² 0.9975
        ({"a": T + FAR}, NOISE + FAR),  # R² 1.0000, but typical rows are not predicted
        ({"kg": KILOS, "m": METRES}, KILOS / METRES**1.7),
        ({"a": A}, NOISE),
        ({"t": np.ones(ROWS)}, NOISE),
    ],
)
def test_inexact_relations_are_not_formulas(inputs, target):
    assert formula_of(pd.DataFrame({"t": T, **inputs, "y": target})) is None


@pytest.mark.parametrize("name", ["concrete", "wine", "spotify"])
def test_the_shipped_tables_have_no_formula(name):
    folder = "data/sample/01_raw" if name == "spotify" else "data/01_raw"
    study, table = read_study(name), read_table(name, folder)

    codes = {
        one.code.code
        for one in check_study_table(table, study, assign_parts(check_table(table, study), study))
    }

    assert "DN016" not in codes


def findings(table: pd.DataFrame, **changes: Any) -> list[tuple[str, str]]:
    # Trained for long enough that nothing is to be said of it.
    study = study_of(table, training__epochs=2000, **changes)
    found = check_study_table(table, study, assign_parts(check_table(table, study), study))
    return [(one.code.code, one.where) for one in found]


def test_a_copied_target_is_reported_once_and_its_parts_together():
    copied = pd.DataFrame({"t": T, "a" * 70: A, "y": 3 * A})
    parts = pd.DataFrame({"t": T, "a": A, "b": B, "y": A + B})

    assert findings(copied) == [("DN004", f"column '{'a' * 70}'")]
    assert findings(parts) == [("DN016", "columns 'a', 'b'")]


def test_a_target_in_another_unit_is_reported():
    dollars = np.exp(np.random.default_rng(1).normal(0, 2, ROWS))

    expected = findings(pd.DataFrame({"t": T, "usd": dollars, "y": 0.92 * dollars}))

    assert expected == [("DN016", "column 'usd'")]


def test_many_columns_are_counted_and_long_names_are_cut():
    expected = findings(pd.DataFrame({**MONTHS, "y": sum(MONTHS.values())}))
    named = findings(pd.DataFrame({"t": T, "a" * 70: A, "b": B, "y": A + B}))

    assert expected == [("DN016", f"columns {', '.join(map(repr, list(MONTHS)[:5]))} and 7 more")]
    assert named == [("DN016", f"columns '{'a' * 60}…', 'b'")]


def test_classes_and_small_tables_have_no_formula():
    table = pd.DataFrame({"t": T, "a": A, "b": B, "y": A + B})
    classes = table.assign(y=np.where(table["y"] > 400, "high", "low"))

    assert findings(classes, task="classification", training__loss="cross_entropy") == []
    assert formula_of(table.head(60)) is None  # 18 rows validate


def test_a_formula_in_a_large_table_is_found_reproducibly():
    chance = np.random.default_rng(0)
    table = pd.DataFrame(chance.normal(size=(20_000, 150))).rename(columns="c{}".format)
    table["y"] = table["c3"] + 2 * table["c70"] - table["c149"]

    first, again = formula_of(table), formula_of(table)

    assert first is not None
    assert first.text == "y = c3 + 2 × c70 - c149"
    assert first == again
