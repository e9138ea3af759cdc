"""How long more runs of a study take, from the seconds that its trainings took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dropnorm.evaluation.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

_MINUTE, _HOUR = 60, 3600
_OPEN = (Verdict.NOT_SETTLED, Verdict.NONE)
_FEWEST = 5


def tell_pace(found: Mapping[str, Any], fit_seconds: float) -> str:
    """Say how long more splits take, or more starts of a study with one split.

    Args:
        found: The answer, as ``effects.json`` has it.
        fit_seconds: Of all its trainings, one after the other.

    Returns:
        A sentence; nothing where all is settled, or no time was measured.
    """
    verdicts = [Verdict(one["verdict"]) for one in found["effects"].values()]
    if fit_seconds <= 0 or not any(one in _OPEN for one in verdicts):
        return ""
    what, runs = ("splits", found["splits"])
    if runs == 1 and found["starts"] > 1:
        what, runs = "starts", found["starts"]
    more = max(runs, _FEWEST)
    return (
        f"At the pace of this run, {more} more {what} take {duration(more * fit_seconds / runs)}"
        " of training; several at a time, where there are cores for them."
    )


def duration(seconds: float) -> str:
    """Write a time with the precision of an estimate."""
    if seconds < _MINUTE:
        return f"about {max(1, round(seconds))} s"
    if seconds < _HOUR:
        return f"about {round(seconds / _MINUTE)} min"
    return f"about {seconds / _HOUR:.1f} hours"
