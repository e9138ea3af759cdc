"""Catalog entries of pandas' own reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dropnorm.data.reading.formats import ColumnFormat
from dropnorm.datasets.catalog_entries import load_table, make_catalog, reading_warnings
from dropnorm.datasets.pandas_csv import column_formats, read_csv_with
from dropnorm.errors import BadInputError

if TYPE_CHECKING:
    import pandas as pd
    from kedro.io import DataCatalog


def catalog_of(tmp_path, text: str, **load_args: object) -> DataCatalog:
    file = tmp_path / "t.csv"
    file.write_text(text)
    entry = {"type": "pandas.CSVDataset", "filepath": str(file), "load_args": load_args}
    return make_catalog({"t.table": entry}, {})


def loaded(tmp_path, text: str, **load_args: object) -> pd.DataFrame:
    return load_table("t", catalog_of(tmp_path, text, **load_args))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "area,rooms,price\n50,2,100,\n60,3,120,\n",
            "first row has 4 fields, but the header has 3 names",
        ),
        (
            "area,rooms,price\n50,2,100,\n60,3,120\n",
            "first row has 4 fields, but the header has 3 names",
        ),
        (
            "area,rooms,price\n50,2,100,7\n50,3,120,8\n",
            "first row has 4 fields, but the header has 3",
        ),
        (
            "area,rooms,price\n5,2,10,7,8\n6,3,12,8,9\n",
            "first row has 5 fields, but the header has 3",
        ),
        (
            "id,rooms,price\n0,2,100,\n1,3,120,\n",
            "first row has 4 fields, but the header has 3 names",
        ),
        (
            "name,rooms,price\nx1,2,100,\nx2,3,120,\n",
            "first row has 4 fields, but the header has 3",
        ),
    ],
)
def test_rows_with_more_fields_than_the_header_are_refused(tmp_path, text, message):
    with pytest.raises(BadInputError, match=rf"t\.csv: its {message}") as error:
        loaded(tmp_path, text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "load_args"),
    [
        ("rooms,price\nanna,2,100\nbert,3,120\n", {}),  # row names as R writes them
        ("rooms,price\n1,2,100\n2,3,120\n", {}),  # row numbers as R writes them
        ("rooms,price\n2,100,\n3,120,\n", {"index_col": False}),
        ("rooms,price\n7,2,100\n7,3,120\n", {"index_col": 0}),
        ("id,rooms,price\n7,2,100\n8,3,120\n", {"index_col": "id"}),
    ],
)
def test_row_names_and_load_args_shift_no_column(tmp_path, text, load_args):
    table = loaded(tmp_path, text, **load_args)

    assert list(table["rooms"]) == [2, 3]
    assert list(table["price"]) == [100, 120]


def test_a_named_index_is_a_column(tmp_path):
    assert list(loaded(tmp_path, "id,x\n7,1\n8,2\n", index_col="id").columns) == ["id", "x"]


def warnings(tmp_path, text: str, **load_args: object) -> list[str]:
    catalog = catalog_of(tmp_path, text, **load_args)
    return reading_warnings("t", catalog, load_table("t", catalog))


SLEEP = "x,y,disorder\n1,NA,None\n2,5,Insomnia\n3,7,\n4,8,None\n"


def test_words_read_as_missing_are_reported_with_counts(tmp_path):
    (message,) = warnings(tmp_path, SLEEP)

    assert "column 'disorder': the word 'None' occurs in 2 rows and is read as missing" in message
    assert "keep_default_na: false" in message


@pytest.mark.parametrize(
    "load_args", [{"keep_default_na": False, "na_values": ["", "NA"]}, {"usecols": ["x", "y"]}]
)
def test_words_that_are_kept_or_not_read_are_not_reported(tmp_path, load_args):
    assert not warnings(tmp_path, SLEEP, **load_args)


def test_words_in_na_values_are_not_reported(tmp_path):
    assert not warnings(tmp_path, SLEEP.replace("None", "none"), na_values=["none"])


def test_pandas_arguments_are_converted_to_column_formats():
    options = {"sep": ";", "decimal": ",", "na_values": {"x": ["?"]}, "keep_default_na": False}

    formats = column_formats(options, ["x"], ["town"])

    assert formats == {
        "x": ColumnFormat(decimal=",", missing=("?",)),
        "town": ColumnFormat(type="text"),
    }
    assert "None" in column_formats({}, [], ["town"])["town"].missing
    assert column_formats({"converters": {"x": abs}}, ["x"], []) is None


def test_new_rows_are_read_with_arguments_without_a_format(tmp_path):
    file = tmp_path / "new.csv"
    file.write_text("München;01\nKöln;02\n", encoding="utf-8")
    options = {"sep": ";", "header": None, "names": ["town", "code"], "encoding": "cp1252"}

    table = read_csv_with(options, file, ["town", "code"])

    assert table.to_numpy().tolist() == [["München", "01"], ["Köln", "02"]]
    file.write_bytes("München;01\n".encode("cp1252"))
    assert list(read_csv_with(options, file, ["code"])["town"]) == ["München"]


def test_shifted_new_rows_are_not_read(tmp_path):
    file = tmp_path / "new.csv"
    file.write_text("a,b\n1,2,\n3,4,\n")

    assert read_csv_with({"skip_blank_lines": True}, file, []) is None
