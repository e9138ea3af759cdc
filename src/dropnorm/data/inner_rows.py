"""Divide the training rows of a split once more: some train, some choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dropnorm.data.splits import TRAIN, VALIDATION, assign_parts, rows_of
from dropnorm.errors import BadInputError, in_one_line
from dropnorm.study.optimism import sets_rows_aside
from dropnorm.study.schema import Replicas, Study
from dropnorm.study.split import PublishedSplit, RandomSplit

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

# Share that trains, of the training rows, of their groups, or of each class among them.
_TRAINED = 0.8


def choosing_rows(
    rows: pd.DataFrame, split: pd.DataFrame, number: int, study: Study
) -> npt.NDArray[np.bool_] | None:
    """Draw the training rows of a split that choose an epoch, a learning rate or options.

    Args:
        rows: Checked rows.
        split: Parts of the rows.
        number: Number of the split.
        study: Study with the split and the seeds.

    Returns:
        Whether each training row of the split chooses, shape (training rows,), or ``None`` if
        neither a network of the study nor a reference model needs such rows.

    Raises:
        BadInputError: If the training rows are too few to be divided.
    """
    aside, tunes = sets_rows_aside(study), bool(study.references.boosting_trials)
    if not (aside or tunes):
        return None
    of_split = 0 if isinstance(study.split, PublishedSplit) else getattr(study.split, "seed", 0)
    seed = seed_from(study.training.seed, of_split, number)
    try:
        inner = draw_inner_parts(rows, split, number, study, seed)
    except BadInputError as error:
        remedies = [
            "write rows: validation in training.early_stopping or training.schedule" * aside,
            "leave out references.boosting_trials" * tunes,
        ]
        remedy = f"or {' and '.join(filter(None, remedies))}"
        raise cannot_divide(rows_of(split, number, TRAIN), number, error, remedy) from error
    return np.isin(rows_of(split, number, TRAIN), rows_of(inner, number, VALIDATION))


def draw_inner_parts(
    rows: pd.DataFrame, split: pd.DataFrame, number: int, study: Study, seed: int
) -> pd.DataFrame:
    """Divide the training rows of a split as the study divides the table.

    One in five chooses. Groups stay together, classes keep their shares, and of rows in the order
    of time the later ones choose. Of a published split, rows are drawn at random.

    Args:
        rows: Checked rows.
        split: Parts of the rows.
        number: Number of the split.
        study: Study with the split.
        seed: Seed to draw with.

    Returns:
        The parts of the training rows, as :func:`dropnorm.data.splits.assign_parts` returns them;
        the validation part contains the rows that choose.

    Raises:
        BadInputError: If the rows are too few to be divided.
    """
    train = rows.loc[rows_of(split, number, TRAIN)]
    once_more = study.model_copy(
        update={"split": _inner_split(study, seed), "replicas": Replicas()}
    )
    return assign_parts(train, once_more).assign(split=number)


def seed_from(*numbers: int) -> int:
    """Return a seed that depends on all of these numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0] >> 1)


def cannot_divide(
    train: npt.NDArray[np.int64], number: int, error: BadInputError, remedy: str
) -> BadInputError:
    """Return the message for training rows that cannot be divided.

    Args:
        train: Training rows of the split.
        number: Number of the split.
        error: What went wrong.
        remedy: A further remedy, in words.
    """
    why = in_one_line(error).partition(";")[0]
    return BadInputError(
        f"the {len(train)} training rows of split {number} cannot be divided once more, into rows"
        f" that train and rows that choose ({why}); take a table with more rows, or let more of"
        f" them train{f', {remedy}' if remedy else ''}"
    )


def _inner_split(study: Study, seed: int) -> object:
    if isinstance(study.split, PublishedSplit):
        return RandomSplit(method="random", train_fraction=_TRAINED, seed=seed)
    changed: dict[str, float] = {"train_fraction": _TRAINED, "test_fraction": 0.0}
    if hasattr(study.split, "seed"):
        changed["seed"] = seed
    return study.split.model_copy(update=changed)
