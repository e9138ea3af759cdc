"""Numbers of new rows, and predictions of them, that are unlike those of the training rows."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

import numpy as np

from dropnorm.data.inspection.column_kinds import between

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from dropnorm.data.preprocessing import Preprocessor
    from dropnorm.study.schema import Study

logger = logging.getLogger(__name__)

# Share of the rows that may be outside, and by which share of the range: of rows like the training
# rows, a few are, and mostly not far.
_FEW, _NEAR = 0.05, 0.1
# Columns named in a message each.
_NAMED = 5


def tell_far_inputs(
    rows: pd.DataFrame, preprocessors: Mapping[int, Preprocessor], study: Study
) -> None:
    """Warn of columns whose numbers are outside those of the training rows of all splits.

    More than 5 % of the rows are outside by more than a tenth of the range of the training rows, or
    one by more than the range.

    Args:
        rows: As checked.
        preprocessors: By split; earlier versions of this project did not save what they had seen.
        study: Says which columns hold numbers.
    """
    ranges = _ranges(preprocessors)
    told = []
    for column in study.preprocessing.numbers:
        values = rows[column].dropna()
        if column in ranges and (outside := _count_outside(values, *ranges[column])):
            told.append((column, outside, values))
    for column, outside, values in told[:_NAMED]:
        logger.warning(
            "column '%s': %d of %d rows have a value outside those of the training rows (%s; here"
            " %s); the networks have not learnt from such values: check the unit, and do not rely"
            " on these predictions",
            column,
            outside,
            len(rows),
            _written(ranges[column]),
            _written((values.min(), values.max())),
        )
    if len(told) > _NAMED:
        more = ", ".join(f"'{column}'" for column, *_ in told[_NAMED:])
        logger.warning("the same holds for the columns %s", more)


def tell_far_predictions(
    predictions: pd.Series, preprocessors: Mapping[int, Preprocessor], study: Study
) -> None:
    """Warn of predicted amounts that are outside the targets of the training rows of all splits.

    As of inputs, more than 5 % are by more than a tenth of the range, or one by more than it.
    """
    seen = _ranges(preprocessors).get(study.target.column)
    if seen is None or not (outside := _count_outside(predictions, *seen)):
        return
    logger.warning(
        "%d of %d predictions are outside the targets of the training rows (%s; here %s); do not"
        " rely on them",
        outside,
        len(predictions),
        _written(seen),
        _written((predictions.min(), predictions.max())),
    )


def _ranges(preprocessors: Mapping[int, Preprocessor]) -> dict[str, tuple[float, float]]:
    """Return the least and the largest value of each column in the training rows of any split."""
    found: dict[str, tuple[float, float]] = {}
    for one in preprocessors.values():
        for column, (low, high) in one.get("ranges", {}).items():
            least, largest = found.get(column, (low, high))
            found[column] = float(min(low, least)), float(max(high, largest))
    return found


def _count_outside(values: pd.Series, low: float, high: float) -> int:
    """Return how many values are outside a range; 0 if few are, or none far from it."""
    numbers = values.to_numpy(dtype=np.float64)
    with np.errstate(over="ignore"):
        beyond = np.maximum(low - numbers, numbers - high)
    many = (beyond > _NEAR * (high - low)).sum() > _FEW * len(numbers)
    return int((beyond > 0).sum()) if many or (beyond > high - low).any() else 0


def _written(ends: Iterable[float]) -> str:
    low, high = map(float, ends)
    if low == high:
        return f"{low:g}"
    # The prediction of a logarithm may be infinite in the target's own units.
    return between(low, high) if math.isfinite(high - low) else f"from {low:g} to {high:g}"
