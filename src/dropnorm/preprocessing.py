"""From columns of a table to the arrays that networks take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from dropnorm.splits import TRAIN, VALIDATION, rows_of

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from dropnorm.study import Preprocessing, Study


@dataclass(frozen=True)
class Part:
    """The rows of one part of one split, ready for a network.

    Attributes:
        rows: Which rows of the table, shape (n,).
        x: Inputs, shape (n, inputs), dense float32.
        y: Target in the units of the training (divided by the study's constant), shape (n,),
            float32.
    """

    rows: npt.NDArray[np.int64]
    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.float32]


@dataclass(frozen=True)
class SplitInputs:
    """One split: the part that trains and the part that validates."""

    split: int
    train: Part
    validation: Part


def make_preprocessor(preprocessing: Preprocessing) -> ColumnTransformer:
    """Return the study's preprocessor, not fitted: scaled numbers, categories, raw numbers."""
    steps = [
        ("standard_scale", StandardScaler(), list(preprocessing.standard_scale)),
        # A category that no training row has becomes zeros, in every one of its columns.
        (
            "one_hot",
            OneHotEncoder(handle_unknown="ignore", sparse_output=False),
            list(preprocessing.one_hot),
        ),
        ("passthrough", "passthrough", list(preprocessing.passthrough)),
    ]
    return ColumnTransformer([step for step in steps if step[2]], sparse_threshold=0.0)


def fit_preprocessor(
    rows: pd.DataFrame, split: pd.DataFrame, number: int, study: Study
) -> ColumnTransformer:
    """Fit the study's preprocessor on the training rows of one split, and on nothing else."""
    train = rows.loc[rows_of(split, number, TRAIN)]
    return make_preprocessor(study.preprocessing).fit(train[list(study.preprocessing.columns)])


def make_split_inputs(
    rows: pd.DataFrame,
    split: pd.DataFrame,
    number: int,
    preprocessor: ColumnTransformer,
    study: Study,
) -> SplitInputs:
    """Turn both parts of one split into arrays."""

    def part(name: str) -> Part:
        chosen = rows_of(split, number, name)
        table = rows.loc[chosen]
        x = preprocessor.transform(table[list(study.preprocessing.columns)])
        y = table[study.target.column].to_numpy(dtype=np.float64) / study.target.divide_by
        return Part(chosen, np.ascontiguousarray(x, dtype=np.float32), y.astype(np.float32))

    return SplitInputs(number, part(TRAIN), part(VALIDATION))
