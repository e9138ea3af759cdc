"""Count rows with equal inputs, unless the values make such repeats likely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

# Repeats are copies if there are this many times as many as in shuffled columns.
_TIMES_CHANCE = 2
# With a smaller share of distinct rows, the table has a few combinations of values.
_MOSTLY_DISTINCT = 0.5
# Copies have one target: with it, there are at most this many times as many distinct rows.
_WITH_TARGETS = 1.1


def count_copies(rows: pd.DataFrame, inputs: Sequence[str], target: str) -> int:
    """Count the rows whose inputs equal those of another row; 0 if such repeats are expected.

    Repeats are copies if there are more than twice as many as after shuffling each column, and if
    at least half of the rows are distinct or equal inputs nearly always have the same target. With
    a single input, only the targets decide. The few values of a design (treatment, visit, dose)
    repeat without being copies.

    Args:
        rows: Rows of the table.
        inputs: Input columns.
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
        with_target = codes.assign(target=pd.factorize(rows[target])[0])
        if len(with_target.drop_duplicates()) > _WITH_TARGETS * distinct:
            return 0
    if alone:
        return repeats  # shuffling a single column changes nothing
    chance = np.random.default_rng(0)
    shuffled = codes.apply(lambda column: chance.permutation(column.to_numpy()))
    return repeats if repeats > _TIMES_CHANCE * _repeats(shuffled) else 0


def _numbered(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return an integer code for each value; missing values are equal."""
    codes = {place: pd.factorize(rows[name])[0] for place, name in enumerate(columns)}
    return pd.DataFrame(codes)


def _repeats(codes: pd.DataFrame) -> int:
    return int(codes.duplicated(keep=False).sum())
