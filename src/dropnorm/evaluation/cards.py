"""One card for each layer: a verdict, the effect with its interval, and what it rules out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dropnorm.evaluation import wording
from dropnorm.evaluation.effects import Contrast
from dropnorm.evaluation.verdicts import Health, Verdict
from dropnorm.study.variants import Variant

if TYPE_CHECKING:
    from dropnorm.evaluation.answer import Answer

# The contrasts that have a card, in their order.
WITH_CARD = (Contrast.DROPOUT, Contrast.BATCHNORM, Contrast.BOTH)


@dataclass(frozen=True)
class Card:
    """What one layer, or both together, do to the network: the same on every surface.

    Attributes:
        name: Of the layer: ``Dropout``.
        verdict: In a few words: ``helps``.
        effect: The difference with its interval, ``−1.09 points (95 % interval −1.33 to −0.86)``;
            empty where there is nothing to compare.
        rules_out: What the runs rule out, or why there is nothing to compare, in a sentence.
    """

    name: str
    verdict: str
    effect: str
    rules_out: str

    def line(self) -> str:
        """Return the card in one line."""
        effect = f" {self.effect}." if self.effect else ""
        return f"{self.name}: {self.verdict}.{effect} {self.rules_out}".rstrip()


def make_card(contrast: Contrast, answer: Answer) -> Card:
    """Make the card of a layer, or of both together."""
    effect, unit = answer.effects[contrast], answer.unit
    told = wording.signed_size(effect, unit)
    if math.isfinite(effect.low) and math.isfinite(effect.percent_of_baseline):
        told += f", {wording.percent(effect.percent_of_baseline)}"
    gain = wording.quantity(max(0.0, -effect.low), unit, _half(effect.low, effect.high))
    harm = wording.quantity(max(0.0, effect.high), unit, _half(effect.low, effect.high))
    match effect.verdict:
        case Verdict.HELPS:
            ruled_out = f"Any harm is ruled out, and a gain above {gain}."
        case Verdict.HURTS:
            ruled_out = f"Any gain is ruled out, and harm above {harm}."
        case Verdict.SAME:
            ruled_out = f"A gain above {gain} and harm above {harm} are ruled out."
        case Verdict.NOT_SETTLED:
            ruled_out = f"{_bounds(effect.low, effect.high, gain, harm)}."
        case Verdict.NONE:
            ruled_out = "One run of each shows what happened once."
        case _:
            told, ruled_out = "", _failures(contrast, answer)
    verdict = effect.verdict.value
    return Card(wording.NAMES[contrast], _plural(verdict, contrast), told, ruled_out)


def _plural(verdict: str, contrast: Contrast) -> str:
    """Put the verb of a verdict on two layers in the plural."""
    if contrast is not Contrast.BOTH:
        return verdict
    for verb in ("helps", "hurts", "makes", "rescues", "breaks"):
        verdict = verdict.replace(verb, verb.removesuffix("s"))
    return verdict


def _half(low: float, high: float) -> float:
    return (high - low) / 2


def _bounds(low: float, high: float, gain: str, harm: str) -> str:
    if low >= 0:
        return f"A gain is unlikely, any harm is below {harm}"
    if high <= 0:
        return f"Harm is unlikely, any gain is below {gain}"
    return f"Any gain is below {gain}, any harm below {harm}"


def _failures(contrast: Contrast, answer: Answer) -> str:
    """Say how the network with a layer, and that without, trained."""
    it = "them" if contrast is Contrast.BOTH else "it"
    without, having = (state(answer, one) for one in (Variant.BASELINE, Variant(contrast.value)))
    return f"Without {it}, {without}; with {it}, {having}."


def state(answer: Answer, variant: Variant) -> str:
    """Say in a clause how the trainings of a variant ended."""
    one, constant = answer.variants[variant], answer.references["constant"]
    error = wording.quantity(one.error, answer.unit)
    beside = f"{error} against {wording.quantity(constant.error, answer.unit)}"
    match one.health:
        case Health.DIVERGES:
            return f"{wording.of_runs(one.diverged, one.replicas)} diverged"
        case Health.USELESS if 2 * one.failures.get("overconfident", 0) > one.replicas:
            return f"the network is too sure of its classes to be better than a constant ({beside})"
        case Health.USELESS:
            return f"the network is no better than a constant ({beside})"
        case Health.UNPROVEN:
            return f"the network is not shown to be better than a constant ({beside})"
        case _:
            return f"the error is {error}, that of a constant {_constant(answer)}"


def _constant(answer: Answer) -> str:
    return wording.quantity(answer.references["constant"].error, answer.unit)
