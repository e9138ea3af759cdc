"""Results as trainings leave them: what a test does not say has a likely value."""

from __future__ import annotations

import pandas as pd

from dropnorm.evaluation.records import RunRecord
from dropnorm.evaluation.results import (
    ReplicaFacts,
    ReplicaMetrics,
    VariantExamination,
    VariantMetrics,
    VariantOutcome,
    VariantTraining,
)

ROWS = {"train": 70, "validation": 30}


def some_facts(split: int = 0, start: int = 0, **said) -> ReplicaFacts:
    """What one training says of itself."""
    likely = {
        "rows": ROWS, "fit_seconds": 1.0, "epochs": 3, "chosen_epoch": 3,
        "chosen_by": "last epoch", "diverged_at_epoch": None, "constant": {"val_loss": 15.0},
    }  # fmt: skip
    return ReplicaFacts(split=split, start=start, **{**likely, **said})


def a_training(*facts: ReplicaFacts, **said) -> VariantTraining:
    """What the trainings of a variant say of themselves."""
    likely = {
        "study": "Concrete", "made_up": False, "variant": "baseline", "engine": "tensorflow",
        "trainable_parameters": 7, "layers": (),
    }  # fmt: skip
    return VariantTraining(**{**likely, "replicas": facts or (some_facts(),), **said})


def measured(split: int = 0, start: int = 0, *, mae: float | None = 4.0, **said) -> ReplicaMetrics:
    """The measures of one network; a failure is said as ``collapsed=True``."""
    likely = {
        "min_val_loss": 4.0, "best_epoch": 3, "final_loss": 3.0, "final_val_loss": 5.0,
        "diverged_at_epoch": None, "fit_seconds": 1.0,
    }  # fmt: skip
    failures = {"collapsed": said.pop("collapsed", False)}
    told = {**likely, "validation": {"mae": mae}, "failures": failures, **said}
    return ReplicaMetrics(split=split, start=start, **told)


def some_metrics(*replicas: ReplicaMetrics, **said) -> VariantMetrics:
    """The measures of the networks of a variant."""
    replicas = replicas or (measured(),)
    likely = {
        "study": "concrete", "made_up": False, "variant": "baseline", "engine": "tensorflow",
        "loss": "mae", "rows": ROWS, "trainable_parameters": 7, "min_val_loss": 4.0,
        "final_val_loss": 5.0, "constant_val_loss": 15.0,
        "validation": {"mae": 4.0, "rmse": 5.0, "r2": 0.5}, "committee": None, "test": {},
        "unit": "MPa", "diverged": sum(not one.is_finite for one in replicas),
        "failures": {"collapsed": 0}, "findings": (),
    }  # fmt: skip
    return VariantMetrics(**{**likely, "replicas": replicas, **said})


def an_outcome(**said) -> VariantOutcome:
    """All of a variant that a study compares."""
    history = pd.DataFrame(
        {"split": 0, "start": 0, "epoch": [1, 2], "loss": [4.0, 3.0], "val_loss": [5.0, 4.0]}
    )
    likely = {
        "training": a_training(), "metrics": some_metrics(), "history": history,
        "validation_predictions": pd.DataFrame(), "test_predictions": pd.DataFrame(),
        "examination": VariantExamination("baseline", ()),
    }  # fmt: skip
    return VariantOutcome(**{**likely, **said})


def a_record(**said) -> RunRecord:
    """The record of a run, of the JSON of what is said."""
    return RunRecord.from_json(said)
