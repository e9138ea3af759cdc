"""Which rows train and which validate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupShuffleSplit

from dropnorm.errors import BadInputError
from dropnorm.study import GroupedSplit, RandomSplit

if TYPE_CHECKING:
    import numpy.typing as npt

    from dropnorm.study import Study

TRAIN = "train"
VALIDATION = "validation"


def assign_parts(rows: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Assign every row to a part, once per split.

    Split *k* of a random split is ``rows.sample(frac=train_fraction, random_state=seed + k)`` and
    the rest; of a grouped one, scikit-learn's ``GroupShuffleSplit`` with the same random state.

    Args:
        rows: The checked table; its index names the rows.
        study: Says how to split, and how many splits there are.

    Returns:
        Columns ``split`` (from 0), ``row`` and ``part`` (train or validation); each split lists
        every row once, in the order of ``rows``.

    Raises:
        BadInputError: If a part would have no row, or if there is one group only.
    """
    parts = []
    for number in range(study.replicas.splits):
        train = _training_rows(rows, study.split, number)
        if not 0 < train.sum() < len(rows):
            raise BadInputError(
                f"split {number}: of {len(rows)} rows, a train_fraction of"
                f" {study.split.train_fraction} leaves no row to"
                f" {'validate' if train.any() else 'train'} on; change split.train_fraction"
            )
        parts.append(
            pd.DataFrame(
                {
                    "split": number,
                    "row": rows.index.to_numpy(),
                    "part": np.where(train, TRAIN, VALIDATION),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def rows_of(split: pd.DataFrame, number: int, part: str) -> npt.NDArray[np.int64]:
    """Return the rows that stand in one part of one split, in their order."""
    chosen = split.loc[(split["split"] == number) & (split["part"] == part), "row"]
    return chosen.to_numpy(dtype=np.int64)


def _training_rows(
    rows: pd.DataFrame, split: RandomSplit | GroupedSplit, number: int
) -> npt.NDArray[np.bool_]:
    random_state = split.seed + number
    if isinstance(split, RandomSplit):
        drawn = rows.index.to_series().sample(frac=split.train_fraction, random_state=random_state)
        return rows.index.isin(drawn.index)
    groups = rows[split.by]
    if groups.nunique() < 2:  # noqa: PLR2004  # a group for each part
        raise BadInputError(
            f"column '{split.by}' has one group only, {groups.iloc[0]!r}: a grouped split needs at"
            " least one group in each part; choose another column for split.by"
        )
    shuffle = GroupShuffleSplit(
        n_splits=1, train_size=split.train_fraction, random_state=random_state
    )
    try:
        positions, _ = next(shuffle.split(rows, groups=groups))
    except ValueError as error:
        raise BadInputError(
            f"column '{split.by}' has {groups.nunique()} groups, too few for a train_fraction of"
            f" {split.train_fraction}; change split.train_fraction"
        ) from error
    train = np.zeros(len(rows), dtype=bool)
    train[positions] = True
    return train
