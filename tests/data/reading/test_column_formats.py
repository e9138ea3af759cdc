from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from dropnorm.data.reading.formats import ColumnFormat, TableFormat
from dropnorm.data.reading.readers import read_table
from dropnorm.errors import BadInputError


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
def test_marks_are_decided_from_all_values_of_a_file(write_file, content, values):
    read = read_table(write_file(content))

    assert read.table["x"].tolist() == values
    again = read_table(write_file(content), read.format)
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
def test_ambiguous_numbers_need_an_option(write_file, content, mark, fraction):
    file = write_file(content)

    with pytest.raises(BadInputError, match="column 'x' can be read in two ways") as error:
        read_table(file)

    assert f"is {fraction} if" in str(error.value)
    assert f"1234 if a {'dot' if mark == '.' else 'comma'} is the thousands" in str(error.value)
    assert f"--decimal '{mark}' or --thousands '{mark}'" in str(error.value)
    assert read_table(file, decimal=mark).table["x"][0] == fraction
    assert read_table(file, thousands=mark).table["x"][0] == 1234
    other = "," if mark == "." else "."
    assert read_table(file, decimal=other).table["x"][0] == 1234


def test_commas_beside_whole_numbers_below_1000_are_thousands_separators(write_file):
    rows = "".join(f"{n},{n + 100}\t3\n" for n in range(1, 25))

    assert read_table(write_file(f"x\ty\n{rows}949\t3\n")).table["x"].max() == 24124


def test_a_column_without_marks_takes_those_of_the_file(write_file):
    read = read_table(write_file("km;preis\n129;2,5\n14;3.003,5\n"))

    assert read.format.columns["km"] == ColumnFormat(decimal=",", thousands=".")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["12.5", "13,7"], "no decimal mark and thousands separator fit all of its values"),
        (["12 %", "0.3"], "different units: '12 %' and '0.3'"),
        (["5 kg", "300 g"], "different units: '5 kg' and '300 g'"),
        (["-5", "(6)", "7"], "minus signs are written in two ways: '-5' and '\\(6\\)'"),
        (["(5)", "(6)"], "'\\(5\\)' may be a negative number"),
        (["1", "2", "3", "n/k"], "'n/k' in line 5 is not a number, though 75% of its values are"),
    ],
)
def test_numbers_in_mixed_formats_become_text_with_a_warning(write_file, values, message):
    read = read_table(write_file("x;y\n" + "".join(f"{value};1\n" for value in values)))

    assert read.table["x"].tolist() == values
    (warning,) = read.warnings
    assert warning.startswith("column 'x' is read as text: ")
    assert re.search(message, warning)


def test_words_for_missing_stay_in_text_and_are_missing_in_numbers(write_file):
    read = read_table(write_file("sleep,n\nNone,1\nApnea,?\nNone,2.5\n,NA\n"))

    assert read.table["sleep"].tolist()[:3] == ["None", "Apnea", "None"]
    assert read.table["sleep"].isna().tolist() == [False, False, False, True]
    assert read.table["n"].dropna().tolist() == [1, 2.5]
    assert read.format.columns == {
        "sleep": ColumnFormat(type="text"), "n": ColumnFormat(missing=("?", "NA")),
    }  # fmt: skip
    assert read.reasons["n"] == "'?', 'NA' in 2 of 4 rows is read as missing"
    assert read.warnings == (
        "'None' occurs in 2 of 4 rows of column 'sleep' and is kept as text; if it means a missing"
        " value, write missing: ['None'] for the column",
        "'?', 'NA' in 2 of 4 rows of column 'n' is read as a missing number; if it is a class,"
        " write type: text for the column",
    )


def test_a_format_can_name_missing_words_in_text(write_file):
    how = TableFormat(columns={"a": ColumnFormat(type="text", missing=("None",))})

    assert read_table(write_file("a,n\nNone,1\nx,2\n"), how).table["a"].isna().tolist() == [
        True,
        False,
    ]


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
def test_codes_dates_and_flags_are_kept_as_text(write_file, values):
    rows = "".join(f"{value};1\n" for value in [*values, ""])
    read = read_table(write_file(f"code;n\n{rows}"))

    assert read.table["code"].tolist()[:-1] == values
    assert pd.isna(read.table["code"].iloc[-1])


def test_an_unknown_suffix_is_text_and_the_format_is_suggested(
    write_file,
):
    file = write_file("x,y\n1.5k,1\n-3k,2\n")
    read = read_table(file)

    assert read.table["x"].tolist() == ["1.5k", "-3k"]
    assert "write type: number and suffix: 'k' for the column" in read.reasons["x"]
    how = TableFormat(columns={"x": ColumnFormat(suffix="k")})
    assert read_table(file, how).table["x"].tolist() == [1.5, -3]


def test_house_numbers_before_street_names_are_text_without_warning(write_file):
    streets = ("Oak", "Elm", "Main", "Hill", "Lake", "Park")
    read = read_table(
        write_file("x,y\n" + "".join(f"{n} {one},1\n" for n, one in enumerate(streets)))
    )

    assert read.table["x"][1] == "1 Elm"
    assert not read.warnings
