from __future__ import annotations

import gzip

import fsspec
import pandas as pd
import pytest

from dropnorm.commands.reading import fetched, read_table
from dropnorm.errors import BadInputError

TABLE = pd.DataFrame({"Größe": [1.5, 2.25, 3.0], "b": ["x", "y;z", "a,b"], "c": [1, 2, 3]})


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_csv_file_of_any_kind_is_read_and_kedro_is_told_how(tmp_path, separator, encoding):
    file = tmp_path / "t.csv"
    TABLE.to_csv(file, sep=separator, encoding=encoding, index=False)

    read = read_table(file)

    pd.testing.assert_frame_equal(read.table, TABLE)
    pd.testing.assert_frame_equal(pd.read_csv(file, **read.load_args), TABLE)
    assert (read.load_args == {}) == ((separator, encoding) == (",", "utf-8"))


def test_decimal_commas_and_words_for_missing_are_numbers(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("a;b;c\n1,5;?;x\n2,5;3,5;?\n-0,5;4;y\n")

    read = read_table(file)

    assert list(read.table["a"]) == [1.5, 2.5, -0.5]
    assert list(read.table["b"].dropna()) == [3.5, 4.0]
    assert list(read.table["c"]) == ["x", "?", "y"]  # in a column of text it may mean something
    assert read.load_args == {"sep": ";", "decimal": ",", "na_values": {"b": ["?"]}}


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv"])
@pytest.mark.parametrize("zipped", [True, False])
def test_gzip_is_known_by_its_content_and_kedro_is_told_where_the_name_misleads(
    tmp_path, name, zipped
):
    file = tmp_path / name
    content = TABLE.to_csv(index=False).encode()
    file.write_bytes(gzip.compress(content) if zipped else content)

    read = read_table(file)

    pd.testing.assert_frame_equal(read.table, TABLE)
    assert read.suffix == (".csv.gz" if zipped else ".csv")
    pd.testing.assert_frame_equal(pd.read_csv(file, **read.load_args_of(name)), TABLE)
    assert read.load_args_of(f"copy{read.suffix}") == {}


def test_parquet_is_read(tmp_path):
    TABLE.to_parquet(tmp_path / "t.parquet")

    read = read_table(tmp_path / "t.parquet")

    pd.testing.assert_frame_equal(read.table, TABLE)
    assert (read.dataset, read.suffix) == ("pandas.ParquetDataset", ".parquet")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("t.csv", None, "there is no such file"),
        ("t.csv", b"", "is empty"),
        ("t.csv", b" \n\n", "is empty"),
        ("t.csv.gz", gzip.compress(b"", mtime=0), "is empty"),
        ("t.csv.gz", gzip.compress(b"a,b\n1,2\n" * 99, mtime=0)[:20], "no whole gzip file"),
        ("t.csv", b"PK\x03\x04\x00\x00", "is no text"),
        ("t.csv", b"a,a\n1,2\n", "has the column 'a' more than once"),
        ("t.csv", b"1.5,2\n1,2\n", "the first line holds numbers alone"),
        ("t.csv", bytes(range(1, 256)), "is no text"),
        ("t.csv", b"a,b\n1,2\n1,2,3\n", "line 3 has 3 fields where 2 are expected; mend the line"),
        ("t.csv", b'a,b\n1,"2\n3,4\n', "in line 2 a quotation mark .* opens that nothing closes"),
        ("t.parquet", b"no parquet", "is no whole Parquet file; get it again"),
        ("t.csv", b"PAR1", "is no whole Parquet file; get it again"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(tmp_path, name, content, told):
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(BadInputError, match=told) as error:
        read_table(file)

    assert str(error.value).startswith(f"{file}: ")
    assert str(error.value).count(name) == 1
    assert "\n" not in str(error.value)


def test_a_folder_is_no_table(tmp_path):
    with pytest.raises(BadInputError, match="is a folder"):
        read_table(tmp_path)


def test_what_is_fetched_is_there_as_long_as_it_is_needed():
    with fsspec.open("memory://t.csv", "wb") as file:
        file.write(b"a,b\n1,2\n")

    with fetched("memory://t.csv") as copy:
        assert copy.read_bytes() == b"a,b\n1,2\n"
    assert not copy.exists()


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("memory:///none.csv", "there is no such file"),
        ("https://localhost:1/t.csv", "cannot be fetched: Cannot connect to its server"),
        ("nope://t.csv", "cannot be fetched: Protocol not known: nope"),
    ],
)
def test_what_cannot_be_fetched_is_refused_with_its_address(address, told):
    with pytest.raises(BadInputError, match=f"^{address}: {told}"), fetched(address):
        pass
