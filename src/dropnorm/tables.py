"""What a study asks of its table, checked before anything is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from dropnorm.errors import BadInputError, did_you_mean

if TYPE_CHECKING:
    from dropnorm.study import Study

_IS_NUMBER = "number"
_IS_FINITE = "finite"


def check_table(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Return the rows that the study uses, checked.

    Args:
        table: The table as it was read; it is not changed.
        study: Says which columns must be there, and what happens to rows with missing values.

    Returns:
        The study's columns of the rows without missing values; numbers as float64 or integers. The
        index is the row's position in ``table``, from 0, named ``row``.

    Raises:
        BadInputError: Names the column and the row (from 0, below the header) of what is wrong.
    """
    _check_columns(table, study)
    rows = table.loc[:, list(study.columns)].reset_index(drop=True).rename_axis(index="row")
    if rows.empty:
        raise BadInputError("has a header but no rows; a study needs rows to train and validate on")
    _check_values(rows, study)
    return _without_missing(rows, study)


def _check_columns(table: pd.DataFrame, study: Study) -> None:
    names = [str(name) for name in table.columns]
    missing = [column for column in study.columns if column not in names]
    if missing:
        hint = did_you_mean(missing[0], names)
        if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
            hint = (
                f"; the header is a single column, {names[0][:60]!r}: the file is separated by"
                " something other than a comma, write load_args: {sep: ...} in its catalog entry"
            )
        elif not hint:
            hint = f"; it has {', '.join(names[:12])}{', …' if len(names) > 12 else ''}"  # noqa: PLR2004
        listed = ", ".join(f"'{column}'" for column in missing)
        raise BadInputError(f"has no column {listed}{hint}")
    repeated = table.columns[table.columns.duplicated()].intersection(list(study.columns))
    if len(repeated):
        raise BadInputError(f"has the column '{repeated[0]}' more than once; rename one of them")


def _is_number(values: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce")
    is_number: pd.Series = numbers.notna() | values.isna()
    return is_number


def _is_finite(values: pd.Series) -> pd.Series:
    is_finite: pd.Series = ~np.isinf(pd.to_numeric(values, errors="coerce"))
    return is_finite


def _schema(study: Study) -> pa.DataFrameSchema:
    numbers = (*study.preprocessing.numbers, study.target.column)
    checks = [pa.Check(_is_number, name=_IS_NUMBER), pa.Check(_is_finite, name=_IS_FINITE)]
    return pa.DataFrameSchema(
        {column: pa.Column(checks=checks, nullable=True) for column in numbers}
    )


def _check_values(rows: pd.DataFrame, study: Study) -> None:
    try:
        _schema(study).validate(rows, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases.sort_values("index", kind="stable")
        case = cases.iloc[0]
        more = f" ({len(cases) - 1} more like it)" if len(cases) > 1 else ""
        place = f"column '{case['column']}', row {case['index']}"
        if case["check"] == _IS_NUMBER:
            problem = f"{case['failure_case']!r} is no number"
        else:
            problem = "the value is infinite"
        raise BadInputError(
            f"{place}: {problem}{more}; mend the table, or leave the column out of the study"
        ) from error


def _without_missing(rows: pd.DataFrame, study: Study) -> pd.DataFrame:
    incomplete = rows.isna().any(axis="columns")
    count = int(incomplete.sum())
    if count and study.missing == "refuse":
        row = rows.index[incomplete][0]
        column = rows.columns[rows.loc[row].isna()][0]
        raise BadInputError(
            f"column '{column}', row {row}: the value is missing ({count} of {len(rows)} rows have"
            " a missing value); mend the table, or write 'missing: drop' in the study to leave"
            " such rows out"
        )
    if count == len(rows):
        columns = ", ".join(f"'{name}'" for name in rows.columns[rows.isna().all()])
        raise BadInputError(
            f"no rows are left after dropping the {count} with missing values"
            + (f"; nothing stands in column {columns}" if columns else "")
        )
    kept = rows.loc[~incomplete]
    numbers = [*study.preprocessing.numbers, study.target.column]
    return kept.assign(**{name: pd.to_numeric(kept[name]) for name in numbers})
