"""The training rows of each split, divided once more: some train, some choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dropnorm.data.inner_rows import cannot_divide, draw_inner_parts, seed_from
from dropnorm.data.preprocessing import SplitInputs, fit_preprocessor, make_split_inputs
from dropnorm.data.splits import TRAIN, rows_of
from dropnorm.errors import BadInputError
from dropnorm.study.arms import arm_names, arm_of
from dropnorm.study.compare import Compared
from dropnorm.study.training import PlateauSchedule

if TYPE_CHECKING:
    import pandas as pd

    from dropnorm.study.schema import Study


def make_inner_inputs(rows: pd.DataFrame, split: pd.DataFrame, study: Study) -> list[SplitInputs]:
    """Divide the training rows of each split as the study divides the table, and prepare them.

    The rows are those of :func:`dropnorm.data.inner_rows.draw_inner_parts`, drawn with the seed of
    the search. The preprocessor is fitted anew, on the rows that train.

    Returns:
        For each split its number, the rows that train, and as ``validation`` those that choose.

    Raises:
        BadInputError: If the training rows are too few to be divided, or if a plateau would set the
            learning rate.
    """
    for name in arm_names(study):
        if isinstance(arm_of(study, name).study.training.schedule, PlateauSchedule):
            changed = "schedule" in study.compare.get(name, Compared()).training
            of = f"compare.{name}." if changed else ""
            raise BadInputError(
                f"{study.name}.{of}training.schedule is reduce_on_plateau: a search trains what it"
                " has chosen on all training rows, and none are left to set the learning rate; take"
                " another schedule, or none"
            )
    return [_inputs(rows, split, number, study) for number in range(study.replicas.splits)]


def _inputs(rows: pd.DataFrame, split: pd.DataFrame, number: int, study: Study) -> SplitInputs:
    try:
        seed = seed_from(study.recommend.seed, number)
        inner = draw_inner_parts(rows, split, number, study, seed)
        preprocessor = fit_preprocessor(rows, inner, number, study)
        return make_split_inputs(rows, inner, number, preprocessor, study)
    except BadInputError as error:
        raise cannot_divide(rows_of(split, number, TRAIN), number, error, "") from error
