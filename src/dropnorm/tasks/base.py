"""What a study asks of its target, and how good an answer is: all that depends on the task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from dropnorm.errors import BadInputError
from dropnorm.tasks.metrics import (
    SCORES,
    constant_prediction,
    row_log_losses,
    score_classes,
    score_predictions,
    training_loss,
)
from dropnorm.tasks.targets import Classes, TargetScale

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from dropnorm.study.schema import Study
    from dropnorm.tasks.metrics import Score
    from dropnorm.tasks.targets import FittedTarget

    Floats = npt.NDArray[np.float64]


class Task(ABC):
    """One way to ask for a target.

    Tables of predictions have a column ``target`` and those that the fitted target names.

    Attributes:
        scores: Names of what is measured, in the order of tables.
        beside: Those that are shown beside the error.
        references: Names of the reference models, in the order of tables and plots.
        linear: Those of them that have no hidden layer and no tree.
        failures: What can be wrong with a training that stayed finite, as :meth:`judge` says it.
    """

    scores: ClassVar[tuple[str, ...]]
    beside: ClassVar[tuple[str, ...]]
    references: ClassVar[tuple[str, ...]]
    linear: ClassVar[tuple[str, ...]]
    failures: ClassVar[tuple[str, ...]]

    @abstractmethod
    def error(self, study: Study) -> Score:
        """Return the score that the answer is about; less is better."""

    @abstractmethod
    def unit(self, study: Study) -> str:
        """Return the unit of the error, or nothing."""

    @abstractmethod
    def loss_unit(self, study: Study) -> str:
        """Return the unit of the training's loss, or nothing."""

    @abstractmethod
    def fit_target(self, values: pd.Series, number: int, study: Study) -> FittedTarget:
        """Fit what leads to the numbers that networks learn.

        Args:
            values: Targets of the training rows of one split.
            number: Of the split.
            study: Says what is done to the target.

        Raises:
            BadInputError: If these rows give nothing to learn.
        """

    @abstractmethod
    def restore_target(self, fields: Mapping[str, Any]) -> FittedTarget:
        """Make a fitted target of the fields that were saved."""

    @abstractmethod
    def constant(self, y: npt.NDArray[np.floating], target: FittedTarget, study: Study) -> Floats:
        """Return the outputs, shape (outputs,), with the least training loss that know no input.

        Args:
            y: What networks learn, shape (n,).
            target: Fitted to the same rows.
            study: Says which loss.
        """

    @abstractmethod
    def score(self, table: pd.DataFrame) -> dict[str, float]:
        """Score a table of predictions: one number for each of ``scores``, nan where undefined."""

    @abstractmethod
    def row_losses(self, table: pd.DataFrame, error: Score) -> pd.Series:
        """Return what each row of a table of predictions adds to the error."""

    @abstractmethod
    def constant_facts(
        self, y: npt.NDArray[np.floating], constant: Floats, study: Study
    ) -> dict[str, float]:
        """Return what the constant reaches on rows: ``constant_val_loss``, and what else counts.

        Args:
            y: What networks learn, of validation rows.
            constant: Its outputs.
            study: Says which loss.
        """

    @abstractmethod
    def judge(self, measured: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, bool]:
        """Say of a training that stayed finite which of ``failures`` it is.

        Args:
            measured: Its ``final_val_loss`` and scores.
            facts: As :meth:`constant_facts` returns them.
        """

    @abstractmethod
    def fit_references(
        self,
        train: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
        held: npt.NDArray[np.float32],
        target: FittedTarget,
        study: Study,
    ) -> dict[str, Floats]:
        """Fit the reference models that draw no start, and predict.

        Args:
            train: Inputs, shape (n, inputs), and what networks learn, shape (n,).
            held: Inputs to predict from.
            target: Fitted to the training rows.
            study: Says which loss.

        Returns:
            Predictions in the target's own terms, shape (rows, columns), by model.
        """

    @abstractmethod
    def explain(
        self,
        train: tuple[pd.DataFrame, pd.Series],
        held: tuple[pd.DataFrame, pd.Series],
    ) -> tuple[float, str]:
        """Fit a decision tree to a few columns, and say how much of the target it tells.

        Args:
            train: Inputs and targets of the rows it is fitted to.
            held: Those of the rows it is scored on, with more than one target.

        Returns:
            The share, at most 1, and the same in words.
        """

    def committee(self, members: pd.DataFrame) -> pd.DataFrame:
        """Return a table of the mean predictions by row."""
        by_row = members.groupby("row")
        return by_row[self.predicted(members)].mean().assign(target=by_row["target"].first())

    @abstractmethod
    def predicted(self, table: pd.DataFrame) -> list[str]:
        """Return the columns of a table that hold the numbers of its predictions."""


class Regression(Task):
    """An amount is asked for."""

    scores = ("mae", "rmse", "r2")
    beside = ("r2",)
    references = ("constant", "least_squares", "linear_network", "gradient_boosting")
    linear = ("least_squares", "linear_network")
    failures = ("collapsed",)

    def error(self, study: Study) -> Score:
        """Return rmse where the loss is squared, else mae."""
        return SCORES["rmse" if study.training.loss == "mse" else "mae"]

    def unit(self, study: Study) -> str:
        """Return the target's unit."""
        return study.target.unit

    def loss_unit(self, study: Study) -> str:
        """Return the target's unit, as it is divided, and squared if the loss is."""
        unit, divisor = study.target.unit, study.target.divide_by
        if divisor != 1:
            unit = f"{divisor:g} {unit}".strip()
        return f"{unit}²" if unit and study.training.loss == "mse" else unit

    def fit_target(self, values: pd.Series, number: int, study: Study) -> TargetScale:
        """Scale the target as the study says."""
        target = values.to_numpy(dtype=np.float64)
        if target.min() == target.max():
            raise BadInputError(
                f"split {number}: column '{study.target.column}' is {target[0]:g} in all"
                f" {len(target)} training rows: there is nothing to learn; change the split"
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
        """Make the scale that was saved."""
        return TargetScale(**fields)

    def constant(self, y: npt.NDArray[np.floating], target: FittedTarget, study: Study) -> Floats:
        """Return the median, or the mean, as the loss asks."""
        training = study.training
        return np.array([constant_prediction(y, training.loss, training.huber_delta)])

    def score(self, table: pd.DataFrame) -> dict[str, float]:
        """Score in the target's units."""
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
        """Return the constant's loss."""
        training = study.training
        loss = training_loss(y, constant, training.loss, training.huber_delta)
        return {"constant_val_loss": loss}

    def judge(self, measured: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, bool]:
        """Call collapsed what ended no better than the constant."""
        return {"collapsed": measured["final_val_loss"] >= facts["constant_val_loss"]}

    def fit_references(
        self,
        train: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
        held: npt.NDArray[np.float32],
        target: FittedTarget,
        study: Study,
    ) -> dict[str, Floats]:
        """Fit ordinary least squares, and boosted trees on the errors that the loss asks for."""
        from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415  # seconds
        from sklearn.linear_model import LinearRegression  # noqa: PLC0415

        x, y = train
        boosting = HistGradientBoostingRegressor(
            loss="absolute_error" if study.training.loss == "mae" else "squared_error",
            random_state=study.training.seed % 2**32,
        )
        outputs = {
            "constant": np.full(len(held), self.constant(y, target, study)[0]),
            "least_squares": LinearRegression().fit(x, y).predict(held),
            "gradient_boosting": boosting.fit(x, y).predict(held),
        }
        return {name: target.invert(one[:, np.newaxis]) for name, one in outputs.items()}

    def explain(
        self,
        train: tuple[pd.DataFrame, pd.Series],
        held: tuple[pd.DataFrame, pd.Series],
    ) -> tuple[float, str]:
        """Return the share of the variance."""
        from sklearn.metrics import r2_score  # noqa: PLC0415
        from sklearn.tree import DecisionTreeRegressor  # noqa: PLC0415

        tree = DecisionTreeRegressor(random_state=0).fit(train[0].to_numpy(), train[1].to_numpy())
        r2 = float(r2_score(held[1].to_numpy(), tree.predict(held[0].to_numpy())))
        return r2, f"R² {r2:.4f}"

    def predicted(self, table: pd.DataFrame) -> list[str]:
        """Return the one column of amounts."""
        del table
        return ["prediction"]


class Classification(Task):
    """A class is asked for, of two or more; answers are probabilities."""

    scores = ("log_loss", "accuracy", "auc")
    beside = ("accuracy", "auc")
    references = ("constant", "logistic_regression", "linear_network", "gradient_boosting")
    linear = ("logistic_regression", "linear_network")
    # A network can know the classes and be far too sure of them: its log loss is then worse than
    # that of their frequencies, though it has not collapsed to them.
    failures = ("collapsed", "overconfident")

    def error(self, study: Study) -> Score:
        """Return the log loss: unlike accuracy and AUC it asks for honest probabilities."""
        del study
        return SCORES["log_loss"]

    def unit(self, study: Study) -> str:
        """Return that of the log loss."""
        del study
        return "nats"

    def loss_unit(self, study: Study) -> str:
        """Return that of the cross-entropy."""
        return self.unit(study)

    def fit_target(self, values: pd.Series, number: int, study: Study) -> Classes:
        """Take the classes that these rows have."""
        target = Classes.among(values)
        if len(target.labels) == 1:
            raise BadInputError(
                f"split {number}: column '{study.target.column}' is {target.labels[0]!r} in all"
                f" {len(values)} training rows: there is nothing to learn; change the split"
            )
        return target

    def restore_target(self, fields: Mapping[str, Any]) -> Classes:
        """Make the classes that were saved."""
        return Classes(tuple(fields["labels"]))

    def constant(self, y: npt.NDArray[np.floating], target: FittedTarget, study: Study) -> Floats:
        """Return the logits of the classes' frequencies."""
        del study
        logs: Floats = np.log(np.bincount(y.astype(np.int64)) / len(y))
        return logs if target.outputs > 1 else logs[1:] - logs[:1]

    def score(self, table: pd.DataFrame) -> dict[str, float]:
        """Score probabilities."""
        return score_classes(*Classes.predicted(table))

    def row_losses(self, table: pd.DataFrame, error: Score) -> pd.Series:
        """Return what each row adds to the log loss, in nats."""
        del error
        return pd.Series(row_log_losses(*Classes.predicted(table)), index=table.index)

    def constant_facts(
        self, y: npt.NDArray[np.floating], constant: Floats, study: Study
    ) -> dict[str, float]:
        """Return the loss of the classes' frequencies, and the share of the most frequent class."""
        return {
            "constant_val_loss": training_loss(y, constant, study.training.loss),
            "constant_accuracy": training_loss(y, constant, "accuracy"),
        }

    def judge(self, measured: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, bool]:
        """Tell what is no better than the constant from what only is too sure of itself."""
        lost = measured["final_val_loss"] >= facts["constant_val_loss"]
        right = (measured["validation_accuracy"] or 0) > facts["constant_accuracy"]
        return {"collapsed": lost and not right, "overconfident": lost and right}

    def fit_references(
        self,
        train: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]],
        held: npt.NDArray[np.float32],
        target: FittedTarget,
        study: Study,
    ) -> dict[str, Floats]:
        """Fit logistic regression on standardized inputs, and boosted trees.

        Both are scikit-learn's with its defaults: the logistic regression shrinks its weights.
        """
        from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415  # seconds
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
        from sklearn.pipeline import make_pipeline  # noqa: PLC0415
        from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

        x, y = train
        logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        boosting = HistGradientBoostingClassifier(
            # Of many rows it holds some back by class, which takes two of each.
            early_stopping="auto" if np.bincount(y.astype(np.int64)).min() > 1 else False,
            random_state=study.training.seed % 2**32,
        )
        constant = np.broadcast_to(self.constant(y, target, study), (len(held), target.outputs))
        return {
            "constant": target.invert(constant),
            "logistic_regression": logistic.fit(x, y).predict_proba(held),
            "gradient_boosting": boosting.fit(x, y).predict_proba(held),
        }

    def explain(
        self,
        train: tuple[pd.DataFrame, pd.Series],
        held: tuple[pd.DataFrame, pd.Series],
    ) -> tuple[float, str]:
        """Return which share of its mistakes spares who would name the most frequent class.

        Goodman and Kruskal's lambda (1954, "Measures of association for cross classifications",
        Journal of the American Statistical Association 49).
        """
        from sklearn.tree import DecisionTreeClassifier  # noqa: PLC0415

        tree = DecisionTreeClassifier(random_state=0).fit(train[0].to_numpy(), train[1].to_numpy())
        wrong = float(np.mean(tree.predict(held[0].to_numpy()) != held[1].to_numpy()))
        mistakes = float(np.mean(held[1] != train[1].mode().iloc[0]))
        share = 1 - wrong / mistakes if mistakes else 0.0
        return share, f"{100 * (1 - wrong):.4g} % of the classes are right"

    def predicted(self, table: pd.DataFrame) -> list[str]:
        """Return the columns of probabilities."""
        return Classes.columns_of(table)


# Networks compute in float32, and losses in squares of their numbers.
_LEAST, _LARGEST = 1e-18, 1e18


def _refuse_unlearnable(y: Floats, number: int, study: Study) -> None:
    """Refuse amounts that the networks' float32 makes one number, zeros or infinities of."""
    largest = float(np.abs(y).max())
    with np.errstate(over="ignore"):
        distinct = len(np.unique(y.astype(np.float32)))
    if _LEAST <= largest <= _LARGEST and distinct > 1:
        return
    target = study.target
    key = f"divide_by: {target.divide_by:g}" if target.scale == "none" else f"scale: {target.scale}"
    if distinct == 1 and _LEAST <= largest <= _LARGEST:
        what = f"{y[0]:g} in all {len(y)} training rows, which float32 cannot tell apart"
    else:
        size = "small" if largest < _LEAST else "large"
        what = f"amounts up to {largest:g}, too {size} for their float32"
    raise BadInputError(
        f"split {number}: with target.{key} the networks see of column '{target.column}' {what};"
        " change target.divide_by, or write target.scale: standardize"
    )


TASKS: dict[str, Task] = {"regression": Regression(), "classification": Classification()}


def task_of(study: Study) -> Task:
    """Return what a study asks of its target."""
    return TASKS[study.task]
