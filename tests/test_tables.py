from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from conftest import read_study, read_table
from dropnorm.errors import BadInputError
from dropnorm.pipelines.preparation.nodes import check_rows
from dropnorm.tables import check_table
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
def test_the_made_up_tables_are_those_that_their_program_makes(name):
    made = TABLES[name]().reset_index(drop=True)

    pd.testing.assert_frame_equal(pd.read_csv(FOLDER / name), made, check_dtype=False)


def spoiled(column: str, row: int, value: object) -> pd.DataFrame:
    table = read_table("concrete")
    table[column] = table[column].astype(object)
    table.loc[row, column] = value
    return table


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (spoiled("Water", 5, "wet"), "column 'Water', row 5: 'wet' is no number"),
        (spoiled("Age", 7, np.inf), "column 'Age', row 7: the value is infinite"),
        (spoiled("CompressiveStrength", 2, None), "row 2: the value is missing (1 of 1030 rows"),
        (read_table("concrete").rename(columns={"Water": "Watr"}), "has no column 'Water'; did you"
         " mean 'Watr'?"),
        (read_table("concrete").head(0), "has a header but no rows"),
        (pd.DataFrame({"Cement;Water": ["1;2"]}), "separated by something other than a comma"),
        (read_table("concrete").assign(x=1).rename(columns={"x": "Water"}), "more than once"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_used_is_refused_in_one_line(table, told):
    with pytest.raises(BadInputError) as error:
        check_table(table, read_study("concrete"))

    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_rows_with_missing_values_are_dropped_only_when_the_study_says_so(caplog):
    table = read_table("spotify", "data/sample/01_raw")
    caplog.set_level("INFO")

    with pytest.raises(BadInputError, match="'missing: drop'"):
        check_table(table, read_study("spotify", missing="refuse"))
    rows = check_rows(table, read_study("spotify"))

    assert list(table.index.difference(rows.index)) == [5, 11]
    assert "2 of 300 rows dropped" in caplog.text


def test_a_column_that_is_all_missing_is_refused_by_name():
    table = read_table("spotify", "data/sample/01_raw").assign(tempo=np.nan)

    with pytest.raises(BadInputError, match="nothing stands in column 'tempo'"):
        check_table(table, read_study("spotify"))
