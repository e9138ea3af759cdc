"""Find values that may not be what they look like: marks of missing numbers, and equal words."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from dropnorm.findings import CODES, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from dropnorm.study.schema import Study

# 9 alone is too often an amount.
_NINES = re.compile(r"-9+|99+")
_FEWEST = 2


def check_values(rows: pd.DataFrame, study: Study) -> Iterator[Finding]:
    """Find DN027, numbers that may stand for a missing value, and DN028, words written in two ways.

    Args:
        rows: Checked rows.
        study: Study whose inputs and target are looked at.
    """
    for column in study.numbers:
        yield from _marks(rows[column])
    for column in study.categories:
        yield from _spellings(rows[column])


def _marks(values: pd.Series) -> Iterator[Finding]:
    """Find an extreme value of nines that is far from all others."""
    present = values.dropna()
    for extreme in dict.fromkeys((float(present.min()), float(present.max()))):
        if not _NINES.fullmatch(f"{extreme:.17g}"):
            continue
        others = present[present != extreme]
        count, low, high = len(present) - len(others), float(others.min()), float(others.max())
        if count >= _FEWEST and 0 < high - low < max(low - extreme, extreme - high):
            yield Finding(
                CODES["DN027"],
                f"column '{values.name}'",
                f"{extreme:g} in {count} of {len(values)} rows, all others from {low:g} to"
                f" {high:g}",
                count,
                len(values),
            )


def _spellings(values: pd.Series) -> Iterator[Finding]:
    """Find the most frequent pair of words that are equal but for how they are written."""
    counts = values.value_counts()
    first: dict[str, str] = {}
    for word, count in counts.items():
        other = first.setdefault(_folded(str(word)), str(word))
        if other != word:
            yield Finding(
                CODES["DN028"],
                f"column '{values.name}'",
                f"{other!a} in {counts[other]} rows and {word!a} in {count}",
                int(count),
                len(values),
            )
            return


def _folded(word: str) -> str:
    """Return a word without usual case, invisible characters and repeated blanks."""
    shown = "".join(one for one in word if unicodedata.category(one) != "Cf")
    plain = " ".join(unicodedata.normalize("NFKC", shown).split())
    # hId and hid, or A and a, may be two things.
    usual = plain in (plain.lower(), plain.upper(), plain.capitalize(), plain.title())
    return plain.casefold() if usual and len(plain) > 1 else plain
