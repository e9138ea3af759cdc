"""From the table to arrays for the networks."""

import logging

import pandas as pd
from sklearn.compose import ColumnTransformer

from dropnorm import preprocessing, splits, tables
from dropnorm.preprocessing import SplitInputs
from dropnorm.study import Study

logger = logging.getLogger(__name__)


def check_rows(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Keep the columns that the study uses and the rows it can use; refuse what it cannot."""
    rows = tables.check_table(table, study)
    if dropped := len(table) - len(rows):
        logger.info(
            "%s: %d of %d rows dropped for a missing value", study.label, dropped, len(table)
        )
    return rows


def assign_parts(rows: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Say which row trains and which validates, once per split."""
    return splits.assign_parts(rows, study)


def fit_preprocessors(
    rows: pd.DataFrame, split: pd.DataFrame, study: Study
) -> dict[int, ColumnTransformer]:
    """Fit one preprocessor per split, on its training rows alone."""
    return {
        number: preprocessing.fit_preprocessor(rows, split, number, study)
        for number in range(study.replicas.splits)
    }


def make_inputs(
    rows: pd.DataFrame,
    split: pd.DataFrame,
    preprocessors: dict[int, ColumnTransformer],
    study: Study,
) -> list[SplitInputs]:
    """Turn the rows of each split into arrays, with the preprocessor of that split."""
    return [
        preprocessing.make_split_inputs(rows, split, number, preprocessor, study)
        for number, preprocessor in preprocessors.items()
    ]
