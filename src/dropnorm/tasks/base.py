"""Interface of the tasks, regression and classification."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    from dropnorm.study.schema import Study
    from dropnorm.tasks.arrays import Arrays, Floats, Rows
    from dropnorm.tasks.metrics import Score
    from dropnorm.tasks.targets import FittedTarget


# Reference model of studies that try configurations of gradient boosting.
TUNED_BOOSTING = "tuned_gradient_boosting"


class Task(ABC):
    """The parts of a study that depend on its task.

    Tables of predictions have a column ``target`` and the columns of the fitted target.

    Attributes:
        scores: Names of the scores, in the order of tables.
        beside: Names of the scores to show beside the error.
        references: Names of the reference models that all studies have, in the order of tables
            and plots.
        linear: Names of the linear reference models.
        failures: Names of the failures of finite trainings, as in :meth:`judge`.
    """

    scores: ClassVar[tuple[str, ...]]
    beside: ClassVar[tuple[str, ...]]
    references: ClassVar[tuple[str, ...]]
    linear: ClassVar[tuple[str, ...]]
    failures: ClassVar[tuple[str, ...]]

    def references_of(self, study: Study) -> tuple[str, ...]:
        """Return the names of a study's reference models, in the order of tables and plots."""
        return (*self.references, *([TUNED_BOOSTING] if study.references.boosting_trials else []))

    @abstractmethod
    def error(self, study: Study) -> Score:
        """Return the score that the answer compares; lower is better."""

    @abstractmethod
    def unit(self, study: Study) -> str:
        """Return the unit of the error, or an empty text."""

    @abstractmethod
    def loss_unit(self, study: Study) -> str:
        """Return the unit of the training loss, or an empty text."""

    @abstractmethod
    def fit_target(self, values: pd.Series, number: int, study: Study) -> FittedTarget:
        """Fit the conversion of the target to training units.

        Args:
            values: Targets of the training rows of one split.
            number: Number of the split.
            study: Study with the options of the target.

        Raises:
            BadInputError: If the targets are constant or cannot be scaled.
        """

    @abstractmethod
    def restore_target(self, fields: Mapping[str, Any]) -> FittedTarget:
        """Return a fitted target with saved fields."""

    @abstractmethod
    def constant(self, y: npt.NDArray[np.floating], target: FittedTarget, study: Study) -> Floats:
        """Return the constant outputs with the lowest training loss, shape (outputs,).

        Args:
            y: Targets in training units, shape (n,).
            target: Target fitted to the same rows.
            study: Study with the loss.
        """

    @abstractmethod
    def score(self, table: pd.DataFrame) -> dict[str, float]:
        """Return each of ``scores`` of a table of predictions, nan if it is not defined."""

    @abstractmethod
    def row_losses(self, table: pd.DataFrame, error: Score) -> pd.Series:
        """Return the contribution of each row of a table of predictions to the error."""

    @abstractmethod
    def constant_facts(
        self, y: npt.NDArray[np.floating], constant: Floats, study: Study
    ) -> dict[str, float]:
        """Return the scores of the constant that :meth:`judge` needs, such as ``val_loss``.

        Args:
            y: Targets of the validation rows in training units.
            constant: Outputs of the constant.
            study: Study with the loss.
        """

    @abstractmethod
    def judge(
        self,
        val_loss: float,
        scores: Mapping[str, float | None],
        constant: Mapping[str, float],
    ) -> dict[str, bool]:
        """Return which of ``failures`` apply to a finite training.

        Args:
            val_loss: Validation loss of the network that is kept.
            scores: Scores of the validation rows by name; ``None`` if not defined.
            constant: Scores of the constant, from :meth:`constant_facts`.
        """

    @abstractmethod
    def fit_references(
        self, train: Arrays, held: npt.NDArray[np.float32], target: FittedTarget, study: Study
    ) -> dict[str, Floats]:
        """Fit the reference models that have no random start, and predict.

        Args:
            train: Inputs, shape (n, inputs), and targets in training units, shape (n,).
            held: Inputs to predict from.
            target: Target fitted to the training rows.
            study: Study with the loss and the seed.

        Returns:
            Predictions by model, shape (rows, columns), in the target's own units.
        """

    @abstractmethod
    def boosting(
        self, y: npt.NDArray[np.floating], study: Study, **options: float
    ) -> HistGradientBoostingRegressor | HistGradientBoostingClassifier:
        """Return gradient boosting for the study's error, not fitted.

        Args:
            y: Targets that it will be fitted to.
            study: Study with the loss and the seed.
            options: Options of the model. With ``max_iter``, all iterations are made; without,
                scikit-learn decides whether to stop early.
        """

    @abstractmethod
    def boosted(
        self, model: Any, x: npt.NDArray[np.float32], target: FittedTarget
    ) -> Iterator[Floats]:
        """Yield the predictions of fitted boosting after each iteration, as for references."""

    @abstractmethod
    def explain(self, train: Rows, held: Rows) -> tuple[float, str]:
        """Fit a decision tree, and measure how much of the target it explains.

        Args:
            train: Inputs and targets to fit the tree to.
            held: Inputs and targets to score it on, with more than one distinct target.

        Returns:
            The explained share, at most 1, and a description of it.
        """

    def committee(self, members: pd.DataFrame) -> pd.DataFrame:
        """Return the mean of several models' predictions for each row."""
        by_row = members.groupby("row")
        return by_row[self.predicted(members)].mean().assign(target=by_row["target"].first())

    @abstractmethod
    def predicted(self, table: pd.DataFrame) -> list[str]:
        """Return the columns of a table of predictions that hold numbers."""
