"""What an answer says of committees of networks, and of where the spread of errors comes from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dropnorm.evaluation import wording
from dropnorm.evaluation.estimation.network_names import spoken
from dropnorm.study.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dropnorm.evaluation.answers.answer import VariantAnswer
    from dropnorm.evaluation.estimation.deviations import Deviations
    from dropnorm.evaluation.estimation.effects import Effect


def committee(
    variants: Mapping[str, VariantAnswer], error: str, unit: str, *, layered: bool = True
) -> str:
    """Say what the mean prediction of the starts of a split comes to, beside one network's.

    Args:
        variants: What each network came to.
        error: Name of the error.
        unit: Of the target.
        layered: Whether dropout and baseline differ by the dropout layers alone.

    Returns:
        A sentence or two; nothing where no split has several finite starts.
    """
    alone = {name: one.error for name, one in variants.items() if one.committee}
    if not alone:
        return ""
    together = {name: _of_committee(variants[name], error) for name in alone}
    pairs = [
        f"{spoken(name)} {wording.number(alone[name])} and {wording.number(together[name])}"
        for name in alone
    ]
    told = f"One network, and a committee of all starts of a split: {', '.join(pairs)} {unit}"
    told = f"{told.strip()}."
    without, with_dropout = Variant.BASELINE.value, Variant.DROPOUT.value
    if layered and {without, with_dropout} <= set(alone):
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
    return f"{wording.number(abs(after - before))} {'better' if after < before else 'worse'}"


def spread(
    variants: Mapping[str, VariantAnswer],
    effects: Mapping[str, Effect],
    error: str,
    unit: str,
) -> str:
    """Say where the spread of errors comes from, and how much of it pairs are rid of.

    Returns:
        A sentence about the first network that stayed finite, and one about the
        first network compared with it; nothing where starts cannot be told from splits.
    """
    told = []
    for name, one in variants.items():
        if parts := _parts(one.deviations, unit):
            told.append(f"The {error} of {spoken(name)} moves by {parts} (standard deviations).")
            break
    for name, effect in effects.items():
        if parts := _parts(effect.deviations, unit):
            told.append(f"The paired difference of {spoken(name)} moves by {parts}.")
            break
    return " ".join(told)


def _parts(deviations: Deviations, unit: str) -> str:
    if deviations.start is None:
        return ""
    told = [
        f"{size} with {name}"
        for name, size in (
            ("the rows that train", _of_splits(deviations, unit)),
            ("the rows that validate", _size(deviations.rows, unit)),
            ("the start", _size(deviations.start, unit)),
        )
        if size
    ]
    return ", ".join(told)


def _of_splits(deviations: Deviations, unit: str) -> str:
    """Say how much is due to the rows that train: what rows and starts leave of all of it.

    If they leave nothing, it is not 0, but too small to be seen beside them.
    """
    if deviations.split != 0 or not deviations.start or deviations.split_range is None:
        return _size(deviations.split, unit)
    most = deviations.split_range[1]
    at_most = f" (at most {wording.quantity(most, unit)})" if most else ""
    return f"an amount that is not told apart from 0{at_most}"


def _size(deviation: float | None, unit: str) -> str:
    return "" if deviation is None else wording.quantity(deviation, unit)
