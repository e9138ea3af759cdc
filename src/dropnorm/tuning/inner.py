"""The training rows of each split, divided once more: some train, some choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dropnorm.data.preprocessing import SplitInputs, fit_preprocessor, make_split_inputs
from dropnorm.data.splits import TRAIN, assign_parts, rows_of
from dropnorm.errors import BadInputError, in_one_line
from dropnorm.study.schema import Replicas, Study
from dropnorm.study.split import PublishedSplit, RandomSplit
from dropnorm.study.training import PlateauSchedule

if TYPE_CHECKING:
    import pandas as pd

# Of the training rows, or of their groups, or of the classes among them.
_TRAINED = 0.8


def make_inner_inputs(rows: pd.DataFrame, split: pd.DataFrame, study: Study) -> list[SplitInputs]:
    """Divide the training rows of each split as the study divides the table, and prepare them.

    Groups stay together, classes keep their shares, and of rows in the order of time the later ones
    choose. The preprocessor is fitted anew, on the rows that train. Of a published split, rows are
    drawn at random.

    Returns:
        For each split its number, the rows that train, and as ``validation`` those that choose.

    Raises:
        BadInputError: If the training rows are too few to be divided, or if the rows that score
            would choose the learning rate.
    """
    if isinstance(study.training.schedule, PlateauSchedule):
        raise BadInputError(
            f"{study.name}.training.schedule is reduce_on_plateau: the rows that score the"
            " networks would set their learning rates; take another schedule, or none"
        )
    return [_inputs(rows, split, number, study) for number in range(study.replicas.splits)]


def _inputs(rows: pd.DataFrame, split: pd.DataFrame, number: int, study: Study) -> SplitInputs:
    train = rows.loc[rows_of(split, number, TRAIN)]
    once_more = study.model_copy(
        update={"split": _inner_split(study, number), "replicas": Replicas()}
    )
    try:
        inner = assign_parts(train, once_more).assign(split=number)
        preprocessor = fit_preprocessor(rows, inner, number, study)
        return make_split_inputs(rows, inner, number, preprocessor, study)
    except BadInputError as error:
        why = in_one_line(error).partition(";")[0]
        raise BadInputError(
            f"the {len(train)} training rows of split {number} cannot be divided once more, into"
            f" rows that train and rows that choose ({why}); take a table with more rows, or let"
            " more of them train"
        ) from error


def _inner_split(study: Study, number: int) -> object:
    """Return the study's split with one in five of the rows, or of their groups, to choose."""
    seed = int(np.random.SeedSequence((study.recommend.seed, number)).generate_state(1)[0] >> 1)
    if isinstance(study.split, PublishedSplit):
        return RandomSplit(method="random", train_fraction=_TRAINED, seed=seed)
    changed: dict[str, float] = {"train_fraction": _TRAINED, "test_fraction": 0.0}
    if hasattr(study.split, "seed"):
        changed["seed"] = seed
    return study.split.model_copy(update=changed)
