"""Dots in numbers that were whole when a study was trained: 1.303 may be 1303."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from dropnorm.data.number_formats import shown
from dropnorm.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dropnorm.data.formats import ColumnFormat

_LIKE_THOUSANDS = r"^[-+]?[1-9][0-9]{0,2}\.[0-9]{3}$"
_DECIMAL_COMMA = r"^[-+]?[0-9.]*,(?:[0-9]{1,2}|[0-9]{4,})$"
_MAY_HAVE_COMMA = r"^[-+]?[0-9.]*(?:,[0-9]+)?$"


def whole_columns(table: pd.DataFrame) -> list[str]:
    """Return the columns of numbers that are all whole."""
    numbers = table.select_dtypes("number")
    return [
        str(name) for place, name in enumerate(numbers.columns) if _is_whole(numbers.iloc[:, place])
    ]


def _is_whole(values: pd.Series) -> bool:
    if pd.api.types.is_integer_dtype(values):
        return True
    # Numbers are floats in a column with gaps.
    present = values.dropna()
    return 0 < len(present) < len(values) and bool((present % 1 == 0).all())


def refuse_possible_thousands(
    columns: Mapping[str, pa.ChunkedArray],
    formats: Mapping[str, ColumnFormat],
    line_of: Callable[[int], int],
) -> None:
    """Refuse a column that was whole, if the dots in it may stand between thousands.

    They may if each stands before three digits, or if another column of the file has decimal
    commas.
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
                f"line {line}, column '{shown(name)}': '{shown(value)}' may be"
                f" {shown(value.replace('.', ''))}, since the column held whole numbers when the"
                " study was trained; write the numbers of the column without marks between"
                " thousands, or fractions with one more digit, as in 1.3030"
            )


def _has_decimal_commas(texts: pa.ChunkedArray) -> bool:
    return bool(
        pc.any(pc.match_substring_regex(texts, _DECIMAL_COMMA), min_count=0).as_py()
        and pc.all(pc.match_substring_regex(texts, _MAY_HAVE_COMMA), min_count=0).as_py()
    )
