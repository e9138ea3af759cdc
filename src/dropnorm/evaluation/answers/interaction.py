"""What the two layers do to each other, in words, from what each does alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dropnorm.evaluation import wording
from dropnorm.evaluation.estimation import network_names
from dropnorm.evaluation.estimation.contrasts import INTERACTION
from dropnorm.evaluation.estimation.verdicts import Health, Verdict
from dropnorm.study.variants import Variant

if TYPE_CHECKING:
    from dropnorm.evaluation.answers.answer import Answer

# From this share of an effect on, the other layer takes away most of it, or all.
_MOST, _ALL = 0.5, 1.0
_ALONE = ("dropout", "batchnorm")
_OTHER = {"dropout": "batchnorm", "batchnorm": "dropout"}
_BOTH = "dropout_batchnorm"


def tell_interaction(answer: Answer) -> str:
    """Say what the layers do to each other; nothing where one of the four is missing or failed."""
    if not answer.design.crossed or any(
        answer.variants[name].health is not Health.WORKS for name in Variant
    ):
        return ""
    effect, unit = answer.effects[INTERACTION], answer.unit
    match effect.verdict:
        case Verdict.HELPS | Verdict.HURTS:
            return f"{_change(answer)}; {_together(answer)}."
        case Verdict.SAME:
            return f"The effects of the two layers add up, to within {_within(answer)}."
        case Verdict.NOT_SETTLED:
            half = (effect.high - effect.low) / 2
            low, high = (wording.signed(end, half) for end in (effect.low, effect.high))
            bounds = f"{low} and {high} {unit}".strip()
            return (
                "Whether one layer changes what the other does is not settled: both together"
                f" differ from the sum of the two effects by between {bounds}."
            )
        case _:
            return ""


def _within(answer: Answer) -> str:
    effect = answer.effects[INTERACTION]
    return wording.quantity(max(abs(effect.low), abs(effect.high)), answer.unit)


def _change(answer: Answer) -> str:
    """Say what one layer does to the other's effect."""
    change = answer.effects[INTERACTION].difference
    together_better = change < 0
    kind = Verdict.HURTS if together_better else Verdict.HELPS
    # The effects that the other layer makes smaller: harm if both are better than their sum.
    smaller = [one for one in _ALONE if answer.effects[one].verdict is kind]
    larger = [one for one in _ALONE if answer.effects[one].verdict not in (kind, Verdict.SAME)]
    if len(smaller) == len(_ALONE) and not together_better:
        return _redundant(answer)
    if smaller:
        first = max(smaller, key=lambda one: abs(answer.effects[one].difference))
        return _taken_away(first, change / -answer.effects[first].difference, kind)
    if all(answer.effects[one].verdict in (Verdict.HELPS, Verdict.HURTS) for one in larger):
        what = "helps" if together_better else "hurts"
        if len(larger) == len(_ALONE):
            return f"Each layer {what} more beside the other than alone"
    better = "better" if together_better else "worse"
    size = wording.quantity(abs(change), answer.unit)
    return f"Both layers together are {better}, by {size}, than the sum of the two effects"


def _redundant(answer: Answer) -> str:
    best = min(_ALONE, key=lambda one: answer.effects[one].difference)
    more = answer.between(_BOTH, best)
    gained = "gain no more" if more.verdict is not Verdict.HELPS else "gain little more"
    if more.verdict is Verdict.HURTS:
        gained = "gain less"
    return (
        "The two layers mend the same fault: each helps alone, and together they"
        f" {gained} than {network_names.layer(best)} alone"
    )


def _taken_away(first: str, share: float, kind: Verdict) -> str:
    other = network_names.layer(_OTHER[first])
    if kind is Verdict.HURTS:
        verb, what = "undoes", "harm"
    else:
        verb, what = "takes away", "gain"
    much = "the whole" if share >= _ALL else "most of the" if share >= _MOST else "part of the"
    subject = other[0].upper() + other[1:]
    return f"{subject} {verb} {much} {what} that {network_names.layer(first)} brings alone"


def _together(answer: Answer) -> str:
    match answer.effects[_BOTH].verdict:
        case Verdict.HELPS:
            return "both together are better than neither"
        case Verdict.HURTS:
            return "both together are worse than neither"
        case Verdict.SAME:
            return "both together make no practical difference"
        case _:
            return "both together are not shown to differ from neither"
