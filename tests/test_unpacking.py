from __future__ import annotations

import bz2
import gzip
import json
import lzma
import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from kedro.io import DataCatalog

from dropnorm import unpacking
from dropnorm.catalog import load_table
from dropnorm.data.readers import read_table
from dropnorm.datasets import KerasModelsDataset, SkopsDataset
from dropnorm.errors import BadInputError
from dropnorm.unpacking import refuse_bomb

LINES = b"a,b\n" + b"1,2\n" * 500_000


@pytest.fixture(autouse=True)
def little_is_free(monkeypatch):
    """Files of two megabytes are bombs here."""
    monkeypatch.setattr(unpacking, "_FREE", 1_000_000)


def zipped(path, content):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", content)


def as_parquet(path, _):
    pd.DataFrame({"a": [1.0] * 500_000, "b": [2.0] * 500_000}).to_parquet(path)


PACKERS = {
    ".csv.gz": lambda path, content: path.write_bytes(gzip.compress(content)),
    ".csv.bz2": lambda path, content: path.write_bytes(bz2.compress(content)),
    ".csv.xz": lambda path, content: path.write_bytes(lzma.compress(content)),
    ".zip": zipped,
    ".parquet": as_parquet,
}


@pytest.mark.parametrize("kind", PACKERS)
def test_a_small_file_with_far_too_much_in_it_is_refused(tmp_path, kind):
    file = tmp_path / f"bomb{kind}"
    PACKERS[kind](file, LINES)

    with pytest.raises(
        BadInputError, match=rf"^{re.escape(str(file))}: holds more than 1 MB in a "
    ):
        refuse_bomb(file)


@pytest.mark.parametrize("kind", PACKERS)
def test_what_is_packed_no_more_tightly_than_tables_are_is_not_refused(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(unpacking, "_RATIO", 100_000)
    file = tmp_path / f"table{kind}"
    PACKERS[kind](file, LINES)

    refuse_bomb(file)


@pytest.mark.parametrize(
    "content", [b"", b"\x1f\x8bno gzip", b"PK\x03\x04no zip", b"PAR1no", b"a,b"]
)
def test_of_a_file_that_is_broken_or_not_packed_another_tells(tmp_path, content):
    file = tmp_path / "table.csv"
    file.write_bytes(content)

    refuse_bomb(file)
    refuse_bomb(tmp_path / "not there")


def test_a_bomb_in_place_of_a_table_is_refused_by_whoever_reads_tables(tmp_path):
    file = tmp_path / "cars.csv.gz"
    PACKERS[".csv.gz"](file, LINES)
    entry = {"type": "pandas.CSVDataset", "filepath": str(file)}

    with pytest.raises(BadInputError, match="holds more than 1 MB"):
        load_table("cars", DataCatalog.from_config({"cars.table": entry}))
    with pytest.raises(BadInputError, match="holds more than 1 MB"):
        read_table(file)


def test_a_bomb_in_place_of_a_preprocessor_or_a_network_is_refused(tmp_path):
    zipped(tmp_path / "preprocessors.skops", json.dumps({"a": " " * 2_000_000}))
    (tmp_path / "models").mkdir()
    zipped(tmp_path / "models" / "split_0-start_0.keras", json.dumps({"a": " " * 2_000_000}))

    for dataset in (
        SkopsDataset(filepath=str(tmp_path / "preprocessors.skops")),
        KerasModelsDataset(filepath=str(tmp_path / "models")),
    ):
        with pytest.raises(Exception, match="holds more than 1 MB in a file of"):
            dataset.load()


def test_the_projects_own_tables_are_far_from_the_limit():
    for file in (Path(__file__).parents[1] / "data" / "01_raw").glob("*.csv"):
        refuse_bomb(file)
