"""Classification: the values of the target are names of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dropnorm.errors import BadInputError
from dropnorm.tasks.base import Task
from dropnorm.tasks.metrics import (
    SCORES,
    row_log_losses,
    score_classes,
    training_loss,
)
from dropnorm.tasks.targets import Classes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from dropnorm.study.schema import Study
    from dropnorm.tasks.metrics import Score
    from dropnorm.tasks.targets import FittedTarget

    Floats = npt.NDArray[np.float64]


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
            "val_loss": training_loss(y, constant, study.training.loss),
            "accuracy": training_loss(y, constant, "accuracy"),
        }

    def judge(
        self,
        final_val_loss: float,
        scores: Mapping[str, float | None],
        constant: Mapping[str, float],
    ) -> dict[str, bool]:
        """Tell what is no better than the constant from what only is too sure of itself."""
        lost = final_val_loss >= constant["val_loss"]
        right = (scores["accuracy"] or 0) > constant["accuracy"]
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
