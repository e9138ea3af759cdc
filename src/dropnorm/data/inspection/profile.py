"""Profile a table: the kind of each column, the task and the target."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dropnorm.data.columns import as_numbers
from dropnorm.data.inspection.column_kinds import (
    ENOUGH,
    FEW_INTEGERS,
    INPUTS,
    LARGEST,
    MOST,
    Column,
    Kind,
    are_codes,
    count_distinct,
    counted,
    describe_excess,
    inspect_column,
    quoted,
    range_of,
)
from dropnorm.data.inspection.copies import count_copies
from dropnorm.data.inspection.two_readings import tell_clock, tell_mixed_percents
from dropnorm.data.validation import to_text
from dropnorm.errors import BadInputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from dropnorm.study.schema import TaskName


# The most distinct classes per row, and the most classes that a summary names.
_MOST_CLASSES = 0.5
_NAMED_CLASSES = 4
_AMOUNT = re.compile(r"[-+<>~(]?\d")
# Advice for a table with a single column.
_ALONE = (
    "if something else than , ; | or a tab separates its columns, write format: {sep: ...} in a"
    " catalog entry of the type dropnorm.datasets.TableDataset"
)


@dataclass(frozen=True)
class Inspection:
    """Profile of a table.

    Attributes:
        rows: Number of rows with a target, and with a group if there are groups.
        without_target: Number of other rows.
        columns: Columns in the table's order.
        task: Regression or classification.
        target: Targets of the rows: numbers or class names.
        identical: Number of rows whose inputs equal those of another row; 0 if that is expected.
    """

    rows: int
    without_target: int
    columns: tuple[Column, ...]
    task: TaskName
    target: pd.Series
    identical: int

    def of_kind(self, *kinds: Kind) -> list[Column]:
        """Return the columns of some kinds, in the table's order."""
        return [column for column in self.columns if column.kind in kinds]

    @property
    def ambiguous_target(self) -> bool:
        """Whether a regression target may hold classes: few whole numbers, or two numbers."""
        if self.task != "regression":
            return False
        return _is_binary(self.target) or _are_few_whole(self.target, FEW_INTEGERS)

    @property
    def numbered_classes(self) -> bool:
        """Whether a classification target may hold amounts: two whole numbers."""
        if self.task != "classification":
            return False
        numbers = as_numbers(self.target)
        return _is_binary(numbers) and _are_few_whole(numbers, 2)


def inspect_table(
    table: pd.DataFrame,
    target: str,
    groups: str | None = None,
    drop: Sequence[str] = (),
    task: TaskName | None = None,
    texts: Collection[str] = (),
) -> Inspection:
    """Profile a table.

    Args:
        table: The table as it was read.
        target: Column to predict.
        groups: Column whose groups of rows must not be divided by a split.
        drop: Columns to leave out.
        task: Task of the study. If left out, it is classification for a target of text, true and
            false, or two distinct whole numbers, and else regression.
        texts: Columns that were read as text on purpose, so that digits in them are codes.

    Raises:
        BadInputError: If a column does not exist, or the target cannot be predicted.
    """
    names = [str(name) for name in table.columns]
    table = table.set_axis(names, axis="columns").reset_index(drop=True)
    _check_names(names, target, groups, drop)
    if table.empty:
        raise BadInputError("has a header but no rows; a study needs rows to train and validate on")
    if table[target].isna().all():
        raise BadInputError(f"column '{target}' is the target, and has no value in any row")
    if task != "classification":
        _refuse_two_readings(table[target].dropna())
    if task is None:
        codes = are_codes(table[target].dropna(), read_as_text=target in texts)
        task = "classification" if codes else _task_of(table[target])
    values = _target_numbers(table[target]) if task == "regression" else to_text(table[target])
    usable = values.notna() if groups is None else values.notna() & table[groups].notna()
    if not usable.any():
        raise BadInputError(f"no row has both a target '{target}' and a group '{groups}'")
    rows, values = table.loc[usable], values[usable]
    _refuse_target(values, task)
    given = {name: Column(name, Kind.DROPPED, "left out with --drop") for name in drop}
    given[target] = _target(values, task)
    if groups is not None:
        distinct = count_distinct(rows[groups])
        given[groups] = Column(
            groups, Kind.GROUP, f"{distinct} groups, which no split divides", 0, distinct
        )
    columns = tuple(given.get(name) or inspect_column(rows[name], name in texts) for name in names)
    if groups is not None:
        columns = tuple(_beside_groups(column, rows, groups) for column in columns)
    inputs = [column.name for column in columns if column.kind in INPUTS]
    identical = count_copies(rows, inputs, target)
    return Inspection(len(rows), len(table) - len(rows), columns, task, values, identical)


def _check_names(names: list[str], target: str, groups: str | None, drop: Sequence[str]) -> None:
    asked = [("--target", target), *(("--drop", name) for name in drop)]
    if groups is not None:
        asked.append(("--groups", groups))
    for option, name in asked:
        if name not in names:
            hint = did_you_mean(name, names)
            shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")  # noqa: PLR2004
            alone = f"; {_ALONE}" if len(names) == 1 and not hint else ""
            raise BadInputError(f"{option}: has no column '{name}'{hint} (it has {shown}){alone}")
        if names.count(name) > 1:
            raise BadInputError(f"has the column '{name}' more than once; rename one of them")
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise BadInputError(f"has the column '{repeated[0]}' more than once; rename one of them")
    for option, name in asked[1:]:
        if name == target:
            raise BadInputError(f"{option}: '{name}' is the target; it cannot be both")
    if groups in drop:
        raise BadInputError(f"--drop: '{groups}' is the column of --groups; it cannot be both")


def _task_of(values: pd.Series) -> TaskName:
    """Return classification for text, booleans and two whole numbers, else regression.

    A few texts among numbers count as mistakes.
    """
    present = values.dropna()
    if pd.api.types.is_bool_dtype(present.infer_objects()):
        return "classification"
    numbers = as_numbers(present)
    if numbers.notna().all() and _are_few_whole(numbers, 2) and _is_binary(numbers):
        return "classification"
    return "regression" if numbers.notna().mean() >= MOST else "classification"


def _is_binary(numbers: pd.Series) -> bool:
    return int(numbers.nunique()) == 2  # noqa: PLR2004


def _are_few_whole(numbers: pd.Series, few: int) -> bool:
    whole = (numbers.abs() <= LARGEST) & (numbers == numbers.round())
    return bool(whole.all()) and int(numbers.nunique()) <= few


def _refuse_two_readings(present: pd.Series) -> None:
    """Refuse a target whose amounts can be read in two ways, unless they are few classes."""
    if pd.api.types.infer_dtype(present) != "string":
        return
    texts = present.astype(str)
    clock = tell_clock(texts) if texts.nunique() >= ENOUGH else ""
    if reading := tell_mixed_percents(texts) or clock:
        raise BadInputError(
            f"column '{present.name}' is the target: {reading}, or use --task classification if the"
            " values are classes"
        )


def _target_numbers(values: pd.Series) -> pd.Series:
    """Return the target as float64."""
    numbers = as_numbers(values)
    bad = numbers.isna() & values.notna()
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise BadInputError(
            f"column '{values.name}' is the target, and {quoted(values.iloc[row])} in row {row} is"
            f" not a number ({int(bad.sum())} of {len(values)} rows); {_instead_of_numbers(values)}"
        )
    return numbers


def _instead_of_numbers(values: pd.Series) -> str:
    """Return what to do about a target with values that are not numbers."""
    if values.nunique() > max(_MOST_CLASSES * len(values), 2):
        return (
            "correct these values, or choose another column for --target; if all are numbers with a"
            " mark or a unit, a catalog entry of the type dropnorm.datasets.TableDataset reads them"
        )
    return "correct the table, or use --task classification if the values are classes"


def _instead_of_classes(values: pd.Series) -> str:
    """Return what to do about a target with too many classes."""
    if as_numbers(values).notna().all():
        return "choose another column for --target, or --task regression"
    if values.str.match(_AMOUNT).mean() >= MOST:
        return (
            f"choose another column for --target, or write amounts such as {quoted(values.iloc[0])}"
            " as plain numbers of one unit"
        )
    return "choose another column for --target, or combine its values into fewer classes"


def _refuse_target(values: pd.Series, task: TaskName) -> None:
    if values.nunique() == 1:
        only = values.iloc[0]
        raise BadInputError(
            f"column '{values.name}' is {only if task == 'classification' else f'{only:g}'} in"
            " every row: there is nothing to predict; choose another column for --target"
        )
    if task == "classification":
        distinct = int(values.nunique())
        if distinct > max(_MOST_CLASSES * len(values), 2):
            raise BadInputError(
                f"column '{values.name}' is the target, and has {distinct} distinct values in"
                f" {len(values)} rows: too many to be classes; {_instead_of_classes(values)}"
            )
    elif (too_large := values.abs() > LARGEST).any():
        row = values.index[too_large][0]
        raise BadInputError(
            f"column '{values.name}' is the target, and {values[row]} in row {row} is"
            f" {describe_excess(values[row])}; correct the table"
        )


def _target(values: pd.Series, task: TaskName) -> Column:
    name, distinct = str(values.name), int(values.nunique())
    if task == "regression":
        return Column(name, Kind.TARGET, range_of(values), distinct=distinct)
    counts = values.value_counts()
    named = [f"{quoted(label)} in {counted(count, 'row')}" for label, count in counts.items()]
    why = ", ".join(named[:_NAMED_CLASSES])
    if distinct > _NAMED_CLASSES:
        why += f", …, and least often {named[-1]}"
    return Column(name, Kind.TARGET, why, distinct=distinct)


def _beside_groups(column: Column, rows: pd.DataFrame, groups: str) -> Column:
    """Leave out a category that only names the groups, because new groups have other values."""
    if column.kind is not Kind.CATEGORY or column.distinct < ENOUGH:
        return column
    by_group = rows.groupby(groups)[column.name].nunique()
    if by_group.max() > 1 or column.distinct <= len(by_group) / 2:
        return column
    why = f"identifies the groups: {column.distinct} distinct, one in each of {len(by_group)}"
    return replace(column, kind=Kind.ENTITY, why=why)
