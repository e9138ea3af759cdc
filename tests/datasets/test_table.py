from __future__ import annotations

import inspect

import fsspec
import numpy as np
import pandas as pd
import pytest
import yaml
from kedro.io import DatasetError
from kedro_datasets._typing import TablePreview

from conftest import ROOT
from dropnorm.data.reading.formats import ColumnFormat
from dropnorm.data.reading.new_rows import InputFormats
from dropnorm.datasets import TableDataset
from dropnorm.datasets.catalog_entries import count_rows, load_table, make_catalog
from dropnorm.errors import BadInputError

GERMAN = "plz;kilometer;preis\n01067;1.303;5,5\n80331;929;7,25\n04109;12.000;8,5\n"
FORMAT = """
sep: ;
columns:
  plz: {type: text}
  kilometer: {decimal: ",", thousands: .}
  preis: {decimal: ","}
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "cars.csv"
    path.write_text(GERMAN)
    return path


def catalog_of(**entry: object):
    return make_catalog({"cars.table": {"type": "dropnorm.datasets.TableDataset", **entry}}, {})


def assert_german(table: pd.DataFrame) -> None:
    assert list(table["plz"]) == ["01067", "80331", "04109"]
    assert list(table["kilometer"]) == [1303, 929, 12000]
    assert list(table["preis"]) == [5.5, 7.25, 8.5]


# By name: beside them may be other tables, such as the downloaded songs, where 'NA' is text.
SHIPPED = [
    *(ROOT / "data/01_raw" / name for name in ("concrete.csv", "red-wine.csv")),
    *(ROOT / "data/sample/01_raw").glob("*.csv"),
]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT / "data")))
def test_the_tables_of_the_project_equal_those_of_pandas(path):
    table, expected = TableDataset(filepath=str(path)).load(), pd.read_csv(path)

    assert list(table.columns) == list(expected.columns)
    for name in expected.columns:
        if pd.api.types.is_numeric_dtype(expected[name]):
            assert table[name].dtype == expected[name].dtype
            np.testing.assert_array_equal(table[name], expected[name])
        else:
            pd.testing.assert_series_equal(table[name], expected[name], check_dtype=False)


def test_a_table_is_read_with_the_catalogs_format(file):
    dataset = TableDataset(filepath=str(file), format=yaml.safe_load(FORMAT))

    assert_german(dataset.load())


def test_a_cell_in_another_format_is_refused_with_its_place(file):
    file.write_text(GERMAN.replace("8,5", "8.5"))
    catalog = catalog_of(filepath=str(file), format=yaml.safe_load(FORMAT))

    with pytest.raises(BadInputError, match=r"cars\.csv: .*'preis'.*8\.5") as error:
        load_table("cars", catalog)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sepp": ";"}, r"format has no key 'sepp'; did you mean 'sep'\?"),
        ({"columns": {"plz": {"typ": "text"}}}, r"format.columns.plz has no key 'typ'; did you"),
        ({"columns": {"plz": {"type": "txt"}}}, "format.columns.plz.type is 'txt'"),
        ({"sep": ";;"}, "format.sep is ';;'"),
        ({"encoding": "utf-9"}, "utf-9"),
    ],
)
def test_a_wrong_key_of_the_format_is_reported_in_one_line(file, wrong, message):
    catalog = catalog_of(filepath=str(file), format=wrong)

    with pytest.raises(
        BadInputError, match=f"entry 'cars.table' cannot be used: .*{message}"
    ) as error:
        load_table("cars", catalog)
    assert "\n" not in str(error.value)


def test_a_remote_table_is_read_and_counted():
    memory = fsspec.filesystem("memory")
    memory.pipe("/cars.csv", GERMAN.encode())
    catalog = catalog_of(filepath="memory:///cars.csv", format=yaml.safe_load(FORMAT))

    assert_german(load_table("cars", catalog))
    assert count_rows("cars", catalog) == 3
    memory.store.clear()
    assert count_rows("cars", catalog) is None
    with pytest.raises(BadInputError, match=r"memory:///cars\.csv: there is no such file; put the"):
        load_table("cars", catalog)


def test_a_missing_file_is_reported_with_advice(tmp_path):
    catalog = catalog_of(filepath=str(tmp_path / "cars.csv"))

    with pytest.raises(BadInputError, match="there is no such file; put the table of the study"):
        load_table("cars", catalog)
    assert count_rows("cars", catalog) is None


def test_rows_are_counted_as_they_are_loaded(tmp_path):
    file = tmp_path / "cars.csv"
    file.write_text('# made up\n\na,b\n1,"x\ny"\n2,z\n\n3,\n')
    catalog = catalog_of(
        filepath=str(file), format={"comment": "#", "columns": {"b": {"type": "text"}}}
    )

    assert count_rows("cars", catalog) == len(load_table("cars", catalog)) == 3


def test_new_rows_are_read_with_another_tables_formats(file):
    inputs = InputFormats(("kilometer",), {"kilometer": ColumnFormat(decimal=",", thousands=".")})

    dataset = TableDataset(filepath=str(file)).alike(inputs)

    assert list(dataset.load()["kilometer"]) == [1303, 929, 12000]


def test_the_preview_shows_the_first_rows(file):
    dataset = TableDataset(filepath=str(file), format=yaml.safe_load(FORMAT))

    shown = dataset.preview(2)

    assert shown["columns"] == ["plz", "kilometer", "preis"]
    assert shown["data"] == [["01067", 1303, 5.5], ["80331", 929, 7.25]]
    annotation = inspect.signature(dataset.preview).return_annotation
    assert annotation in (TablePreview, "TablePreview")


def test_a_table_is_never_written(file):
    with pytest.raises(DatasetError, match="a table is only read and never written"):
        TableDataset(filepath=str(file)).save(pd.DataFrame())
    assert file.read_text() == GERMAN
