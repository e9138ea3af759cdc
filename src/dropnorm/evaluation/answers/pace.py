"""How long more runs of a study take, from the seconds that its trainings took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dropnorm.evaluation.answers.more_runs import more_runs
from dropnorm.evaluation.estimation.contrasts import INTERACTION
from dropnorm.evaluation.estimation.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dropnorm.study.schema import Study

_MINUTE, _HOUR = 60, 3600
_OPEN = (Verdict.NOT_SETTLED, Verdict.NONE)
# As the recommendation asks for after one run.
_MORE_THAN_ONE = 4


def tell_pace(found: Mapping[str, Any], fit_seconds: float, study: Study) -> str:
    """Say how long as many splits or starts again take, whichever the study can have more of.

    Args:
        found: The answer, as ``effects.json`` has it.
        fit_seconds: Of all its trainings, one after the other.
        study: As it was run.

    Returns:
        A sentence; nothing where nothing is left open, or no time was measured.
    """
    effects = [one for name, one in found["effects"].items() if name != INTERACTION]
    verdicts = [Verdict(one["verdict"]) for one in (*effects, *found["comparisons"])]
    told = found["recommendation"]["open"]
    if fit_seconds <= 0 or not told or not any(one in _OPEN for one in verdicts):
        return ""
    what = more_runs(study).counted
    runs = found[what]
    more = runs if runs > 1 else _MORE_THAN_ONE
    return (
        f"At the pace of this run, {more} more {what} take {duration(more * fit_seconds / runs)} of"
        " training on this machine, and less where trainings run side by side."
    )


def duration(seconds: float) -> str:
    """Write a time with the precision of an estimate."""
    if seconds < _MINUTE:
        return f"about {max(1, round(seconds))} s"
    if seconds < _HOUR:
        return f"about {round(seconds / _MINUTE)} min"
    return f"about {seconds / _HOUR:.1f} hours"
