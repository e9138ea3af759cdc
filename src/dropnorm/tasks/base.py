"""What depends on the task of a study: the interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

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
        """Return what the constant reaches on rows: ``val_loss``, and what else counts.

        Args:
            y: What networks learn, of validation rows.
            constant: Its outputs.
            study: Says which loss.
        """

    @abstractmethod
    def judge(
        self,
        final_val_loss: float,
        scores: Mapping[str, float | None],
        constant: Mapping[str, float],
    ) -> dict[str, bool]:
        """Say of a training that stayed finite which of ``failures`` it is.

        Args:
            final_val_loss: Of its last epoch.
            scores: Of its validation rows, by name; None where undefined.
            constant: As :meth:`constant_facts` returns it.
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
