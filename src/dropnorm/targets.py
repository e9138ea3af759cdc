"""What a network learns of the target, and what its outputs say of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


class FittedTarget(ABC):
    """Leads from a target's own values to what a network learns, and back from its outputs."""

    @property
    def outputs(self) -> int:
        """Linear outputs of a network."""
        return 1

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Names of the numbers that predict a target."""

    @property
    @abstractmethod
    def suffixes(self) -> tuple[str, ...]:
        """What tells these numbers apart, to be set behind the name of a statistic of them."""

    @abstractmethod
    def apply(self, values: npt.ArrayLike) -> Floats:
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

    def apply(self, values: npt.ArrayLike) -> Floats:
        """Return the target in the units of the training."""
        target = np.asarray(values, dtype=np.float64)
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
