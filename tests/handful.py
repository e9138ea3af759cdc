"""A study of a handful of rows, for tests of nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import made_up
from dropnorm.data.preprocessing import fit_preprocessors, make_all_inputs
from dropnorm.data.splits import assign_parts
from dropnorm.data.validation import check_table
from dropnorm.evaluation.records import Provenance, TableRead
from dropnorm.evaluation.results import (
    Examination,
    ReplicaExamination,
    VariantExamination,
    VariantOutcome,
)
from dropnorm.pipelines.reporting.nodes import measure
from dropnorm.study.variants import Variant
from dropnorm.tasks.registry import task_of
from dropnorm.training.switches import switches_of
from made_results import a_training, some_facts
from small_trainings import a_study

if TYPE_CHECKING:
    from dropnorm.data.preprocessing import SplitInputs
    from dropnorm.study.schema import Study

TABLE = made_up.concrete(rows=12)
STUDY = a_study(replicas__splits=2, network__hidden=[4])
SPLIT = assign_parts(check_table(TABLE, STUDY), STUDY)
# By how much each variant is wrong.
ERRORS = dict(zip(Variant, (4.0, 3.0, 2.0, 1.0), strict=True))
PROVENANCE = Provenance(
    command="kedro run --pipelines=concrete", environment=None, overridden={},
    table=TableRead("data/01_raw/concrete.csv", "ab" * 32), switches=switches_of(),
    packages={"dropnorm": "1.2", "keras": "3"}, python="3.11", platform="any",
    version="2026-01-31T23.59.58.999Z",
)  # fmt: skip


def some_inputs(study: Study = STUDY) -> list[SplitInputs]:
    """The arrays of both splits."""
    rows = check_table(TABLE, study)
    fitted = fit_preprocessors(rows, SPLIT, study)
    return make_all_inputs(rows, SPLIT, fitted, study)


def predictions(error: float, seed: int = 0) -> pd.DataFrame:
    """Predictions of the validation rows of both splits that are wrong by about so much."""
    held = SPLIT.loc[SPLIT["part"] == "validation", ["split", "row"]]
    wrong = error + np.random.default_rng(seed).normal(0, 0.05, len(held))
    return held.assign(start=0, target=30.0, prediction=30.0 + wrong)


def history(last: float = 10.0) -> pd.DataFrame:
    """Losses of both splits that come down to a value."""
    return pd.DataFrame(
        [
            {"split": k, "start": 0, "epoch": epoch, "loss": 9.0, "val_loss": value}
            for k in (0, 1)
            for epoch, value in ((1, 12.0), (2, last))
        ]
    )


def an_outcome(name: str, error: float) -> VariantOutcome:
    """What the trainings of a variant come to that is wrong by so much."""
    training = a_training(*(some_facts(k, epochs=2, chosen_epoch=2) for k in (0, 1)), variant=name)
    predicted = predictions(error)
    looked_at = Examination(8.0, {"hidden_1": 0.25}, {})
    return VariantOutcome(
        training=training,
        metrics=measure(history(), predicted, predicted.head(0), training, STUDY),
        history=history(),
        first_steps=history().head(0),
        validation_predictions=predicted,
        test_predictions=predicted.head(0),
        examination=VariantExamination(
            name, tuple(ReplicaExamination(k, 0, looked_at) for k in (0, 1))
        ),
    )


def some_outcomes() -> dict[str, VariantOutcome]:
    """The outcomes of all variants, by name."""
    return {variant.value: an_outcome(variant.value, error) for variant, error in ERRORS.items()}


def references() -> pd.DataFrame:
    """Predictions of the reference models, each a little worse than the one before."""
    models = enumerate(task_of(STUDY).references)
    return pd.concat([predictions(5.0 + place, place).assign(model=name) for place, name in models])
