"""Refuse dots in columns that held whole numbers in training: 1.303 may be 1303."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from dropnorm.errors import BadInputError, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dropnorm.data.reading.formats import ColumnFormat

_LIKE_THOUSANDS = r"^[-+]?[1-9][0-9]{0,2}\.[0-9]{3}$"
_DECIMAL_COMMA = r"^[-+]?[0-9.]*,(?:[0-9]{1,2}|[0-9]{4,})$"
_MAY_HAVE_COMMA = r"^[-+]?[0-9.]*(?:,[0-9]+)?$"


def whole_columns(table: pd.DataFrame) -> list[str]:
    """Return the number columns whose values are all whole."""
    numbers = table.select_dtypes("number")
    return [
        str(name) for place, name in enumerate(numbers.columns) if _is_whole(numbers.iloc[:, place])
    ]


def _is_whole(values: pd.Series) -> bool:
    if pd.api.types.is_integer_dtype(values):
        return True
    # A column of integers with missing values holds floats.
    present = values.dropna()
    return 0 < len(present) < len(values) and bool((present % 1 == 0).all())


def refuse_possible_thousands(
    columns: Mapping[str, pa.ChunkedArray],
    formats: Mapping[str, ColumnFormat],
    line_of: Callable[[int], int],
) -> None:
    """Refuse a column that held whole numbers if its dots may be thousands separators.

    They may be if three digits follow each dot, or if another column has decimal commas.

    Args:
        columns: Texts by column.
        formats: Formats by column; ``whole`` says which columns held whole numbers.
        line_of: Returns the line number of a row, which is counted from 0.

    Raises:
        BadInputError: If there is such a column.
    """
    commas: bool | None = None
    for name, texts in columns.items():
        how = formats[name]
        if not how.whole or how.decimal != "." or how.thousands is not None:
            continue
        dotted = texts.filter(pc.match_substring(texts, "."))
        if not len(dotted):
            continue
        if commas is None:
            commas = any(map(_has_decimal_commas, columns.values()))
        if commas or pc.all(pc.match_substring_regex(dotted, _LIKE_THOUSANDS)).as_py():
            value = dotted[0].as_py()
            line = line_of(pc.index(texts, value).as_py())
            raise BadInputError(
                f"line {line}, column '{shorten(name)}': '{shorten(value)}' may be"
                f" {shorten(value.replace('.', ''))}, because the column held whole numbers when"
                " the study was trained; write its numbers without thousands separators, or"
                " fractions with one more digit, as in 1.3030"
            )


def _has_decimal_commas(texts: pa.ChunkedArray) -> bool:
    return bool(
        pc.any(pc.match_substring_regex(texts, _DECIMAL_COMMA), min_count=0).as_py()
        and pc.all(pc.match_substring_regex(texts, _MAY_HAVE_COMMA), min_count=0).as_py()
    )
