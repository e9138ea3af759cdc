"""One card for each compared network: a verdict, the effect with its interval, its bounds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dropnorm.evaluation import wording
from dropnorm.evaluation.answers.answer import Card
from dropnorm.evaluation.estimation import network_names
from dropnorm.evaluation.estimation.verdicts import Health, Verdict
from dropnorm.study.optimism import OPTIMISTIC
from dropnorm.study.variants import Variant

if TYPE_CHECKING:
    from dropnorm.evaluation.answers.answer import Answer


def make_card(name: str, answer: Answer) -> Card:
    """Make the card of a network that is compared with the reference."""
    effect, unit = answer.effects[name], answer.unit
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
        case Verdict.IN_ORDER:
            ruled_out = "The splits share training rows and trend: their mean has no interval."
        case _:
            told, ruled_out = "", _failures(name, answer)
    if {name, answer.design.against} & {*answer.optimistic}:
        if told:
            told += f", {OPTIMISTIC}"
        else:
            ruled_out += f" Scores are {OPTIMISTIC}."
    verdict = effect.verdict.value
    return Card(network_names.title(name), plural(verdict, name), told, ruled_out)


def plural(verdict: str, name: str) -> str:
    """Put the verb of a verdict on two layers in the plural."""
    if name != Variant.DROPOUT_BATCHNORM:
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


def _failures(name: str, answer: Answer) -> str:
    """Say how a network, and the reference, trained."""
    design = answer.design
    without, having = (state(answer, one) for one in (design.against, name))
    if name in design.layered:
        it = "them" if name == Variant.DROPOUT_BATCHNORM else "it"
        return f"Without {it}, {without}; with {it}, {having}."
    reference, network = (network_names.what_it_has(one, design) for one in (design.against, name))
    return f"With {reference}, {without}; with {network}, {having}."


def state(answer: Answer, name: str) -> str:
    """Say in a clause how the trainings of a network ended."""
    one, constant = answer.variants[name], answer.references["constant"]
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
            return f"the error is {error}, against {_constant(answer)} for a constant"


def _constant(answer: Answer) -> str:
    return wording.quantity(answer.references["constant"].error, answer.unit)
