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

from dropnorm.data.reading import compression
from dropnorm.data.reading.compression import refuse_bomb
from dropnorm.data.reading.readers import read_table
from dropnorm.datasets import KerasModelsDataset, SkopsDataset
from dropnorm.datasets.catalog_entries import count_rows, load_table
from dropnorm.errors import BadInputError

LINES = b"a,b\n" + b"1,2\n" * 500_000


@pytest.fixture(autouse=True)
def low_limit(monkeypatch):
    """Refuse files from 1 MB on."""
    monkeypatch.setattr(compression, "_FREE", 1_000_000)


def zipped(path, content):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", content)


def as_parquet(path, _):
    pd.DataFrame({"a": [1.0] * 500_000, "b": [2.0] * 500_000}).to_parquet(path)


def as_hdf5(path, _):
    """Write an array without data, which reads as zeros."""
    with h5py.File(path, "w") as file:
        file.create_group("layer").create_dataset("0", shape=(1000, 1000), chunks=True)


def as_network(path, _):
    as_hdf5(path.with_suffix(".h5"), _)
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(path.with_suffix(".h5"), "model.weights.h5")
        archive.writestr("config.json", "{}")


def as_layers(path, _):
    """Write a network with large layers and no weights."""
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
    """Return a column that repeats one text, which a Parquet file stores once."""
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
def test_a_small_file_that_unpacks_to_much_more_is_refused(tmp_path, kind):
    file = tmp_path / f"bomb{kind}"
    PACKERS[kind](file, LINES)

    with pytest.raises(
        BadInputError, match=rf"^{re.escape(str(file))}: unpacks to more than 1 MB from a "
    ):
        refuse_bomb(file)


@pytest.mark.parametrize("kind", PACKERS)
def test_a_file_within_the_compression_ratio_passes(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(compression, "_RATIO", 100_000)
    file = tmp_path / f"table{kind}"
    PACKERS[kind](file, LINES)

    refuse_bomb(file)


@pytest.mark.parametrize("kind", PARQUET)
def test_parquet_with_one_value_in_many_rows_is_refused(tmp_path, monkeypatch, kind):
    file = tmp_path / "t.parquet"
    pq.write_table(pa.table(PARQUET[kind]), file, store_schema=False)
    assert file.stat().st_size < 10_000

    with pytest.raises(BadInputError, match="unpacks to more than 1 MB"):
        refuse_bomb(file)
    monkeypatch.setattr(compression, "_FREE", 8_000_000)
    refuse_bomb(file)  # 5 MB, and 4 of numbers


@pytest.mark.parametrize("nested", [False, True])
def test_parquet_with_prefix_encoded_texts_is_refused(tmp_path, nested):
    texts = pa.array(["x" * length for length in range(3_000)])  # 4.5 MB
    file, name = tmp_path / "t.parquet", "a.list.element" if nested else "a"
    table = pa.table({"a": pa.ListArray.from_arrays([0, 3_000], texts) if nested else texts})
    encoding = {name: "DELTA_BYTE_ARRAY"}
    pq.write_table(table, file, use_dictionary=False, column_encoding=encoding, compression="zstd")

    with pytest.raises(BadInputError, match="unpacks to more than 1 MB"):
        refuse_bomb(file)


@pytest.mark.parametrize("rows", [0, 5, 20_000])
def test_ordinary_parquet_passes(tmp_path, rows):
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


def test_a_bomb_is_refused_without_using_much_memory(tmp_path):
    """Use the real limits, with 6 GB of text in 350 kB."""
    file = tmp_path / "t.parquet"
    table = pa.table({"a": repeated("x" * 100_000, 60_000), "y": np.arange(60_000.0)})
    pq.write_table(table, file, store_schema=False)
    script = "\n".join(
        [
            "import re, sys",
            "from pathlib import Path",
            "from dropnorm.errors import BadInputError",
            "from dropnorm.data.reading.compression import refuse_bomb",
            "try:",
            "    refuse_bomb(Path(sys.argv[1]))",
            "except BadInputError as error:",
            "    print(error)",
            # Not ru_maxrss, which a process inherits from its parent.
            "print(re.search(r'VmHWM:\\s*(\\d+)', Path('/proc/self/status').read_text())[1])",
        ]
    )

    done = subprocess.run([sys.executable, "-c", script, file], text=True, check=True,
                          capture_output=True, timeout=60)  # fmt: skip

    message, kilobytes = done.stdout.splitlines()
    assert "t.parquet: unpacks to more than 500 MB from a file of 0.35" in message
    assert int(kilobytes) < 500_000


@pytest.fixture
def special(tmp_path):
    """A folder with a named pipe and a socket."""
    os.mkfifo(tmp_path / "pipe.csv")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.csv"))
        yield tmp_path


@pytest.mark.parametrize(
    ("name", "what"),
    [("pipe.csv", "a named pipe"), ("socket.csv", "a socket"), ("/dev/zero", "a device")],
)
@pytest.mark.timeout(60)
def test_all_table_readers_refuse_pipes_sockets_and_devices(special, name, what):
    place = special / name
    message = f"{re.escape(name)}: is not a regular file but {what}; "

    with pytest.raises(BadInputError, match=message):
        refuse_bomb(place)
    with pytest.raises(BadInputError, match=message):
        read_table(place)
    for kind in ("pandas.CSVDataset", "pandas.ParquetDataset", "pandas.ExcelDataset"):
        entry = {"type": kind, "filepath": str(place)}
        for look in (load_table, count_rows):
            with pytest.raises(BadInputError, match=message):
                look("cars", DataCatalog.from_config({"cars.table": entry}))


def test_a_bomb_in_a_folder_of_parquet_files_is_refused(tmp_path):
    PACKERS[".parquet"](tmp_path / "part-1.parquet", LINES)
    entry = {"type": "pandas.ParquetDataset", "filepath": str(tmp_path)}

    with pytest.raises(BadInputError, match=r"part-1\.parquet: unpacks to more than 1 MB"):
        load_table("cars", DataCatalog.from_config({"cars.table": entry}))


@pytest.mark.parametrize(
    "content",
    [b"", b"\x1f\x8bno gzip", b"PK\x03\x04no zip", b"PAR1no", b"\x89HDF\r\n\x1a\nno", b"a,b"],
)
def test_broken_uncompressed_and_missing_files_pass(tmp_path, content):
    file = tmp_path / "table.csv"
    file.write_bytes(content)

    refuse_bomb(file)
    refuse_bomb(tmp_path / "not there")


def test_all_table_readers_refuse_a_bomb(tmp_path):
    file = tmp_path / "cars.csv.gz"
    PACKERS[".csv.gz"](file, LINES)
    entry = {"type": "pandas.CSVDataset", "filepath": str(file)}

    with pytest.raises(BadInputError, match="unpacks to more than 1 MB"):
        load_table("cars", DataCatalog.from_config({"cars.table": entry}))
    with pytest.raises(BadInputError, match="unpacks to more than 1 MB"):
        read_table(file)


def test_preprocessor_and_network_datasets_refuse_a_bomb(tmp_path):
    zipped(tmp_path / "preprocessors.skops", json.dumps({"a": " " * 2_000_000}))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "layers.json").write_text('{"split_0-start_0": []}')
    zipped(tmp_path / "models" / "split_0-start_0.keras", json.dumps({"a": " " * 2_000_000}))

    for dataset in (
        SkopsDataset(filepath=str(tmp_path / "preprocessors.skops")),
        KerasModelsDataset(filepath=str(tmp_path / "models")),
    ):
        with pytest.raises(Exception, match="unpacks to more than 1 MB from a file of"):
            dataset.load()


def test_the_tables_of_the_project_pass():
    for file in (Path(__file__).parents[3] / "data" / "01_raw").glob("*.csv"):
        refuse_bomb(file)
