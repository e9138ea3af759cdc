"""Count rows with equal inputs, unless the values make such repeats likely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

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
    if not inputs or rows.empty:
        return 0
    codes = [_number(rows[name]) for name in inputs]
    together = combine(codes)
    repeats = _repeats(together)
    if not repeats:
        return 0
    distinct = int(together.max()) + 1
    alone = len(inputs) == 1
    if alone or distinct < _MOSTLY_DISTINCT * len(rows):
        with_target = combine([together, _number(rows[target])])
        if with_target.max() + 1 > _WITH_TARGETS * distinct:
            return 0
    if alone:
        return repeats  # shuffling a single column changes nothing
    chance = np.random.default_rng(0)
    shuffled = combine(chance.permutation(column) for column in codes)
    return repeats if repeats > _TIMES_CHANCE * _repeats(shuffled) else 0


def _number(values: pd.Series) -> npt.NDArray[np.int32]:
    """Return a number for each value, from 0; missing values are equal."""
    return pd.factorize(values, use_na_sentinel=False)[0].astype(np.int32)


def combine(columns: Iterable[npt.NDArray[np.signedinteger]]) -> npt.NDArray[np.int64]:
    """Return a number for each row, from 0; it is that of another row if all columns are equal.

    One column comes after the other, because all at once would take the memory of all.

    Args:
        columns: A number from 0 for each row.
    """
    first, *others = columns
    together = first.astype(np.int64)
    for column in others:
        together *= int(column.max()) + 1
        together += column
        together, distinct = pd.factorize(together)
        if len(distinct) == len(together):
            break  # other columns cannot make rows more different
    return together


def _repeats(numbers: npt.NDArray[np.int64]) -> int:
    """Return how many rows have the number of another."""
    counts = np.bincount(numbers)
    return int(counts[counts > 1].sum())
