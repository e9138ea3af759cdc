"""What a mean over the splits of a study is about: one answer for each kind of split.

| split | with several splits, an interval is about |
|---|---|
| random rows | another random split of such rows |
| groups, or rows that are kept together | another random split of such groups |
| columns or index files of a published protocol | another split made as those of the protocol |
| splits in order of time | nothing: there is no interval over them |

With one split, an interval is about new starts, and new rows, groups or stretches of time of the
part that is scored.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from dropnorm.data.splits import TEST, TRAIN, VALIDATION
from dropnorm.study.split import (
    ColumnsSplit,
    GroupedSplit,
    PublishedSplit,
    RandomSplit,
    TimeSplit,
)

if TYPE_CHECKING:
    import pandas as pd

    from dropnorm.study.split import Split

_USES = {VALIDATION: "validate", TEST: "test"}


def are_in_order(parts: pd.DataFrame, split: Split) -> bool:
    """Tell whether several splits follow one another, so that none is a new draw.

    They do if the study says so, and if each split can learn from all that the one before could,
    and more, as with an origin that moves forward in time.

    Args:
        parts: The part of each row in each split.
        split: Of the study.
    """
    if not isinstance(split, PublishedSplit):
        return False
    learnt = (TRAIN, VALIDATION) if (parts["part"] == TEST).any() else (TRAIN,)
    known = parts.loc[parts["part"].isin(learnt)]
    rows = [set(of_split) for _, of_split in known.groupby("split")["row"]]
    if len(rows) == 1:
        return False
    return split.in_order or all(one < other for one, other in itertools.pairwise(rows))


def estimand(
    splits: int,
    starts: int,
    split: Split,
    part: str = VALIDATION,
    *,
    in_order: bool = False,
) -> str:
    """Say what an interval of differences is about.

    Args:
        splits: How many splits were run.
        starts: How many trainings of each.
        split: How they were made.
        part: Whose rows the differences are measured on.
        in_order: Whether the splits follow one another (:func:`are_in_order`).
    """
    if splits > 1:
        each = f", {starts} starts each" if starts > 1 else ""
        if in_order:
            return (
                f"Each difference is the mean over {splits} splits that follow one another{each}."
                " They share training rows and trend, so it has no interval."
            )
        if isinstance(split, PublishedSplit):
            given = "columns of the table name"
            if not isinstance(split, ColumnsSplit):
                given = "index files give"
            return (
                "The intervals are about another split made as those of this protocol, and a new"
                f" random start, from pairs on {splits} splits that {given}{each}. They take these"
                " splits as drawn at random."
            )
        return (
            f"The intervals are about a new random split of such {_drawn(split)} and a new random"
            f" start, from pairs on {splits} splits of this table{each}."
        )
    if starts > 1:
        return (
            f"The intervals are about this split: these training rows, with new random starts"
            f" ({starts} were run) and new {_drawn(split)} to {_USES[part]} on."
        )
    return "One run of each variant: it says what happened once."


def _drawn(split: Split) -> str:
    match split:
        case TimeSplit():
            return "stretches of such a time"
        case GroupedSplit():
            return "groups"
        case RandomSplit() if split.identical_rows or split.keep_together:
            return "groups of rows"
        case _:
            return "rows"
