"""Check a table and its splits for problems that make a result unreliable.

These checks return findings and refuse no study. :mod:`dropnorm.data.validation` and
:mod:`dropnorm.data.splits` refuse tables that cannot be used.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dropnorm.data.ahead import computed
from dropnorm.data.columns import ID_NAME, are_row_ids, with_named_index
from dropnorm.data.inner_rows import choosing_rows
from dropnorm.data.inspection.batches import check_batches
from dropnorm.data.inspection.copies import count_copies
from dropnorm.data.inspection.leaks import check_formula
from dropnorm.data.inspection.odd_values import check_values
from dropnorm.data.inspection.two_readings import tell_clock, tell_mixed_percents
from dropnorm.data.splits import PARTS, TEST, TRAIN, VALIDATION, number_groups, parts_of
from dropnorm.data.validation import check_table
from dropnorm.findings import CODES, Finding
from dropnorm.study.arms import arm_names, arm_of
from dropnorm.study.split import GroupedSplit, RandomSplit
from dropnorm.study.training import PlateauSchedule
from dropnorm.tasks.registry import task_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from dropnorm.findings import Code
    from dropnorm.study.schema import Study

_HELD = (VALIDATION, TEST)
# With fewer rows, most values are unique and a tree is not meaningful.
_ENOUGH_ROWS = 20
_DISTINCT_CATEGORIES = 0.5
_DISTINCT_ENTITIES = 0.2
_ENOUGH_ENTITIES = 20
_PREDICTS = 0.98
# Limits the time of a tree; the rows are drawn with a fixed seed.
_TREE_ROWS = 10_000
_FEW_ROWS = 30
_FEW_GROUPS = 5
_FEW_OF_CLASS = 5
_OFTEN_MISSING = 1 / 3
_MOSTLY_DATES = 0.9
_MOSTLY_FRACTIONS = 0.5
# Remedies for copies where the split cannot take the option identical_rows.
_WITHOUT_OPTION = {
    "DN001": "Remove the copies from the table.",
    "DN002": "Add a column that distinguishes them, or remove the repeats from the table.",
}
# Day, month and year in any order, with or without a time.
_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}([-./]\d{1,4})?([T ].*)?")


def check_study_table(table: pd.DataFrame, study: Study, split: pd.DataFrame) -> list[Finding]:
    """Check a table and the parts to which its rows were assigned.

    With several splits, a finding names the split in which it is worst.

    Args:
        table: The table as it was read, with all columns.
        study: Study that uses the table; its silenced checks are left out.
        split: Parts of the rows, with the columns ``split``, ``row`` and ``part``.

    Returns:
        The findings, in the order of their codes.

    Raises:
        BadInputError: If the study cannot use the table.
    """
    rows = computed(check_table, table, study)
    parts = [parts_of(split, number, rows.index) for number in range(study.replicas.splits)]
    table = with_named_index(table)
    others = table.set_axis([str(name) for name in table.columns], axis="columns")
    findings = [
        *_copies(rows, study, parts),
        *_nearly_unique(rows, study),
        *_leaks(rows, study, parts[0]),
        *_entities(others.iloc[rows.index.to_numpy()], study, parts),
        *_small_parts(rows, study, parts),
        *_rare_classes(rows, study, parts),
        *_steered(study, parts[0]),
        *_without_target(others[study.target.column]),
        *check_values(rows, study),
        *check_batches(
            [int((part == TRAIN).sum()) for part in parts],
            study,
            _choosing(rows, split, study),
        ),
    ]
    shown = [finding for finding in findings if finding.code.code not in study.silence]
    return sorted(shown, key=lambda finding: finding.code.code)


def _choosing(rows: pd.DataFrame, split: pd.DataFrame, study: Study) -> list[int]:
    """Return how many training rows of each split choose; empty if none are set aside."""
    drawn = [choosing_rows(rows, split, number, study) for number in range(study.replicas.splits)]
    return [int(one.sum()) for one in drawn if one is not None]


def is_looked_at(column: str, *, text: bool, study: Study) -> bool:
    """Return whether the checks need a column that the study does not use.

    Args:
        column: Name of the column.
        text: Whether its values are text.
        study: Study whose split and silenced checks decide.
    """
    checked = isinstance(study.split, RandomSplit) and CODES["DN005"].code not in study.silence
    return checked and (text or bool(ID_NAME.search(column)))


def _copies(
    rows: pd.DataFrame, study: Study, parts: list[pd.Categorical[str]]
) -> Iterator[Finding]:
    """Find DN001, copies of whole rows, and DN002, rows with equal inputs only.

    Neither is reported if :func:`count_copies` expects equal inputs.
    """
    if not count_copies(rows, study.preprocessing.columns, study.target.column):
        return
    inputs = number_groups(rows, study.preprocessing.columns)
    rows_by_both = pd.DataFrame({"inputs": inputs, "target": rows[study.target.column].to_numpy()})
    whole = number_groups(rows_by_both, rows_by_both.columns)
    copies = [np.isin(whole, whole[part == TRAIN]) for part in parts]
    alike = [
        np.isin(inputs, inputs[part == TRAIN]) & ~copied
        for part, copied in zip(parts, copies, strict=True)
    ]
    whole_rows, inputs_alone = (_fitting(CODES[code], study) for code in ("DN001", "DN002"))
    yield from _worst_of(whole_rows, copies, parts, "equal a training row")
    yield from _worst_of(inputs_alone, alike, parts, "have the inputs of a training row")


def _fitting(code: Code, study: Study) -> Code:
    """Return the code with a remedy that fits the split."""
    if isinstance(study.split, RandomSplit) and not study.split.keep_together:
        return code
    remedy = _WITHOUT_OPTION[code.code]
    if isinstance(study.split, GroupedSplit):
        remedy = f"{remedy.removesuffix('.')}, or put equal rows into one group."
    return replace(code, remedy=remedy)


def _worst_of(
    code: Code,
    affected: list[npt.NDArray[np.bool_]],
    parts: list[pd.Categorical[str]],
    problem: str,
    where: str = "",
) -> Iterator[Finding]:
    """Report how many rows of each held part are affected, in the worst split."""
    for name in _HELD:
        sizes = [int((part == name).sum()) for part in parts]
        counts = [
            int((found & (part == name)).sum()) for found, part in zip(affected, parts, strict=True)
        ]
        shares = [count / max(size, 1) for count, size in zip(counts, sizes, strict=True)]
        worst = int(np.argmax(shares))
        if counts[worst]:
            split = f"split {worst}" if len(parts) == 1 else f"split {worst}, the worst"
            yield Finding(
                code,
                f"{where}{', ' if where else ''}{name} part of {split}",
                f"{counts[worst]} of {sizes[worst]} rows {problem}",
                counts[worst],
                sizes[worst],
            )


def _nearly_unique(rows: pd.DataFrame, study: Study) -> Iterator[Finding]:
    for column in study.preprocessing.columns:
        values = rows[column].dropna()
        distinct = values.nunique()
        if len(values) < _ENOUGH_ROWS:
            continue
        if column in study.preprocessing.categories:
            unique = distinct > _DISTINCT_CATEGORIES * len(values)
        else:
            unique = are_row_ids(values)
        if unique:
            yield Finding(
                CODES["DN003"],
                f"column '{column}'",
                f"{distinct} distinct values in {len(values)} rows",
                distinct,
                len(values),
            )


def _leaks(rows: pd.DataFrame, study: Study, part: pd.Categorical[str]) -> list[Finding]:
    alone = list(_predictors(rows, study, part))
    return [*alone, *check_formula(rows, study, part, alone)]


def _predictors(rows: pd.DataFrame, study: Study, part: pd.Categorical[str]) -> Iterator[Finding]:
    train, held = rows.loc[part == TRAIN], rows.loc[part == VALIDATION]
    if len(train) > _TREE_ROWS:
        train = train.sample(_TREE_ROWS, random_state=0)
    target = study.target.column
    if min(len(train), len(held)) < _ENOUGH_ROWS or held[target].nunique() == 1:
        return
    for column in study.preprocessing.columns:
        values = rows[column]
        if column in study.preprocessing.categories:
            values = pd.Series(pd.factorize(values)[0], index=rows.index)
        share, score = task_of(study).explain(
            (values[train.index].to_frame(), train[target]),
            (values[held.index].to_frame(), held[target]),
        )
        if share >= _PREDICTS:
            yield Finding(
                CODES["DN004"],
                f"column '{column}'",
                f"{score} on the validation rows of split 0",
                len(held),
                len(held),
            )


def _entities(
    table: pd.DataFrame, study: Study, parts: list[pd.Categorical[str]]
) -> Iterator[Finding]:
    if not isinstance(study.split, RandomSplit):
        return
    used = {*study.preprocessing.columns, study.target.column, *study.split.columns}
    for column in table.columns[~table.columns.duplicated(keep=False)]:
        if column in used or not _names_entities(table[column]):
            continue
        values = table[column].to_numpy(dtype=object)
        known = table[column].notna().to_numpy()
        seen = [known & pd.Series(values).isin(values[part == TRAIN]).to_numpy() for part in parts]
        yield from _worst_of(
            CODES["DN005"],
            seen,
            parts,
            "have a value that occurs in training rows",
            f"column '{column}'",
        )


def _names_entities(values: pd.Series) -> bool:
    """Return whether a column looks like names or ids of entities with several rows."""
    # A quick test for wide tables: numbers are ids only by the name of their column.
    if pd.api.types.is_numeric_dtype(values) and not ID_NAME.search(str(values.name)):
        return False
    present = values.dropna().astype(object)
    kind = pd.api.types.infer_dtype(present)
    # A column of integers with missing values holds floats.
    whole = kind == "integer" or (
        kind == "floating" and all(value.is_integer() for value in present)
    )
    if not (kind == "string" or whole) or present.nunique() < _ENOUGH_ENTITIES:
        return False
    if ID_NAME.search(str(values.name)):
        return True
    if whole or present.nunique() < _DISTINCT_ENTITIES * len(present):
        return False
    # Most are amounts, and a few texts such as '<0.5' are among them.
    if (pd.to_numeric(present, errors="coerce") % 1 > 0).mean() > _MOSTLY_FRACTIONS:
        return False
    dates = bool(present.str.fullmatch(_DATE).mean() >= _MOSTLY_DATES)
    return not (dates or tell_clock(present) or tell_mixed_percents(present))


def _small_parts(
    rows: pd.DataFrame, study: Study, parts: list[pd.Categorical[str]]
) -> Iterator[Finding]:
    yield from _smallest(parts, np.arange(len(rows)), _FEW_ROWS, "rows")
    split = study.split
    if isinstance(split, GroupedSplit) or (isinstance(split, RandomSplit) and split.columns):
        yield from _smallest(parts, number_groups(rows, split.columns), _FEW_GROUPS, "groups")


def _smallest(
    parts: list[pd.Categorical[str]], units: npt.NDArray[np.int64], few: int, what: str
) -> Iterator[Finding]:
    """Report parts with too few units, in the split in which they have the fewest.

    Units count from 0.
    """
    for name in PARTS:
        # np.unique takes five times as long.
        sizes = [int(np.count_nonzero(np.bincount(units[part == name]))) for part in parts]
        smallest = int(np.argmin(sizes))
        if 0 < sizes[smallest] < few:
            yield Finding(
                CODES["DN006"],
                f"{name} part of split {smallest}",
                f"{sizes[smallest]} {what}",
                sizes[smallest],
                int(np.count_nonzero(np.bincount(units))),
            )


def _rare_classes(
    rows: pd.DataFrame, study: Study, parts: list[pd.Categorical[str]]
) -> Iterator[Finding]:
    """Report parts with a class that is too rare, in the split in which it is rarest."""
    if study.class_column is None:
        return
    classes, names = pd.factorize(rows[study.class_column], sort=True)
    for name in PARTS:
        if not any((part == name).any() for part in parts):
            continue
        counts = np.array(
            [np.bincount(classes[part == name], minlength=len(names)) for part in parts]
        )
        split, rarest = (int(place) for place in np.unravel_index(counts.argmin(), counts.shape))
        least = int(counts[split, rarest])
        if least < _FEW_OF_CLASS:
            more = int((counts[split] < _FEW_OF_CLASS).sum()) - 1
            classes_are = "class is" if more == 1 else "classes are"
            also = f" ({more} more {classes_are} as rare)" if more else ""
            undefined = "; AUC is not defined there" if least == 0 else ""
            yield Finding(
                CODES["DN015"],
                f"{name} part of split {split}",
                f"{least} row{'' if least == 1 else 's'} of the class {names[rarest]!r}{also}"
                f"{undefined}",
                least,
                int((classes == rarest).sum()),
            )


def _steered(study: Study, part: pd.Categorical[str]) -> Iterator[Finding]:
    trainings = {name: arm_of(study, name).study.training for name in arm_names(study)}
    ways = {
        "early_stopping chooses the epoch": {
            name
            for name, one in trainings.items()
            if one.early_stopping and one.early_stopping.rows == "validation"
        },
        "the schedule changes the learning rate": {
            name
            for name, one in trainings.items()
            if isinstance(one.schedule, PlateauSchedule) and one.schedule.rows == "validation"
        },
    }
    causes = []
    for way, names in ways.items():
        of_some = f" of {', '.join(one for one in trainings if one in names)}"
        causes += [f"{way}{of_some * (len(names) < len(trainings))}"] if names else []
    if causes:
        held = int((part == VALIDATION).sum())
        found = f"{' and '.join(causes)} by the rows that score the network"
        yield Finding(CODES["DN013"], "training", found, held, held)


def _without_target(target: pd.Series) -> Iterator[Finding]:
    missing, rows = int(target.isna().sum()), len(target)
    if missing >= _OFTEN_MISSING * rows:
        found = f"{missing} of {rows} rows have no target, and are left out"
        yield Finding(CODES["DN017"], f"column '{target.name}'", found, missing, rows)
