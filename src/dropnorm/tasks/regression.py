"""Regression: the target is a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dropnorm.errors import BadInputError
from dropnorm.tasks.base import Task
from dropnorm.tasks.metrics import SCORES, constant_prediction, score_predictions, training_loss
from dropnorm.tasks.targets import TargetScale

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt
    import pandas as pd
    from sklearn.ensemble import HistGradientBoostingRegressor

    from dropnorm.study.schema import Study
    from dropnorm.tasks.arrays import Arrays, Floats, Rows
    from dropnorm.tasks.metrics import Score
    from dropnorm.tasks.targets import FittedTarget


class Regression(Task):
    """Predict a number."""

    scores = ("mae", "rmse", "r2")
    beside = ("r2",)
    references = ("constant", "least_squares", "linear_network", "gradient_boosting")
    linear = ("least_squares", "linear_network")
    failures = ("collapsed",)

    def error(self, study: Study) -> Score:
        """Return rmse for a squared loss, else mae."""
        return SCORES["rmse" if study.training.loss == "mse" else "mae"]

    def unit(self, study: Study) -> str:
        """Return the target's unit."""
        return study.target.unit

    def loss_unit(self, study: Study) -> str:
        """Return the unit of the divided target, squared for a squared loss; none if scaled."""
        if study.target.scale != "none":
            return ""
        unit, divisor = study.target.unit, study.target.divide_by
        if divisor != 1:
            unit = f"{divisor:g} {unit}".strip()
        return f"{unit}²" if unit and study.training.loss == "mse" else unit

    def fit_target(self, values: pd.Series, number: int, study: Study) -> TargetScale:
        """Fit the scale that the study sets."""
        target = values.to_numpy(dtype=np.float64)
        if target.min() == target.max():
            raise BadInputError(
                f"split {number}: column '{study.target.column}' is {target[0]:g} in all"
                f" {len(target)} training rows, so there is nothing to learn; change the split"
            )
        scaled = self._scale(target, study)
        _refuse_unlearnable(scaled.apply(values), number, study)
        return scaled

    def _scale(self, target: Floats, study: Study) -> TargetScale:
        match study.target.scale:
            case "standardize":
                scale = float(target.std())
                if not scale > 0:
                    raise BadInputError(
                        f"column '{study.target.column}' varies too little to be standardized:"
                        " its standard deviation is 0 in float64; use target.divide_by"
                    )
                return TargetScale(mean=float(target.mean()), scale=scale)
            case "log1p":
                return TargetScale(log1p=True)
            case _:
                return TargetScale(scale=study.target.divide_by)

    def restore_target(self, fields: Mapping[str, Any]) -> TargetScale:
        """Return the saved scale."""
        return TargetScale(**fields)

    def constant(self, y: npt.NDArray[np.floating], target: FittedTarget, study: Study) -> Floats:
        """Return the median or the mean, depending on the loss."""
        training = study.training
        return np.array([constant_prediction(y, training.loss, training.huber_delta)])

    def score(self, table: pd.DataFrame) -> dict[str, float]:
        """Return mae, rmse and r2 in the target's units."""
        return score_predictions(
            table["target"].to_numpy(dtype=np.float64),
            table["prediction"].to_numpy(dtype=np.float64),
        )

    def row_losses(self, table: pd.DataFrame, error: Score) -> pd.Series:
        """Return absolute or squared errors."""
        errors = (table["target"] - table["prediction"]).abs()
        return errors**2 if error.root else errors

    def constant_facts(
        self, y: npt.NDArray[np.floating], constant: Floats, study: Study
    ) -> dict[str, float]:
        """Return the loss of the constant."""
        training = study.training
        loss = training_loss(y, constant, training.loss, training.huber_delta)
        return {"val_loss": loss}

    def judge(
        self,
        val_loss: float,
        scores: Mapping[str, float | None],
        constant: Mapping[str, float],
    ) -> dict[str, bool]:
        """Return whether the training is no better than the constant.

        With a logarithmic target, a finite loss may have an error beyond float64.
        """
        lost = val_loss >= constant["val_loss"]
        return {"collapsed": lost or scores["mae"] is None or scores["rmse"] is None}

    def fit_references(
        self, train: Arrays, held: npt.NDArray[np.float32], target: FittedTarget, study: Study
    ) -> dict[str, Floats]:
        """Fit ordinary least squares, and boosted trees with the study's kind of error."""
        from sklearn.linear_model import LinearRegression  # noqa: PLC0415  # seconds

        x, y = train
        outputs = {
            "constant": np.full(len(held), self.constant(y, target, study)[0]),
            "least_squares": LinearRegression().fit(x, y).predict(held),
            "gradient_boosting": self.boosting(y, study).fit(x, y).predict(held),
        }
        return {name: target.invert(one[:, np.newaxis]) for name, one in outputs.items()}

    def boosting(
        self, y: npt.NDArray[np.floating], study: Study, **options: float
    ) -> HistGradientBoostingRegressor:
        """Return boosted trees with the study's kind of error."""
        from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415  # seconds

        del y
        return HistGradientBoostingRegressor(
            loss="absolute_error" if study.training.loss == "mae" else "squared_error",
            early_stopping=False if "max_iter" in options else "auto",
            random_state=study.training.seed % 2**32,
            **options,
        )

    def boosted(
        self, model: Any, x: npt.NDArray[np.float32], target: FittedTarget
    ) -> Iterator[Floats]:
        """Yield the predictions after each tree."""
        return (target.invert(one[:, np.newaxis]) for one in model.staged_predict(x))

    def explain(self, train: Rows, held: Rows) -> tuple[float, str]:
        """Return R², the explained share of the variance."""
        from sklearn.metrics import r2_score  # noqa: PLC0415
        from sklearn.tree import DecisionTreeRegressor  # noqa: PLC0415

        tree = DecisionTreeRegressor(random_state=0).fit(train[0].to_numpy(), train[1].to_numpy())
        r2 = float(r2_score(held[1].to_numpy(), tree.predict(held[0].to_numpy())))
        return r2, f"R² {r2:.4f}"

    def predicted(self, table: pd.DataFrame) -> list[str]:
        """Return the only column."""
        del table
        return ["prediction"]


# Range of targets whose squares float32 can hold.
_LEAST, _LARGEST = 1e-18, 1e18
# Of the standard deviation: more rounding would be seen in errors.
_MOST_ROUNDING = 1e-3


def _refuse_unlearnable(y: Floats, number: int, study: Study) -> None:
    """Refuse targets that are equal, zero or infinite in float32, or lose digits that matter."""
    largest = float(np.abs(y).max())
    with np.errstate(over="ignore"):
        rounded = y.astype(np.float32)
    distinct = len(np.unique(rounded))
    held = _LEAST <= largest <= _LARGEST
    remedy = "change target.divide_by, or write target.scale: standardize"
    if held and distinct > 1:
        lost = float(np.sqrt(np.mean((rounded - y) ** 2)))
        if lost <= _MOST_ROUNDING * float(y.std()):
            return
        what = (
            f"is rounded by {lost:.2g} in float32, which is much beside its standard deviation of"
            f" {float(y.std()):.2g}"
        )
        # A divisor makes both smaller.
        remedy = "write target.scale: standardize"
    elif held:
        what = f"is {y[0]:g} in all {len(y)} training rows in float32"
    else:
        size = "small" if largest < _LEAST else "large"
        what = f"has values up to {largest:g}, which are too {size} for float32"
    target = study.target
    key = f"divide_by: {target.divide_by:g}" if target.scale == "none" else f"scale: {target.scale}"
    raise BadInputError(
        f"split {number}: with target.{key}, column '{target.column}' {what}; {remedy}"
    )
