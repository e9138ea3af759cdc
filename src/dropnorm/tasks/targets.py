"""Convert targets to training units, and network outputs back to predictions."""

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

    from dropnorm.tasks.arrays import Floats

_TWO = 2


class FittedTarget(ABC):
    """Conversion of a target to training units, and of network outputs to predictions."""

    @property
    def outputs(self) -> int:
        """Number of linear outputs of a network."""
        return 1

    @property
    def activation(self) -> str | None:
        """Activation of the outputs in a saved network, or ``None``."""
        return None

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Names of the predicted numbers."""

    @property
    @abstractmethod
    def suffixes(self) -> tuple[str, ...]:
        """Suffixes of the predicted numbers, for the names of their statistics."""

    @abstractmethod
    def apply(self, values: pd.Series) -> Floats:
        """Convert targets to training units, shape (n,)."""

    @abstractmethod
    def restore(self, learnt: npt.NDArray[np.floating]) -> npt.NDArray[Any]:
        """Convert targets in training units back to their own values, shape (n,)."""

    @abstractmethod
    def invert(self, outputs: npt.NDArray[np.floating]) -> Floats:
        """Convert network outputs to predictions, shape (..., columns).

        Args:
            outputs: Shape (..., outputs).
        """

    def table(self, predictions: Floats) -> dict[str, npt.NDArray[Any]]:
        """Return predictions, shape (n, columns), as the columns of a table."""
        return dict(zip(self.columns, predictions.T, strict=True))

    def named(self, statistic: str, values: Floats) -> dict[str, Floats]:
        """Return a statistic of predictions, shape (n, columns), as the columns of a table."""
        names = [f"{statistic}{suffix}" for suffix in self.suffixes]
        return dict(zip(names, values.T, strict=True))

    def fields(self) -> dict[str, Any]:
        """Return the fields to save, as plain values."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]  # all are dataclasses


@dataclass(frozen=True)
class TargetScale(FittedTarget):
    """Scale of a number: ``(f(target) - mean) / scale``.

    Attributes:
        log1p: Whether f is log(1 + target) and not the identity.
        mean: Mean, in the units of f.
        scale: Scale above 0, in the units of f.
    """

    log1p: bool = False
    mean: float = 0.0
    scale: float = 1.0

    @property
    def columns(self) -> tuple[str, ...]:
        """The prediction."""
        return ("prediction",)

    @property
    def suffixes(self) -> tuple[str, ...]:
        """An empty suffix."""
        return ("",)

    def apply(self, values: pd.Series) -> Floats:
        """Convert targets to training units, shape (n,)."""
        target = values.to_numpy(dtype=np.float64)
        scaled: Floats = ((np.log1p(target) if self.log1p else target) - self.mean) / self.scale
        return scaled

    def restore(self, learnt: npt.NDArray[np.floating]) -> Floats:
        """Convert training units to the target's units; infinite beyond float64."""
        target = np.asarray(learnt, dtype=np.float64) * self.scale + self.mean
        with np.errstate(over="ignore"):
            return np.expm1(target) if self.log1p else target

    def invert(self, outputs: npt.NDArray[np.floating]) -> Floats:
        """Convert outputs to the target's units; infinite beyond float64."""
        return self.restore(outputs)


# Prefix of the columns with the probabilities of the classes.
_PROBABILITY = "probability"


@dataclass(frozen=True)
class Classes(FittedTarget):
    """Names of classes; networks learn their numbers, from 0.

    Attributes:
        labels: At least two distinct names, in the order of the probabilities.
    """

    labels: tuple[str, ...]

    @classmethod
    def among(cls, values: pd.Series) -> Classes:
        """Return the classes of some rows, in numerical order if all are numbers, else sorted."""
        labels = pd.Series(values.unique())
        numbers = pd.to_numeric(labels, errors="coerce")
        order = numbers if numbers.notna().all() else labels
        return cls(tuple(labels[order.sort_values(kind="stable").index]))

    @staticmethod
    def predicted(table: pd.DataFrame) -> tuple[npt.NDArray[np.int64], Floats]:
        """Return a table's targets as class numbers, and its probabilities."""
        columns = Classes.columns_of(table)
        labels = [name.removeprefix(f"{_PROBABILITY}_") for name in columns]
        numbers = pd.Index(labels).get_indexer(pd.Index(table["target"]))
        return numbers.astype(np.int64), table[columns].to_numpy(dtype=np.float64)

    @staticmethod
    def columns_of(table: pd.DataFrame) -> list[str]:
        """Return the columns of a table with probabilities."""
        return [name for name in table.columns if str(name).startswith(f"{_PROBABILITY}_")]

    @property
    def outputs(self) -> int:
        """One output per class, but a single one for two classes."""
        return 1 if len(self.labels) == _TWO else len(self.labels)

    @property
    def activation(self) -> str:
        """Activation that converts logits to probabilities."""
        return "sigmoid" if self.outputs == 1 else "softmax"

    @property
    def columns(self) -> tuple[str, ...]:
        """A probability per class."""
        return tuple(f"{_PROBABILITY}{suffix}" for suffix in self.suffixes)

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return tuple(f"_{label}" for label in self.labels)

    def apply(self, values: pd.Series) -> Floats:
        """Convert class names to class numbers.

        Raises:
            BadInputError: If a class is unknown.
        """
        numbers = pd.Index(self.labels).get_indexer(pd.Index(values))
        if (numbers < 0).any():
            unknown = values[numbers < 0]
            count = int((unknown == unknown.iloc[0]).sum())
            raise BadInputError(
                f"column '{values.name}', row {unknown.index[0]}: no training row has the class"
                f" {unknown.iloc[0]!r} ({count} of the other rows {'has' if count == 1 else 'have'}"
                " it), so the networks cannot predict it; remove these rows from the table, combine"
                " the class with another, or change the split"
            )
        return numbers.astype(np.float64)

    def restore(self, learnt: npt.NDArray[np.floating]) -> npt.NDArray[Any]:
        """Convert class numbers to class names."""
        return np.array(self.labels, dtype=object)[learnt.astype(np.int64)]

    def invert(self, outputs: npt.NDArray[np.floating]) -> Floats:
        """Convert logits to probabilities, shape (..., classes)."""
        probabilities: Floats = np.exp(log_probabilities(outputs))
        return probabilities

    def table(self, predictions: Floats) -> dict[str, npt.NDArray[Any]]:
        """Return the most probable class and the probabilities as columns."""
        likely = self.restore(predictions.argmax(axis=1))
        likely[~np.isfinite(predictions).all(axis=1)] = None
        return {"prediction": likely, **super().table(predictions)}
