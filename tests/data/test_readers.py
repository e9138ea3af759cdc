from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zipfile

import numpy as np
import pandas as pd
import pytest

from conftest import ROOT
from dropnorm.data.formats import ColumnFormat, TableFormat
from dropnorm.data.readers import read_table
from dropnorm.errors import BadInputError


@pytest.fixture
def write(tmp_path):
    def written(content: str | bytes, name: str = "t.csv"):
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    return written


def test_the_tables_of_the_project_are_read_as_pandas_reads_them():
    for name in ("concrete", "red-wine"):
        file = ROOT / "data" / "01_raw" / f"{name}.csv"

        read = read_table(file)

        pd.testing.assert_frame_equal(read.table, pd.read_csv(file), check_exact=True)
        assert read.format == TableFormat()
        assert (read.reasons, read.warnings) == ({}, ())


# Where the columns are: rows with fields that the header does not have


@pytest.mark.parametrize("header", ["price,area,age", "price,area,age,"])
@pytest.mark.parametrize(
    "rows", ["1.5,7,3,\n2.5,8,4,\n", "1.5,7,3,\n2.5,8,4\n", "1.5,7,3,,\n2.5,8,4,"]
)
def test_empty_fields_behind_the_last_column_move_none(write, header, rows):
    read = read_table(write(f"{header}\n{rows}"))

    assert read.table.to_dict("list") == {"price": [1.5, 2.5], "area": [7, 8], "age": [3, 4]}
    assert read.format.surplus
    assert "surplus" in read.reasons


def test_names_of_rows_as_r_writes_them_are_the_index(write):
    read = read_table(write("area,rooms\nr0,41.5,7\nr1,36.5,6\n"))
    numbered = read_table(write('"area","rooms"\n"1",41.5,7\n"2",36.5,6\n'))

    assert read.table.to_dict() == {"area": {"r0": 41.5, "r1": 36.5}, "rooms": {"r0": 7, "r1": 6}}
    assert list(numbered.table.index) == [1, 2]
    assert list(numbered.table["area"]) == [41.5, 36.5]


def test_rows_that_lack_fields_are_filled_with_a_warning_that_names_their_lines(write):
    read = read_table(write("a,b,c\n1,2,3\n4,5\n\n7,8\n"))

    assert read.table["c"].isna().tolist() == [False, True, True]
    (told,) = read.warnings
    assert told == (
        "2 rows have fewer fields than the header; what is lacking at the end is taken as missing:"
        " line 3, 5"
    )


# What stands above and between the rows


@pytest.mark.parametrize(
    ("content", "meant"),
    [
        ("sep=;\na;b\n1,5;2\n2,5;3\n", {"sep": ";", "skiprows": 1}),
        ('"Source","Bank",\n\n"Updated","2024",\n\n"a","b","c"\n"1.5","2","x"\n', {"skiprows": 4}),
        ("Report,,\n,,\na,b,c\n1.5,2,x\n", {"skiprows": 2}),
        ("# a tool\n# at noon, AB\na,b\n1.5,2\n# the end\n", {"comment": "#"}),
        ("# a tool\n#a,b\n1.5,2\n2.5,3\n", {"skiprows": 1}),
    ],
)
def test_what_stands_around_a_table_is_not_of_it(write, content, meant):
    read = read_table(write(content))

    assert read.format.model_dump(exclude_defaults=True, exclude={"columns"}) == meant
    assert read.table.iloc[0, :2].tolist() == [1.5, 2]
    assert set(meant) <= set(read.reasons)


def test_a_preamble_does_not_hide_a_separator_that_blanks_follow(write):
    read = read_table(
        write("Preis; n; code;\n1\u00a0299,95; 3,5; 007;\n9\u00a0443,31; 4,5; 518;\n")
    )

    assert list(read.table) == ["Preis", "n", "code"]


def test_a_line_longer_than_any_that_is_looked_at_is_split(write):
    names = [f"ENSG{place:011d}" for place in range(9000)]
    read = read_table(write("\t".join(names) + "\r" + "\t".join(["1.5"] * 9000) + "\r"))

    assert list(read.table) == names
    assert (read.table == 1.5).all(axis=None)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_they_may_and_quoted_ones_go_on(write, end):
    rows = "".join(f'{row},"two{end}lines",x{end}' for row in range(3000))
    read = read_table(write(f"n,text,y{end}{rows}"))

    assert read.table["n"].tolist() == list(range(3000))
    assert set(read.table["text"]) == {f"two{end}lines"}


def test_blanks_around_values_and_before_quotation_marks_are_not_of_them(write):
    read = read_table(write('age, work , note\n32, Private , "x, 0"\n40, State-gov, "x, 1"\n'))

    assert read.table.to_dict("list") == {
        "age": [32, 40], "work": ["Private", "State-gov"], "note": ["x, 0", "x, 1"],
    }  # fmt: skip


# Packing and encoding


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
        (gzip.compress(PLAIN), ".csv.gz"),
        (bz2.compress(PLAIN), ".csv.bz2"),
        (lzma.compress(PLAIN), ".csv.xz"),
        (_zipped(PLAIN, "t.csv"), ".csv.zip"),
        (_zipped(PLAIN, "t.csv", "__MACOSX/._t.csv"), ".csv.zip"),
        (PLAIN, ".csv"),
    ],
)
def test_packed_tables_are_known_by_their_content(write, content, suffix):
    read = read_table(write(content))

    assert read.table.to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}
    assert read.suffix == suffix
    pd.testing.assert_frame_equal(read_table(write(content), read.format).table, read.table)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_encodings_that_can_be_told_are(write, encoding):
    read = read_table(write("ort;Fläche\nMünchen;1,5\nKöln;2,5\n".encode(encoding)))

    assert read.table.to_dict("list") == {"ort": ["München", "Köln"], "Fläche": [1.5, 2.5]}
    if encoding == "cp1252":
        assert "as Windows-1252 it says 'Fläche', 'München'" in read.reasons["encoding"]


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
def test_encodings_that_cannot_be_told_are_refused(write, text, encoding):
    rows = "".join(f"{n},{word}\n" for n, word in enumerate(text.split()))

    with pytest.raises(BadInputError, match="in an encoding that cannot be told"):
        read_table(write(f"n,place\n{rows}".encode(encoding)))


def test_utf8_with_a_line_in_another_encoding_is_refused_with_the_line(write):
    content = "n,place\n1,München\n2,Köln\n".encode() + "3,Düren\n".encode("cp1252")

    with pytest.raises(BadInputError, match="UTF-8 but for some bytes, the first in line 4"):
        read_table(write(content))


# Numbers


@pytest.mark.parametrize(
    ("content", "values"),
    [
        ("x;y\n1.303;2,5\n929;3,5\n", [1303, 929]),
        ("x\ty\n40,648\t2.5\n949\t3.5\n", [40648, 949]),
        ('x,y\n"40,648",2.5\n"5,120",3.5\n', [40648, 5120]),
        ('x,y\n"$45,120",2\n"$9,990",3\n', [45120, 9990]),
        ("x,y\n12.25%,2\n3 %,3\n", [12.25, 3]),
        ("x;y\n1'234.5;2\n12’345;3\n", [1234.5, 12345]),
        ("x;y\n1\u00a0234,5;2\n12\u202f345;3\n1 000;4\n", [1234.5, 12345, 1000]),
        ('x,y\n"12,5",2\n"3,25",3\n', [12.5, 3.25]),
        ("x;y\n1.234.567;2\n1.234;3\n", [1234567, 1234]),
        ('x,y\n"12,34,567",2\n"1,00,000",3\n', [1234567, 100000]),
        ("x;y\n(12,50);2\n1.012,50;3\n", [-12.5, 1012.5]),
        ("x;y\n12,50-;2\n1.012,50;3\n", [-12.5, 1012.5]),
        ("x,y\n\u221212.5,2\n–3,3\n", [-12.5, -3]),
        ("x,y\n1_000,2\n20_000,3\n", [1000, 20000]),
        ("x,y\n12 kg,2\n3 kg,3\n", [12, 3]),
        ("x,y\nEUR 12.50,2\nEUR 3.00,3\n", [12.5, 3]),
        ("x,y\n1e5,2\n-1.5E-3,3\n+.5,3\n5.,3\n", [1e5, -0.0015, 0.5, 5]),
        ("x,y\n0.123,2\n1.234,3\n", [0.123, 1.234]),
        ("x,y\n1.234,2\n12.345,3\n", [1.234, 12.345]),
        ("x;y\n1.234;2\n1234.5;3\n", [1.234, 1234.5]),
        ("x,y\n007.5,2\n010.2,3\n", [7.5, 10.2]),
        ("x,y\n0.1,2\n1e999,3\n", [0.1, np.inf]),
    ],
)
def test_marks_mean_what_all_values_of_a_file_allow(write, content, values):
    read = read_table(write(content))

    assert read.table["x"].tolist() == values
    again = read_table(write(content), read.format)
    pd.testing.assert_frame_equal(again.table, read.table)


@pytest.mark.parametrize(
    ("content", "mark", "fraction"),
    [
        ("x;y\n1.234;2\n12.345;3\n", ".", 1.234),
        ("x\ty\n1.234\t2\n12.345\t3\n", ".", 1.234),
        ("x,y\n1.234,2\n949,3\n", ".", 1.234),
        ('x,y\n"1,234",2\n"12,345",3\n', ",", 1.234),
        ("x;y;z\n1.234;2;1,5\n12.345;3;1.5\n", ".", 1.234),
        ("x,y\n$1.234,2\n$12.345,3\n", ".", 1.234),
    ],
)
def test_where_two_readings_fit_the_user_is_asked(write, content, mark, fraction):
    file = write(content)

    with pytest.raises(BadInputError, match="column 'x' can be read in two ways") as error:
        read_table(file)

    assert f"is {fraction} if" in str(error.value)
    assert f"1234 if a {'dot' if mark == '.' else 'comma'} stands between" in str(error.value)
    assert f"--decimal '{mark}' or --thousands '{mark}'" in str(error.value)
    assert read_table(file, decimal=mark).table["x"][0] == fraction
    assert read_table(file, thousands=mark).table["x"][0] == 1234
    other = "," if mark == "." else "."
    assert read_table(file, decimal=other).table["x"][0] == 1234


def test_many_numbers_of_three_digits_and_whole_ones_beside_them_have_thousands(write):
    rows = "".join(f"{n},{n + 100}\t3\n" for n in range(1, 25))

    assert read_table(write(f"x\ty\n{rows}949\t3\n")).table["x"].max() == 24124


def test_a_column_of_whole_numbers_has_the_marks_of_its_file(write):
    read = read_table(write("km;preis\n129;2,5\n14;3.003,5\n"))

    assert read.format.columns["km"] == ColumnFormat(decimal=",", thousands=".")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["12.5", "13,7"], "no decimal mark and no mark of thousands fits all of its values"),
        (["12 %", "0.3"], "different signs or units: '12 %' and '0.3'"),
        (["5 kg", "300 g"], "different signs or units: '5 kg' and '300 g'"),
        (["-5", "(6)", "7"], "minus signs are written in two ways: '-5' and '\\(6\\)'"),
        (["(5)", "(6)"], "'\\(5\\)' could be a number below zero"),
        (["1", "2", "3", "n/k"], "'n/k' in line 5 is not a number, though 75% of its values are"),
    ],
)
def test_numbers_that_no_one_format_reads_are_text_with_a_warning(write, values, told):
    read = read_table(write("x;y\n" + "".join(f"{value};1\n" for value in values)))

    assert read.table["x"].tolist() == values
    (warning,) = read.warnings
    assert warning.startswith("column 'x' is read as text: ")
    assert re.search(told, warning)


# Words and codes


def test_words_for_missing_are_kept_in_text_with_a_warning_and_are_gaps_in_numbers(write):
    read = read_table(write("sleep,n\nNone,1\nApnea,?\nNone,2.5\n,NA\n"))

    assert read.table["sleep"].tolist()[:3] == ["None", "Apnea", "None"]
    assert read.table["sleep"].isna().tolist() == [False, False, False, True]
    assert read.table["n"].dropna().tolist() == [1, 2.5]
    assert read.format.columns == {
        "sleep": ColumnFormat(type="text"), "n": ColumnFormat(missing=("?", "NA")),
    }  # fmt: skip
    assert (
        read.reasons["n"]
        == "'?', 'NA' in 2 of 4 rows, beside numbers, means that the value is missing"
    )
    assert read.warnings == (
        "'None' stands in 2 of 4 rows of column 'sleep' and is kept as text; if it means that the"
        " value is missing, write missing: ['None'] for the column",
        "'?', 'NA' in 2 of 4 rows of column 'n', beside numbers, is read as missing; if it is a"
        " class, write type: text for the column",
    )


def test_a_format_says_which_words_are_missing_in_text(write):
    how = TableFormat(columns={"a": ColumnFormat(type="text", missing=("None",))})

    assert read_table(write("a,n\nNone,1\nx,2\n"), how).table["a"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    "values",
    [
        ["010", "2", "7"],
        ["01", "02", "A"],
        ["1234567890123456789", "9234567890123456788"],
        ["9007199254740993", "1"],
        ["+4917112345678", "+4930123456"],
        ["TRUE", "FALSE"],
        ["True", "False"],
        ["0x1F", "0x20"],
        ["١٢", "٣"],
        ["A12", "A13"],
        ["4WD", "2WD"],
        ["31.12.2024", "01.02.2023"],
        ["1.2.3", "1.2.4"],
        ["192.168.100.101", "10.0.0.1"],
    ],
)
def test_what_is_no_amount_keeps_its_spelling(write, values):
    rows = "".join(f"{value};1\n" for value in [*values, ""])
    read = read_table(write(f"code;n\n{rows}"))

    assert read.table["code"].tolist()[:-1] == values
    assert pd.isna(read.table["code"].iloc[-1])


# Reading by a format, and new rows


def test_new_rows_are_read_as_the_columns_of_the_study_were(write):
    study = read_table(write("km;code;smoker;x\n1.303;01;TRUE;2,5\n929;02;unknown;3,5\n"))
    new = write("km,code,smoker\n1303,7,FALSE\nNA,01,TRUE\n".encode("utf-16"))

    read = read_table(new, columns=study.format.columns)

    assert read.table["km"].dropna().tolist() == [1303]
    assert read.table["code"].tolist() == ["7", "01"]
    assert read.table["smoker"].tolist() == ["FALSE", "TRUE"]
    assert read.format.encoding == "utf-16"


@pytest.mark.parametrize(
    ("how", "value"),
    [
        (ColumnFormat(decimal=","), "1.5"),
        (ColumnFormat(decimal=","), "1.303"),
        (ColumnFormat(decimal=",", thousands="."), "1.5"),
        (ColumnFormat(), "1,5"),
        (ColumnFormat(), "x"),
        (ColumnFormat(), "$5"),
        (ColumnFormat(), "(5)"),
        (ColumnFormat(suffix="%"), "0.12"),
        (ColumnFormat(thousands=","), "1,23"),
        (ColumnFormat(negative="parentheses"), "-5"),
        (ColumnFormat(negative="minus behind"), "-5"),
    ],
)
def test_a_cell_that_is_not_written_as_its_column_is_refused_with_its_place(write, how, value):
    good = {"%": "1 %"}.get(how.suffix, "1")
    file = write(f"k;x\na;{good}\n\nb;{value}\n")

    with pytest.raises(BadInputError, match="line 4, column 'x': '") as error:
        read_table(file, columns={"x": how})
    assert f"'{value}' is no number as this column is written" in str(error.value)

    with pytest.raises(BadInputError, match="line 4, column 'x': "):
        read_table(file, TableFormat(sep=";", columns={"k": ColumnFormat(type="text"), "x": how}))


def test_a_column_that_a_format_does_not_name_holds_plain_numbers(write):
    with pytest.raises(BadInputError, match="line 2, column 'b': 'x' is no number"):
        read_table(write("a,b\n1,x\n"), TableFormat())


def test_a_file_that_is_not_as_its_format_says_is_refused(write):
    with pytest.raises(BadInputError, match="not as its format says, packed by gzip"):
        read_table(write(PLAIN), TableFormat(compression="gzip"))
    with pytest.raises(BadInputError, match="is no utf-8 text from byte 4 on"):
        read_table(write(b"a,b\n\xff,2\n"), TableFormat())
    with pytest.raises(BadInputError, match="surplus: true"):
        read_table(write("a,b\n1,2,\n"), TableFormat())


def test_numbers_are_the_nearest_that_there_are(write):
    rnd = np.random.default_rng(0)
    values = [*rnd.normal(size=500), *(10.0 ** rnd.uniform(-300, 300, 500)), 5e-324, 2**53 - 1.0]
    read = read_table(write("x,y\n" + "".join(f"{float(value)!r},1\n" for value in values)))

    assert read.table["x"].tolist() == values


def test_a_named_index_of_a_parquet_file_is_a_column(tmp_path):
    file = tmp_path / "t.parquet"
    table = pd.DataFrame({"region": ["N", "S"], "x": [1.5, 2.5]})
    table.set_index("region").to_parquet(file)

    read = read_table(file)

    pd.testing.assert_frame_equal(read.table, table)
    assert (read.format, read.suffix) == (None, ".parquet")


# What is no table


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (gzip.compress(b""), "is empty"),
        (gzip.compress(PLAIN * 99)[:20], "no whole gzip file"),
        (bz2.compress(PLAIN * 99)[:20], "cannot be read|no whole"),
        (lzma.compress(PLAIN * 99)[:40], "no whole"),
        (b"PK\x03\x04\x00\x00", "is no whole zip file"),
        (_zipped(PLAIN, "a.csv", "b.csv"), r"a zip file with 2 files in it \(a.csv, b.csv, …\)"),
        (_zipped(PLAIN, "[Content_Types].xml", "b"), "is an Excel workbook; save its sheet as CSV"),
        (_tarred(PLAIN), "is a tar archive"),
        (gzip.compress(_tarred(PLAIN)), "is a tar archive"),
        (b"\x28\xb5\x2f\xfd\x00", r"Zstandard, which is not read; unpack it \(zstd -d\)"),
        (b"SQLite format 3\0", "is an SQLite database"),
        (b"a,b\n\0,1\n", "is no text"),
        (bytes(range(1, 256)), "is no text|cannot be told"),
        (b"a,a\n1,2\n", "has the column 'a' more than once"),
        (b"1.5,2\n1,2\n", "the header is a line of numbers alone"),
        (b"a,b\n1,2\n1,2,3\n", "line 3 has 3 fields where 2 are expected"),
        (b"a,b\n5.5,2,3\n6.5,2,3\n", "line 2 has 3 fields where 2 are expected"),
        (b"a,b,c\n1,2,3\nSource: X\n", "line 3 has 1 field where 3 are expected"),
        (b"a,b,c\n1,2,3\n4,5", "ends in the middle of a row, in line 3"),
        (b"# x\na,b\n1,2\n#3,4\n", "line 4 begins with #, as comments do, and has as many fields"),
        (b'a,b\n1,"2\n3,4\n', "in line 2 a quotation mark .* opens that nothing closes"),
        (b'a,b\n1,2\n3,"4"5\n', "in line 3 something stands behind the quotation mark"),
        (b'a,b\n1,"' + b"x" * 200_000 + b'"\n', "a field of line 2 is longer than 131,072"),
        (b'"x" "y"\n"1" 2 3\n"2" 3 4\n', "separates its columns by blanks"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_in_one_line(write, content, told):
    file = write(content)

    with pytest.raises(BadInputError, match=told) as error:
        read_table(file)

    assert str(error.value).startswith(f"{file}: ")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


def test_a_file_that_is_not_there_is_told_by_the_name_that_the_user_gave(tmp_path):
    with pytest.raises(BadInputError, match=r"^s3://x: there is no such file$"):
        read_table(tmp_path / "x.csv", known_as="s3://x")
    with pytest.raises(BadInputError, match="is a folder"):
        read_table(tmp_path)


@pytest.mark.parametrize(
    "options", [{"decimal": ".", "thousands": "."}, {"sep": '"'}, {"encoding": "nope"}]
)
def test_formats_that_read_nothing_are_refused(options):
    model = ColumnFormat if "decimal" in options else TableFormat

    with pytest.raises(ValueError, match=r"same mark|sep cannot be|none called"):
        model(**options)
