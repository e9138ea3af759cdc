"""Categories of new rows: spelt as the training rows had them, and those that no row had."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pandas as pd

from dropnorm.data.validation import to_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dropnorm.data.preprocessing import Preprocessor
    from dropnorm.study.schema import Study

logger = logging.getLogger(__name__)

# Categories named in a message.
_NAMED = 5


def spelt_as_seen(
    rows: pd.DataFrame, preprocessors: Mapping[int, Preprocessor], study: Study, *, numbered: bool
) -> pd.DataFrame:
    """Return rows in which categories have the spelling of the training rows.

    Args:
        rows: As checked; a category that some training row had is left as it is.
        preprocessors: By split.
        study: Says which columns hold categories.
        numbered: Whether categories of digits were numbers when the training rows were read, so
            that 01 was 1; true and false are told in any case.
    """
    found = {}
    for column, seen in _categories(preprocessors, study).items():
        unseen = rows[column][rows[column].notna() & ~rows[column].isin(seen)]
        logical = [name for name in sorted(seen) if name.casefold() in ("true", "false")]
        folded = {name.casefold(): name for name in logical}
        known = unseen.str.casefold().map(folded if len(folded) == len(logical) else {})
        if numbered:
            numbers = to_text(pd.to_numeric(unseen, errors="coerce"))
            known = known.where(known.notna(), numbers.where(numbers.isin(seen)))
        found[column] = known.dropna().astype(object)
    changed = {column: rows[column].copy() for column, known in found.items() if len(known)}
    for column, values in changed.items():
        values.loc[found[column].index] = found[column]
    return rows.assign(**changed)


def tell_unseen(
    rows: pd.DataFrame, preprocessors: Mapping[int, Preprocessor], study: Study
) -> None:
    """Name categories that no training row of any split had: the networks know nothing of them."""
    for column, seen in _categories(preprocessors, study).items():
        present = rows[column].dropna()
        unseen = present[~present.isin(seen)]
        if unseen.empty:
            continue
        names = list(dict.fromkeys(unseen))
        listed = ", ".join(repr(name) for name in names[:_NAMED])
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        logger.warning(
            "column '%s': %d of %d rows have a category that no training row had (%s%s); the"
            " networks can make nothing of it",
            column,
            len(unseen),
            len(rows),
            listed,
            more,
        )


def _categories(preprocessors: Mapping[int, Preprocessor], study: Study) -> dict[str, set[str]]:
    """Return for each column of categories those that the training rows of any split had."""
    from sklearn.pipeline import Pipeline as Steps  # noqa: PLC0415  # takes long

    seen: dict[str, set[str]] = {column: set() for column in study.preprocessing.categories}
    for preprocessor in preprocessors.values():
        for _, transformer, columns in preprocessor["inputs"].transformers_:
            encoder = transformer[-1] if isinstance(transformer, Steps) else transformer
            for column, categories in zip(
                columns, getattr(encoder, "categories_", ()), strict=False
            ):
                seen[column].update(categories)
    return seen
