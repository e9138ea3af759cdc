from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from conftest import read_study, read_table
from dropnorm.data.validation import check_new_rows, check_table, missing_columns, to_text
from dropnorm.errors import BadInputError
from dropnorm.pipelines.preparation.nodes import check_rows
from made_up import FOLDER, TABLES


@pytest.mark.parametrize("name", ["concrete", "wine"])
def test_the_shipped_tables_pass_unchanged(name):
    table, study = read_table(name), read_study(name)
    before = table.copy()

    rows = check_table(table, study)

    pd.testing.assert_frame_equal(table, before)
    assert len(rows) == len(table)
    assert list(rows.columns) == list(study.columns)


@pytest.mark.parametrize("name", TABLES)
def test_the_made_up_tables_equal_those_of_their_script(name):
    made = TABLES[name]().reset_index(drop=True)

    pd.testing.assert_frame_equal(pd.read_csv(FOLDER / name), made, check_dtype=False)


def spoiled(column: str, row: int, value: object) -> pd.DataFrame:
    table = read_table("concrete")
    table[column] = table[column].astype(object)
    table.loc[row, column] = value
    return table


OUT = "correct the table, or leave the column out of the study"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (spoiled("Water", 5, "wet"), f"column 'Water', row 5: 'wet' is not a number; {OUT}"),
        (spoiled("Age", 7, np.inf), f"column 'Age', row 7: the value is infinite; {OUT}"),
        (spoiled("CompressiveStrength", 2, None), "column 'CompressiveStrength', row 2: the value"
         " is missing (1 of 1030 rows have a missing value); correct the table, or write 'missing:"
         " drop' in the study to leave such rows out, or 'missing: impute' to fill in missing"
         " inputs"),
        (spoiled("CompressiveStrength", 5, "strong"), "column 'CompressiveStrength', row 5:"
         " 'strong' is not a number; correct the table, or choose another column for"
         " target.column"),
        (read_table("concrete").rename(columns={"Water": "Watr"}), "has no column 'Water'; did you"
         " mean 'Watr'?"),
        (read_table("concrete").drop(columns=["Water", "Age"]), "has no column 'Water', 'Age'; it"
         " has Cement, BlastFurnaceSlag, FlyAsh, Superplasticizer, CoarseAggregate, FineAggregate,"
         " CompressiveStrength"),
        (read_table("concrete").rename(columns={"Water": "Watr"}).drop(columns="Age"), "has no"
         " column 'Water', 'Age'; did you mean 'Watr'?"),
        (read_table("concrete").head(0), "has a header but no rows; a study needs rows to train and"
         " validate on"),
        (pd.DataFrame({f"Cement;{'x' * 70}": ["1;2"]}), "has no column 'Cement',"
         " 'BlastFurnaceSlag', 'FlyAsh', 'Water', 'Superplasticizer', 'CoarseAggregate',"
         f" 'FineAggregate', 'Age', 'CompressiveStrength'; the header is a single column,"
         f" 'Cement;{'x' * 53}', so the file has another separator; write it in its catalog entry:"
         " format: {sep: ...}, or load_args: {sep: ...} of a pandas.CSVDataset"),
        (read_table("concrete").assign(x=1).rename(columns={"x": "Water"}), "has the column 'Water'"
         " more than once; rename one of them"),
        (read_table("concrete").assign(CompressiveStrength=5), "column 'CompressiveStrength' is 5"
         " in every row, so there is nothing to predict; choose another column for target.column"),
        (spoiled("Water", 5, "162,5"), "column 'Water', row 5: '162,5' is not a number; if commas"
         " are decimal marks, write decimal: ',' in the table's catalog entry, for the column in"
         " its format or in load_args of a pandas.CSVDataset"),
        (spoiled("Water", 5, "x" * 60), f"column 'Water', row 5: '{'x' * 60}' is not a number;"
         f" {OUT}"),
        (spoiled("Water", 5, "x" * 61), f"column 'Water', row 5: '{'x' * 60}…' is not a number;"
         f" {OUT}"),
        (spoiled("Water", 5, [1]), f"column 'Water', row 5: [1] is not a number; {OUT}"),
        (spoiled("Water", 5, 1e39), "column 'Water', row 5: the value is 1e+39, too large for the"
         f" networks' float32; {OUT}"),
        (read_table("concrete").assign(Age=pd.Timestamp("2020-01-01")), "column 'Age', row 0:"
         f" Timestamp('2020-01-01 00:00:00') is not a number (1029 more like it); {OUT}"),
        (read_table("concrete").assign(Age=pd.Timedelta("1s")), "column 'Age', row 0: Timedelta('0"
         f" days 00:00:01') is not a number (1029 more like it); {OUT}"),
        (read_table("concrete").head(2).assign(Age=[1j, 2j]), "column 'Age', row 0:"
         f" np.complex128(1j) is not a number (1 more like it); {OUT}"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_used_is_refused_in_one_line(table, message):
    with pytest.raises(BadInputError) as error:
        check_table(table, read_study("concrete"))

    assert str(error.value) == message


def test_a_missing_column_is_reported_with_existing_columns():
    table = pd.DataFrame({f"x{number}": [1.0] for number in range(13)})

    message = missing_columns(table, ["Water"])

    assert message == [f"has no column 'Water'; it has {', '.join(table.columns[:12])}, …"]
    assert missing_columns(table.iloc[:, :12], ["Water"]) == [message[0].removesuffix(", …")]
    assert missing_columns(table, ["x3"]) == []


def test_rows_with_missing_values_are_dropped_only_if_configured(caplog):
    table = read_table("spotify", "data/sample/01_raw")
    caplog.set_level("INFO")

    with pytest.raises(BadInputError, match="'missing: drop'"):
        check_table(table, read_study("spotify", missing="refuse"))
    rows = check_rows(table, read_study("spotify"))

    assert list(table.index.difference(rows.index)) == [5, 11]
    assert "2 of 300 rows dropped" in caplog.text


def test_a_column_that_is_all_missing_is_refused_by_name():
    table = read_table("spotify", "data/sample/01_raw").assign(tempo=np.nan)

    with pytest.raises(BadInputError) as error:
        check_table(table, read_study("spotify"))

    assert str(error.value) == (
        "column 'tempo' is missing in all 300 rows; leave the column out of the study"
    )


def test_advice_for_an_empty_column_depends_on_its_use():
    table = songs(track_artist=np.nan)
    with pytest.raises(BadInputError, match=r"300 rows; choose another column to split by$"):
        check_table(table, read_study("spotify"))
    table = songs(track_popularity=np.nan)
    with pytest.raises(BadInputError, match=r"300 rows; choose another column for target.column$"):
        check_table(table, read_study("spotify"))


def test_a_missing_value_in_every_row_is_refused():
    table = songs()
    table.loc[::2, "tempo"] = np.nan
    table.loc[1::2, "energy"] = np.nan

    with pytest.raises(BadInputError) as error:
        check_table(table, read_study("spotify"))

    assert str(error.value) == (
        "no rows are left after dropping the 300 with missing values; write 'missing: impute', or"
        " leave out the columns with the most missing values"
    )


def songs(**columns: object) -> pd.DataFrame:
    return read_table("spotify", "data/sample/01_raw").assign(**columns)


GENRES = ["pop", "rap"] * 150


@pytest.mark.parametrize(
    ("values", "preprocessing", "message"),
    [
        ([*GENRES[:-1], 7], {"one_hot": ["genre"]}, "column 'genre' mixes text (299 rows) and"
         " numbers (1 rows), for instance 7 in row 299; correct the table, or read the column as"
         " text, with load_args in its catalog entry: {dtype: {genre: str}}"),
        ([*GENRES[:-2], True, True], {"one_hot": ["genre"]}, "column 'genre' mixes text (298 rows)"
         " and true or false (2 rows), for instance True in row 298; correct the table, or read the"
         " column as text, with load_args in its catalog entry: {dtype: {genre: str}}"),
        *(
            ([*GENRES[:-1], value], {"one_hot": ["genre"]}, "column 'genre', row 299: the value is"
             f" a {type(value).__name__}, not a text or a number; leave the column out of the"
             " study")
            for value in (["pop"], {"pop": 1}, {"pop"}, np.array(["pop"]))
        ),
        (range(300), {"ordinal": ["genre"]}, "column 'genre' holds numbers, which ordinal would"
         " sort as text; move it to passthrough or another list of numbers, or write its order in"
         " preprocessing.order"),
        (GENRES, {"ordinal": ["genre"], "order": {"genre": ["rap", "popp"]}}, "column 'genre', row"
         " 0: 'pop' is not in preprocessing.order; did you mean 'popp'? (known: rap, popp)"),
        ([0.5] * 299 + [-1], {"passthrough": ["genre"], "log1p": ["genre"]}, "column 'genre', row"
         " 299: -1.0 is not above -1, as log1p requires; remove the column from log1p (for a"
         " target, change target.scale), or correct the table"),
    ],
)  # fmt: skip
def test_values_that_do_not_fit_their_preprocessing_are_refused(values, preprocessing, message):
    study = read_study("spotify", preprocessing=preprocessing)

    with pytest.raises(BadInputError) as error:
        check_table(songs(genre=values), study)

    assert str(error.value) == message


def test_groups_of_mixed_types_are_refused():
    artists = songs()["track_artist"].astype(object)
    artists[7] = 7

    with pytest.raises(BadInputError, match=r"'track_artist' mixes text \(297 rows\) and numbers"):
        check_table(songs(track_artist=artists), read_study("spotify"))


def test_a_target_without_a_logarithm_is_refused():
    popularity = songs()["track_popularity"].astype(float)
    popularity[3] = -1.0
    study = read_study("spotify", target={"column": "track_popularity", "scale": "log1p"})

    with pytest.raises(BadInputError, match=r"'track_popularity', row 3: -1.0 is not above -1"):
        check_table(songs(track_popularity=popularity), study)


@pytest.mark.parametrize(
    "split", [{"method": "grouped", "by": "Age"}, {"method": "time", "by": "Age"},
              {"method": "random", "keep_together": ["Age", "Water"]}],
)  # fmt: skip
def test_impute_drops_rows_without_an_input_to_split_by(split):
    table = read_table("concrete").astype({"Age": float})
    table.loc[3, "Age"] = np.nan
    table.loc[4, "Cement"] = np.nan
    replicas = {"splits": 1}

    study = read_study("concrete", missing="impute", split=split, replicas=replicas)
    rows = check_table(table, study)

    assert set(table.index) - set(rows.index) == {3}


def test_impute_keeps_missing_inputs_and_drops_other_rows():
    table = songs()
    table.loc[[0, 1], "tempo"] = np.nan
    table.loc[2, "track_popularity"] = np.nan

    rows = check_table(table, read_study("spotify", missing="impute"))

    assert list(table.index.difference(rows.index)) == [2, 5, 11]  # 5 and 11 have no artist
    assert list(rows.index[rows.isna().any(axis=1)]) == [0, 1]


def test_new_rows_need_no_target_and_no_column_order():
    study = read_study("concrete")
    table = read_table("concrete")

    rows = check_new_rows(table.iloc[:3, ::-1].drop(columns="CompressiveStrength"), study)

    pd.testing.assert_frame_equal(rows, check_table(table, study)[list(rows.columns)].head(3))
    with pytest.raises(BadInputError, match="has no column 'Age'"):
        check_new_rows(table.drop(columns="Age"), study)
    incomplete = table.assign(Age=table["Age"].where(table.index != 4))
    with pytest.raises(BadInputError) as error:
        check_new_rows(incomplete, study)
    assert str(error.value) == (
        "column 'Age', row 4: the value is missing (1 of 1030 rows have a missing value), and the"
        " study does not impute it; correct the table, or leave such rows out"
    )
    imputed = check_new_rows(incomplete, read_study("concrete", missing="impute"))
    assert list(imputed.index[imputed["Age"].isna()]) == [4]


def test_texts_become_numbers_and_whole_numbers_become_categories():
    study = read_study("wine", preprocessing={"passthrough": ["a", "b"], "one_hot": ["k"]})
    table = pd.DataFrame({
        "a": ["1", " 2.5"], "b": [Decimal("0.5"), True], "k": [1.0, 2.0], "quality": [1, 2]
    })  # fmt: skip

    rows = check_table(table, study)

    assert rows.index.name is None
    assert rows[["a", "b"]].to_numpy().tolist() == [[1, 0.5], [2.5, 1]]
    assert list(rows["k"]) == ["1", "2"]


def test_empty_new_rows_are_refused():
    with pytest.raises(
        BadInputError, match=r"^has a header but no rows; there is nothing to predict$"
    ):
        check_new_rows(read_table("concrete").head(0), read_study("concrete"))


def test_names_that_differ_only_in_unicode_form_are_explained():
    table = pd.DataFrame({"cafe\u0301": [1.0], "b": [2.0]})

    (message,) = missing_columns(table, ["caf\u00e9"])

    assert message.startswith(
        "has no column 'caf\u00e9'; it has 'cafe\u0301', which looks the same"
    )
    assert "(U+0065 U+0301 where the study has U+00E9)" in message
    assert "Unicode" not in missing_columns(table, ["bb"])[0]


def test_rows_with_the_same_text_share_one_object():
    values = pd.Series(["pop", None, "rap", "pop"], index=[1, 2, 5, 7], name="genre", dtype="str")
    text = to_text(values)
    pd.testing.assert_series_equal(
        text,
        pd.Series(["pop", np.nan, "rap", "pop"], index=[1, 2, 5, 7], name="genre", dtype=object),
    )
    assert text.iloc[0] is text.iloc[3]
