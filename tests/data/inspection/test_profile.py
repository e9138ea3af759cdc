from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from conftest import read_table
from dropnorm.data.inspection.column_kinds import Kind
from dropnorm.data.inspection.profile import inspect_table
from dropnorm.errors import BadInputError
from messy_table import bikes

ROWS = 100
RANDOM = np.random.default_rng(0)
COLUMNS = {
    "floats": (RANDOM.normal(size=ROWS), Kind.NUMBER, "100 distinct numbers, from -"),
    "skewed": (np.exp(RANDOM.normal(0, 3, ROWS)), Kind.NUMBER, "skewed ("),
    "decimals": ([Decimal(n) / 3 for n in range(ROWS)], Kind.NUMBER, "100 distinct numbers"),
    "digits in text": ([str(n % 30) for n in range(ROWS)], Kind.NUMBER, "30 distinct whole"),
    "codes": (np.arange(ROWS) % 4, Kind.NUMBER, "move it to one_hot"),
    "soil_type": (np.arange(ROWS) % 4, Kind.CATEGORY, "4 distinct codes, by the column's name"),
    "storeId": (np.arange(ROWS) % 12, Kind.CATEGORY, "12 distinct codes"),
    "n_type": (np.arange(ROWS) % 4, Kind.NUMBER, "move it to one_hot"),
    "rooms": (np.arange(ROWS) % 4 + 1, Kind.NUMBER, "4 distinct whole numbers"),
    "sex": (np.arange(ROWS) % 2 + 1, Kind.CATEGORY, "1 or 2: 50 ones"),
    "zip code": (np.arange(ROWS) * 17 + 10_001, Kind.ID, "identifies rows: 100 distinct"),
    "district": (np.arange(ROWS) * 17 + 61_499, Kind.ID, "identifies rows: 100 distinct"),
    "sold number": (np.arange(ROWS) ** 2, Kind.NUMBER, "100 distinct whole numbers"),
    "miles": (np.arange(ROWS) * 317 + 12, Kind.NUMBER, "100 distinct whole numbers"),
    "shuffled": (RANDOM.permutation(140)[:ROWS], Kind.ID, "identifies rows: 100 distinct"),
    "zero or one": (np.arange(ROWS) % 2, Kind.ZERO_ONE, "50 ones in 100 rows"),
    "true or false": ([True, False] * 50, Kind.CATEGORY, "true or false"),
    "true, false or none": ([True, False, None, True] * 25, Kind.CATEGORY, "missing in 25 rows"),
    "names": (["a", "b", "c", "a"] * 25, Kind.CATEGORY, "3 distinct, most often 'a'"),
    "categorical": (pd.Categorical(["a", "b"] * 50), Kind.CATEGORY, "2 distinct"),
    "counter": (np.arange(7, 7 + ROWS), Kind.ID, "counts the rows from 7"),
    "customer_id": (np.arange(ROWS) * 3, Kind.ID, "identifies rows: 100 distinct in 100 rows"),
    "shop id": (
        np.arange(ROWS) % 25,
        Kind.ENTITY,
        "identifies entities with several rows: 25 distinct",
    ),
    "artist": ([f"Artist {n % 30}" for n in range(ROWS)], Kind.ENTITY, "30 distinct in 100 rows"),
    "key": ([f"x{n}" for n in range(ROWS)], Kind.ID, "identifies rows"),
    "prose": ([f"this is the row {n}" for n in range(ROWS)], Kind.TEXT, "5 words on average"),
    "days": ([f"{n % 28 + 1:02}.03.2024" for n in range(ROWS)], Kind.DATE, "'%d.%m.%Y'"),
    "US days": ([f"03/{n % 28 + 1:02}/2024" for n in range(ROWS)], Kind.DATE, "'%m/%d/%Y'}"),
    "12 days": (
        [f"{n % 12 + 1:02}/01/{n + 1900}" for n in range(ROWS)],
        Kind.DATE,
        "or '%m/%d/%Y'",
    ),
    "mostly 12 days": (
        ["05/13/2024" if n == 7 else f"{n % 12 + 1:02}/01/2024" for n in range(ROWS)],
        Kind.DATE,
        "'%m/%d/%Y'}",
    ),
    "days of May": (["1 May 2024", "2 May 2024"] * 50, Kind.DATE, "'%d %b %Y'}"),
    "dates": ([20240101 + n % 31 for n in range(ROWS)], Kind.DATE, "by: 'dates'}"),
    "no dates": ([20240101 + n for n in range(0, 4 * ROWS, 4)], Kind.NUMBER, "to 20240497"),
    "large": (2_129_628.0 + 5000 * np.arange(ROWS), Kind.NUMBER, "from 2129628 to "),
    "far from 0": (1e9 + np.arange(ROWS) / 4, Kind.NUMBER, "from 1000000000 to 1000000024.8"),
    "times": (pd.date_range("2024-01-01", periods=ROWS), Kind.DATE, "by: 'times'}"),
    "durations": (pd.to_timedelta(range(ROWS), unit="min"), Kind.UNUSABLE, "such as 5940 seconds"),
    "times of day": (
        [dt.time(13, n % 60) for n in range(ROWS)],
        Kind.UNUSABLE,
        "13:59:00; to use them as amounts",
    ),
    "python dates": ([dt.date(2024, 1, 1)] * 50 + [dt.date(2024, 1, 2)] * 50, Kind.DATE, "split"),
    "one value": (["x"] * ROWS, Kind.CONSTANT, "is 'x' wherever it has a value"),
    "nothing": ([None] * ROWS, Kind.EMPTY, "has no value in any row"),
    "hardly anything": ([1.0, 2.0] + [None] * 98, Kind.EMPTY, "missing in 98 of 100 rows"),
    "infinite": ([*range(99), -np.inf], Kind.UNUSABLE, "-inf in row 99 is infinite"),
    "mixed": ([1, "a"] * 50, Kind.UNUSABLE, "mixes number and str"),
    "mostly numbers": (["1", "2", "3", "soon"] * 25, Kind.UNUSABLE, "75 of 100 rows, but 'soon'"),
    "songs": (
        [f"{n // 20 + 2}:{n % 60:02}" for n in range(ROWS)],
        Kind.UNUSABLE,
        "values such as '6:20' may be durations (minutes:seconds or hours:minutes) or times of day;"
        " to use them as amounts, write plain numbers of one unit, such as 380 for '6:20'",
    ),
    "films": (
        [f"{n}:05" for n in range(ROWS)],
        Kind.UNUSABLE,
        "values such as '99:05' are durations (minutes:seconds or hours:minutes); to use them",
    ),
    "marathons": (
        [f"{n % 3 + 2}:{n % 60:02}:07" for n in range(ROWS)],
        Kind.UNUSABLE,
        "may be durations (hours:minutes:seconds) or times of day; to use them as amounts, write"
        " plain numbers of one unit, such as 14527 for '4:02:07'",
    ),
    "gaps": (
        ["-1:30.5", *(f"0:{n % 60:02}.5" for n in range(99))],
        Kind.UNUSABLE,
        "values such as '-1:30.5' are durations (minutes:seconds or hours:minutes); to use them as"
        " amounts, write plain numbers of one unit, such as -90.5 for '-1:30.5'",
    ),
    "slots": (["09:30", "10:00"] * 50, Kind.CATEGORY, "2 distinct; values such as '10:00' may be"),
    "results": ([f"{n % 6}:{n % 7}" for n in range(ROWS)], Kind.ENTITY, "42 distinct in 100 rows"),
    "percents": (
        ["81%", "0.25", "7 %", "0.81"] * 25,
        Kind.UNUSABLE,
        "50 percents such as '81%' are mixed with 50 plain numbers such as '0.81', which may be"
        " 0.81 % or 81 %; write all of them in one way",
    ),
    "mostly fractions": (
        ["0.5", "0.25", "0.75", "81%"] * 25,
        Kind.UNUSABLE,
        "plain numbers such as '0.75', which may be 0.75 % or 75 %",
    ),
    "percents and zero": (
        ["81%", "0"] * 50,
        Kind.UNUSABLE,
        "plain numbers such as '0'; write all of them in one way",
    ),
    "lists": ([[1], [2]] * 50, Kind.UNUSABLE, "type list"),
    "Unnamed: 3": (["a", "b"] * 50, Kind.UNUSABLE, "no name in the header"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_the_kind_of_a_column_is_recognized_with_a_reason(name):
    values, kind, why = COLUMNS[name]
    table = pd.DataFrame({name: values, "y": np.arange(ROWS) * 1.5})

    column, target = inspect_table(table, "y").columns

    assert (column.name, column.kind) == (name, kind)
    assert why in column.why
    assert column.log1p == (name == "skewed")
    assert target.kind == Kind.TARGET


def test_the_order_of_day_and_month_is_that_of_all_values_not_of_the_first():
    days = pd.date_range("2024-01-01", periods=30).repeat(200).strftime("%m/%d/%Y")
    table = pd.DataFrame({"sold": days, "x": np.arange(6000) % 7, "y": np.arange(6000) * 0.5})

    sold = inspect_table(table, "y").columns[0]

    assert sold.kind is Kind.DATE
    assert sold.why.endswith("format: '%m/%d/%Y'}")


def test_a_messy_table_is_profiled_and_not_changed():
    table = bikes()
    before = table.copy()

    look = inspect_table(table, "Preis")

    pd.testing.assert_frame_equal(table, before)
    assert [column.kind for column in look.columns] == [
        Kind.ID, Kind.ENTITY, Kind.DATE, Kind.CATEGORY, Kind.CATEGORY, Kind.NUMBER, Kind.UNUSABLE,
        Kind.NUMBER, Kind.CATEGORY, Kind.TEXT, Kind.CONSTANT, Kind.TARGET,
    ]  # fmt: skip
    assert look.rows + look.without_target == len(table)
    assert look.without_target == table["Preis"].isna().sum() > 0


def test_rows_without_target_or_group_do_not_count():
    table = pd.DataFrame({"y": [1, 2, None, 4], "x": [5, 6, 7, 8], "g": ["a", None, "b", "c"]})

    look = inspect_table(table, "y", "g")

    assert (look.rows, look.without_target) == (2, 2)
    assert list(look.target) == [1, 4]


def test_rows_with_equal_inputs_are_counted():
    look = inspect_table(read_table("wine"), "quality")

    inputs = read_table("wine").drop(columns="quality")
    assert look.identical == inputs.duplicated(keep=False).sum() > 0


@pytest.mark.parametrize(("table", "expected"), [("wine", True), ("concrete", False)])
def test_a_target_with_few_whole_numbers_is_ambiguous(table, expected):
    frame = read_table(table)

    assert inspect_table(frame, frame.columns[-1]).ambiguous_target == expected


@pytest.mark.parametrize(
    ("values", "given", "task", "classes"),
    [
        (["no", "yes", "no", "no"], None, "classification", "'no' in 3 rows, 'yes' in 1 row"),
        ([True, False, None, True], None, "classification", "'True' in 2 rows, 'False' in 1 row"),
        ([0, 1, 1, 0], "classification", "classification", "'0' in 2 rows, '1' in 2 rows"),
        ([0, 1, 1, 0], None, "classification", "'0' in 2 rows, '1' in 2 rows"),
        ([0.0, 1.0, None, 0.0], None, "classification", "'0' in 2 rows, '1' in 1 row"),
        (["0", "1", "0", "1"], None, "classification", "'0' in 2 rows, '1' in 2 rows"),
        ([-1, 1, 1, 1], None, "classification", "'1' in 3 rows, '-1' in 1 row"),
        ([1.0, 2.0, None, 1.0], None, "classification", "'1' in 2 rows, '2' in 1 row"),
        ([0, 1, 1, 0], "regression", "regression", "from 0 to 1"),
        ([0.5, 1.5, 1.5, 0.5], None, "regression", "from 0.5 to 1.5"),
        ([0, 1, 2, 0], None, "regression", "from 0 to 2"),
    ],
)
def test_two_classes_are_distinguished_from_amounts(values, given, task, classes):
    look = inspect_table(pd.DataFrame({"y": values, "x": range(4)}), "y", task=given)

    assert look.task == task
    assert look.of_kind(Kind.TARGET)[0].why == classes
    assert look.ambiguous_target == (task == "regression")
    assert look.numbered_classes == (classes[1] in "-01" and task == "classification")


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ({"price": [1, 2]}, {"target": "pric"}, "--target: .* 'pric'; did you mean 'price'?"),
        ({"y": [1, 2], "x": [1, 2]}, {"groups": "z"}, "--groups: has no column 'z'"),
        ({"y": [1, 2], "x": [1, 2]}, {"drop": ("z",)}, "--drop: has no column 'z'"),
        ({"y": [1, 2], "x": [1, 2]}, {"drop": ("y",)}, "--drop: 'y' is the target"),
        ({"y": [1, 2], "x": [1, 2]}, {"groups": "x", "drop": ("x",)}, "--drop: 'x' is the column"),
        ({"y": [], "x": []}, {}, "a header but no rows"),
        ({"y": ["a", "b"]}, {"task": "regression"}, "'a' in row 0 is not a number"),
        ({"y": [1, "b"]}, {}, r"'b' in row 1 is not a number \(1 of 2 rows\); .* --task classif"),
        ({"y": ["a", "b", "c"]}, {}, "3 distinct values in 3 rows: too many to be classes"),
        ({"y": ["a", "a", None]}, {}, "is a in every row"),
        ({"y": [None, None]}, {}, "has no value in any row"),
        ({"y": [3, 3, None]}, {}, "is 3 in every row"),
        ({"y": [3, np.inf]}, {}, "inf in row 1 is infinite; correct the table"),
        ({"y": [3, 1e30]}, {}, "1e\\+30 in row 1 is too large for the networks; correct the table"),
        ({"a~b": ["1~2"]}, {}, "has no column 'y' .*; if something else than .* separates"),
        ({"y": [3, None], "g": [None, 1]}, {"groups": "g"}, "no row has both"),
    ],
)
def test_bad_targets_groups_and_drops_are_refused_in_one_line(table, options, message):
    with pytest.raises(BadInputError, match=message) as error:
        inspect_table(pd.DataFrame(table), **{"target": "y", **options})

    assert "\n" not in str(error.value)


def test_categories_that_only_name_the_groups_are_left_out():
    countries = pd.Series(range(30)).repeat(10).astype(str)
    table = pd.DataFrame(
        {
            "country": "country " + countries,
            "code": "c" + countries,
            "continent": "continent " + (countries.astype(int) % 5).astype(str),
            "leader": [f"leader {row % 25}" for row in range(300)],
            "life": np.linspace(40, 80, 300),
        }
    )

    kinds = {one.name: one for one in inspect_table(table, "life", groups="country").columns}

    assert kinds["code"].kind is Kind.ENTITY
    assert kinds["code"].why == "identifies the groups: 30 distinct, one in each of 30"
    assert kinds["continent"].kind is Kind.CATEGORY
    assert (
        kinds["leader"].kind is not Kind.ENTITY
        or "identifies the groups" not in kinds["leader"].why
    )
    alone = {one.name: one for one in inspect_table(table, "life").columns}
    assert "identifies the groups" not in alone["code"].why


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("{} cm", "write amounts such as '0 cm' as plain numbers of one unit"),
        ("{} to 3", "write amounts such as '0 to 3' as plain numbers of one unit"),
        ("No. {}", "combine its values into fewer classes"),
    ],
)
def test_a_target_with_too_many_texts_is_refused_with_what_fits_them(value, remedy):
    table = pd.DataFrame({"x": range(60), "y": [value.format(n) for n in range(60)]})

    with pytest.raises(BadInputError, match="too many to be classes") as refused:
        inspect_table(table, "y")
    assert str(refused.value).endswith(remedy)


@pytest.mark.parametrize(
    ("values", "reading"),
    [
        ([f"3:{n:02}" for n in range(60)], "may be durations (minutes:seconds or hours:minutes)"),
        (["81%", "0.81"] * 30, "120 percents such as '81%' are mixed with 120 plain numbers"),
    ],
)
def test_a_target_with_two_readings_is_refused_unless_it_is_said_to_be_classes(values, reading):
    table = pd.DataFrame({"x": range(240), "y": values * 4})

    for task in (None, "regression"):
        with pytest.raises(BadInputError) as refused:
            inspect_table(table, "y", task=task)
        assert str(refused.value).startswith("column 'y' is the target: ")
        assert reading in str(refused.value)

    assert inspect_table(table, "y", task="classification").task == "classification"


def test_a_target_of_few_times_is_classes():
    table = pd.DataFrame({"x": range(60), "y": ["09:30", "10:00", "10:30"] * 20})

    assert inspect_table(table, "y").task == "classification"
