"""Classification: the values of the target are names of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dropnorm.errors import BadInputError
from dropnorm.tasks.base import Task
from dropnorm.tasks.metrics import SCORES, row_log_losses, score_classes, training_loss
from dropnorm.tasks.targets import Classes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt
    from sklearn.ensemble import HistGradientBoostingClassifier

    from dropnorm.study.schema import Study
    from dropnorm.tasks.arrays import Arrays, Floats, Rows
    from dropnorm.tasks.metrics import Score
    from dropnorm.tasks.targets import FittedTarget


class Classification(Task):
    """Predict the probabilities of two or more classes."""

    scores = ("log_loss", "accuracy", "auc")
    beside = ("accuracy", "auc")
    references = ("constant", "logistic_regression", "linear_network", "gradient_boosting")
    linear = ("logistic_regression", "linear_network")
    # An overconfident network predicts the classes well, but its log loss exceeds that of the class
    # frequencies. It has not collapsed.
    failures = ("collapsed", "overconfident")

    def error(self, study: Study) -> Score:
        """Return the log loss, which unlike accuracy and AUC is lowest for true probabilities."""
        del study
        return SCORES["log_loss"]

    def unit(self, study: Study) -> str:
        """Return the unit of the log loss."""
        del study
        return "nats"

    def loss_unit(self, study: Study) -> str:
        """Return the unit of the cross-entropy."""
        return self.unit(study)

    def fit_target(self, values: pd.Series, number: int, study: Study) -> Classes:
        """Return the classes of the training rows."""
        target = Classes.among(values)
        if len(target.labels) == 1:
            raise BadInputError(
                f"split {number}: column '{study.target.column}' is {target.labels[0]!r} in all"
                f" {len(values)} training rows, so there is nothing to learn; change the split"
            )
        return target

    def restore_target(self, fields: Mapping[str, Any]) -> Classes:
        """Return the saved classes."""
        return Classes(tuple(fields["labels"]))

    def constant(self, y: npt.NDArray[np.floating], target: FittedTarget, study: Study) -> Floats:
        """Return the logits of the class frequencies."""
        del study
        logs: Floats = np.log(np.bincount(y.astype(np.int64)) / len(y))
        return logs if target.outputs > 1 else logs[1:] - logs[:1]

    def score(self, table: pd.DataFrame) -> dict[str, float]:
        """Return log loss, accuracy and AUC."""
        return score_classes(*Classes.predicted(table))

    def row_losses(self, table: pd.DataFrame, error: Score) -> pd.Series:
        """Return the log loss of each row, in nats."""
        del error
        return pd.Series(row_log_losses(*Classes.predicted(table)), index=table.index)

    def constant_facts(
        self, y: npt.NDArray[np.floating], constant: Floats, study: Study
    ) -> dict[str, float]:
        """Return the loss of the class frequencies, and the share of the most frequent class."""
        return {
            "val_loss": training_loss(y, constant, study.training.loss),
            "accuracy": training_loss(y, constant, "accuracy"),
        }

    def judge(
        self,
        val_loss: float,
        scores: Mapping[str, float | None],
        constant: Mapping[str, float],
    ) -> dict[str, bool]:
        """Distinguish the failures of trainings whose loss is not below that of the constant."""
        lost = val_loss >= constant["val_loss"]
        right = (scores["accuracy"] or 0) > constant["accuracy"]
        return {"collapsed": lost and not right, "overconfident": lost and right}

    def fit_references(
        self, train: Arrays, held: npt.NDArray[np.float32], target: FittedTarget, study: Study
    ) -> dict[str, Floats]:
        """Fit logistic regression on standardized inputs, and boosted trees.

        Both have scikit-learn's defaults, so the logistic regression is regularized.
        """
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  # seconds
        from sklearn.pipeline import make_pipeline  # noqa: PLC0415
        from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

        x, y = train
        logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        constant = np.broadcast_to(self.constant(y, target, study), (len(held), target.outputs))
        return {
            "constant": target.invert(constant),
            "logistic_regression": logistic.fit(x, y).predict_proba(held),
            "gradient_boosting": self.boosting(y, study).fit(x, y).predict_proba(held),
        }

    def boosting(
        self, y: npt.NDArray[np.floating], study: Study, **options: float
    ) -> HistGradientBoostingClassifier:
        """Return boosted trees for the log loss."""
        from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415  # seconds

        # Early stopping holds back rows of each class, so each class needs two.
        may_stop = "max_iter" not in options and np.bincount(y.astype(np.int64)).min() > 1
        return HistGradientBoostingClassifier(
            early_stopping="auto" if may_stop else False,
            random_state=study.training.seed % 2**32,
            **options,
        )

    def boosted(
        self, model: Any, x: npt.NDArray[np.float32], target: FittedTarget
    ) -> Iterator[Floats]:
        """Yield the probabilities after each iteration; 0 for a class without training rows."""
        known = model.classes_.astype(np.int64)
        for one in model.staged_predict_proba(x):
            probabilities = np.zeros((len(x), len(target.suffixes)))
            probabilities[:, known] = one
            yield probabilities

    def explain(self, train: Rows, held: Rows) -> tuple[float, str]:
        """Return the share of mistakes avoided compared with the most frequent class.

        This is Goodman and Kruskal's lambda (1954, "Measures of association for cross
        classifications", Journal of the American Statistical Association 49).
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
