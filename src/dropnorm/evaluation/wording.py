"""Differences and verdicts in words, with sensible digits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

from dropnorm.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


_DIGITS = 3
# However narrow an interval is, nobody reads more.
_MOST_DIGITS = 6
# From here on, digits that are not deserved become zeros; from there on, and near zero, an exponent
# is easier to read.
_LARGE, _HUGE, _TINY = 1e6, 1e12, 1e-6
# From here on, percent have no decimals.
_WHOLE_PERCENT = 9.95


class Sized(Protocol):
    """A difference with the ends of its interval; nan where there is none."""

    @property
    def difference(self) -> float:
        """The difference."""

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""

    @property
    def high(self) -> float:
        """Its upper end."""


def number(value: float, error: float | None = None, digits: int = _DIGITS) -> str:
    """Write a number with the digits it deserves: two of its error's, or so many of its own.

    There are at most six. Below a million, all digits before the decimal point are written.
    """
    if not math.isfinite(value):
        return "–"
    if abs(value) >= _HUGE or 0 < abs(value) < _TINY:
        return f"{value:.1e}".replace("-", "−")
    scale = error if error is not None and math.isfinite(error) and error > 0 else None
    if value == 0 and (scale is None or scale < _TINY):
        return "0"
    own = _MOST_DIGITS if scale is not None else digits
    decimals = own - 1 - math.floor(math.log10(abs(value))) if value else _MOST_DIGITS
    if scale is not None:
        decimals = min(decimals, 1 - math.floor(math.log10(scale)))
    if abs(value) >= _LARGE:
        value = round(value, min(0, decimals))
    return f"{value:,.{max(0, decimals)}f}".replace("-", "−")  # a minus is meant


def of_runs(count: int, runs: int) -> str:
    """Count runs out of all."""
    if count < runs:
        return f"{count} of {runs} runs"
    return {1: "the one run", 2: "both runs"}.get(runs, f"all {runs} runs")


def counted_runs(splits: int, starts: int) -> str:
    """Count splits and starts."""
    if splits == starts == 1:
        return "one run"
    told = "one split" if splits == 1 else f"{splits} splits"
    return told if starts == 1 else f"{told} × {starts} starts"


def quantity(value: float, unit: str, error: float | None = None, digits: int = _DIGITS) -> str:
    """Write a number with its unit, if it has one."""
    return f"{number(value, error, digits)} {unit}".strip()


def signed(value: float, error: float | None = None, digits: int = _DIGITS) -> str:
    """Write a difference with its sign: plus is a larger error."""
    told = number(value, error, digits)
    return f"+{told}" if value > 0 else told


def signed_size(found: Sized, unit: str) -> str:
    """Write a difference with its sign and its interval, if it has one."""
    if not math.isfinite(found.difference):
        return ""
    half = _half(found)
    told = f"{signed(found.difference, half)} {unit}".strip()
    if half is None:
        return told
    low, high = (signed(end, half) for end in (found.low, found.high))
    return f"{told} (95 % interval {low} to {high})"


def unsigned_size(found: Sized, unit: str) -> str:
    """Write how large a difference is, where the words around it say the direction.

    The ends of the 95 % interval, in brackets, have the sign that makes the difference positive.
    """
    sign, half = (-1 if found.difference < 0 else 1), _half(found)
    told = quantity(abs(found.difference), unit, half)
    if half is None:
        return told
    low, high = sorted(sign * end for end in (found.low, found.high))
    return f"{told} ({number(low, half)} to {number(high, half)})"


def _half(found: Sized) -> float | None:
    return (found.high - found.low) / 2 if math.isfinite(found.low) else None


def percent(value: float) -> str:
    """Write a difference in percent of the reference's error, with its sign."""
    decimals = 1 if abs(value) < _WHOLE_PERCENT else 0
    written = f"{value:+.1e}" if abs(value) >= _LARGE else f"{value:+,.{decimals}f}"
    return f"{written} %".replace("-", "−")


def capital(text: str) -> str:
    """Begin a sentence with a word that may be a name."""
    return text[:1].upper() + text[1:]


def listed(names: Iterable[str]) -> str:
    """Put names into a list: ``a, b and c``."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def notes(
    findings: Iterable[Mapping[str, Any]], *, made_up: bool = False, about: str = "layers"
) -> list[str]:
    """Say in a line for each code what a result must not be read without, the worst first.

    Args:
        findings: As :meth:`dropnorm.findings.Finding.described` gives them.
        made_up: Whether the table is.
        about: What is compared: the two layers, or networks.
    """
    told = [f"The table is made up: none of this says anything about the {about}."] * made_up
    for of_code in by_code(findings):
        sentences = dict.fromkeys(plain_sentence(one) for one in of_code)
        told.append(f"{of_code[0]['code']} ({severity(of_code[0])}): {' '.join(sentences)}")
    return told


def by_code(findings: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Group findings by their code, the worst code first, and in it the worst finding."""
    order = [one.value for one in Severity]
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for one in sorted(findings, key=lambda one: (order.index(severity(one)), str(one["code"]))):
        groups.setdefault(str(one["code"]), []).append(one)
    return list(groups.values())


def severity(finding: Mapping[str, Any]) -> str:
    """Return how much a finding matters; earlier runs did not say it."""
    return str(finding.get("severity", Severity.CAUTION.value))


def plain_sentence(finding: Mapping[str, Any]) -> str:
    """Return a finding in one sentence, also of a run that did not write it."""
    return str(
        finding.get("sentence", f"{finding['title']}: {finding['where']}: {finding['found']}.")
    )
