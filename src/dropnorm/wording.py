"""Differences and verdicts in words, with sensible digits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dropnorm.effects import Contrast, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = {
    Contrast.DROPOUT: "Dropout",
    Contrast.BATCHNORM: "Batch normalization",
    Contrast.BOTH: "The two together",
    Contrast.INTERACTION: "Their interaction",
}
_SINGULAR = (Contrast.DROPOUT, Contrast.BATCHNORM, Contrast.INTERACTION)
_DIGITS = 3
_TOO_LONG = 1e6


def number(value: float, error: float | None = None) -> str:
    """Write a number with the digits it deserves: two of its error's, or three of its own."""
    if not math.isfinite(value):
        return "–"
    if abs(value) >= _TOO_LONG or 0 < abs(value) < 1 / _TOO_LONG:
        return f"{value:.1e}".replace("-", "−")
    scale = error if error is not None and math.isfinite(error) and error > 0 else None
    if scale is not None:
        decimals = max(0, 1 - math.floor(math.log10(scale)))
    elif value == 0:
        return "0"
    else:
        decimals = max(0, _DIGITS - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}".replace("-", "−")  # a minus is meant


def estimand(splits: int, starts: int, grouped: bool) -> str:
    """Say what an interval is about."""
    if splits > 1:
        drawn = "groups" if grouped else "rows"
        return (
            f"A new random split of such {drawn} and a new random start: pairs on {splits} splits"
            f" of this table{f', {starts} starts each' if starts > 1 else ''}."
        )
    if starts > 1:
        drawn = "groups of rows" if grouped else "rows"
        return (
            f"This split: these training rows, with new random starts ({starts} were run) and new"
            f" {drawn} to validate on."
        )
    return "One run of each variant: it says what happened once."


def sentence(contrast: str, effect: Mapping[str, Any], unit: str, replicas: int) -> str:
    """Say in one sentence what a layer does."""
    which = Contrast(contrast)
    name, verdict = NAMES[which], Verdict(effect["verdict"])
    single = which in _SINGULAR
    if verdict is Verdict.DIVERGED:
        return _diverged(which, effect["diverged"], replicas)
    if which is Contrast.INTERACTION:
        return _interaction(effect, unit, verdict)
    told = _size(effect, unit)
    verb = "lowers" if effect["difference"] < 0 else "raises"
    verb = verb if single else verb.removesuffix("s")
    match verdict:
        case Verdict.HELPS | Verdict.HURTS:
            helps = verdict.value if single else verdict.value.removesuffix("s")
            won = effect["wins"]
            return (
                f"{name} {helps}: {'it' if single else 'they'} {verb} the error by {told}; better"
                f" in {won['wins']} of {won['pairs']} pairs."
            )
        case Verdict.SAME:
            return f"{name} {'makes' if single else 'make'} practically no difference: {told}."
        case Verdict.TOO_FEW:
            return (
                f"{name}: too few runs to say. Seen: {'it' if single else 'they'} {verb} the error"
                f" by {told}; {_needed(effect, replicas)}."
            )
        case _:
            size = f"{number(abs(effect['difference']))} {unit}".strip()
            return f"{name} {verb} the error by {size} in the one run: no verdict."


def _diverged(which: Contrast, counts: Mapping[str, int], replicas: int) -> str:
    name, single = NAMES[which], which in _SINGULAR
    if which is not Contrast.INTERACTION and counts == {which.value: 0, "baseline": replicas}:
        runs = {1: "the one run", 2: "both runs"}.get(replicas, f"all {replicas} runs")
        return (
            f"{name} {'makes' if single else 'make'} this training work at all: without, {runs}"
            f" diverged; with {'it' if single else 'them'}, none. There is no error to compare"
            " with."
        )
    lost = [
        f"{variant.replace('_', ' + ')} diverged in"
        f" {'every one' if count == replicas else count} of {replicas} runs"
        if replicas > 1
        else f"{variant.replace('_', ' + ')} diverged"
        for variant, count in counts.items()
        if count
    ]
    return f"{name} cannot be compared: {', '.join(lost)}."


def _interaction(effect: Mapping[str, Any], unit: str, verdict: Verdict) -> str:
    told = _size(effect, unit)
    match verdict:
        case Verdict.HELPS:
            return f"Each layer gains from the other: together better than their sum by {told}."
        case Verdict.HURTS:
            return f"Each layer stands in the other's way: worse than their sum by {told}."
        case Verdict.SAME:
            return f"The effects of the two layers practically add up: {told}."
        case Verdict.TOO_FEW:
            return f"Whether the layers help each other: too few runs to say. Seen: {told}."
        case _:
            return "Whether the layers help each other: one run, no verdict."


def _size(effect: Mapping[str, Any], unit: str) -> str:
    """Return size, interval and percentage of a difference; a fall counts as positive."""
    ends = sorted((effect["low"], effect["high"]))
    sign = -1 if effect["difference"] < 0 else 1
    low, high = sorted(sign * end for end in ends)
    error = (high - low) / 2
    size = f"{number(abs(effect['difference']), error)} {unit}".strip()
    share = f"{number(abs(effect['percent_of_baseline']))} %"
    return f"{size} (95 % interval {number(low, error)} to {number(high, error)}; {share})"


def _needed(effect: Mapping[str, Any], replicas: int) -> str:
    needed = effect["needed"]
    if needed is None:
        return "no number of runs on this table would settle a difference so small"
    if needed <= replicas:
        return "a few more runs would settle it"
    return f"about {needed} runs would settle a difference of this size, {needed - replicas} more"
