"""Models that a network must beat to be worth having, on the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dropnorm.evaluation.tuned_boosting import predict_tuned
from dropnorm.study.network import Dropout
from dropnorm.study.variants import Variant
from dropnorm.tasks.base import TUNED_BOOSTING
from dropnorm.tasks.registry import task_of
from dropnorm.training.cache import recall_or_train

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from dropnorm.data.preprocessing import SplitInputs
    from dropnorm.study.schema import Study


def predict_references(
    inputs: SplitInputs, study: Study, memory: Path | None = None
) -> pd.DataFrame:
    """Fit the reference models to one split and predict its validation rows.

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
        that diverged predicts nan.
    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415  # only where it is needed

    train, held = inputs.train, inputs.validation
    task = task_of(study)
    # Threads that wait for each other in short loops, as OpenMP's do,
    # take a hundred times as long where something else computes on the same cores.
    with threadpool_limits(study.training.threads or 1):
        fixed = task.fit_references((train.x, train.y), held.x, inputs.target, study)
        if TUNED_BOOSTING in task.references_of(study):
            fixed[TUNED_BOOSTING] = predict_tuned(inputs, study)
    return pd.concat(
        [
            _table(inputs, model, start, fixed.get(model), study, memory)
            for model in task.references_of(study)
            for start in range(study.replicas.starts)
        ],
        ignore_index=True,
    )


def _table(
    inputs: SplitInputs,
    model: str,
    start: int,
    fixed: npt.NDArray[np.float64] | None,
    study: Study,
    memory: Path | None,
) -> pd.DataFrame:
    predictions = _linear_network(inputs, start, study, memory) if fixed is None else fixed
    return pd.DataFrame(
        {
            "model": model,
            "split": inputs.split,
            "start": start,
            "row": inputs.validation.rows,
            "target": inputs.target.restore(inputs.validation.y),
            **inputs.target.table(predictions),
        }
    )


def _linear_network(
    inputs: SplitInputs, start: int, study: Study, memory: Path | None
) -> npt.NDArray[np.float64]:
    without_hidden = study.network.model_copy(update={"hidden": (), "dropout": Dropout()})
    linear = study.model_copy(update={"network": without_hidden})
    trained = recall_or_train(
        linear, Variant.BASELINE, inputs.as_seen_by(study.training), start, lambda _: None, memory
    )
    predictions = inputs.target.invert(trained.outputs)
    if trained.diverged_at_epoch is not None:
        return np.full_like(predictions, np.nan)
    return predictions
