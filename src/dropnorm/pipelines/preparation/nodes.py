"""From the table to arrays for the networks."""

import logging

import pandas as pd

from dropnorm.data import preprocessing, splits, validation
from dropnorm.data.ahead import computed
from dropnorm.data.inspection import checks
from dropnorm.data.preprocessing import Preprocessor, SplitInputs
from dropnorm.evaluation.results import TableFindings
from dropnorm.study.schema import Study

logger = logging.getLogger(__name__)


def check_rows(table: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Keep the columns that the study uses and the rows it can use; refuse what it cannot."""
    rows = computed(validation.check_table, table, study)
    if dropped := len(table) - len(rows):
        logger.info(
            "%s: %d of %d rows dropped for a missing value", study.label, dropped, len(table)
        )
    return rows


def assign_parts(rows: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Say which row trains and which validates, once per split."""
    return computed(splits.assign_parts, rows, study)


def check_data(table: pd.DataFrame, split: pd.DataFrame, study: Study) -> TableFindings:
    """Look for what a result must not rest on in the table and its split, and log each finding."""
    findings = checks.check_study_table(table, study, split)
    for finding in findings:
        logger.warning("%s: %s", study.label, finding.line())
    return TableFindings(study.name, study.made_up, tuple(study.silence), tuple(findings))


def fit_preprocessors(
    rows: pd.DataFrame, split: pd.DataFrame, study: Study
) -> dict[int, Preprocessor]:
    """Fit one preprocessor per split, on its training rows alone."""
    return computed(preprocessing.fit_preprocessors, rows, split, study)


def make_inputs(
    rows: pd.DataFrame,
    split: pd.DataFrame,
    preprocessors: dict[int, Preprocessor],
    study: Study,
) -> list[SplitInputs]:
    """Turn the rows of each split into arrays, with the preprocessor of that split."""
    return computed(preprocessing.make_all_inputs, rows, split, preprocessors, study)
