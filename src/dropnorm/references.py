"""Models that a network must beat to be worth having, on the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dropnorm.memory import recall_or_train
from dropnorm.scores import constant_prediction
from dropnorm.study import Dropout, Variant

if TYPE_CHECKING:
    import numpy.typing as npt

    from dropnorm.preprocessing import SplitInputs
    from dropnorm.study import Study

# In the order of tables and plots.
MODELS = ("constant", "least_squares", "linear_network", "gradient_boosting")


def predict_references(inputs: SplitInputs, study: Study) -> pd.DataFrame:
    """Fit the reference models to one split and predict its validation rows.

    - ``constant``: median of the training targets, or their mean, as the loss asks;
    - ``least_squares``: ordinary least squares;
    - ``linear_network``: one Dense(1) trained as the study's networks are, from every start;
    - ``gradient_boosting``: scikit-learn's ``HistGradientBoostingRegressor`` with its defaults, on
      absolute or squared errors as the loss asks.

    Returns:
        Columns ``model``, ``split``, ``start``, ``row``, ``target``, ``prediction`` in the target's
        own units; a model that draws no start gives the same for each. A linear network that
        diverged predicts nan.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415  # takes seconds
    from sklearn.linear_model import LinearRegression  # noqa: PLC0415

    train, held = inputs.train, inputs.validation
    training = study.training
    squared = training.loss != "mae"
    boosting = HistGradientBoostingRegressor(
        loss="squared_error" if squared else "absolute_error",
        random_state=training.seed % 2**32,
    )
    constant = constant_prediction(train.y, training.loss, training.huber_delta)
    fixed = {
        "constant": np.full(len(held.rows), constant),
        "least_squares": LinearRegression().fit(train.x, train.y).predict(held.x),
        "gradient_boosting": boosting.fit(train.x, train.y).predict(held.x),
    }
    return pd.concat(
        [
            _table(inputs, model, start, fixed.get(model), study)
            for model in MODELS
            for start in range(study.replicas.starts)
        ],
        ignore_index=True,
    )


def _table(
    inputs: SplitInputs,
    model: str,
    start: int,
    fixed: npt.NDArray[np.floating] | None,
    study: Study,
) -> pd.DataFrame:
    scaled = _linear_network(inputs, start, study) if fixed is None else fixed
    return pd.DataFrame(
        {
            "model": model,
            "split": inputs.split,
            "start": start,
            "row": inputs.validation.rows,
            "target": inputs.target.invert(inputs.validation.y),
            "prediction": inputs.target.invert(scaled),
        }
    )


def _linear_network(inputs: SplitInputs, start: int, study: Study) -> npt.NDArray[np.float64]:
    without_hidden = study.network.model_copy(update={"hidden": (), "dropout": Dropout()})
    linear = study.model_copy(update={"network": without_hidden})
    trained = recall_or_train(linear, Variant.BASELINE, inputs, start, lambda _: None)
    if trained.diverged_at_epoch is not None:
        return np.full(len(inputs.validation.rows), np.nan)
    return trained.predictions
