"""Piecewise-linear encoding of numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt


class PiecewiseLinearEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # untyped
    """Encode each number column as one input per bin of its values.

    The input of a bin is 1 if the value is above the bin, 0 if it is below, and the share of the
    bin below the value if it is inside. The first and last bin extend beyond the fitted range.
    See Gorishniy, Rubachev and Babenko 2022, "On embeddings for numerical features in tabular deep
    learning", section 3.2. Bins are quantiles; repeated values reduce their number, and a constant
    column has one bin.

    Args:
        bins: The most bins of a column, at least 1.

    Attributes:
        edges_: Edges of the bins of each column, ascending.
    """

    edges_: list[npt.NDArray[np.float64]]

    def __init__(self, bins: int = 16) -> None:
        self.bins = bins

    def fit(self, X: Any, y: object = None) -> PiecewiseLinearEncoder:  # noqa: N803
        """Find the bin edges from X, shape (rows, columns), finite."""
        values = validate_data(self, X, dtype=np.float64)
        shares = np.linspace(0, 1, self.bins + 1)
        edges = [np.unique(np.quantile(column, shares)) for column in values.T]
        self.edges_ = [one if len(one) > 1 else np.array([one[0], one[0] + 1]) for one in edges]
        return self

    def transform(self, X: Any) -> npt.NDArray[np.float64]:  # noqa: N803
        """Encode X, shape (rows, columns), as an array of shape (rows, bins of all columns)."""
        check_is_fitted(self)
        values = validate_data(self, X, dtype=np.float64, reset=False)
        return np.hstack(
            [_encode(column, edges) for column, edges in zip(values.T, self.edges_, strict=True)]
        )

    def get_feature_names_out(self, input_features: Sequence[str] | None = None) -> Any:
        """Return the names of the inputs: the column's name and the number of the bin, from 1."""
        check_is_fitted(self)
        names = (
            getattr(self, "feature_names_in_", None) if input_features is None else input_features
        )
        if names is None:
            names = [f"x{number}" for number in range(len(self.edges_))]
        return np.array(
            [
                f"{name}_bin_{number}"
                for name, edges in zip(names, self.edges_, strict=True)
                for number in range(1, len(edges))
            ],
            dtype=object,
        )


def _encode(
    column: npt.NDArray[np.float64], edges: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    share = (column[:, np.newaxis] - edges[:-1]) / np.diff(edges)
    share[:, 1:] = np.maximum(share[:, 1:], 0)
    share[:, :-1] = np.minimum(share[:, :-1], 1)
    return share
