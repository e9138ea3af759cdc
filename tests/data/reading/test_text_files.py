from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pandas as pd
import pytest

from dropnorm.data.reading.formats import ColumnFormat, TableFormat
from dropnorm.data.reading.readers import read_table
from dropnorm.errors import BadInputError


def _zipped(content: bytes, *names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return buffer.getvalue()


def _tarred(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("t.csv")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


PLAIN = b"a,b\n1,x\n2,y\n"


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        (gzip.compress(PLAIN, mtime=0), ".csv.gz"),
        (bz2.compress(PLAIN), ".csv.bz2"),
        (lzma.compress(PLAIN), ".csv.xz"),
        (_zipped(PLAIN, "t.csv"), ".csv.zip"),
        (_zipped(PLAIN, "t.csv", "__MACOSX/._t.csv"), ".csv.zip"),
        (_zipped(PLAIN, "d/t.csv", ".DS_Store", "d/.DS_Store"), ".csv.zip"),
        (PLAIN, ".csv"),
    ],
)
def test_compressed_tables_are_recognized_by_their_content(write_file, content, suffix):
    read = read_table(write_file(content))

    assert read.table.to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}
    assert read.suffix == suffix
    pd.testing.assert_frame_equal(read_table(write_file(content), read.format).table, read.table)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_common_encodings_are_detected(write_file, encoding):
    read = read_table(write_file("ort;Fläche\nMünchen;1,5\nKöln;2,5\n".encode(encoding)))

    assert read.table.to_dict("list") == {"ort": ["München", "Köln"], "Fläche": [1.5, 2.5]}
    if encoding == "cp1252":
        assert "as Windows-1252 it reads 'Fläche', 'München'" in read.reasons["encoding"]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Москва Казань Самара", "cp1251"),
        ("東京 大阪 京都", "shift_jis"),
        ("北京 上海 广州", "gbk"),
        ("Αθήνα Πάτρα", "cp1253"),
        ("Łódź Kraków żółć", "iso8859-2"),
        ("München Köln Größe", "mac_roman"),
        ("München Köln Größe", "cp850"),
    ],
)
def test_other_encodings_are_refused(write_file, text, encoding):
    rows = "".join(f"{n},{word}\n" for n, word in enumerate(text.split()))

    with pytest.raises(BadInputError, match="has an unknown encoding"):
        read_table(write_file(f"n,place\n{rows}".encode(encoding)))


def test_utf8_with_a_line_in_another_encoding_is_refused(write_file):
    content = "n,place\n1,München\n2,Köln\n".encode() + "3,Düren\n".encode("cp1252")

    with pytest.raises(
        BadInputError, match="UTF-8 text except for some bytes, the first in line 4"
    ):
        read_table(write_file(content))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (gzip.compress(b"", mtime=0), "is empty"),
        (gzip.compress(PLAIN * 99, mtime=0)[:20], "not a complete gzip file"),
        (bz2.compress(PLAIN * 99)[:20], "cannot be read|not a complete"),
        (lzma.compress(PLAIN * 99)[:40], "not a complete"),
        (b"PK\x03\x04\x00\x00", "is not a complete zip file"),
        (_zipped(PLAIN, "a.csv", "b.csv"), r"a zip file with 2 files in it \(a.csv, b.csv, …\)"),
        (_zipped(PLAIN, "[Content_Types].xml", "b"), "is an Excel workbook; save its sheet as CSV"),
        (_tarred(PLAIN), "is a tar archive"),
        (gzip.compress(_tarred(PLAIN), mtime=0), "is a tar archive"),
        (b"\x28\xb5\x2f\xfd\x00", r"Zstandard file, which is not supported; unpack it \(zstd -d\)"),
        (b"SQLite format 3\0", "is an SQLite database"),
        (b'{"a": 1, "b": 2}\n{"a": 3, "b": 4}\n', "is a JSON file; .* pandas.JSONDataset"),
        (b'\xef\xbb\xbf[\n  {\n    "a": 1\n  }\n]\n', "is a JSON file"),
        (b"<!DOCTYPE html>\n<html><body>Log in</body></html>\n", "is a page of a website"),
        (b"a,b\n\0,1\n", "is not a text file"),
        (bytes(range(1, 256)), "is not a text file|unknown encoding"),
        (b"a,a\n1,2\n", "has the column 'a' more than once"),
        (b"1.5,2\n1,2\n", "the first line holds only numbers"),
        (b"a,b\n1,2\n1,2,3\n", "line 3 has 3 fields where 2 are expected"),
        (b"a,b\n5.5,2,3\n6.5,2,3\n", "line 2 has 3 fields where 2 are expected"),
        (b"Sales\nplace,kind\nx,y\nz,y\n", "',' separates 2 fields in line 2, but none"),
        (b"Data,World\nUpdated\nplace,kind\nx,y\n", "line 2 has 1 field where 2 are expected"),
        (b"a,b,c\n1,2,3\nSource: X\n", "line 3 has 1 field where 3 are expected"),
        (b"a,b,c\n1,2,3\n4,5", "ends in the middle of a row, in line 3"),
        (b"# x\na,b\n1,2\n#3,4\n", "line 4 begins with #, as comments do, but has as many fields"),
        (b'a,b\n1,"2\n3,4\n', "line 2 has an opening quotation mark .* that is never closed"),
        (b'a,b\n1,2\n3,"4"5\n', "line 3 has text after a closing quotation mark"),
        (b'a,b\n1,"' + b"x" * 200_000 + b'"\n', "a field of line 2 is longer than 131,072"),
        (b'"x" "y"\n"1" 2 3\n"2" 3 4\n', "separates its columns with blanks"),
    ],
)  # fmt: skip
def test_files_that_are_not_tables_are_refused_in_one_line(write_file, content, message):
    file = write_file(content)

    with pytest.raises(BadInputError, match=message) as error:
        read_table(file)

    assert str(error.value).startswith(f"{file}: ")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


def test_a_missing_file_is_named_as_the_user_wrote_it(tmp_path):
    with pytest.raises(BadInputError, match=r"^s3://x: there is no such file$"):
        read_table(tmp_path / "x.csv", known_as="s3://x")
    with pytest.raises(BadInputError, match="is a folder"):
        read_table(tmp_path)


@pytest.mark.parametrize(
    "options", [{"decimal": ".", "thousands": "."}, {"sep": '"'}, {"encoding": "nope"}]
)
def test_impossible_formats_are_refused(options):
    model = ColumnFormat if "decimal" in options else TableFormat

    with pytest.raises(ValueError, match=r"same mark|sep cannot be|has no encoding"):
        model(**options)
