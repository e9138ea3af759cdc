from __future__ import annotations

import pandas as pd
import pytest

from dropnorm.data.reading.formats import ColumnFormat
from dropnorm.data.reading.new_rows import InputFormats, read_alike
from dropnorm.data.reading.possible_thousands import whole_columns
from dropnorm.errors import BadInputError

WHOLE = {"km": ColumnFormat(whole=True), "weight": ColumnFormat()}


def read(path, columns):
    return read_alike(path, InputFormats(("km", "weight"), columns)).table["km"].tolist()


@pytest.mark.parametrize(
    ("content", "line", "value"),
    [
        ("km,weight\n1.303,70.5\n929,71.5\n", 2, "1303"),
        ("km,weight\n929,70.5\n-12.040,71.5\n", 3, "-12040"),
        ("note,km,weight\na,929,70.5\na,1.303,71\n", 3, "1303"),
        ("km;weight;price\n929;70;12,5\n1.5;71;3,25\n", 3, "15"),  # decimal commas beside it
    ],
)
def test_a_dot_that_may_separate_thousands_is_refused(write_file, content, line, value):
    with pytest.raises(BadInputError, match=f"line {line}, column 'km'.*may be {value}") as error:
        read(write_file(content), WHOLE)

    assert "\n" not in str(error.value)
    assert "write its numbers without thousands separators" in str(error.value)


@pytest.mark.parametrize(
    ("content", "values"),
    [
        ("km,weight\n1.303,70\n929.5,71\n", [1.303, 929.5]),
        ("km,weight\n0.303,70\n929,71\n", [0.303, 929]),
        ("km,weight\n1.3030,70\n929,71\n", [1.303, 929]),
        ("km,weight\n1303,1.234\n929,71\n", [1303, 929]),
        ('km,weight,note\n1.5,70,"a, b"\n929,71,"1,303"\n', [1.5, 929]),
    ],
)
def test_other_dots_are_decimal_marks(write_file, content, values):
    assert read(write_file(content), WHOLE) == values


def test_columns_not_marked_whole_keep_decimal_dots(write_file):
    file = write_file("km,weight\n1.303,70.5\n929,71.5\n")

    assert read(file, dict.fromkeys(WHOLE, ColumnFormat())) == [1.303, 929]


def test_a_known_thousands_separator_is_applied(write_file):
    known = ColumnFormat(decimal=",", thousands=".", whole=True)

    assert read(write_file("km;weight\n1.303;70\n"), {**WHOLE, "km": known}) == [1303]


def test_whole_columns_are_found_with_and_without_missing_values():
    table = pd.DataFrame(
        {
            "count": [1, 2, 3],
            "gaps": [1.0, None, 3.0],
            "float": [1.0, 2.0, 3.0],
            "fraction": [1.5, None, 3.0],
            "empty": [None, None, None],
            "text": ["1", "2", "3"],
        }
    )

    assert whole_columns(table) == ["count", "gaps"]
