"""Recognize texts that are amounts with several readings: durations or times, mixed percents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dropnorm.errors import shorten

if TYPE_CHECKING:
    import pandas as pd

# Share of texts that must be written so.
_NEARLY_ALL = 0.95
_CLOCK = re.compile(r"\s*(-?)(\d{1,3})((?::[0-5]\d){1,2})([.,]\d+)?\s*")
_NUMBER = r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)"
_PERCENT = re.compile(rf"\s*{_NUMBER}\s?%\s*")
_PLAIN = re.compile(rf"\s*{_NUMBER}\s*")
_HOURS_OF_A_DAY = 24
_LOOKED_AT = 2000


def tell_clock(texts: pd.Series) -> str:
    """Return what texts such as 3:25 may be and what to do about them, or an empty text.

    They are durations if a first part is 24 or more, or if one is negative; otherwise they may be
    times of day.

    Args:
        texts: Values without missing ones, at least one.
    """
    some = texts.iloc[:_LOOKED_AT]
    found = [match for text in some if (match := _CLOCK.fullmatch(text))]
    if len(found) < _NEARLY_ALL * len(some):
        return ""
    largest = max(found, key=lambda match: int(match[2]))
    colons = max(match[3].count(":") for match in found)
    units = "hours:minutes:seconds" if colons > 1 else "minutes:seconds or hours:minutes"
    kinds = f"are durations ({units})"
    if int(largest[2]) < _HOURS_OF_A_DAY and not any(match[1] for match in found):
        kinds = f"may be durations ({units}) or times of day"
    parts = [int(largest[2]), *map(int, largest[3].split(":")[1:])]
    smallest = sum(number * 60**place for place, number in enumerate(reversed(parts)))
    number = f"{largest[1]}{smallest}{(largest[4] or '').replace(',', '.')}"
    shown = f"'{shorten(largest[0].strip())}'"
    return (
        f"values such as {shown} {kinds}; to use them as amounts, write plain numbers of one"
        f" unit, such as {number} for {shown}"
    )


def tell_mixed_percents(texts: pd.Series) -> str:
    """Return the two readings of a column with texts such as 81% and 0.81, or an empty text.

    Args:
        texts: Values without missing ones, at least one.
    """
    if not texts.str.contains("%", regex=False).any():
        return ""
    percents, plain = (texts[texts.str.fullmatch(pattern)] for pattern in (_PERCENT, _PLAIN))
    if percents.empty or plain.empty or len(percents) + len(plain) < _NEARLY_ALL * len(texts):
        return ""
    number = max(plain, key=lambda text: abs(_value(text))).strip()
    value = _value(number)
    readings = f", which may be {value:g} % or {100 * value:g} %" if value else ""
    percent = shorten(percents.iloc[0].strip())
    return (
        f"{len(percents)} percents such as '{percent}' are mixed with {len(plain)} plain numbers"
        f" such as '{shorten(number)}'{readings}; write all of them in one way"
    )


def _value(number: str) -> float:
    return float(number.replace(",", "."))
