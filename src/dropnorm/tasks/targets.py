"""What a network learns of the target, and what its outputs say of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dropnorm.errors import BadInputError
from dropnorm.tasks.metrics import log_probabilities

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_TWO = 2


class FittedTarget(ABC):
    """Leads from a target's own values to what a network learns, and back from its outputs."""

    @property
    def outputs(self) -> int:
        """Linear outputs of a network."""
        return 1

    @property
    def activation(self) -> str | None:
        """What makes of these outputs what a saved network tells, if anything does."""
        return None

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Names of the numbers that predict a target."""

    @property
    @abstractmethod
    def suffixes(self) -> tuple[str, ...]:
        """What tells these numbers apart, to be set behind the name of a statistic of them."""

    @abstractmethod
    def apply(self, values: pd.Series) -> Floats:
        """Return what a network learns, shape (n,)."""

    @abstractmethod
    def restore(self, learnt: npt.NDArray[np.floating]) -> npt.NDArray[Any]:
        """Return the target's own values, shape (n,), of what a network learns."""

    @abstractmethod
    def invert(self, outputs: npt.NDArray[np.floating]) -> Floats:
        """Return predictions in the target's own terms, shape (..., columns).

        Args:
            outputs: Of a network, shape (..., outputs).
        """

    def table(self, predictions: Floats) -> dict[str, npt.NDArray[Any]]:
        """Return predictions of shape (n, columns) as the columns of a table."""
        return dict(zip(self.columns, predictions.T, strict=True))

    def named(self, statistic: str, values: Floats) -> dict[str, Floats]:
        """Return a statistic of predictions, shape (n, columns), as the columns of a table."""
        names = [f"{statistic}{suffix}" for suffix in self.suffixes]
        return dict(zip(names, values.T, strict=True))

    def fields(self) -> dict[str, Any]:
        """Return what this was made of: plain values, to be saved."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]  # all are dataclasses


@dataclass(frozen=True)
class TargetScale(FittedTarget):
    """An amount, scaled for the networks: ``(f(target) - mean) / scale``.

    Attributes:
        log1p: Whether f is log(1 + target), or leaves the target as it is.
        mean: In the units of f.
        scale: In the units of f, above 0.
    """

    log1p: bool = False
    mean: float = 0.0
    scale: float = 1.0

    @property
    def columns(self) -> tuple[str, ...]:
        """The amount alone."""
        return ("prediction",)

    @property
    def suffixes(self) -> tuple[str, ...]:
        """None is needed."""
        return ("",)

    def apply(self, values: pd.Series) -> Floats:
        """Return the target in the units of the training."""
        target = values.to_numpy(dtype=np.float64)
        scaled: Floats = ((np.log1p(target) if self.log1p else target) - self.mean) / self.scale
        return scaled

    def restore(self, learnt: npt.NDArray[np.floating]) -> Floats:
        """Return the target in its own units; infinite beyond float64."""
        target = np.asarray(learnt, dtype=np.float64) * self.scale + self.mean
        with np.errstate(over="ignore"):
            return np.expm1(target) if self.log1p else target

    def invert(self, outputs: npt.NDArray[np.floating]) -> Floats:
        """Return predictions in the target's own units; infinite beyond float64."""
        return self.restore(outputs)


# Of a class, in front of its name: the column of its probability.
_PROBABILITY = "probability"


@dataclass(frozen=True)
class Classes(FittedTarget):
    """Names of classes; networks learn their numbers, from 0.

    Attributes:
        labels: At least two, each once; their order is that of the probabilities.
    """

    labels: tuple[str, ...]

    @classmethod
    def among(cls, values: pd.Series) -> Classes:
        """Return the classes there are: in the order of numbers if all are, or else of text."""
        labels = pd.Series(values.unique())
        numbers = pd.to_numeric(labels, errors="coerce")
        order = numbers if numbers.notna().all() else labels
        return cls(tuple(labels[order.sort_values(kind="stable").index]))

    @staticmethod
    def predicted(table: pd.DataFrame) -> tuple[npt.NDArray[np.int64], Floats]:
        """Return a table's targets as numbers of classes, and their probabilities."""
        columns = Classes.columns_of(table)
        labels = [name.removeprefix(f"{_PROBABILITY}_") for name in columns]
        numbers = pd.Index(labels).get_indexer(pd.Index(table["target"]))
        return numbers.astype(np.int64), table[columns].to_numpy(dtype=np.float64)

    @staticmethod
    def columns_of(table: pd.DataFrame) -> list[str]:
        """Return the columns of a table that hold probabilities."""
        return [name for name in table.columns if str(name).startswith(f"{_PROBABILITY}_")]

    @property
    def outputs(self) -> int:
        """One for each class; of two, the second's alone."""
        return 1 if len(self.labels) == _TWO else len(self.labels)

    @property
    def activation(self) -> str:
        """What makes probabilities of logits."""
        return "sigmoid" if self.outputs == 1 else "softmax"

    @property
    def columns(self) -> tuple[str, ...]:
        """A probability for each class."""
        return tuple(f"{_PROBABILITY}{suffix}" for suffix in self.suffixes)

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return tuple(f"_{label}" for label in self.labels)

    def apply(self, values: pd.Series) -> Floats:
        """Return the numbers of classes.

        Raises:
            BadInputError: If a class is none of these.
        """
        numbers = pd.Index(self.labels).get_indexer(pd.Index(values))
        if (numbers < 0).any():
            unknown = values[numbers < 0]
            count = int((unknown == unknown.iloc[0]).sum())
            raise BadInputError(
                f"column '{values.name}', row {unknown.index[0]}: no training row is of the class"
                f" {unknown.iloc[0]!r} ({count} of the other rows"
                f" {'is' if count == 1 else 'are'}), and what no network has seen it cannot"
                " predict; take these rows out of the table, put the class together with another,"
                " or change the split"
            )
        return numbers.astype(np.float64)

    def restore(self, learnt: npt.NDArray[np.floating]) -> npt.NDArray[Any]:
        """Return the names of classes, as text."""
        return np.array(self.labels, dtype=object)[learnt.astype(np.int64)]

    def invert(self, outputs: npt.NDArray[np.floating]) -> Floats:
        """Return probabilities, shape (..., classes), of logits."""
        probabilities: Floats = np.exp(log_probabilities(outputs))
        return probabilities

    def table(self, predictions: Floats) -> dict[str, npt.NDArray[Any]]:
        """Return the most probable class, and the probabilities."""
        likely = self.restore(predictions.argmax(axis=1))
        likely[~np.isfinite(predictions).all(axis=1)] = None
        return {"prediction": likely, **super().table(predictions)}
