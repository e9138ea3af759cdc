from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import re
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from kedro.io import DataCatalog

from dropnorm.data import compression
from dropnorm.data.compression import refuse_bomb
from dropnorm.data.readers import read_table
from dropnorm.datasets import KerasModelsDataset, SkopsDataset
from dropnorm.datasets.catalog_entries import count_rows, load_table
from dropnorm.errors import BadInputError

LINES = b"a,b\n" + b"1,2\n" * 500_000


@pytest.fixture(autouse=True)
def little_is_free(monkeypatch):
    """Files of two megabytes are bombs here."""
    monkeypatch.setattr(compression, "_FREE", 1_000_000)


def zipped(path, content):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", content)


def as_parquet(path, _):
    pd.DataFrame({"a": [1.0] * 500_000, "b": [2.0] * 500_000}).to_parquet(path)


def as_hdf5(path, _):
    """An array of which nothing was written: it reads as zeros."""
    with h5py.File(path, "w") as file:
        file.create_group("layer").create_dataset("0", shape=(1000, 1000), chunks=True)


def as_network(path, _):
    as_hdf5(path.with_suffix(".h5"), _)
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(path.with_suffix(".h5"), "model.weights.h5")
        archive.writestr("config.json", "{}")


def as_layers(path, _):
    """A network whose layers are large, and without their weights."""
    layers = [{"config": {"batch_shape": [None, 1000]}}, {"config": {"units": 1000}}]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps({"config": {"layers": layers}}))


def as_hole(path, _):
    with path.open("wb") as file:
        file.write(LINES[:9])
        file.truncate(2_000_000)


PACKERS = {
    ".csv.gz": lambda path, content: path.write_bytes(gzip.compress(content)),
    ".csv.bz2": lambda path, content: path.write_bytes(bz2.compress(content)),
    ".csv.xz": lambda path, content: path.write_bytes(lzma.compress(content)),
    ".zip": zipped,
    ".parquet": as_parquet,
    ".h5": as_hdf5,
    "-weights.keras": as_network,
    "-layers.keras": as_layers,
    ".csv": as_hole,
}


def repeated(text, times):
    """One text that stands in a Parquet file once, and in the table so many times."""
    indices = pa.array(np.zeros(times, dtype="int32"))
    return pa.DictionaryArray.from_arrays(indices, pa.array([text]))


TEXTS = repeated("x" * 10_000, 500)
PARQUET = {
    "texts": {"a": TEXTS, "y": list(range(500))},
    "bytes": {"a": repeated(b"x" * 10_000, 500)},
    "fixed": {"a": TEXTS.cast(pa.binary()).cast(pa.binary(10_000))},
    "texts in a list": {"a": pa.ListArray.from_arrays([0, 500], TEXTS)},
    "texts in a structure": {"a": pa.StructArray.from_arrays([TEXTS], names=["q"])},
    "texts in a mapping": {
        "a": pa.MapArray.from_arrays([0, 500], list(map(str, range(500))), TEXTS)
    },
    "numbers in a list": {"a": [[1.5] * 500_000]},
    "nothing": {"a": pa.nulls(500_000, pa.float64())},
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
    monkeypatch.setattr(compression, "_RATIO", 100_000)
    file = tmp_path / f"table{kind}"
    PACKERS[kind](file, LINES)

    refuse_bomb(file)


@pytest.mark.parametrize("kind", PARQUET)
def test_parquet_that_repeats_what_it_says_once_is_refused(tmp_path, monkeypatch, kind):
    file = tmp_path / "t.parquet"
    pq.write_table(pa.table(PARQUET[kind]), file, store_schema=False)
    assert file.stat().st_size < 10_000

    with pytest.raises(BadInputError, match="holds more than 1 MB"):
        refuse_bomb(file)
    monkeypatch.setattr(compression, "_FREE", 8_000_000)
    refuse_bomb(file)  # 5 MB, and 4 of numbers


@pytest.mark.parametrize("nested", [False, True])
def test_parquet_whose_texts_each_repeat_the_one_before_is_refused(tmp_path, nested):
    texts = pa.array(["x" * length for length in range(3_000)])  # 4.5 MB
    file, name = tmp_path / "t.parquet", "a.list.element" if nested else "a"
    table = pa.table({"a": pa.ListArray.from_arrays([0, 3_000], texts) if nested else texts})
    encoding = {name: "DELTA_BYTE_ARRAY"}
    pq.write_table(table, file, use_dictionary=False, column_encoding=encoding, compression="zstd")

    with pytest.raises(BadInputError, match="holds more than 1 MB"):
        refuse_bomb(file)


@pytest.mark.parametrize("rows", [0, 5, 20_000])
def test_parquet_that_is_as_large_as_it_looks_is_not_refused(tmp_path, rows):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "few": rng.choice(["red", "green", None], rows),
            "many": rng.random(rows).astype(str),
            "list": [["a", "b"]] * rows,
            "kind": pd.Categorical(rng.choice(["p", "q"], rows)),
            "y": rng.random(rows),
        }
    )
    table.to_parquet(tmp_path / "t.parquet", row_group_size=7_000)

    refuse_bomb(tmp_path / "t.parquet")


def test_a_bomb_is_refused_before_it_takes_memory(tmp_path):
    """With its real limits: of 6 GB of text in 350 kB."""
    file = tmp_path / "t.parquet"
    table = pa.table({"a": repeated("x" * 100_000, 60_000), "y": np.arange(60_000.0)})
    pq.write_table(table, file, store_schema=False)
    script = "\n".join(
        [
            "import re, sys",
            "from pathlib import Path",
            "from dropnorm.errors import BadInputError",
            "from dropnorm.data.compression import refuse_bomb",
            "try:",
            "    refuse_bomb(Path(sys.argv[1]))",
            "except BadInputError as error:",
            "    print(error)",
            # Not ru_maxrss, which a process takes over from the one that started it.
            "print(re.search(r'VmHWM:\\s*(\\d+)', Path('/proc/self/status').read_text())[1])",
        ]
    )

    done = subprocess.run([sys.executable, "-c", script, file], text=True, check=True,
                          capture_output=True, timeout=60)  # fmt: skip

    told, kilobytes = done.stdout.splitlines()
    assert "t.parquet: holds more than 500 MB in a file of 0.35" in told
    assert int(kilobytes) < 500_000


@pytest.fixture
def special(tmp_path):
    """A pipe to which nobody writes, and a socket."""
    os.mkfifo(tmp_path / "pipe.csv")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.csv"))
        yield tmp_path


@pytest.mark.parametrize(
    ("name", "what"),
    [("pipe.csv", "a named pipe"), ("socket.csv", "a socket"), ("/dev/zero", "a device")],
)
@pytest.mark.timeout(60)
def test_what_is_no_file_is_refused_by_whoever_reads_tables(special, name, what):
    place = special / name
    told = f"{re.escape(name)}: is not a regular file but {what}; "

    with pytest.raises(BadInputError, match=told):
        refuse_bomb(place)
    with pytest.raises(BadInputError, match=told):
        read_table(place)
    for kind in ("pandas.CSVDataset", "pandas.ParquetDataset", "pandas.ExcelDataset"):
        entry = {"type": kind, "filepath": str(place)}
        for look in (load_table, count_rows):
            with pytest.raises(BadInputError, match=told):
                look("cars", DataCatalog.from_config({"cars.table": entry}))


def test_a_bomb_among_the_files_of_a_table_is_refused(tmp_path):
    PACKERS[".parquet"](tmp_path / "part-1.parquet", LINES)
    entry = {"type": "pandas.ParquetDataset", "filepath": str(tmp_path)}

    with pytest.raises(BadInputError, match=r"part-1\.parquet: holds more than 1 MB"):
        load_table("cars", DataCatalog.from_config({"cars.table": entry}))


@pytest.mark.parametrize(
    "content",
    [b"", b"\x1f\x8bno gzip", b"PK\x03\x04no zip", b"PAR1no", b"\x89HDF\r\n\x1a\nno", b"a,b"],
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
    (tmp_path / "models" / "layers.json").write_text('{"split_0-start_0": []}')
    zipped(tmp_path / "models" / "split_0-start_0.keras", json.dumps({"a": " " * 2_000_000}))

    for dataset in (
        SkopsDataset(filepath=str(tmp_path / "preprocessors.skops")),
        KerasModelsDataset(filepath=str(tmp_path / "models")),
    ):
        with pytest.raises(Exception, match="holds more than 1 MB in a file of"):
            dataset.load()


def test_the_projects_own_tables_are_far_from_the_limit():
    for file in (Path(__file__).parents[2] / "data" / "01_raw").glob("*.csv"):
        refuse_bomb(file)
