"""Rows that repeat the inputs of another: copies, or what columns of few values lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

# So many times the repeats of shuffled columns are more than chance.
_TIMES_CHANCE = 2
# Below this share of distinct rows a row is the usual case of a few combinations.
_MOSTLY_DISTINCT = 0.5
# Equal inputs of copies have one target: so many times as many distinct rows, at most, with it.
_WITH_TARGETS = 1.1


def count_copies(rows: pd.DataFrame, inputs: Sequence[str], target: str) -> int:
    """Count the rows whose inputs equal those of another row; 0 where such repeats are expected.

    Repeats are copies where there are more than twice as many as among the same columns, each
    shuffled by itself, and where half of the rows or more are distinct or equal inputs nearly
    always have the same target. Of a single input only the targets tell. A few values of a design
    (treatment, visit, dose) repeat without being copies.

    Args:
        rows: Of the table.
        inputs: Columns that a network sees.
        target: Column to predict.
    """
    if not inputs:
        return 0
    codes = _numbered(rows, inputs)
    repeats = _repeats(codes)
    if not repeats:
        return 0
    distinct = len(codes.drop_duplicates())
    alone = len(inputs) == 1
    if alone or distinct < _MOSTLY_DISTINCT * len(codes):
        told_apart = codes.assign(target=pd.factorize(rows[target])[0])
        if len(told_apart.drop_duplicates()) > _WITH_TARGETS * distinct:
            return 0
    if alone:
        return repeats  # a shuffled column repeats as it did
    chance = np.random.default_rng(0)
    shuffled = codes.apply(lambda column: chance.permutation(column.to_numpy()))
    return repeats if repeats > _TIMES_CHANCE * _repeats(shuffled) else 0


def _numbered(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return a number for each value; two missing values are equal."""
    codes = {place: pd.factorize(rows[name])[0] for place, name in enumerate(columns)}
    return pd.DataFrame(codes)


def _repeats(codes: pd.DataFrame) -> int:
    return int(codes.duplicated(keep=False).sum())
