"""Models that a network must beat to be worth having, on the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dropnorm.data.splits import TEST, VALIDATION
from dropnorm.evaluation.references.thread_limits import limit_threads
from dropnorm.evaluation.references.tuned_boosting import predict_tuned
from dropnorm.study.network import Dropout
from dropnorm.study.variants import Variant
from dropnorm.tasks.base import TUNED_BOOSTING
from dropnorm.tasks.registry import task_of
from dropnorm.training.begun import take
from dropnorm.training.cache import key_of, recall_or_train
from dropnorm.training.job import Job
from dropnorm.training.trainer import predict_rows, trained_network

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from dropnorm.data.preprocessing import Part, SplitInputs
    from dropnorm.study.schema import Study


def predict_references(
    inputs: SplitInputs, study: Study, memory: Path | None = None
) -> pd.DataFrame:
    """Fit the reference models to one split and predict its validation rows, and its test rows.

    They are those that the study's task names, and among them ``linear_network``: one Dense layer
    trained as the study's networks are, from every start. If the study tries configurations of
    gradient boosting, ``tuned_gradient_boosting`` is the best of them on inner training rows.

    Args:
        inputs: Arrays of the split.
        study: Its replicas, training and task.
        memory: Folder of trainings that are known; None knows none.

    Returns:
        Columns ``model``, ``split``, ``start``, ``row``, ``target`` and the predictions in the
        target's own terms; a model that draws no start gives the same for each. A linear network
        that diverged predicts nan. Where the split holds a test part, a column ``part`` says of
        which part a row is. ``model`` and ``part`` are categories.
    """
    train, task = inputs.train, task_of(study)
    parts = {VALIDATION: inputs.validation} | ({TEST: inputs.test} if inputs.test else {})
    held = np.concatenate([part.x for part in parts.values()])
    # Threads that wait for each other in short loops, as OpenMP's do,
    # take a hundred times as long where something else computes on the same cores.
    with limit_threads(study.training.threads or 1):
        fixed = task.fit_references((train.x, train.y), held, inputs.target, study)
        if TUNED_BOOSTING in task.references_of(study):
            fixed[TUNED_BOOSTING] = predict_tuned(inputs, held, study, memory)
    tables = []
    # A text for each row would take more memory than its prediction.
    models = pd.CategoricalDtype(sorted(task.references_of(study)))
    of_part = np.repeat(np.arange(len(parts)), [len(part.rows) for part in parts.values()])
    for model in task.references_of(study):
        for start in range(study.replicas.starts):
            predicted = fixed.get(model)
            if predicted is None:
                predicted = _linear_network(inputs, start, study, memory)
            table = _table(inputs, list(parts.values()), predicted)
            table.insert(0, "model", pd.Series(model, table.index, models))
            table.insert(2, "start", start)
            if inputs.test is not None:
                table["part"] = pd.Categorical.from_codes(of_part, pd.Index(list(parts)))
            tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _table(
    inputs: SplitInputs, parts: Sequence[Part], predictions: npt.NDArray[np.float64]
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "split": inputs.split,
            "row": np.concatenate([part.rows for part in parts]),
            "target": inputs.target.restore(np.concatenate([part.y for part in parts])),
            **inputs.target.table(predictions),
        }
    )


def plan_linear_network(inputs: SplitInputs, start: int, study: Study) -> Job:
    """Return the training of the reference model that is a network without hidden layers."""
    # Layer normalization of the inputs is not linear.
    without_hidden = study.network.model_copy(
        update={"hidden": (), "dropout": Dropout(), "batch_ensemble": None, "layernorm": None}
    )
    linear = study.model_copy(update={"network": without_hidden})
    return Job(linear, Variant.BASELINE, inputs.as_seen_by(study.training), start)


def _linear_network(
    inputs: SplitInputs, start: int, study: Study, memory: Path | None
) -> npt.NDArray[np.float64]:
    """Return predictions of the validation rows, and below them of the test rows."""
    job = plan_linear_network(inputs, start, study)
    begun = take(key_of(*job))
    trained = begun.result() if begun else recall_or_train(*job, lambda _: None, memory)
    outputs = trained.outputs
    if inputs.test is not None:
        network = trained_network(*job, trained)
        outputs = np.concatenate([outputs, predict_rows(network, inputs.test.x)])
    predictions = inputs.target.invert(outputs)
    if trained.diverged_at_epoch is not None:
        return np.full_like(predictions, np.nan)
    return predictions
