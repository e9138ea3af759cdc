from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog

from conftest import assert_refused
from dropnorm.datasets.catalog_entries import (
    count_rows,
    load_table,
    make_catalog,
    refuse_unusable,
    shown,
)
from dropnorm.errors import BadInputError

CSV = "pandas.CSVDataset"
UNUSABLE = [
    ({"type": CSV, "filepath": "nope://x.csv"}, "Protocol not known: nope"),
    ({"type": CSV, "filepath": "x.csv", "credentials": "mine"}, "Unable to find credentials"),
    ({"type": CSV, "filepath": "x.csv", "lod_args": {}}, "CSVDataset takes no 'lod_args'"),
    ({"type": "pandas.NoDataset", "filepath": "x.csv"}, "'NoDataset' not found in 'pandas'"),
    ({"type": 3}, ""),
    ({"filepath": "x.csv"}, "'type' is missing"),
    (3, ""),
]


@pytest.fixture
def cars(tmp_path):
    table = pd.DataFrame({"weight": np.arange(120) / 8, "maker": ["a", "b\nc"] * 60})
    table.to_csv(tmp_path / "cars.csv", index=False)
    table.to_parquet(tmp_path / "cars.parquet")
    table.to_json(tmp_path / "cars.json")
    return tmp_path


def catalog_of(file, kind: str = "CSV", **options: object) -> DataCatalog:
    entry = {"type": f"pandas.{kind}Dataset", "filepath": str(file), **options}
    return DataCatalog.from_config({"cars.table": entry})


@pytest.mark.parametrize(("entry", "told"), UNUSABLE)
def test_an_entry_that_cannot_be_used_is_told_and_keeps_no_other_from_it(cars, entry, told):
    good = {"type": CSV, "filepath": str(cars / "cars.csv")}
    catalog = make_catalog({"cars.table": entry, "{study}.table": good}, {})

    assert len(load_table("others", catalog)) == 120
    with pytest.raises(BadInputError, match=f"^the catalog's entry 'cars.table' .*{told}") as error:
        load_table("cars", catalog)
    assert "\n" not in str(error.value)
    with pytest.raises(BadInputError, match=r"entry 'cars\.table' cannot be used"):
        refuse_unusable({"cars.table": entry, "{study}.table": good}, {})


def test_credentials_are_found_by_their_name(cars):
    entry = {"type": CSV, "filepath": str(cars / "cars.csv"), "credentials": "mine"}

    assert len(load_table("cars", make_catalog({"cars.table": entry}, {"mine": {}}))) == 120


@pytest.mark.parametrize(
    ("file", "kind", "options"),
    [
        ("cars.csv", "CSV", {}),
        ("cars.csv", "CSV", {"load_args": {"usecols": ["maker"]}}),
        ("cars.csv", "CSV", {"load_args": {"nrows": 120}}),
        ("cars.parquet", "Parquet", {}),
        ("cars.json", "JSON", {}),
    ],
)
def test_rows_are_counted_as_they_are_loaded(cars, file, kind, options):
    catalog = catalog_of(cars / file, kind, **options)

    assert count_rows("cars", catalog) == len(load_table("cars", catalog)) == 120


def test_rows_of_a_csv_file_are_counted_a_part_at_a_time(cars, monkeypatch):
    monkeypatch.setattr("dropnorm.datasets.catalog_entries._ROWS_AT_ONCE", 50)
    monkeypatch.setattr("dropnorm.datasets.catalog_entries.load_table", None)

    assert count_rows("cars", catalog_of(cars / "cars.csv")) == 120
    assert count_rows("cars", catalog_of(cars / "cars.parquet", "Parquet")) == 120


def test_of_no_table_no_rows_are_counted_and_a_damaged_one_is_refused(cars):
    assert count_rows("cars", catalog_of(cars / "none.csv")) is None
    for file, kind in (("cars.parquet", "CSV"), ("cars.csv", "Parquet"), ("cars.csv", "JSON")):
        with pytest.raises(BadInputError, match=f"{file}: "):
            count_rows("cars", catalog_of(cars / file, kind))


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"filepath": "memory:///far/x.csv", "type": CSV}, "memory:///far/x.csv"),
        ({"filepath": "/far/x.csv", "type": CSV}, "/far/x.csv"),
        ({"filepath": "file:///far/x.csv", "type": CSV}, "/far/x.csv"),
        ({"type": "MemoryDataset", "data": 1}, "MemoryDataset(data='<int>')"),
    ],
)
def test_a_table_is_called_by_its_path_or_its_address(entry, told):
    assert shown(DataCatalog.from_config({"x": entry}).get("x")) == told


def test_load_args_that_do_not_fit_are_named(cars):
    with pytest.raises(BadInputError, match=r"with the load_args of its catalog entry: .*'spe'"):
        load_table("cars", catalog_of(cars / "cars.csv", load_args={"spe": ";"}))


@pytest.mark.parametrize(("entry", "told"), UNUSABLE[:2])
def test_a_run_is_refused_with_an_entry_that_cannot_be_used(run_here, configured, entry, told):
    (configured / "conf/base/catalog_x.yml").write_text(f"x.table: {entry}\n")

    assert_refused(run_here("--pipelines=concrete"), f"the catalog's entry 'x.table' .*{told}")
    assert not list((configured / "data").glob("0[2-8]*"))
