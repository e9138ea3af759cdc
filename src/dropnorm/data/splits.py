"""Assign rows to the training, validation and test parts of each split."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dropnorm.data.parts import PARTS, TEST, TRAIN, UNUSED, VALIDATION, written_parts
from dropnorm.errors import BadInputError, in_one_line
from dropnorm.study.split import (
    ColumnsSplit,
    FilesSplit,
    GroupedSplit,
    PublishedSplit,
    RandomSplit,
    TimeSplit,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from dropnorm.study.schema import Study

__all__ = [
    "PARTS", "TEST", "TRAIN", "VALIDATION", "assign_parts", "number_groups", "parts_of", "rows_of",
    "split_seeds",
]  # fmt: skip

# Groups of consecutive rows in each part of a split by time.
_STRETCHES = 10
# The year that Python reads 69 as; 68 is 99 years later.
_FIRST_OF_TWO_DIGITS = 1969


def assign_parts(rows: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Assign every row to a part, once per split.

    The training rows of random split *k* are ``rows.sample(frac=train_fraction,
    random_state=seed + k)``. With groups, scikit-learn's ``GroupShuffleSplit`` draws them, and for
    a classification ``StratifiedShuffleSplit``, with the same random state. A test part is drawn
    first, in the same way. A split by time orders the rows by its column. A split by columns, or by
    index files, reads the parts from the table; if it has training and test rows only, the
    validation rows are drawn from the training rows.

    Args:
        rows: Checked rows; the index holds the row numbers.
        study: Study with the split and the number of splits.

    Returns:
        A table with the columns ``split`` (from 0), ``row``, ``part`` (train, validation or test)
        and, if rows are not drawn one by one, ``group``. ``part`` and ``group`` are categories.
        Each split lists every row once, in the order of ``rows``, but those that a column leaves
        unused in it. A group is drawn as a whole. In a
        split by time it is a tenth of a part, because rows close in time are similar.

    Raises:
        BadInputError: If a part would be empty, a class has fewer rows than there are parts, or a
            column cannot be split by.
    """
    drawn = _drawn_groups(rows, study)
    named = None if drawn is None else _named_groups(rows, study, drawn)
    splits = []
    for number in range(study.replicas.splits):
        parts = _parts(rows, study, number, drawn)
        _refuse_empty(parts, study, number)
        used = parts != UNUSED
        split = pd.DataFrame(
            {
                "split": number,
                "row": rows.index.to_numpy()[used],
                "part": _as_category(parts[used]),
            }
        )
        if isinstance(study.split, TimeSplit):
            split["group"] = _stretches(rows, study.split, parts).astype("category").array
        elif named is not None:
            split["group"] = named.array
        splits.append(split)
    return pd.concat(splits, ignore_index=True)


def _drawn_groups(rows: pd.DataFrame, study: Study) -> npt.NDArray[np.int64] | None:
    """Return the number of each row's group, or ``None`` if no groups are drawn.

    They are the same in every split, and numbering the rows of a large table takes long.
    """
    match study.split:
        case GroupedSplit(by=by):
            return number_groups(rows, [by])
        case RandomSplit(identical_rows=True):
            return number_groups(rows, study.preprocessing.columns)
        case RandomSplit(keep_together=columns) if columns:
            return number_groups(rows, columns)
        case _:
            return None


def _named_groups(rows: pd.DataFrame, study: Study, groups: npt.NDArray[np.int64]) -> pd.Series:
    """Return the group of each row under its name: a value of the column, or its number."""
    named = rows[study.split.by] if isinstance(study.split, GroupedSplit) else pd.Series(groups)
    return named.astype("category")


def _stretches(rows: pd.DataFrame, split: TimeSplit, parts: npt.NDArray[np.str_]) -> pd.Series:
    times = _times(rows[split.by], split).reset_index(drop=True)
    of_part = times.rank(method="first").groupby(parts)
    return (of_part.rank(pct=True) * _STRETCHES).apply(np.ceil).astype(int)


def _as_category(parts: npt.NDArray[np.str_]) -> pd.Categorical[str]:
    """Return parts as categories; pandas would make an object of each text on the way."""
    codes = np.full(len(parts), -1, dtype=np.int8)
    for code, name in enumerate(PARTS):
        codes[parts == name] = code
    return pd.Categorical.from_codes(codes, pd.Index(PARTS))


def rows_of(split: pd.DataFrame, number: int, part: str) -> npt.NDArray[np.int64]:
    """Return the rows of one part of one split, in their order."""
    chosen = split.loc[(split["split"] == number) & (split["part"] == part), "row"]
    return chosen.to_numpy(dtype=np.int64)


def parts_of(split: pd.DataFrame, number: int, rows: pd.Index) -> pd.Categorical[str]:
    """Return the part of each of these rows in one split; nothing for a row that it leaves out.

    Args:
        split: Parts of the rows, with the columns ``split``, ``row`` and ``part``.
        number: Of the split.
        rows: Row numbers, each once.
    """
    chosen = (split["split"] == number).to_numpy()
    numbers = split["row"].to_numpy(dtype=np.int64)[chosen]
    part = split["part"].astype("category").cat
    codes = part.codes.to_numpy(dtype=np.int8)[chosen]
    if not np.array_equal(numbers, rows):
        found = rows.get_indexer(pd.Index(numbers))
        placed = np.full(len(rows), -1, dtype=np.int8)
        placed[found[found >= 0]] = codes[found >= 0]
        codes = placed
    return pd.Categorical.from_codes(codes, pd.Index(part.categories))


def split_seeds(study: Study) -> list[int]:
    """Return the seed of each split; empty if nothing is drawn."""
    if isinstance(study.split, (RandomSplit, GroupedSplit)):
        return [study.split.seed + number for number in range(study.replicas.splits)]
    return []


def number_groups(rows: pd.DataFrame, columns: Iterable[str]) -> npt.NDArray[np.int64]:
    """Number the rows by their values, so that rows with equal values share a number.

    Numbers count from 0 in the order of the values; missing values are equal.

    Raises:
        BadInputError: If the values have no order, as lists have not.
    """
    names = list(columns)
    try:
        # Group by values, because the index may have the name of a column.
        values = [rows[name] for name in names]
        groups = rows.groupby(values, dropna=False, observed=True, sort=True).ngroup()
    except TypeError as error:
        where = " or ".join(f"column '{name}'" for name in names)
        raise BadInputError(
            f"{where}: holds values without an order; convert them to texts or numbers"
        ) from error
    return np.asarray(groups, dtype=np.int64)


def _parts(
    rows: pd.DataFrame, study: Study, number: int, groups: npt.NDArray[np.int64] | None
) -> npt.NDArray[np.str_]:
    match study.split:
        case ColumnsSplit() | FilesSplit() as split:
            meanings = split.values if isinstance(split, ColumnsSplit) else {}
            parts = written_parts(rows[split.columns[number]], meanings)
            return _with_validation(parts, rows, split, study, number)
        case TimeSplit() as split:
            return _parts_by_time(rows[split.by], split)
        case GroupedSplit() as split:
            if groups is None:
                raise ValueError("a grouped split needs the groups of the rows")
            return _draw_groups(groups, split, number, f"column '{split.by}' has")
        case split:
            return _draw_at_random(rows, split, study, number, groups)


def _with_validation(
    parts: npt.NDArray[np.str_],
    rows: pd.DataFrame,
    split: ColumnsSplit | FilesSplit,
    study: Study,
    number: int,
) -> npt.NDArray[np.str_]:
    """Draw validation rows from the training rows where only training and test rows are named."""
    if VALIDATION in parts or TEST not in parts or TRAIN not in parts:
        return parts
    if not split.validation_fraction:
        return np.where(parts == TEST, VALIDATION, parts)
    train = np.flatnonzero(parts == TRAIN)
    count = len(train)
    kept = round(count * (1 - split.validation_fraction))
    if kept in (0, count):
        raise BadInputError(
            f"split {number}: of {count} training row{'s' * (count > 1)}, a validation_fraction of"
            f" {split.validation_fraction:g} leaves no row to"
            f" {'train on' if not kept else 'validate on'}; change split.validation_fraction"
        )
    drawn = RandomSplit(method="random", train_fraction=kept / count, seed=split.seed)
    if study.class_column is None:
        of_train = _draw_rows(count, drawn, number)
    else:
        of_train = _draw_by_class(rows[study.class_column].iloc[train], None, drawn, number)
    parts = parts.astype(object)
    parts[train] = of_train
    return parts.astype(str)


def _draw_at_random(
    rows: pd.DataFrame,
    split: RandomSplit,
    study: Study,
    number: int,
    groups: npt.NDArray[np.int64] | None,
) -> npt.NDArray[np.str_]:
    subject = "by their inputs, the rows form"
    if split.keep_together and not split.identical_rows:
        named = " and ".join(f"'{column}'" for column in split.keep_together)
        subject = f"by {named}, the rows form"
    if study.class_column is not None:
        return _draw_by_class(rows[study.class_column], groups, split, number)
    if groups is not None:
        return _draw_groups(groups, split, number, subject)
    return _draw_rows(len(rows), split, number)


def _draw_rows(count: int, split: RandomSplit, number: int) -> npt.NDArray[np.str_]:
    positions = pd.Series(range(count))
    state = split.seed + number
    test = positions.sample(frac=split.test_fraction, random_state=state)
    rest = positions.drop(test)
    # train_fraction is a share of all rows; without a test part, this is the lesson's call.
    train = rest.sample(n=min(round(count * split.train_fraction), len(rest)), random_state=state)
    return _named(count, train.to_numpy(), test.to_numpy())


def _draw_groups(
    groups: npt.NDArray[np.int64], split: RandomSplit | GroupedSplit, number: int, subject: str
) -> npt.NDArray[np.str_]:
    from sklearn.model_selection import ShuffleSplit  # noqa: PLC0415  # takes long

    count = int(groups.max()) + 1
    parts = 3 if split.test_fraction else 2
    if count < parts:
        raise BadInputError(
            f"{subject} only {count} {'group' if count == 1 else 'groups'}, but {parts} parts need"
            f" at least {parts}, because a group is not divided; choose other columns to group by"
        )
    # GroupShuffleSplit draws the numbers of the groups like this, and then looks for each row among
    # all rows three times, which takes long in a large table.
    numbers = np.arange(count)
    state = split.seed + number
    test = numbers[:0]
    try:
        if split.test_fraction:
            shuffle = ShuffleSplit(1, test_size=split.test_fraction, random_state=state)
            _, test = next(shuffle.split(numbers))
        rest = np.setdiff1d(numbers, test)
        # The tolerance corrects rounding: 0.29 * 100 is 28.999….
        train_groups = int(count * split.train_fraction + 1e-9)
        shuffle = ShuffleSplit(1, train_size=train_groups, random_state=state)
        train, _ = next(shuffle.split(rest))
    except ValueError as error:
        raise BadInputError(
            f"{subject} {count} groups, too few for {_fractions(split)}: a part would be empty;"
            " change the fractions in split"
        ) from error
    parts_of_groups: npt.NDArray[np.str_] = _named(count, rest[train], test)[groups]
    return parts_of_groups


def _draw_by_class(
    classes: pd.Series, groups: npt.NDArray[np.int64] | None, split: RandomSplit, number: int
) -> npt.NDArray[np.str_]:
    """Draw rows or whole groups so that every class has the same share in each part."""
    from sklearn.model_selection import StratifiedShuffleSplit  # noqa: PLC0415  # takes long

    units = np.arange(len(classes)) if groups is None else groups
    of_unit = _classes_of(classes, groups)
    _refuse_small_classes(of_unit, classes, units, split)
    positions, count, state = np.arange(len(of_unit)), len(of_unit), split.seed + number
    tested = round(count * split.test_fraction)
    trained = min(round(count * split.train_fraction), count - tested)
    test = positions[:0]
    try:
        if split.test_fraction:
            shuffle = StratifiedShuffleSplit(1, test_size=tested, random_state=state)
            _, test = next(shuffle.split(positions, of_unit))
        rest = np.setdiff1d(positions, test)
        held = len(rest) - trained
        shuffle = StratifiedShuffleSplit(1, train_size=trained, test_size=held, random_state=state)
        train, _ = next(shuffle.split(rest, of_unit[rest]))
    except ValueError as error:
        raise BadInputError(
            f"column '{classes.name}' has {classes.nunique()} classes, and with {count}"
            f" {'rows' if groups is None else 'groups of rows'} and {_fractions(split)} a part is"
            " too small to have all of them; change the fractions in split, or combine rare classes"
        ) from error
    return _named(
        len(classes),
        np.flatnonzero(np.isin(units, rest[train])),
        np.flatnonzero(np.isin(units, test)),
    )


def _classes_of(
    classes: pd.Series, groups: npt.NDArray[np.int64] | None
) -> npt.NDArray[np.object_]:
    """Return the class of each row, or the most frequent class of each group."""
    if groups is None:
        return classes.to_numpy(dtype=object)
    # The first in sorted order if several are most frequent.
    most = pd.crosstab(groups, classes.to_numpy()).idxmax(axis="columns")
    return np.asarray(most, dtype=object)


def _refuse_small_classes(
    of_unit: npt.NDArray[np.object_],
    classes: pd.Series,
    units: npt.NDArray[np.int64],
    split: RandomSplit,
) -> None:
    """Refuse a class with fewer rows or groups than there are parts."""
    parts = 3 if split.test_fraction else 2
    counts = pd.Series(of_unit).value_counts(sort=False)
    few = counts[counts < parts]
    if few.empty:
        return
    name, count = few.index[0], int(few.iloc[0])
    row = classes.index[np.isin(units, np.flatnonzero(of_unit == name))][0]
    plural = "s" * (count > 1)
    alone = len(of_unit) == len(classes)
    what = f"row{plural}" if alone else f"group{plural} of rows"
    where = f"{'the first ' * (count > 1)}{'row' if alone else 'that of row'} {row}"
    others = len(few) - 1
    rare = f", and {others} more {'class is' if others == 1 else 'classes are'} as rare"
    raise BadInputError(
        f"column '{classes.name}': the class {name!r} has only {count} {what} ({where}), but each"
        f" of {parts} parts needs one{rare if others else ''}; remove such rows from the table, or"
        " combine the class with another"
    )


def _fractions(split: RandomSplit | GroupedSplit | TimeSplit) -> str:
    text = f"a train_fraction of {split.train_fraction:g}"
    return text + f" and a test_fraction of {split.test_fraction:g}" * bool(split.test_fraction)


def _named(
    count: int, train: npt.NDArray[np.integer], test: npt.NDArray[np.integer]
) -> npt.NDArray[np.str_]:
    parts = np.full(count, VALIDATION)
    parts[train] = TRAIN
    parts[test] = TEST
    return parts


def _parts_by_time(values: pd.Series, split: TimeSplit) -> npt.NDArray[np.str_]:
    # Ranks of the times.
    times = pd.factorize(_times(values, split), sort=True)[0]
    in_order = np.sort(times)
    count = len(times)
    # The first time of the validation part. Rows with equal times are in the same part.
    first_to_validate = in_order[min(round(count * split.train_fraction), count - 1)]
    parts = np.where(times < first_to_validate, TRAIN, VALIDATION)
    if tested := round(count * split.test_fraction):
        parts[times >= in_order[count - tested]] = TEST
    return parts


def _times(values: pd.Series, split: TimeSplit) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce")
    if split.format is None and not pd.api.types.is_datetime64_any_dtype(values):
        if numbers.notna().all():
            return numbers
        # Python's dates, which Parquet files may hold, are converted to ISO 8601.
        values = values.astype(str)
    try:
        times = pd.to_datetime(values, format=split.format or "ISO8601", errors="coerce", utc=True)
    except (ValueError, re.error) as error:
        raise BadInputError(
            f"split.format is {split.format!r}, which is not a date format: {in_one_line(error)}"
        ) from error
    if times.isna().any():
        row = values.index[times.isna()][0]
        wanted = f"written as {split.format}" if split.format else "a number or an ISO 8601 date"
        remedy = "change split.format" if split.format else "write split.format, as in %d.%m.%Y"
        shown, count = values.astype(object)[row], int(times.isna().sum())
        raise BadInputError(
            f"column '{split.by}', row {row}: {shown!r} is not {wanted} ({count} of {len(values)}"
            f" rows), so the rows cannot be ordered by time; {remedy}, or correct the table"
        )
    if "%y" in (split.format or ""):
        _refuse_two_centuries(times, split)
    return times


def _refuse_two_centuries(times: pd.Series, split: TimeSplit) -> None:
    """Refuse two-digit years that are out of order as Python reads them: 69 is 1969, 68 is 2068.

    Seen on a circle of 100 years, the times begin behind the longest stretch without any. They are
    in order only if the year 1969 is in that stretch or begins behind it.
    """
    years = np.unique((times.dt.year.to_numpy() - _FIRST_OF_TWO_DIGITS) % 100)
    without = np.diff(np.append(years, years[0] + 100))
    if without[-1] < without.max():
        raise BadInputError(
            f"column '{split.by}': with split.format {split.format!r}, the year 69 is 1969 and 68"
            f" is 2068, so that times from {times.min().year} to {times.max().year} may be out of"
            " order; write years with four digits in the table"
        )


def _refuse_empty(parts: npt.NDArray[np.str_], study: Study, number: int) -> None:
    split = study.split
    uses = {TRAIN: "train on", VALIDATION: "validate on"}
    if isinstance(split, PublishedSplit):
        cause = f"column '{split.columns[number]}'"
        if isinstance(split, FilesSplit):
            cause = "its index files, with the rows that are left of the table,"
        remedy = "a split needs rows with train and rows with validation or test"
    else:
        cause = f"with {len(parts)} rows, {_fractions(split)}"
        remedy = "change split.train_fraction"
        if split.test_fraction:
            uses[TEST] = "test on"
            remedy += " or split.test_fraction"
        if isinstance(split, TimeSplit):
            remedy += " (rows with equal times are in the same part)"
    for part, use in uses.items():
        if not (parts == part).any():
            raise BadInputError(f"split {number}: {cause} leaves no row to {use}; {remedy}")
