from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from conftest import read_study, read_table
from dropnorm.cli.study.check import find_problems
from dropnorm.data.inspection.checks import check_study_table
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
    return [one for one in found if one.code.code not in ("DN019", "DN020")]


def study_of(**changes: Any) -> Study:
    changes.setdefault("preprocessing", {"passthrough": ["a", "b"]})
    return read_study("wine", **{"target": {"column": "y"}, **changes})


def table_of(rows: int = 400, **columns: Any) -> pd.DataFrame:
    """Return a table with two random inputs, a random target and further columns."""
    chance = np.random.default_rng(0)
    table = pd.DataFrame(chance.normal(size=(rows, 3)), columns=["a", "b", "y"])
    return table.assign(**columns)


def found(findings: list[Finding]) -> list[tuple[str, str, int, int]]:
    return [(one.code.code, one.where, one.count, one.of) for one in findings]


def test_90_of_480_wine_validation_rows_are_copies_of_training_rows():
    findings = check(read_table("wine"), read_study("wine"))

    assert found(findings) == [("DN001", "validation part of split 0", 90, 480)]
    assert "90 of 480 rows equal a training row" in findings[0].line()


def test_a_good_table_has_no_findings():
    assert check(table_of(), study_of()) == []


# Names that this project and pandas use themselves.
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
def test_problems_are_reported_for_columns_of_any_name(name):
    table = table_of(60).rename(columns={"a": name}).astype({name: object})
    table.loc[7, name] = "seven"

    (problem,) = find_problems(table, study_of(preprocessing={"passthrough": [name, "b"]}))

    assert problem.startswith(f"column '{name}', row 7: 'seven' is not")


def test_identical_rows_option_removes_copies_between_parts():
    study = read_study("wine", split__identical_rows=True, split__test_fraction=0.1)

    assert check(read_table("wine"), study) == []


def test_copies_of_rows_and_of_inputs_have_separate_findings():
    table = table_of(100)
    # Row 50 copies row 0; rows 51 and 52 copy the inputs of rows 1 and 2.
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


def test_repeated_design_values_are_not_reported_as_copies():
    design = {"a": np.arange(400) % 4, "b": np.arange(400) // 4 % 5}

    assert check(table_of(**design), study_of()) == []


@pytest.mark.parametrize(
    ("split", "advice"),
    [
        ({"method": "random"}, "write identical_rows: true if the split is random"),
        ({"method": "random", "keep_together": ["g"]}, "remove the copies from the table"),
        ({"method": "grouped", "by": "g"}, "or put equal rows into one group"),
        ({"method": "time", "by": "g"}, "remove the copies from the table"),
    ],
)
def test_the_advice_about_copies_fits_the_split(split, advice):
    table = pd.concat([table_of(200)] * 2, ignore_index=True).assign(g=np.arange(400) // 4)

    copies = check(table, study_of(split=split))[0]

    assert copies.code.code == "DN001"
    assert copies.line().endswith(advice)
    assert Finding.read(copies.described()).line() == copies.line()


def test_each_held_part_is_reported_in_its_worst_split():
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
def test_an_input_that_identifies_rows_is_reported(values, where, count):
    place = where or ("one_hot" if isinstance(values, list) else "passthrough")
    preprocessing = {"standard_scale": ["a", "b"], place: ["named"]}

    findings = check(table_of(named=values), study_of(preprocessing=preprocessing))

    assert found(findings) == ([("DN003", "column 'named'", count, 400)] if where else [])
    assert [one.found for one in findings] == [f"{count} distinct values in 400 rows"] * bool(where)


def test_large_distinct_amounts_are_not_row_ids():
    """Incomes are nearly all distinct; account numbers with the same values are row ids."""
    incomes = np.random.default_rng(0).permutation(80_000)[:400] + 10_000
    named = {"passthrough": ["a", "b", "account_no"]}

    assert check(table_of(a=incomes), study_of()) == []
    (expected,) = check(table_of(account_no=incomes), study_of(preprocessing=named))
    assert expected.code.code == "DN003"


@pytest.mark.parametrize(("rows", "expected"), [(20, ["DN003"]), (19, [])])
def test_row_ids_are_reported_from_20_values_on(rows, expected):
    table = table_of(40, named=[*range(rows), *[np.nan] * (40 - rows)])
    study = study_of(
        missing="impute", preprocessing={"passthrough": ["named", "b"]}, silence=["DN006"]
    )

    assert [one.code.code for one in check(table, study)] == expected


def test_an_input_after_one_with_few_values_is_checked():
    table = table_of(40, few=[1.0, 2.0, *[np.nan] * 38], named=range(40))
    study = study_of(
        missing="impute", preprocessing={"passthrough": ["few", "named"]}, silence=["DN006"]
    )

    assert [one.where for one in check(table, study)] == ["column 'named'"]


@pytest.mark.parametrize("hidden", ["number", "category", "half of it"])
def test_an_input_that_determines_the_target_is_reported(hidden):
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

    expected = [] if hidden == "half of it" else [("DN004", "column 'leak'")]
    assert [one[:2] for one in found(findings)] == expected


def test_leaks_in_a_long_table_are_found_reproducibly():
    table = table_of(20_000)
    table["leak"] = table["y"] + np.random.default_rng(1).normal(0, 0.05, 20_000)
    study = study_of(preprocessing={"passthrough": ["a", "leak"]})

    first, again = check(table, study), check(table, study)

    assert found(first) == [("DN004", "column 'leak'", 6000, 6000)]
    assert first == again


@pytest.mark.parametrize("held", [19, 20])
def test_leaks_are_checked_from_20_validation_rows_on(held):
    table = table_of(100, part=["train"] * (100 - held) + ["validation"] * held)
    table["y"] = np.arange(100) % 5
    table["leak"] = 2 * table["y"]
    study = study_of(split={"method": "columns", "columns": ["part"]}, silence=["DN006"],
                     preprocessing={"passthrough": ["a", "leak"]})  # fmt: skip

    assert [one.code.code for one in check(table, study)] == ["DN004"] * (held == 20)


def test_rows_that_a_split_leaves_out_are_not_checked():
    table = table_of(200, part=["train"] * 100 + ["validation"] * 40 + ["unused"] * 60)
    study = study_of(split={"method": "columns", "columns": ["part"]})
    table.iloc[140:180, :-1] = table.iloc[:40, :-1].to_numpy()  # copies of training rows

    assert check(table, study) == []
    held = table.assign(part=["train"] * 100 + ["unused"] * 40 + ["validation"] * 60)
    assert "DN001" in {one.code.code for one in check(held, study)}


def test_a_constant_validation_target_has_no_leak():
    table = table_of(100, part=["train"] * 50 + ["validation"] * 50)
    table.loc[50:, "y"] = 1.5
    study = study_of(split={"method": "columns", "columns": ["part"]})

    assert check(table, study) == []


def test_unused_columns_with_the_same_name_are_ignored():
    table = table_of()
    table = pd.concat([table, pd.DataFrame({"id": np.arange(400) // 2})], axis="columns")
    table.insert(0, "id", np.arange(400) // 2, allow_duplicates=True)

    assert check(table, study_of()) == []


@pytest.mark.parametrize(
    ("column", "values", "split", "expected"),
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
        ("length", [f"{n // 120 + 2}:{n // 2 % 60:02}" for n in range(400)], {}, False),
        ("share", [f"{n // 2}%" if n % 9 else f"{n / 400:.3f}" for n in range(400)], {}, False),
        ("ticket", [f"{number // 2 + 900}" for number in range(400)], {}, True),
        (
            "limit",
            [f"{number // 2}.5" if number % 9 else "<1.5" for number in range(400)],
            {},
            False,
        ),
    ],
)
def test_entities_in_both_parts_of_a_random_split_are_reported(column, values, split, expected):
    study = study_of(split={"method": "random", **split})

    findings = check(table_of(**{column: values}), study)

    assert [one.code.code for one in findings] == ["DN005"] * expected
    if expected:
        assert findings[0].found.endswith(" of 120 rows have a value that occurs in training rows")
        assert findings[0].where == f"column '{column}', validation part of split 0"
        # With 70 % training rows, the twin of about 70 % of the held rows is in the training part.
        assert findings[0].of == 120
        assert 60 < findings[0].count <= 120


def test_songs_in_both_parts_are_reported_for_random_splits_only():
    table = read_table("spotify", "data/sample/01_raw")
    table["track_id"] = [f"song {number // 2}" for number in range(len(table))]
    study = read_study("spotify", split={"method": "random"})

    codes = {one.code.code: one.where for one in check(table, study)}

    assert "column 'track_id'" in codes["DN005"]
    assert "DN005" not in {one.code.code for one in check(table, read_study("spotify"))}


def test_parts_with_few_rows_or_groups_are_reported():
    table = table_of(60, who=[f"p{number % 8}" for number in range(60)])
    study = study_of(split={"method": "grouped", "by": "who"})

    expected = found(check(table, study))

    assert [one for one in expected if one[2:] == (2, 8)] == [
        ("DN006", "validation part of split 0", 2, 8)
    ]
    assert [one[:2] for one in expected if one[3] == 60] == [
        ("DN006", "validation part of split 0")
    ]
    assert [one.found for one in check(table, study)] == [f"{expected[0][2]} rows", "2 groups"]


def test_a_silenced_check_is_left_out_and_recorded(caplog):
    table = read_table("wine")
    quiet, loud = read_study("wine", silence=["DN001"]), read_study("wine")
    split = assign_parts(check_table(table, loud), loud)

    expected = check_data(table, split, loud)
    assert "Red wine: DN001 copies of training rows in a held part" in caplog.text
    caplog.clear()
    silenced = check_data(table, split, quiet)

    assert [one.code for one in expected.findings] == [CODES["DN001"]]
    assert silenced == TableFindings("wine", made_up=False, silenced=("DN001",), findings=())
    assert not caplog.text


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        (
            {"training__early_stopping": {"rows": "validation"}},
            "early_stopping chooses the epoch",
        ),
        (
            {"training__schedule": {"method": "reduce_on_plateau", "rows": "validation"}},
            "the schedule changes the learning rate",
        ),
        (
            {
                "training__early_stopping": {"rows": "validation"},
                "training__schedule": {"method": "reduce_on_plateau", "rows": "validation"},
            },
            "early_stopping chooses the epoch and the schedule changes the learning rate",
        ),
        ({"training__schedule": {"method": "cosine"}}, None),
        ({"training__early_stopping": {}}, None),
        ({"training__schedule": {"method": "reduce_on_plateau"}}, None),
    ],
)
def test_validation_rows_that_steer_the_training_are_reported(training, expected):
    findings = check(table_of(), study_of(**training))

    assert found(findings) == ([("DN013", "training", 120, 120)] if expected else [])
    assert expected is None or findings[0].found == f"{expected} by the rows that score the network"


def classes_of(**changes: Any) -> Study:
    return study_of(task="classification", training__loss="cross_entropy", **changes)


def test_a_column_that_determines_the_classes_is_found():
    known = np.resize([0.0, 1.0], 400)

    findings = check(table_of(a=known, y=np.where(known > 0, "high", "low")), classes_of())

    assert found(findings) == [("DN004", "column 'a'", 120, 120)]
    assert "% of the classes are right on the validation rows of split 0" in findings[0].found


def test_rare_classes_without_leaks_have_no_finding():
    classes = np.where(np.random.default_rng(1).random(400) < 0.06, "rare", "common")

    assert check(table_of(y=classes), classes_of()) == []


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("train", "validation"), "2 rows of the class 'c'"),
        (("train", "train"), "0 rows of the class 'c'; AUC is not defined there"),
    ],
)
def test_a_class_that_is_rare_or_missing_in_a_part_is_found(parts, expected):
    part = np.resize(["train", "validation"], 400)
    classes = np.random.default_rng(1).choice(["a", "b"], 400).astype(object)
    classes[:4], part[:4] = "c", np.resize(parts, 4)
    study = classes_of(split={"method": "columns", "columns": ["part"]})

    findings = check(table_of(y=classes, part=part), study)

    assert [one.code.code for one in findings] == ["DN015", "DN015"]
    assert findings[1].where == "validation part of split 0"
    assert findings[1].found == expected


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"b": 5}, None),
        ({"b": 4}, "4 rows of the class 'b'"),
        ({"b": 1}, "1 row of the class 'b'"),
        ({"c": 2, "b": 3}, "2 rows of the class 'c' (1 more class is as rare)"),
        ({"b": 3, "c": 2, "d": 4}, "2 rows of the class 'c' (2 more classes are as rare)"),
    ],
)
def test_the_rarest_class_of_a_part_is_reported(counts, expected):
    held = [name for name, count in counts.items() for _ in range(count)]
    trained = sorted(counts) * 20
    parts = ["validation"] * len(held) + ["train"] * len(trained) + ["train", "validation"] * 100
    table = table_of(len(parts), y=[*held, *trained, *["a"] * 200], part=parts)
    study = classes_of(split={"method": "columns", "columns": ["part"]})

    findings = [one for one in check(table, study) if one.code.code == "DN015"]

    rarest = min(counts, key=counts.__getitem__)
    place = ("DN015", "validation part of split 0", counts[rarest], counts[rarest] + 20)
    assert found(findings) == ([place] if expected else [])
    assert [one.found for one in findings] == ([expected] if expected else [])


@pytest.mark.parametrize(("missing", "expected"), [(133, False), (134, True)])
def test_a_target_missing_in_a_third_of_rows_is_reported(missing, expected):
    table = table_of()
    table.loc[table.index[:missing], "y"] = np.nan

    findings = [one for one in check(table, study_of(missing="drop")) if one.code.code == "DN017"]

    assert found(findings) == ([("DN017", "column 'y'", missing, 400)] if expected else [])


@pytest.mark.parametrize(
    ("column", "value", "count", "expected"),
    [
        ("a", -999, 2, "-999 in 2 of 400 rows"),
        ("a", 99, 30, "99 in 30 of 400 rows"),
        ("y", -9, 3, "-9 in 3 of 400 rows"),
        ("a", -999, 1, None),
        ("a", 9, 30, None),
        ("a", 1000, 30, None),
        ("a", -5, 30, None),
    ],
)
def test_nines_far_from_all_other_numbers_may_stand_for_missing_values(
    column, value, count, expected
):
    table = table_of()
    table[column] = table[column].clip(-1.5, 2)
    table.loc[table.index[:count], column] = value

    findings = [one for one in check(table, study_of()) if one.code.code == "DN027"]

    assert found(findings) == ([("DN027", f"column '{column}'", count, 400)] if expected else [])
    assert [one.found for one in findings] == (
        [f"{expected}, all others from -1.5 to 2"] if expected else []
    )


def test_nines_near_other_numbers_are_amounts():
    table = table_of(a=np.arange(400) % 100, b=np.where(np.arange(400) % 2, 999, np.nan))

    findings = check(table, study_of(missing="impute"))

    assert "DN027" not in [one.code.code for one in findings]


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ("YES", True),
        ("ye\u200bs", True),
        ("\uff59es", True),
        ("yes!", False),
        ("ye s", False),
        ("yEs", False),
    ],
)
def test_classes_in_two_spellings_are_reported(other, expected):
    table = table_of(y=["yes"] * 200 + ["no"] * 120 + [other] * 80)

    findings = [one for one in check(table, classes_of()) if one.code.code == "DN028"]

    assert found(findings) == ([("DN028", "column 'y'", 80, 400)] if expected else [])
    assert [one.found for one in findings] == (
        [f"'yes' in 200 rows and {other!a} in 80"] if expected else []
    )
