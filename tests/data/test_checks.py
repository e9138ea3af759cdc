from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from conftest import read_study, read_table
from dropnorm.cli.study.check import find_problems
from dropnorm.data.checks import check_study_table
from dropnorm.data.preprocessing import fit_preprocessor, make_split_inputs
from dropnorm.data.splits import assign_parts
from dropnorm.data.validation import check_new_rows, check_table
from dropnorm.evaluation.results import TableFindings
from dropnorm.findings import CODES, Finding
from dropnorm.pipelines.preparation.nodes import check_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from dropnorm.study.schema import Study


def check(table: pd.DataFrame, study: Study) -> list[Finding]:
    """Return what is found in a table; what its batches are too small for is test_batches' task."""
    found = check_study_table(table, study, assign_parts(check_table(table, study), study))
    return [one for one in found if one.code.code not in ("DN018", "DN019")]


def study_of(**changes: Any) -> Study:
    changes.setdefault("preprocessing", {"passthrough": ["a", "b"]})
    return read_study("wine", **{"target": {"column": "y"}, **changes})


def table_of(rows: int = 400, **columns: Any) -> pd.DataFrame:
    """Two inputs that say nothing about the target, and what a test adds."""
    chance = np.random.default_rng(0)
    table = pd.DataFrame(chance.normal(size=(rows, 3)), columns=["a", "b", "y"])
    return table.assign(**columns)


def found(findings: list[Finding]) -> list[tuple[str, str, int, int]]:
    return [(one.code.code, one.where, one.count, one.of) for one in findings]


def test_90_of_the_480_validation_rows_of_the_lessons_wine_stand_in_its_training_part_too():
    findings = check(read_table("wine"), read_study("wine"))

    assert found(findings) == [("DN001", "validation part of split 0", 90, 480)]
    assert "90 of 480 rows equal a training row" in findings[0].line()


def test_a_table_without_faults_has_no_findings():
    assert check(table_of(), study_of()) == []


# What this project and pandas call things of their own.
OUR_NAMES = ["row", "split", "part", "index", "level_0", "self", "column", "check"]
ROLES = {
    "amount": {},
    "kind": {},
    "y": {},
    "where": {"split": {"method": "grouped", "by": "where"}},
    "together": {"split": {"method": "random", "keep_together": ["together", "kind"]}},
    "when": {"split": {"method": "time", "by": "when"}},
    "part of one": {"split": {"method": "columns", "columns": ["part of one"]}},
    "not used": {},
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", OUR_NAMES)
def test_a_column_may_have_any_name_in_any_role(name, role):
    def study(as_: Callable[[str], str]) -> Study:
        split = {
            key: [as_(one) for one in value] if isinstance(value, list) else as_(value)
            for key, value in ROLES[role].get("split", {"method": "random"}).items()
        }
        inputs = {"standard_scale": [as_("amount")], "one_hot": [as_("kind")]}
        return study_of(target={"column": as_("y")}, preprocessing=inputs, split=split)

    kinds, parts = ["brick", "lime", "clay"] * 20, ["train"] * 40 + ["validation"] * 20
    table = table_of(60, kind=kinds, where=np.arange(60) // 3, together=np.arange(60) // 2,
                     when=np.arange(60), **{"part of one": parts, "not used": ["x", "y"] * 30},
                     ).rename(columns={"a": "amount"})  # fmt: skip
    named, plain = table.rename(columns={role: name}), study(lambda one: one)
    own = study(lambda one: name if one == role else one)

    rows, split = check_table(named, own), assign_parts(check_table(named, own), own)
    fitted = fit_preprocessor(rows, split, 0, own)
    inputs = make_split_inputs(rows, split, 0, fitted, own)

    expected = assign_parts(check_table(table, plain), plain)
    pd.testing.assert_frame_equal(split, expected, check_categorical=False)
    fitted = fit_preprocessor(check_table(table, plain), expected, 0, plain)
    same = make_split_inputs(check_table(table, plain), expected, 0, fitted, plain)
    np.testing.assert_array_equal(inputs.train.x, same.train.x)
    assert len(check(named, own)) == len(check(table, plain))
    assert len(check_new_rows(named, own)) == 60
    assert find_problems(named, own) == []


@pytest.mark.parametrize("name", OUR_NAMES)
def test_what_is_wrong_is_told_of_a_column_of_any_name(name):
    table = table_of(60).rename(columns={"a": name}).astype({name: object})
    table.loc[7, name] = "seven"

    (problem,) = find_problems(table, study_of(preprocessing={"passthrough": [name, "b"]}))

    assert problem.startswith(f"column '{name}', row 7: 'seven' is no")


def test_identical_rows_stand_in_one_part_if_the_study_says_so():
    study = read_study("wine", split__identical_rows=True, split__test_fraction=0.1)

    assert check(read_table("wine"), study) == []


def test_copies_of_inputs_with_another_target_are_told_apart_from_copies_of_rows():
    table = table_of(100)
    # Row 50 is a copy of row 0 in all; rows 51 and 52 in their inputs alone.
    table.loc[50] = table.loc[0]
    table.loc[[51, 52], ["a", "b"]] = table.loc[[1, 2], ["a", "b"]].to_numpy()
    table["part"] = ["train"] * 50 + ["validation"] * 50
    study = study_of(split={"method": "columns", "columns": ["part"]})

    assert found(check(table, study)) == [
        ("DN001", "validation part of split 0", 1, 50),
        ("DN002", "validation part of split 0", 2, 50),
    ]
    assert [one.found for one in check(table, study)] == [
        "1 of 50 rows equal a training row",
        "2 of 50 rows have the inputs of a training row",
    ]


def test_a_design_that_repeats_by_itself_has_no_copies():
    design = {"a": np.arange(400) % 4, "b": np.arange(400) // 4 % 5}

    assert check(table_of(**design), study_of()) == []


@pytest.mark.parametrize(
    ("split", "advice"),
    [
        ({"method": "random"}, "write identical_rows: true if the split is random"),
        ({"method": "random", "keep_together": ["g"]}, "take the copies out of the table"),
        ({"method": "grouped", "by": "g"}, "or give the rows that are alike one group"),
        ({"method": "time", "by": "g"}, "take the copies out of the table"),
    ],
)
def test_the_advice_about_copies_fits_the_split(split, advice):
    table = pd.concat([table_of(200)] * 2, ignore_index=True).assign(g=np.arange(400) // 4)

    copies = check(table, study_of(split=split))[0]

    assert copies.code.code == "DN001"
    assert copies.line().endswith(advice)
    assert Finding.read(copies.described()).line() == copies.line()


def test_of_several_splits_the_worst_is_told_and_the_test_part_has_a_finding_of_its_own():
    table = table_of(120)
    table.loc[60] = table.loc[0]
    table.loc[61] = table.loc[2]
    table.loc[90] = table.loc[1]
    table["one"] = ["validation"] * 60 + ["train"] * 60
    table["two"] = ["train"] * 60 + ["validation"] * 30 + ["test"] * 30
    split = {"method": "columns", "columns": ["one", "two"]}
    study = study_of(split=split, replicas={"splits": 2, "starts": 1})

    assert found(check(table, study)) == [
        ("DN001", "validation part of split 1, the worst", 2, 30),
        ("DN001", "test part of split 1, the worst", 1, 30),
    ]


@pytest.mark.parametrize(
    ("values", "where", "count"),
    [
        (np.arange(400) * 7 % 401, "passthrough", 400),
        ([f"row {number // 3}" for number in range(400)], None, 0),
        ([f"row {number // 1.5:.0f}" for number in range(400)], "one_hot", 267),
        ([f"row {number // 2}" for number in range(400)], None, 0),
        (np.minimum(np.arange(400), 379), "passthrough", 380),
        (np.minimum(np.arange(400), 378), None, 0),
        (np.linspace(0, 1, 400), None, 0),
    ],
)
def test_an_input_that_names_rows_is_told(values, where, count):
    place = where or ("one_hot" if isinstance(values, list) else "passthrough")
    preprocessing = {"standard_scale": ["a", "b"], place: ["named"]}

    findings = check(table_of(named=values), study_of(preprocessing=preprocessing))

    assert found(findings) == ([("DN003", "column 'named'", count, 400)] if where else [])
    assert [one.found for one in findings] == [f"{count} distinct values in 400 rows"] * bool(where)


def test_large_amounts_are_distinct_and_name_no_rows():
    """Of 400 incomes hardly two are equal; as an account number they would name rows."""
    incomes = np.random.default_rng(0).permutation(80_000)[:400] + 10_000
    named = {"passthrough": ["a", "b", "account_no"]}

    assert check(table_of(a=incomes), study_of()) == []
    (told,) = check(table_of(account_no=incomes), study_of(preprocessing=named))
    assert told.code.code == "DN003"


@pytest.mark.parametrize(("rows", "told"), [(20, ["DN003"]), (19, [])])
def test_of_very_few_rows_all_values_are_distinct_and_nothing_is_told(rows, told):
    table = table_of(40, named=[*range(rows), *[np.nan] * (40 - rows)])
    study = study_of(
        missing="impute", preprocessing={"passthrough": ["named", "b"]}, silence=["DN006"]
    )

    assert [one.code.code for one in check(table, study)] == told


def test_an_input_beside_one_of_few_rows_is_looked_at_too():
    table = table_of(40, few=[1.0, 2.0, *[np.nan] * 38], named=range(40))
    study = study_of(
        missing="impute", preprocessing={"passthrough": ["few", "named"]}, silence=["DN006"]
    )

    assert [one.where for one in check(table, study)] == ["column 'named'"]


@pytest.mark.parametrize("hidden", ["number", "category", "half of it"])
def test_an_input_that_is_the_target_in_other_words_is_told(hidden):
    table = table_of()
    preprocessing: dict[str, Any] = {"passthrough": ["a", "b", "leak"]}
    if hidden == "number":
        table["leak"] = 32 - 9 / 5 * table["y"]
    elif hidden == "category":
        table["y"] = np.random.default_rng(1).integers(0, 5, 400)
        table["leak"] = table["y"].map("level {}".format)
        preprocessing = {"passthrough": ["a", "b"], "one_hot": ["leak"]}
    else:
        table["leak"] = table["y"] + np.random.default_rng(1).normal(size=400)

    findings = check(table, study_of(preprocessing=preprocessing))

    told = [] if hidden == "half of it" else [("DN004", "column 'leak'")]
    assert [one[:2] for one in found(findings)] == told


def test_of_a_long_table_a_part_is_looked_at_and_always_the_same():
    table = table_of(20_000)
    table["leak"] = table["y"] + np.random.default_rng(1).normal(0, 0.05, 20_000)
    study = study_of(preprocessing={"passthrough": ["a", "leak"]})

    first, again = check(table, study), check(table, study)

    assert found(first) == [("DN004", "column 'leak'", 6000, 6000)]
    assert first == again


@pytest.mark.parametrize("held", [19, 20])
def test_a_tree_is_asked_only_where_enough_rows_can_answer(held):
    table = table_of(100, part=["train"] * (100 - held) + ["validation"] * held)
    table["y"] = np.arange(100) % 5
    table["leak"] = 2 * table["y"]
    study = study_of(split={"method": "columns", "columns": ["part"]}, silence=["DN006"],
                     preprocessing={"passthrough": ["a", "leak"]})  # fmt: skip

    assert [one.code.code for one in check(table, study)] == ["DN004"] * (held == 20)


def test_a_target_that_is_constant_where_it_is_held_is_predicted_by_no_input():
    table = table_of(100, part=["train"] * 50 + ["validation"] * 50)
    table.loc[50:, "y"] = 1.5
    study = study_of(split={"method": "columns", "columns": ["part"]})

    assert check(table, study) == []


def test_columns_of_one_name_that_are_no_inputs_are_not_looked_at():
    table = table_of()
    table = pd.concat([table, pd.DataFrame({"id": np.arange(400) // 2})], axis="columns")
    table.insert(0, "id", np.arange(400) // 2, allow_duplicates=True)

    assert check(table, study_of()) == []


@pytest.mark.parametrize(
    ("column", "values", "split", "told"),
    [
        ("track_id", np.arange(400) // 2, {}, True),
        ("ID", np.where(np.arange(400) == 1, np.nan, np.arange(400) // 2), {}, True),
        ("trackId", np.arange(400) // 2, {}, True),
        ("track", [f"t{number // 2}" for number in range(400)], {}, True),
        (
            "track",
            [f"t{number // 2}" for number in range(400)],
            {"keep_together": ["track"]},
            False,
        ),
        ("humid", np.arange(400) // 2, {}, False),
        ("track_id", np.arange(400) / 2, {}, False),
        ("track_id", np.arange(400) // 20, {}, True),
        ("track_id", np.arange(400) // 22, {}, False),
        ("name", [f"t{number // 5}" for number in range(400)], {}, True),
        ("name", [f"t{number // 6}" for number in range(400)], {}, False),
        ("track_id", np.arange(400), {}, False),
        ("genre", [f"g{number % 5}" for number in range(400)], {}, False),
        ("sold", pd.date_range("2020", periods=200).repeat(2).strftime("%d.%m.%y"), {}, False),
        ("day", pd.date_range("2020-01-01", periods=200).repeat(2).strftime("%Y-%m-%d"), {}, False),
    ],
)
def test_an_entity_on_both_sides_of_a_random_split_is_told(column, values, split, told):
    study = study_of(split={"method": "random", **split})

    findings = check(table_of(**{column: values}), study)

    assert [one.code.code for one in findings] == ["DN005"] * told
    if told:
        assert findings[0].found.endswith(" of 120 rows have a value that training rows have")
        assert findings[0].where == f"column '{column}', validation part of split 0"
        # Of pairs drawn at random with 70 % training, some 70 % of the held rows have their twin
        # in the training part.
        assert findings[0].of == 120
        assert 60 < findings[0].count <= 120


def test_a_song_on_both_sides_is_told_of_a_random_split_and_not_of_one_by_artists():
    table = read_table("spotify", "data/sample/01_raw")
    table["track_id"] = [f"song {number // 2}" for number in range(len(table))]
    study = read_study("spotify", split={"method": "random"})

    codes = {one.code.code: one.where for one in check(table, study)}

    assert "column 'track_id'" in codes["DN005"]
    assert "DN005" not in {one.code.code for one in check(table, read_study("spotify"))}


def test_parts_of_few_rows_and_few_groups_are_told():
    table = table_of(60, who=[f"p{number % 8}" for number in range(60)])
    study = study_of(split={"method": "grouped", "by": "who"})

    told = found(check(table, study))

    assert [one for one in told if one[2:] == (2, 8)] == [
        ("DN006", "validation part of split 0", 2, 8)
    ]
    assert [one[:2] for one in told if one[3] == 60] == [("DN006", "validation part of split 0")]
    assert [one.found for one in check(table, study)] == [f"{told[0][2]} rows", "2 groups"]


def test_a_silenced_check_is_not_told_and_the_output_says_that_it_was_silenced(caplog):
    table = read_table("wine")
    quiet, loud = read_study("wine", silence=["DN001"]), read_study("wine")
    split = assign_parts(check_table(table, loud), loud)

    told = check_data(table, split, loud)
    assert "Red wine: DN001 copies of training rows in a held part" in caplog.text
    caplog.clear()
    silenced = check_data(table, split, quiet)

    assert [one.code for one in told.findings] == [CODES["DN001"]]
    assert silenced == TableFindings("wine", made_up=False, silenced=("DN001",), findings=())
    assert not caplog.text


@pytest.mark.parametrize(
    ("training", "told"),
    [
        ({"training__early_stopping": {}}, "early_stopping chooses the epoch"),
        (
            {"training__schedule": {"method": "reduce_on_plateau"}},
            "the schedule changes the learning rate",
        ),
        (
            {
                "training__early_stopping": {},
                "training__schedule": {"method": "reduce_on_plateau"},
            },
            "early_stopping chooses the epoch and the schedule changes the learning rate",
        ),
        ({"training__schedule": {"method": "cosine"}}, None),
    ],
)
def test_validation_rows_that_steer_the_training_are_told(training, told):
    findings = check(table_of(), study_of(**training))

    assert found(findings) == ([("DN013", "training", 120, 120)] if told else [])
    assert told is None or findings[0].found == f"{told} by the rows that score the network"


def classes_of(**changes: Any) -> Study:
    return study_of(task="classification", training__loss="cross_entropy", **changes)


def test_a_column_that_alone_tells_the_classes_is_found():
    known = np.resize([0.0, 1.0], 400)

    findings = check(table_of(a=known, y=np.where(known > 0, "high", "low")), classes_of())

    assert found(findings) == [("DN004", "column 'a'", 120, 120)]
    assert "% of the classes are right on the validation rows of split 0" in findings[0].found


def test_classes_that_no_column_tells_are_no_finding_however_rare_one_is():
    classes = np.where(np.random.default_rng(1).random(400) < 0.06, "rare", "common")

    assert check(table_of(y=classes), classes_of()) == []


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (("train", "validation"), "2 rows of the class 'c'"),
        (("train", "train"), "0 rows of the class 'c'; AUC is not defined there"),
    ],
)
def test_a_class_that_is_rare_or_missing_in_a_part_is_found(parts, told):
    part = np.resize(["train", "validation"], 400)
    classes = np.random.default_rng(1).choice(["a", "b"], 400).astype(object)
    classes[:4], part[:4] = "c", np.resize(parts, 4)
    study = classes_of(split={"method": "columns", "columns": ["part"]})

    findings = check(table_of(y=classes, part=part), study)

    assert [one.code.code for one in findings] == ["DN015", "DN015"]
    assert findings[1].where == "validation part of split 0"
    assert findings[1].found == told


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({"b": 5}, None),
        ({"b": 4}, "4 rows of the class 'b'"),
        ({"b": 1}, "1 row of the class 'b'"),
        ({"c": 2, "b": 3}, "2 rows of the class 'c' (1 more class is as rare)"),
        ({"b": 3, "c": 2, "d": 4}, "2 rows of the class 'c' (2 more classes are as rare)"),
    ],
)
def test_of_the_rarest_class_of_a_part_it_is_told_how_rare_it_is(counts, told):
    held = [name for name, count in counts.items() for _ in range(count)]
    trained = sorted(counts) * 20
    parts = ["validation"] * len(held) + ["train"] * len(trained) + ["train", "validation"] * 100
    table = table_of(len(parts), y=[*held, *trained, *["a"] * 200], part=parts)
    study = classes_of(split={"method": "columns", "columns": ["part"]})

    findings = [one for one in check(table, study) if one.code.code == "DN015"]

    rarest = min(counts, key=counts.__getitem__)
    place = ("DN015", "validation part of split 0", counts[rarest], counts[rarest] + 20)
    assert found(findings) == ([place] if told else [])
    assert [one.found for one in findings] == ([told] if told else [])


@pytest.mark.parametrize(("missing", "told"), [(133, False), (134, True)])
def test_a_target_that_a_third_of_the_rows_lack_is_told(missing, told):
    table = table_of()
    table.loc[table.index[:missing], "y"] = np.nan

    findings = [one for one in check(table, study_of(missing="drop")) if one.code.code == "DN017"]

    assert found(findings) == ([("DN017", "column 'y'", missing, 400)] if told else [])
