"""Differences and verdicts in words, with sensible digits."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

from dropnorm.evaluation.effects import Contrast
from dropnorm.evaluation.verdicts import Verdict
from dropnorm.study.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dropnorm.evaluation.answer import Difference, VariantAnswer
    from dropnorm.evaluation.effects import Deviations, Effect

NAMES = {
    Contrast.DROPOUT: "Dropout",
    Contrast.BATCHNORM: "Batch normalization",
    Contrast.BOTH: "The two together",
    Contrast.INTERACTION: "Their interaction",
}
_SINGULAR = (Contrast.DROPOUT, Contrast.BATCHNORM, Contrast.INTERACTION)
_DIGITS = 3
_TOO_LONG = 1e6


def number(value: float, error: float | None = None, digits: int = _DIGITS) -> str:
    """Write a number with the digits it deserves: two of its error's, or so many of its own."""
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
        decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}".replace("-", "−")  # a minus is meant


def estimand(splits: int, starts: int, grouped: bool) -> str:
    """Say what an interval is about."""
    if splits > 1:
        drawn = "groups" if grouped else "rows"
        return (
            f"The intervals are about a new random split of such {drawn} and a new random start,"
            f" from pairs on {splits} splits of this table"
            f"{f', {starts} starts each' if starts > 1 else ''}."
        )
    if starts > 1:
        drawn = "groups of rows" if grouped else "rows"
        return (
            f"The intervals are about this split: these training rows, with new random starts"
            f" ({starts} were run) and new {drawn} to validate on."
        )
    return "One run of each variant: it says what happened once."


def spoken(name: str) -> str:
    """Return a variant's, effect's or reference model's name as a reader meets it."""
    return name.replace("_", " + " if name == Variant.DROPOUT_BATCHNORM else " ")


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


def sentence(
    contrast: Contrast, effect: Effect, error: str, unit: str, splits: int, starts: int
) -> str:
    """Say in one sentence what a layer does to the error, by the name that is given it."""
    name, verdict = NAMES[contrast], effect.verdict
    single = contrast in _SINGULAR
    if verdict is Verdict.DIVERGED:
        return _diverged(contrast, effect.diverged, splits * starts)
    if contrast is Contrast.INTERACTION:
        return _interaction(effect, unit, splits, starts)
    told = size(effect, unit)
    verb = "lowers" if effect.difference < 0 else "raises"
    verb = verb if single else verb.removesuffix("s")
    match verdict:
        case Verdict.HELPS | Verdict.HURTS:
            helps = verdict.value if single else verdict.value.removesuffix("s")
            won = effect.wins
            return (
                f"{name} {helps}: {'it' if single else 'they'} {verb} the {error} by {told}; better"
                f" in {won.wins} of {won.pairs} pairs."
            )
        case Verdict.SAME:
            return f"{name} {'makes' if single else 'make'} practically no difference: {told}."
        case Verdict.TOO_FEW:
            return (
                f"{name}: too few runs to say. Seen: {'it' if single else 'they'} {verb} the"
                f" {error} by {told}; {_needed(effect, splits, starts)}."
            )
        case _:
            return f"{name} {verb} the {error} by {told} in the one run: no verdict."


def _diverged(which: Contrast, counts: Mapping[str, int], replicas: int) -> str:
    name, single = NAMES[which], which in _SINGULAR
    if which is not Contrast.INTERACTION and counts == {which.value: 0, "baseline": replicas}:
        return (
            f"{name} {'makes' if single else 'make'} this training work at all: without,"
            f" {of_runs(replicas, replicas)} diverged; with {'it' if single else 'them'}, none."
            " There is no error to compare with."
        )
    lost = [
        f"{spoken(variant)} diverged in {of_runs(count, replicas)}"
        for variant, count in counts.items()
        if count
    ]
    return f"{name} cannot be compared: {', '.join(lost)}."


def _interaction(effect: Effect, unit: str, splits: int, starts: int) -> str:
    told = size(effect, unit)
    match effect.verdict:
        case Verdict.HELPS:
            return f"Each layer gains from the other: together better than their sum by {told}."
        case Verdict.HURTS:
            return f"Each layer stands in the other's way: worse than their sum by {told}."
        case Verdict.SAME:
            return f"The effects of the two layers practically add up: {told}."
        case Verdict.TOO_FEW:
            better = "better" if effect.difference < 0 else "worse"
            return (
                "Whether the layers help each other: too few runs to say. Seen: together"
                f" {better} than their sum by {told}; {_needed(effect, splits, starts)}."
            )
        case _:
            return "Whether the layers help each other: one run, no verdict."


def size(effect: Effect | Difference, unit: str) -> str:
    """Return the size of a difference, with its interval and percentage where it has them.

    A fall counts as positive, so that the words around it say the direction.
    """
    sign = -1 if effect.difference < 0 else 1
    known = sorted(sign * end for end in (effect.low, effect.high) if math.isfinite(end))
    error = (known[-1] - known[0]) / 2 if known else None
    told = quantity(abs(effect.difference), unit, error)
    beside = []
    if known:
        low, high = (number(end, error) for end in known)
        beside.append(f"95 % interval {low} to {high}")
        percent = getattr(effect, "percent_of_baseline", None)
        if percent is not None:
            beside.append(f"{number(abs(percent), None, 2)} %")
    return f"{told} ({'; '.join(beside)})" if beside else told


def quantity(value: float, unit: str, error: float | None = None) -> str:
    """Write a number with its unit, if it has one."""
    return f"{number(value, error)} {unit}".strip()


def committee(variants: Mapping[Variant, VariantAnswer], error: str, unit: str) -> str:
    """Say what the mean prediction of the starts of a split comes to, beside one network's.

    Returns:
        A sentence or two; nothing where no split has several finite starts.
    """
    alone = {name: one.error for name, one in variants.items() if one.committee}
    if not alone:
        return ""
    together = {name: _of_committee(variants[name], error) for name in alone}
    pairs = [f"{spoken(name)} {number(alone[name])} and {number(together[name])}" for name in alone]
    told = f"One network, and a committee of all starts of a split: {', '.join(pairs)} {unit}"
    told = f"{told.strip()}."
    without, with_dropout = Variant.BASELINE, Variant.DROPOUT
    if {without, with_dropout} <= set(alone):
        of_dropout = _gain(alone[without], alone[with_dropout])
        of_committee = _gain(alone[without], together[without])
        told += (
            f" Dropout in one network is {of_dropout}, a committee of networks without it"
            f" {of_committee}, than one without it."
        )
    return told


def _of_committee(variant: VariantAnswer, error: str) -> float:
    score = (variant.committee or {}).get(error)
    return math.nan if score is None else score


def _gain(before: float, after: float) -> str:
    return f"{number(abs(after - before))} {'better' if after < before else 'worse'}"


def notes(findings: Iterable[Mapping[str, Any]], *, made_up: bool) -> list[str]:
    """Say in a line for each code what a result must not be read without.

    Args:
        findings: As :meth:`dropnorm.findings.Finding.described` gives them, by code.
        made_up: Whether the table is.
    """
    told = ["The table is made up: none of this says anything about the layers."] * made_up
    for code, of_code in itertools.groupby(findings, key=lambda one: str(one["code"])):
        first, *others = of_code
        places = "; ".join(f"{one['where']}: {one['found']}" for one in (first, *others))
        told.append(f"{code} {first['title']}: {places}.")
    return told


def spread(
    variants: Mapping[Variant, VariantAnswer],
    effects: Mapping[Contrast, Effect],
    error: str,
    unit: str,
) -> str:
    """Say where the spread of errors comes from, and how much of it pairs are rid of.

    Returns:
        A sentence about the baseline, or the first variant that stayed finite, and one about the
        first layer compared with it; nothing where starts cannot be told from splits.
    """
    told = []
    for name, one in variants.items():
        if parts := _parts(one.deviations, unit):
            told.append(f"The {error} of {spoken(name)} moves by {parts} (standard deviations).")
            break
    for contrast, effect in effects.items():
        if parts := _parts(effect.deviations, unit):
            told.append(f"The paired difference of {spoken(contrast)} moves by {parts}.")
            break
    return " ".join(told)


def _parts(deviations: Deviations, unit: str) -> str:
    if deviations.start is None:
        return ""
    told = [
        f"{quantity(deviation, unit)} with {name}"
        for name, deviation in (
            ("the rows that train", deviations.split),
            ("the rows that validate", deviations.rows),
            ("the start", deviations.start),
        )
        if deviation is not None
    ]
    return ", ".join(told)


def _needed(effect: Effect, splits: int, starts: int) -> str:
    needed = effect.needed
    what, there_are = ("splits", splits) if splits > 1 else ("starts", starts)
    if needed is None:
        of = "this table" if splits > 1 else "this split"
        return f"{what} of {of} alone would not settle it, however many"
    return (
        f"about {needed} {what} would settle a difference of this size, {needed - there_are} more"
    )
