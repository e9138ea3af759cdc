"""Recognize a column that holds the parts of a published split."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from dropnorm.data.columns import as_numbers
from dropnorm.data.parts import PARTS, TEST, TRAIN, VALIDATION

if TYPE_CHECKING:
    from collections.abc import Mapping

# As tables name such columns: split, fold_1, cv-fold, data_set, is_train.
_NAME = re.compile(r"(?:(?:cv|data|row)[_ .-]?)?(split|fold|set|subset)[_ .-]?\d*", re.IGNORECASE)
_ASKS = re.compile(r"(?:is|in)[_ .-]?(train|test)(?:ing)?[_ .-]?\d*", re.IGNORECASE)
_WORDS = {
    TRAIN: ("train", "training"),
    VALIDATION: ("validation", "valid", "val", "dev"),
    TEST: ("test", "testing"),
}
_PART_OF = {word: part for part, words in _WORDS.items() for word in words}
MOST_FOLDS = 20


@dataclass(frozen=True)
class PublishedParts:
    """What a column may mean as a split.

    Attributes:
        section: Section ``split`` of a study that uses the column.
        why: What its values are, and whether they say which rows train.
    """

    section: Mapping[str, Any]
    why: str


def published_parts(present: pd.Series) -> PublishedParts | None:
    """Return what a column means as a published split, or ``None`` if it does not look like one.

    It does if its values are words such as train, val and test. It also does if it is named like
    split, set, fold or is_train, and holds 0 and 1 or true and false; and a column named fold that
    holds up to 20 numbers from 0 or 1 on.

    Args:
        present: Values of the column, without missing ones.
    """
    parts = _by_words(present) or _by_numbers(str(present.name).strip(), present)
    if parts is None:
        return None
    values, told = parts
    section: dict[str, Any] = {"method": "columns", "columns": [str(present.name)]}
    if any(cells != part for part, cells in values.items()):
        section["values"] = values
    return PublishedParts(section, f"looks like a published split: {told}")


def _by_words(present: pd.Series) -> tuple[dict[str, Any], str] | None:
    counts = present.value_counts()
    parts = {cell: _PART_OF.get(str(cell).strip().lower()) for cell in counts.index}
    named = {part: cell for cell, part in parts.items() if part is not None}
    if len(named) < len(parts) or TRAIN not in named or len(named) == 1:
        return None
    values = {part: named[part] for part in PARTS if part in named}
    return values, ", ".join(f"{cell} in {counts[cell]} rows" for cell in values.values())


def _by_numbers(name: str, present: pd.Series) -> tuple[dict[str, Any], str] | None:
    asks, named = _ASKS.fullmatch(name), _NAME.fullmatch(name)
    are_true_or_false = pd.api.types.is_bool_dtype(present.infer_objects())
    numbers = present.astype(float) if are_true_or_false else as_numbers(present)
    if not (asks or named) or numbers.isna().any():
        return None
    cells = sorted(numbers.unique())
    if cells == [0, 1]:
        trains = 1 if asks and asks[1].lower() == TRAIN else 0
        kind = bool if are_true_or_false else int
        values: dict[str, Any] = {TRAIN: kind(trains), TEST: kind(1 - trains)}
        told = f"{kind(0)} in {int((numbers == 0).sum())} rows, {kind(1)} in {int(numbers.sum())}"
        return values, told if asks else f"{told}; which of them trains is not known"
    if not named or named[1].lower() != "fold" or not 1 < len(cells) <= MOST_FOLDS:
        return None
    if cells[0] not in (0, 1) or cells != [cells[0] + number for number in range(len(cells))]:
        return None
    first, *others = (int(cell) for cell in cells)
    told = f"folds {first} to {others[-1]}; a study tests on one of them, here {first}"
    return {TRAIN: others, TEST: first}, told
