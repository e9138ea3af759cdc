from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupShuffleSplit

from conftest import read_study, read_table
from dropnorm.data.preprocessing import fit_preprocessor, make_split_inputs
from dropnorm.data.splits import (
    PARTS,
    TEST,
    TRAIN,
    VALIDATION,
    assign_parts,
    number_groups,
    parts_of,
    rows_of,
)
from dropnorm.data.validation import check_table
from dropnorm.errors import BadInputError
from dropnorm.evaluation.estimation.estimands import are_in_order
from dropnorm.study.split import ColumnsSplit


@pytest.mark.parametrize(("name", "sizes"), [("concrete", (721, 309)), ("wine", (1119, 480))])
def test_split_0_has_exactly_the_rows_of_the_lesson(name, sizes):
    study, table = read_study(name), read_table(name)

    split = assign_parts(check_table(table, study), study)

    train = table.sample(frac=0.7, random_state=0)
    assert sorted(rows_of(split, 0, TRAIN)) == sorted(train.index)
    assert list(rows_of(split, 0, VALIDATION)) == list(table.drop(train.index).index)
    assert (len(rows_of(split, 0, TRAIN)), len(rows_of(split, 0, VALIDATION))) == sizes


@given(
    rows=st.integers(10, 200),
    fraction=st.floats(0.2, 0.8),
    seed=st.integers(0, 1000),
    splits=st.integers(1, 4),
)
@settings(max_examples=40)
def test_every_row_is_in_one_part_and_seeds_are_reproducible(rows, fraction, seed, splits):
    study = read_study(
        "concrete", split={"method": "random", "train_fraction": fraction, "seed": seed},
        replicas={"splits": splits, "starts": 1},
    )  # fmt: skip
    table = pd.DataFrame({"x": range(rows)}, index=np.arange(rows) * 3)

    split = assign_parts(table, study)

    assert len(split) == rows * splits
    for number in range(splits):
        parts = [rows_of(split, number, part) for part in (TRAIN, VALIDATION)]
        assert sorted(np.concatenate(parts)) == list(table.index)
        assert len(parts[0]) == round(rows * fraction)
    pd.testing.assert_frame_equal(split, assign_parts(table, study))


@given(groups=st.lists(st.integers(0, 8), min_size=20, max_size=80), seed=st.integers(0, 99))
@settings(max_examples=40)
def test_a_grouped_split_divides_no_group(groups, seed):
    study = read_study(
        "concrete",
        split={"method": "grouped", "by": "group", "train_fraction": 0.5, "seed": seed},
        replicas={"splits": 2, "starts": 1},
    )
    table = pd.DataFrame({"group": groups})
    if table["group"].nunique() == 1:
        with pytest.raises(BadInputError, match="column 'group' has only 1 group"):
            assign_parts(table, study)
        return

    split = assign_parts(table, study)

    for number in range(2):
        sides = [set(table.loc[rows_of(split, number, p), "group"]) for p in (TRAIN, VALIDATION)]
        assert sides[0]
        assert sides[1]
        assert not sides[0] & sides[1]


def split_of(table: pd.DataFrame, *, splits: int = 1, **split: object) -> pd.DataFrame:
    replicas = {"splits": splits, "starts": 1}
    return assign_parts(table, read_study("concrete", split=split, replicas=replicas))


def test_groups_are_numbered_in_order_with_missing_values_last():
    rows = pd.DataFrame({"a": ["y", None, "x", None, "y"], "b": [1.0, 2.0, None, 2.0, None]})

    assert list(number_groups(rows, ["a"])) == [1, 2, 0, 2, 1]
    assert list(number_groups(rows, ["a", "b"])) == [1, 3, 0, 3, 2]
    assert number_groups(rows, ["a"]).dtype == np.int64


def test_categories_without_rows_are_not_groups():
    rows = pd.DataFrame({"a": pd.Categorical(["z", "z", "x"], ["x", "y", "z"])})

    assert list(number_groups(rows, ["a"])) == [1, 1, 0]


def test_groups_without_an_order_are_refused():
    rows = pd.DataFrame({"by": [object() for _ in range(9)]})

    with pytest.raises(BadInputError, match=r"^column 'by': holds values without an order"):
        number_groups(rows, ["by"])
    with pytest.raises(BadInputError, match=r"^column 'by' or column 'other': holds values"):
        number_groups(rows.assign(other=1), ["by", "other"])


def test_a_grouped_split_equals_that_of_scikit_learn():
    study = read_study("spotify")
    rows = check_table(read_table("spotify", "data/sample/01_raw"), study)

    split = assign_parts(rows, study)

    shuffle = GroupShuffleSplit(1, train_size=0.75, random_state=0)
    train, _ = next(shuffle.split(rows, groups=rows["track_artist"]))
    assert list(rows_of(split, 0, TRAIN)) == list(rows.index[np.sort(train)])
    assert list(split["group"]) == list(rows["track_artist"])


@given(
    rows=st.integers(25, 100),  # with fewer rows, two splits may draw the same test part
    fractions=st.sampled_from([(0.6, 0.2), (0.7, 0.1), (0.5, 0.25), (0.8, 0.1)]),
    seed=st.integers(0, 99),
)
@settings(max_examples=30)
def test_training_and_test_parts_have_the_requested_sizes(rows, fractions, seed):
    table = pd.DataFrame({"x": range(rows), "who": [f"p{number}" for number in range(rows)]})
    train, test = fractions

    drawn = split_of(
        table, splits=2, method="random", train_fraction=train, test_fraction=test, seed=seed
    )
    grouped = split_of(
        table, method="grouped", by="who", train_fraction=train, test_fraction=test, seed=seed
    )

    for number in range(2):
        assert len(rows_of(drawn, number, TRAIN)) == round(rows * train)
        assert len(rows_of(drawn, number, TEST)) == round(rows * test)
        assert len(rows_of(drawn, number, VALIDATION)) > 0
    assert set(rows_of(drawn, 0, TEST)) != set(rows_of(drawn, 1, TEST))
    # Groups have one row each, and scikit-learn rounds the number of test groups up.
    assert len(rows_of(grouped, 0, TRAIN)) == int(rows * train + 1e-9)
    assert len(rows_of(grouped, 0, TEST)) == np.ceil(rows * test - 1e-9)


KEYS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abc")), min_size=40, max_size=80)


@given(keys=KEYS, seed=st.integers(0, 99), together=st.booleans(), test=st.sampled_from([0, 0.2]))
@settings(max_examples=40)
def test_rows_kept_together_are_in_one_part(keys, seed, together, test):
    table = pd.DataFrame(keys, columns=["Cement", "Water"])
    assume(len(set(keys)) > 8)
    split = {"keep_together": ["Cement", "Water"]} if together else {"identical_rows": True}
    study = read_study(
        "concrete", preprocessing={"passthrough": ["Cement"], "one_hot": ["Water"]},
        split={
            "method": "random", "train_fraction": 0.5, "test_fraction": test, "seed": seed, **split
        },
    )  # fmt: skip

    parts = assign_parts(table, study)

    assert (parts.groupby([table["Cement"], table["Water"]])["part"].nunique() == 1).all()
    assert set(parts["part"]) == {TRAIN, VALIDATION, *([TEST] if test else [])}


@pytest.mark.parametrize(
    ("times", "options"),
    [
        ([3, 1, 2, 5, 4, 6, 7, 8, 9, 10], {}),
        ([3, 1, 2, 15, 14, 16, 17, 18, 19, 110], {}),  # as text: 1, 110, 14, …
        ([f"2020-01-{day:02}" for day in (3, 1, 2, 5, 4, 6, 7, 8, 9, 10)], {}),
        (["2012-02", "2011", "2012-01-31", *range(2013, 2020)], {}),
        ([f"{day}.1.2020" for day in (3, 1, 2, 5, 4, 6, 7, 8, 9, 10)], {"format": "%d.%m.%Y"}),
        (pd.to_datetime([3, 1, 2, 5, 4, 6, 7, 8, 9, 10], unit="D"), {}),
        ([date(2020, 1, day) for day in (3, 1, 2, 5, 4, 6, 7, 8, 9, 10)], {}),
    ],
)
def test_a_time_split_trains_validates_and_tests_in_order(times, options):
    table = pd.DataFrame({"when": times})

    split = split_of(
        table, method="time", by="when", train_fraction=0.3, test_fraction=0.2, **options
    )

    assert list(split["part"]) == [TRAIN] * 3 + [VALIDATION] * 5 + [TEST] * 2


def test_rows_with_equal_times_are_in_one_part():
    table = pd.DataFrame({"when": [1, 2, 2, 2, 2, 3, 4, 4, 4, 4]})

    split = split_of(table, method="time", by="when", train_fraction=0.4, test_fraction=0.1)

    assert list(split["part"]) == [TRAIN] + [VALIDATION] * 5 + [TEST] * 4


def test_a_time_split_ignores_the_order_of_the_table():
    when = [2020, 1990, 2010, 1980, 2030, 2000]

    split = split_of(pd.DataFrame({"when": when}), method="time", by="when", train_fraction=0.5,
                     test_fraction=0.2)  # fmt: skip

    assert list(split["part"]) == [VALIDATION, TRAIN, VALIDATION, TRAIN, TEST, TRAIN]


def test_times_in_several_zones_are_ordered_correctly():
    when = ["2020-01-01T23:00-05:00", "2020-01-02T01:00+00:00", "2020-01-02T05:00+09:00"]

    split = split_of(pd.DataFrame({"when": when}), method="time", by="when", train_fraction=0.7)

    assert list(split["part"]) == [VALIDATION, TRAIN, TRAIN]  # the last row is the earliest


def test_digits_are_read_as_dates_with_a_format():
    when = [31122019, 1012021, 15062020]

    split = split_of(pd.DataFrame({"when": pd.Series(when, dtype=str).str.zfill(8)}),
                     method="time", by="when", train_fraction=0.7, format="%d%m%Y")  # fmt: skip

    assert list(split["part"]) == [TRAIN, VALIDATION, TRAIN]


@pytest.mark.parametrize("first", [1969, 1975, 1999, 2001, 2019])
def test_years_of_two_digits_are_in_order_from_1969_on(first):
    when = [f"01.02.{year % 100:02}" for year in range(first, first + 50)]

    split = split_of(pd.DataFrame({"when": when}), method="time", by="when", train_fraction=0.5,
                     format="%d.%m.%y")  # fmt: skip

    assert list(split["part"]) == [TRAIN] * 25 + [VALIDATION] * 25


@pytest.mark.parametrize(("first", "told"), [(1960, "1969 to 2068"), (1925, "1969 to 2068")])
def test_years_of_two_digits_that_are_read_out_of_order_are_refused(first, told):
    when = [f"01.02.{year % 100:02}" for year in range(first, first + 50)]

    with pytest.raises(BadInputError, match=f"times from {told} may be out of order; write years"):
        split_of(pd.DataFrame({"when": when}), method="time", by="when", train_fraction=0.5,
                 format="%d.%m.%y")  # fmt: skip


def test_the_last_time_validates_if_the_fraction_rounds_up():
    split = split_of(pd.DataFrame({"when": range(10)}), method="time", by="when",
                     train_fraction=0.99)  # fmt: skip

    assert list(split["part"]) == [TRAIN] * 9 + [VALIDATION]


def test_the_test_part_is_drawn_first_with_the_seed():
    split = split_of(pd.DataFrame({"x": range(50)}), method="random", test_fraction=0.2, seed=3)

    test = pd.Series(range(50)).sample(frac=0.2, random_state=3)
    train = pd.Series(range(50)).drop(test).sample(n=35, random_state=3)
    assert set(rows_of(split, 0, TEST)) == set(test)
    assert set(rows_of(split, 0, TRAIN)) == set(train)
    assert rows_of(split, 0, TRAIN).dtype == np.int64


def test_a_test_part_of_groups_is_drawn_by_the_seed():
    table = pd.DataFrame({"group": np.arange(300) // 3})
    drawn = [
        split_of(table, method="grouped", by="group", test_fraction=0.2, seed=seed)["part"]
        for seed in (4, 4, 5)
    ]

    assert list(drawn[0]) == list(drawn[1])
    assert list(drawn[0]) != list(drawn[2])


def test_fractions_count_groups_in_a_grouped_split():
    table = pd.DataFrame({"group": np.repeat(np.arange(20), 3)})

    split = split_of(table, method="grouped", by="group", train_fraction=0.5, test_fraction=0.2)

    groups = {part: set(table["group"].iloc[rows_of(split, 0, part)]) for part in PARTS}
    assert {part: len(own) for part, own in groups.items()} == {
        TRAIN: 10, VALIDATION: 6, TEST: 4,
    }  # fmt: skip
    assert set.union(*groups.values()) == set(range(20))


def test_each_split_lists_every_row_and_all_part_categories():
    split = split_of(pd.DataFrame({"x": range(5)}), splits=2, method="random")

    assert list(split.index) == list(range(10))
    assert list(split["row"]) == [*range(5)] * 2
    assert list(split["part"].cat.categories) == list(PARTS)


def test_each_column_of_a_columns_split_is_a_split():
    table = pd.DataFrame({
        "a": ["train", "validation", "train", "test"],
        "b": ["validation", "train", "train", "train"],
    })  # fmt: skip

    split = split_of(table, splits=2, method="columns", columns=["a", "b"])

    assert list(split["part"]) == [*table["a"], *table["b"]]
    assert list(split["split"]) == [0] * 4 + [1] * 4


@pytest.mark.parametrize(
    ("later", "values"),
    [("unused", {}), ("later", {"train": "train", "test": "test", "unused": ["later", "never"]})],
)
def test_an_origin_that_moves_forward_leaves_later_rows_out(later, values):
    origins = [np.where(np.arange(12) < n, "train", np.where(np.arange(12) < n + 3, "test", later))
               for n in (6, 9)]  # fmt: skip
    table = pd.DataFrame({"a": origins[0], "b": origins[1]}, index=range(10, 22))

    split = split_of(table, splits=2, method="columns", columns=["a", "b"], values=values)

    assert split.groupby("split")["row"].apply(list).to_dict() == {
        0: list(range(10, 19)), 1: list(range(10, 22)),
    }  # fmt: skip
    assert [len(rows_of(split, 0, part)) for part in PARTS] == [5, 1, 3]
    assert [len(rows_of(split, 1, part)) for part in PARTS] == [7, 2, 3]
    assert not split["part"].isna().any()
    assert list(split["part"].cat.categories) == list(PARTS)
    marked = ColumnsSplit(method="columns", columns=("a", "b"), values=values)
    assert are_in_order(split, marked)


SIX = {"when": [1, 1, 1, 1, 1, 2], "who": list("aaaabb")}


@pytest.mark.parametrize(
    ("columns", "split", "message"),
    [
        (
            {"x": [1, 2, 3]}, {"method": "random", "train_fraction": 0.01},
            "split 0: with 3 rows, a train_fraction of 0.01 leaves no row to train on; change"
            " split.train_fraction",
        ),
        (
            SIX, {"method": "random", "test_fraction": 0.01},
            "split 0: with 6 rows, a train_fraction of 0.7 and a test_fraction of 0.01 leaves no"
            " row to test on; change split.train_fraction or split.test_fraction",
        ),
        (
            SIX, {"method": "time", "by": "when", "train_fraction": 0.5},
            "split 0: with 6 rows, a train_fraction of 0.5 leaves no row to train on; change"
            " split.train_fraction (rows with equal times are in the same part)",
        ),
        (
            {"when": ["1.2.2020", "2.2.2020", "soon"]}, {"method": "time", "by": "when"},
            "column 'when', row 0: '1.2.2020' is not a number or an ISO 8601 date (3 of 3 rows), so"
            " the rows cannot be ordered by time; write split.format, as in %d.%m.%Y, or correct"
            " the table",
        ),
        (
            {"when": ["1.2.2020", "2020-02-02"]},
            {"method": "time", "by": "when", "format": "%d.%m.%Y"},
            "column 'when', row 1: '2020-02-02' is not written as %d.%m.%Y (1 of 2 rows), so the"
            " rows cannot be ordered by time; change split.format, or correct the table",
        ),
        (
            {"when": ["1.2.2020", "2.2.2020"]}, {"method": "time", "by": "when", "format": "%Q"},
            "split.format is '%Q', which is not a date format: ",
        ),
        (
            {"when": ["1.2.2020", "2.2.2020"]}, {"method": "time", "by": "when", "format": "%d %d"},
            "split.format is '%d %d', which is not a date format: ",
        ),
        (
            {"part": ["train", "validatoin", "test"]}, {"method": "columns", "columns": ["part"]},
            "column 'part', row 1: 'validatoin' is not a part; did you mean 'validation'? (known:"
            " train, validation, test, unused; 1 of 3 rows hold something else)",
        ),
        (
            {"part": [1, 1]}, {"method": "columns", "columns": ["part"]},
            "column 'part', row 0: 1 is not a part (known: train, validation, test, unused; 2 of 2"
            " rows hold something else)",
        ),
        (
            {"part": ["train", "test"]}, {"method": "columns", "columns": ["part"]},
            "split 0: of 1 training row, a validation_fraction of 0.2 leaves no row to validate on;"
            " change split.validation_fraction",
        ),
        (
            {"part": ["train", "train"]}, {"method": "columns", "columns": ["part"]},
            "split 0: column 'part' leaves no row to validate on; a split needs rows with train"
            " and rows with validation or test",
        ),
        (
            {"part": [0, 1, 2, 2]},
            {"method": "columns", "columns": ["part"], "values": {"train": 0, "test": 1}},
            "column 'part', row 2: 2 is not a part (known: 0, 1; 2 of 4 rows hold something else)",
        ),
        (
            {"part": ["train", "unused"]}, {"method": "columns", "columns": ["part"]},
            "split 0: column 'part' leaves no row to validate on; a split needs rows with train"
            " and rows with validation or test",
        ),
        (
            SIX, {"method": "grouped", "by": "who", "test_fraction": 0.2},
            "column 'who' has only 2 groups, but 3 parts need at least 3, because a group is not"
            " divided; choose other columns to group by",
        ),
        (
            SIX, {"method": "grouped", "by": "who", "train_fraction": 0.3},
            "column 'who' has 2 groups, too few for a train_fraction of 0.3: a part would be empty;"
            " change the fractions in split",
        ),
        (
            SIX, {"method": "random", "keep_together": ["when", "who"], "train_fraction": 0.3},
            "by 'when' and 'who', the rows form 3 groups, too few for a train_fraction of 0.3: a"
            " part would be empty; change the fractions in split",
        ),
        (
            {"who": list("aabbcc")},
            {"method": "grouped", "by": "who", "train_fraction": 0.3, "test_fraction": 0.1},
            "column 'who' has 3 groups, too few for a train_fraction of 0.3 and a test_fraction of"
            " 0.1: a part would be empty; change the fractions in split",
        ),
        (
            {key: [1, 1, 2] for key in read_study("concrete").preprocessing.columns},
            {"method": "random", "identical_rows": True, "train_fraction": 0.3},
            "by their inputs, the rows form 2 groups, too few for a train_fraction of 0.3: a part"
            " would be empty; change the fractions in split",
        ),
    ],
)  # fmt: skip
def test_a_split_that_cannot_be_made_is_refused_in_one_line(columns, split, message):
    with pytest.raises(BadInputError) as error:
        split_of(pd.DataFrame(columns), **split)

    # The standard library's own message follows.
    assert str(error.value) == message or (
        message.endswith(": ") and str(error.value).startswith(message)
    )


def test_spotify_has_18_inputs_scaled_by_the_training_rows():
    study = read_study("spotify")
    rows = check_table(read_table("spotify", "data/sample/01_raw"), study)
    split = assign_parts(rows, study)

    inputs = make_split_inputs(rows, split, 0, fit_preprocessor(rows, split, 0, study), study)

    assert inputs.train.x.shape[1] == inputs.validation.x.shape[1] == 18
    assert inputs.train.x.dtype == inputs.train.y.dtype == np.float32
    np.testing.assert_allclose(inputs.train.x[:, :12].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(inputs.train.x[:, :12].std(axis=0), 1, atol=1e-4)
    assert abs(inputs.validation.x[:, :12].mean(axis=0)).max() > 1e-3
    assert list(inputs.train.y * 100) == pytest.approx(
        list(rows.loc[inputs.train.rows, "track_popularity"])
    )


def classes_study(**split):
    return read_study(
        "wine", task="classification", target={"column": "y"}, training__loss="cross_entropy",
        preprocessing={"passthrough": ["x"]}, split={"method": "random", "seed": 0, **split},
        replicas={"splits": 2, "starts": 1},
    )  # fmt: skip


@given(
    counts=st.lists(st.integers(10, 40), min_size=2, max_size=4),
    fractions=st.sampled_from([(0.5, 0.0), (0.7, 0.0), (0.6, 0.2)]),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_every_class_has_the_same_share_in_each_part(counts, fractions, seed):
    train_fraction, test_fraction = fractions
    table = pd.DataFrame({"y": np.repeat(list("abcd"[: len(counts)]), counts)})
    table = table.sample(frac=1, random_state=seed).assign(x=1.0)
    study = classes_study(train_fraction=train_fraction, test_fraction=test_fraction, seed=seed)

    split = assign_parts(table, study)

    pd.testing.assert_frame_equal(split, assign_parts(table, study))
    for number in range(2):
        parts = {part: rows_of(split, number, part) for part in (TRAIN, VALIDATION, TEST)}
        assert sorted(np.concatenate(list(parts.values()))) == sorted(table.index)
        assert len(parts[TRAIN]) == round(train_fraction * len(table))
        for part, share in ((TRAIN, train_fraction), (TEST, test_fraction)):
            held = table.loc[parts[part], "y"].value_counts().reindex(sorted(set(table["y"])))
            expected = share * table["y"].value_counts().sort_index()
            # The test part is drawn first, so its rounding adds to that of the training part.
            assert (held.fillna(0) - expected).abs().max() <= (2 if test_fraction else 1)


def test_groups_are_stratified_by_their_most_frequent_class():
    chance = np.random.default_rng(0)
    of_group = np.repeat(["a", "b", "b", "b"], 15)
    groups = np.repeat(np.arange(60), 4)
    classes = np.where(chance.random(240) < 0.1, "b", of_group[groups])
    table = pd.DataFrame({"y": classes, "x": 1.0, "who": groups})

    split = assign_parts(table, classes_study(keep_together=["who"], train_fraction=0.6))

    for number in range(2):
        part = split.loc[split["split"] == number].set_index("row")["part"]
        assert part.groupby(table["who"]).nunique().max() == 1
        trained = np.unique(groups[part.to_numpy() == TRAIN])
        most = table.groupby("who")["y"].agg(lambda own: own.mode().iloc[0])
        assert len(trained) == 36
        assert abs((most[trained] == "a").sum() - 0.6 * (most == "a").sum()) <= 1


@pytest.mark.parametrize(
    ("classes", "split", "message"),
    [
        ("aaaab", {}, r"class 'b' has only 1 row \(row 4\), but each of 2 parts needs one;"),
        ("aaaabc", {}, r"'b' has only 1 row \(row 4\), .*, and 1 more class is as rare;"),
        (
            "aaaabcd",
            {},
            r"'b' has only 1 row \(row 4\), .*, and 2 more classes are as rare; remove"
            " such rows from the table, or combine the class with another$",
        ),
        ("aaaabb", {"test_fraction": 0.2}, r"'b' has only 2 rows \(the first row 4\), but each"),
        (
            "aabbccdd",
            {"train_fraction": 0.9},
            " has 4 classes, and with 8 rows and a train_fraction of 0.9 a part is too small to"
            " have all of them; change the fractions in split, or combine rare classes$",
        ),
        (
            "aabbccdd" * 2,
            {"train_fraction": 0.9, "test_fraction": 0.05},
            " has 4 classes, and with 16 rows and a train_fraction of 0.9 and a test_fraction of"
            " 0.05 a part is too small",
        ),
        (
            "aabbccdd" * 2,
            {"train_fraction": 0.9, "keep_together": ["n"]},
            " has 4 classes, and with 16 groups of rows and a train_fraction of 0.9 a part is too",
        ),
        ("aaabbb", {"keep_together": ["x"]}, r"'a' has only 1 group of rows \(that of row 0\)"),
    ],
)
def test_a_class_too_rare_for_the_parts_is_refused_with_a_reason(classes, split, message):
    table = pd.DataFrame({"y": list(classes)})
    table = table.assign(x=(table["y"] != "a").astype(float), n=range(len(table)))

    with pytest.raises(BadInputError, match=f"^column 'y'.*{message}"):
        assign_parts(table, classes_study(**split))


def test_a_class_with_a_row_for_each_part_is_enough():
    table = pd.DataFrame({"y": list("aaaaaabbb"), "x": 1.0})

    split = assign_parts(table, classes_study(train_fraction=0.4, test_fraction=0.3))

    for number in range(2):
        rows = [rows_of(split, number, part) for part in PARTS]
        assert all("b" in set(table.loc[own, "y"]) for own in rows)


def test_a_class_without_training_rows_is_refused():
    study = read_study(
        "wine", task="classification", target={"column": "y"}, training__loss="cross_entropy",
        preprocessing={"passthrough": ["x"]}, split={"method": "columns", "columns": ["part"]},
    )  # fmt: skip
    table = pd.DataFrame({"y": list("abca"), "x": range(4),
                          "part": ["train", "train", "validation", "validation"]})  # fmt: skip
    rows = check_table(table, study)
    split = assign_parts(rows, study)
    fitted = fit_preprocessor(rows, split, 0, study)

    with pytest.raises(BadInputError, match=r"split 0, validation part: .* row 2: .* class 'c'"):
        make_split_inputs(rows, split, 0, fitted, study)


@pytest.mark.parametrize(
    ("options", "inputs"),
    [({"keep_together": ["batch"]}, None), ({"identical_rows": True}, "batch")],
)
def test_rows_kept_together_are_one_group_in_all_splits(options, inputs):
    table = pd.DataFrame({"batch": np.repeat(np.arange(12), 3)})
    preprocessing = {"passthrough": [inputs]} if inputs else {}
    study = read_study(
        "concrete",
        split={"method": "random", "train_fraction": 0.5, **options},
        replicas={"splits": 2, "starts": 1},
        **({"preprocessing": preprocessing} if inputs else {}),
    )

    split = assign_parts(table, study)

    assert list(split["group"]) == list(table["batch"]) * 2
    assert split.groupby(["split", "group"], observed=True)["part"].nunique().max() == 1


def test_a_time_split_has_ten_groups_in_each_part():
    when = np.random.default_rng(0).permutation(100)

    split = split_of(pd.DataFrame({"when": when}), method="time", by="when", train_fraction=0.5)

    held = split.assign(when=when).loc[split["part"] == VALIDATION].sort_values("when")
    assert list(held["group"]) == list(np.repeat(np.arange(1, 11), 5))


def test_rows_drawn_one_by_one_have_no_group():
    assert "group" not in split_of(pd.DataFrame({"a": range(10)}), method="random")


@pytest.mark.parametrize("as_text", [False, True])
def test_the_part_of_a_row_is_found_by_its_number_and_is_nothing_if_a_split_leaves_it_out(as_text):
    split = pd.DataFrame(
        {
            "split": [0, 0, 0, 1, 1],
            "row": [2, 5, 9, 9, 2],
            "part": pd.Categorical([TRAIN, VALIDATION, TRAIN, VALIDATION, TRAIN], PARTS),
        }
    )
    if as_text:
        split["part"] = split["part"].astype(str)
    rows = pd.Index([2, 5, 9])

    assert list(parts_of(split, 0, rows)) == [TRAIN, VALIDATION, TRAIN]
    second = parts_of(split, 1, rows)
    assert list(second == TRAIN) == [True, False, False]
    assert list(second == VALIDATION) == [False, False, True]
