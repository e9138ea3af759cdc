import bz2
import gzip
import json
import lzma
import zipfile
import zlib

import pandas as pd
import pytest
from atlas.frames import Archive, bundled, decompressed, parse_text, unpacked


@pytest.mark.parametrize(
    "chunk",
    [
        zlib.compress(b"data of R"),
        b"2" + bz2.compress(b"data of R"),
        b"Z"
        + lzma.compress(
            b"data of R", lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 6}]
        ),
    ],
    ids=["zlib", "bzip2", "xz"],
)
def test_an_object_of_a_lazy_load_database_is_unpacked(chunk):
    assert unpacked((9).to_bytes(4, "big") + chunk) == b"data of R"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"x,y\n1,a\n2,b\n"),
        ("a.csv", b"'x'\t'y'\n1\ta\n2\tb\n"),
        ("a.json", json.dumps([{"x": 1, "y": "a"}, {"x": 2, "y": "b"}]).encode()),
    ],
    ids=["commas", "tabs", "json"],
)
def test_a_table_of_a_wheel_is_read(name, content):
    assert parse_text(content, name).to_dict("list") == {"x": [1, 2], "y": ["a", "b"]}


def test_a_table_is_read_out_of_a_wheel(tmp_path):
    with zipfile.ZipFile(tmp_path / "p-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("p/data/cars.csv", "x\n1\n")

    assert Archive(tmp_path / "p-1-py3-none-any.whl").frame("p/data/cars.csv")["x"].tolist() == [1]


@pytest.mark.parametrize(
    ("name", "shape"),
    [("diabetes", (442, 11)), ("digits", (1797, 65)), ("breast_cancer", (569, 31))],
)
def test_tables_of_scikit_learn_need_no_download(name, shape):
    assert bundled(name).shape == shape


def test_data_of_r_is_read_with_its_categories_as_text(tmp_path):
    rdata = pytest.importorskip("rdata")
    (tmp_path / "data").mkdir()
    cars = pd.DataFrame({"speed": [4.5, 7.0], "kind": pd.Categorical(["slow", "fast"])})
    rdata.write_rda(tmp_path / "data" / "cars.rda", {"cars": cars})

    frame = Archive(tmp_path).frame("cars")

    assert frame["speed"].tolist() == [4.5, 7.0]
    assert frame["kind"].tolist() == ["slow", "fast"]
    with pytest.raises(LookupError, match="no data called 'boats'"):
        Archive(tmp_path).frame("boats")


def test_an_index_of_a_database_may_be_packed_in_two_ways():
    assert decompressed(gzip.compress(b"x")) == decompressed(zlib.compress(b"x")) == b"x"
