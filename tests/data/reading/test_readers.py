from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from conftest import ROOT
from dropnorm.data.reading.formats import ColumnFormat, TableFormat
from dropnorm.data.reading.readers import read_table
from dropnorm.errors import BadInputError


def test_the_tables_of_the_project_read_as_in_pandas():
    for name in ("concrete", "red-wine"):
        file = ROOT / "data" / "01_raw" / f"{name}.csv"

        read = read_table(file)

        pd.testing.assert_frame_equal(read.table, pd.read_csv(file), check_exact=True)
        assert read.format == TableFormat()
        assert (read.reasons, read.warnings) == ({}, ())


@pytest.mark.parametrize("header", ["price,area,age", "price,area,age,"])
@pytest.mark.parametrize(
    "rows", ["1.5,7,3,\n2.5,8,4,\n", "1.5,7,3,\n2.5,8,4\n", "1.5,7,3,,\n2.5,8,4,"]
)
def test_empty_fields_after_the_last_column_shift_no_values(write_file, header, rows):
    read = read_table(write_file(f"{header}\n{rows}"))

    assert read.table.to_dict("list") == {"price": [1.5, 2.5], "area": [7, 8], "age": [3, 4]}
    assert read.format.surplus
    assert "surplus" in read.reasons


@pytest.mark.parametrize(
    ("sep", "name"), [("|", r"'\|'"), (";", "';'"), ("\t", "a tab"), (",", "','")]
)
def test_a_title_above_text_columns_is_refused(write_file, sep, name):
    """Rows were once read as values of the title's column."""
    rows = "".join(
        f"{one}{sep}red{sep if place % 2 else ''}\n" for place, one in enumerate("abcdef")
    )

    message = f"{name} separates 2 fields in line 3, but none in the first"
    for below in (rows, f"a{sep}red\n"):
        with pytest.raises(BadInputError, match=message):
            read_table(write_file(f"Source: registry\n\nid{sep}town\n{below}"))


def test_a_mark_missing_in_some_rows_is_not_the_separator(write_file):
    rows = "".join(f"{place}.5kg,{'e|f' if place % 3 else ''}\n" for place in range(1, 13))

    read = read_table(write_file(f'size|cm,"the ""quoted"""\n{rows}'))

    assert list(read.table) == ["size|cm", 'the "quoted"']
    assert list(read.table["size|cm"][:2]) == [1.5, 2.5]
    assert read.format.sep == ","


def test_row_names_written_by_r_become_the_index(write_file):
    read = read_table(write_file("area,rooms\nr0,41.5,7\nr1,36.5,6\n"))
    numbered = read_table(write_file('"area","rooms"\n"1",41.5,7\n"2",36.5,6\n'))

    assert read.table.to_dict() == {"area": {"r0": 41.5, "r1": 36.5}, "rooms": {"r0": 7, "r1": 6}}
    assert list(numbered.table.index) == [1, 2]
    assert list(numbered.table["area"]) == [41.5, 36.5]


def test_short_rows_are_filled_with_a_warning_naming_their_lines(write_file):
    read = read_table(write_file("a,b,c\n1,2,3\n4,5\n\n7,8\n"))

    assert read.table["c"].isna().tolist() == [False, True, True]
    assert read.warnings == (
        "2 rows have fewer fields than the header; the missing fields at the end are read as"
        " missing values: line 3, 5",
    )


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
def test_titles_comments_and_sep_lines_are_skipped(write_file, content, meant):
    read = read_table(write_file(content))

    assert read.format.model_dump(exclude_defaults=True, exclude={"columns"}) == meant
    assert read.table.iloc[0, :2].tolist() == [1.5, 2]
    assert set(meant) <= set(read.reasons)


def test_a_separator_followed_by_blanks_is_detected(write_file):
    read = read_table(
        write_file("Preis; n; code;\n1\u00a0299,95; 3,5; 007;\n9\u00a0443,31; 4,5; 518;\n")
    )

    assert list(read.table) == ["Preis", "n", "code"]


def test_very_long_lines_are_split(write_file):
    names = [f"ENSG{place:011d}" for place in range(9000)]
    read = read_table(write_file("\t".join(names) + "\r" + "\t".join(["1.5"] * 9000) + "\r"))

    assert list(read.table) == names
    assert (read.table == 1.5).all(axis=None)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends_are_read_also_inside_quoted_texts(write_file, end):
    rows = "".join(f'{row},"two{end}lines",x{end}' for row in range(3000))
    read = read_table(write_file(f"n,text,y{end}{rows}"))

    assert read.table["n"].tolist() == list(range(3000))
    assert set(read.table["text"]) == {f"two{end}lines"}


def test_blanks_around_values_and_quotation_marks_are_stripped(write_file):
    read = read_table(write_file('age, work , note\n32, Private , "x, 0"\n40, State-gov, "x, 1"\n'))

    assert read.table.to_dict("list") == {
        "age": [32, 40], "work": ["Private", "State-gov"], "note": ["x, 0", "x, 1"],
    }  # fmt: skip


def test_new_rows_are_read_with_the_column_formats_of_the_study(write_file):
    study = read_table(write_file("km;code;smoker;x\n1.303;01;TRUE;2,5\n929;02;unknown;3,5\n"))
    new = write_file("km,code,smoker\n1303,7,FALSE\nNA,01,TRUE\n".encode("utf-16"))

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
def test_a_cell_that_does_not_match_its_format_is_refused(write_file, how, value):
    good = {"%": "1 %"}.get(how.suffix, "1")
    file = write_file(f"k;x\na;{good}\n\nb;{value}\n")

    with pytest.raises(BadInputError, match="line 4, column 'x': '") as error:
        read_table(file, columns={"x": how})
    assert f"'{value}' is not a number in the column's format" in str(error.value)

    with pytest.raises(BadInputError, match="line 4, column 'x': "):
        read_table(file, TableFormat(sep=";", columns={"k": ColumnFormat(type="text"), "x": how}))


def test_a_column_missing_in_the_format_holds_plain_numbers(write_file):
    with pytest.raises(BadInputError, match="line 2, column 'b': 'x' is not a number"):
        read_table(write_file("a,b\n1,x\n"), TableFormat())


def test_a_file_that_does_not_match_its_format_is_refused(write_file):
    with pytest.raises(BadInputError, match="compressed with nothing, but its format says gzip"):
        read_table(write_file("a,b\n1,x\n"), TableFormat(compression="gzip"))
    with pytest.raises(BadInputError, match="is not utf-8 text from byte 4 on"):
        read_table(write_file(b"a,b\n\xff,2\n"), TableFormat())
    with pytest.raises(BadInputError, match="surplus: true"):
        read_table(write_file("a,b\n1,2,\n"), TableFormat())


def test_numbers_are_read_to_the_nearest_float(write_file):
    rnd = np.random.default_rng(0)
    values = [*rnd.normal(size=500), *(10.0 ** rnd.uniform(-300, 300, 500)), 5e-324, 2**53 - 1.0]
    read = read_table(write_file("x,y\n" + "".join(f"{float(value)!r},1\n" for value in values)))

    assert read.table["x"].tolist() == values


def test_new_rows_in_parquet_miss_what_the_format_of_the_table_says_is_missing(tmp_path):
    file = tmp_path / "t.parquet"
    pd.DataFrame({
        "self": [1, -999, 3], "b": [1.5, -99.9, -999.0], "k": ["a", "?", "-999"],
        "other": [1, -999, 3],
    }).to_parquet(file)  # fmt: skip
    marks = ColumnFormat(missing=("-999", "-99.90", "?"))

    read = read_table(file, columns={
        "self": marks, "b": marks, "k": ColumnFormat(type="text", missing=("?",)), "gone": marks,
    })  # fmt: skip

    assert read.table.isna().sum().to_dict() == {"self": 1, "b": 2, "k": 1, "other": 0}
    assert read.table["self"].dropna().tolist() == [1, 3]
    assert read.table["k"].dropna().tolist() == ["a", "-999"]


def test_new_rows_may_spell_a_number_that_means_a_missing_value_in_another_way(write_file):
    file = write_file("a,k\n1.5,-999.0\n-999.0,b\n,c\n-9.99e2,d\n-99.9,e\n")

    read = read_table(file, columns={
        "a": ColumnFormat(missing=("-999", "?")), "k": ColumnFormat(type="text", missing=("-999",))
    })  # fmt: skip

    assert read.table["a"].tolist() == pytest.approx(
        [1.5, np.nan, np.nan, np.nan, -99.9], nan_ok=True
    )
    assert read.table["k"].tolist() == ["-999.0", "b", "c", "d", "e"]


def test_a_named_parquet_index_becomes_a_column(tmp_path):
    file = tmp_path / "t.parquet"
    table = pd.DataFrame({"region": ["N", "S"], "x": [1.5, 2.5]})
    table.set_index("region").to_parquet(file)

    read = read_table(file)

    pd.testing.assert_frame_equal(read.table, table)
    assert (read.format, read.suffix) == (None, ".parquet")
