"""Runs that stop when they know: at which splits they look, and at which levels.

Whoever adds splits until a verdict comes, and tests each time as if it were the only time, is wrong
more often than 5 % of the time. The levels here spend the 5 % over the looks.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from dropnorm.evaluation.estimation import network_names
from dropnorm.evaluation.estimation.intervals import LEVEL
from dropnorm.evaluation.estimation.verdicts import Health, Verdict
from dropnorm.evaluation.json_form import to_json
from dropnorm.evaluation.records import Look, Seen
from dropnorm.tasks.registry import task_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dropnorm.study.schema import Replicas, Study

# What a run that stops when it knows is compared with.
FIXED = 20
_NODES = 200
_OPEN = (Verdict.NOT_SETTLED, Verdict.NONE)


def level_of(replicas: Replicas, claims: int) -> float:
    """Return the level of the intervals and verdicts of a run: 95 % where there is one look.

    Args:
        replicas: Of the run.
        claims: Differences that are judged together.
    """
    if not replicas.looks:
        return LEVEL
    return levels(replicas.looks, claims)[replicas.looks.index(replicas.splits)]


def at_look(study: Study, splits: int) -> Study:
    """Return a study that runs until it is settled, as it is at the look with so many splits."""
    replicas = study.replicas.model_copy(update={"splits": splits})
    return study.model_copy(update={"replicas": replicas})


def look_at(found: Mapping[str, Any], study: Study) -> Look:
    """Say which verdicts of an answer stand.

    Args:
        found: The answer as plain data.
        study: At this look.
    """
    seen = {}
    for name in found["cards"]:
        effect = found["effects"][name]
        seen[name] = Seen(
            effect["difference"],
            effect["low"],
            effect["high"],
            effect["verdict"],
            _stands(effect["verdict"], (study.against, name), found["variants"], study),
            effect.get("boundary"),
        )
    level = level_of(study.replicas, len(found["effects"]))
    return Look(study.replicas.splits, level, seen)


def _stands(verdict: str, pair: Iterable[str], variants: Mapping[str, Any], study: Study) -> bool:
    """Say whether more splits are of no use for a verdict.

    That both networks fail is open where one of them may yet be shown to be better than a constant.
    """
    if verdict in _OPEN:
        return False
    failures = task_of(study).failures
    return verdict != Verdict.BOTH_FAIL or not any(
        variants[name]["health"] == Health.UNPROVEN
        and not any(variants[name][failure] for failure in failures)
        for name in pair
    )


def tell_looks(looks: Sequence[Look], study: Study) -> dict[str, Any]:
    """Return what an answer says of the looks that led to it, as plain data; nothing without any.

    Args:
        looks: All of them.
        study: As it was run.
    """
    if not looks:
        return {}
    return {"looks": to_json(looks), "stopped": _why_stopped(looks, study)}


def _why_stopped(looks: Sequence[Look], study: Study) -> str:
    last, planned = looks[-1], len(study.replicas.looks)
    where = f"look {len(looks)} of at most {planned}, with {last.splits} splits"
    if last.is_settled:
        told = f"All verdicts stand at {where}"
    else:
        open_ = [network_names.spoken(name) for name, one in last.seen.items() if not one.settled]
        told = f"Not settled at {where}, which is the last: {', '.join(open_)}"
    networks = len({study.against, *last.seen})
    fixed, taken = (splits * study.replicas.starts * networks for splits in (FIXED, last.splits))
    beside = f"{fixed} trainings of a fixed {FIXED} splits"
    if taken == fixed:
        return f"{told}. It took {taken} trainings, as many as a fixed {FIXED} splits."
    less = f"{fixed - taken} less than" if taken < fixed else f"{taken - fixed} more than"
    return f"{told}. It took {taken} trainings, {less} the {beside}."


def tell_look(look: Look, number: int, study: Study) -> str:
    """Return the line that is told of a look while the run goes on."""
    told = []
    for name, one in look.seen.items():
        open_ = " (open)" if not one.settled and one.verdict not in _OPEN else ""
        told.append(f"{network_names.spoken(name)}: {one.verdict}{open_}")
    return f"{study.label}: look {number}, {look.splits} splits: {'; '.join(told)}"


@functools.cache
def levels(looks: tuple[int, ...], claims: int) -> tuple[float, ...]:
    """Return the level of each look at which the intervals of all looks together hold with 95 %.

    The chance of a false verdict is spent over the looks as Lan and DeMets (1983, Biometrika 70)
    do, with their function of Pocock's type, α log(1 + (e - 1) t), where t is the share of the
    splits. Information is taken to grow with the splits: as they share rows it grows less,
    estimates resemble each other more, and the levels are careful.

    The differences that are judged together share a level by Holm's procedure, whose strictest
    step takes α divided by their number: levels are found for that one and hold for the others
    (Ye, Li, Liu and Yao 2013, "A group sequential Holm procedure", Statistics in Medicine 32).

    Args:
        looks: Splits at each, in growing order.
        claims: Differences that are judged together.
    """
    alpha = (1 - LEVEL) / claims
    times = [splits / looks[-1] for splits in looks]
    return tuple(1 - claims * one for one in nominal_levels(times, alpha))


def nominal_levels(
    times: Sequence[float], alpha: float, spent: Sequence[float] | None = None
) -> list[float]:
    """Return the p-value below which a test rejects at each look, so that α is spent in all.

    Args:
        times: Share of the information at each look; the last is 1.
        alpha: Chance of any false rejection, of a test for two sides.
        spent: How much of it is spent up to each look; by Pocock's type if left out.
    """
    spent = spent or [alpha * math.log1p((math.e - 1) * time) for time in times]
    walk = _Walk()
    found = []
    for time, before, now in zip(times, [0.0, *spent], spent, strict=False):

        def too_much(level: float, time: float = time, wanted: float = now - before) -> float:
            return walk.beyond(time, _bound(level)) - wanted

        found.append(float(scipy.optimize.brentq(too_much, 1e-16, 2 * alpha, xtol=1e-14)))
        walk.stay_within(time, _bound(found[-1]))
    return found


def _bound(level: float) -> float:
    return float(scipy.stats.norm.isf(level / 2))


class _Walk:
    """A sum of independent normal steps that has stayed within its bounds so far.

    Its density is kept at the nodes of Gauss and Legendre between the bounds, and carried from look
    to look (Armitage, McPherson and Rowe 1969, Journal of the Royal Statistical Society A 132).
    """

    def __init__(self) -> None:
        self._time = 0.0
        self._places, self._masses = np.zeros(1), np.ones(1)

    def beyond(self, time: float, bound: float) -> float:
        """Return how probable it is that the sum leaves the bounds at ``time``, and not before."""
        step, edge = math.sqrt(time - self._time), bound * math.sqrt(time)
        above = scipy.stats.norm.sf((edge - self._places) / step)
        below = scipy.stats.norm.cdf((-edge - self._places) / step)
        return float(self._masses @ (above + below))

    def stay_within(self, time: float, bound: float) -> None:
        """Go on to ``time``, and keep what has not left the bounds."""
        step, edge = math.sqrt(time - self._time), bound * math.sqrt(time)
        nodes, weights = np.polynomial.legendre.leggauss(_NODES)
        places = edge * nodes
        densities = scipy.stats.norm.pdf((places[:, None] - self._places) / step) / step
        self._masses = edge * weights * (densities @ self._masses)
        self._places, self._time = places, time
