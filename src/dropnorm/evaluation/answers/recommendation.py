"""Which network to use, and why: the rule that docs/explanation/recommendation.md tells.

1.  A network takes part only if it works: no run diverged, and its error is shown to be below that
    of a constant.
2.  If the best reference model is shown to be better than each of these, use that.
3.  Otherwise use the first network that no other is shown to be better than: the reference comes
    first, then the others as the study names them. Where the reference is shown to be worse than
    another, the network must be shown to be better than the reference.
4.  Say what is left open, and what would settle it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dropnorm.evaluation import wording
from dropnorm.evaluation.answers.answer import Recommendation
from dropnorm.evaluation.answers.cards import state
from dropnorm.evaluation.estimation import network_names
from dropnorm.evaluation.estimation.verdicts import Health, Verdict
from dropnorm.study.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dropnorm.evaluation.answers.answer import Answer, Comparison, VariantAnswer

# Half a 95 % interval, times this, is the difference that is found four times in five.
_TO_BE_FOUND = 1.43
# If more runs could show no less than this share of it, they are not worth it.
_NO_BETTER = 0.9
# A validation loss that ends so many times its least was better before.
_RISEN = 1.2


@dataclass(frozen=True)
class _Reasons:
    """Why the reference is used, by how it stands to the others."""

    all_fail: str
    none_works: str
    all_worse: str
    all_same: str
    one_run: str
    none_shown: str


_OF_LAYERS = _Reasons(
    all_fail="with either layer, or both, the training fails",
    none_works="no network with either layer, or both, is shown to be better than a constant",
    all_worse="each layer makes it worse",
    all_same="the layers make no difference above {margin}, and it is the simplest",
    one_run="one run of each cannot show that a layer helps, and it is the simplest",
    none_shown="neither layer is shown to help, and it is the simplest",
)
_OF_NETWORKS = _Reasons(
    all_fail="no other network is shown to be better than a constant",
    none_works="no other network is shown to be better than a constant",
    all_worse="each other network is worse",
    all_same="no other network differs from it by more than {margin}",
    one_run="one run of each cannot show that another network is better",
    none_shown="no other network is shown to be better",
)


def recommend(answer: Answer) -> Recommendation:
    """Recommend one of the networks, a reference model, or to mend the training first."""
    candidates = answer.working()
    if not candidates:
        return _none_works(answer)
    chosen = choose(answer)
    named = network_names.network(chosen, answer.design)
    reference, beside = _beside_reference(answer, chosen)
    if reference and all(_reference_is_better(answer, reference, one) for one in candidates):
        of_all = network_names.count(len(answer.variants))
        action = (
            f"Use {network_names.with_article(reference)}: its error is"
            f" {_turned(answer, reference, chosen)} lower than that of {named}, the"
            f" best choice of the {of_all}."
        )
        short = network_names.short(chosen, answer.design)
        network = f"If it must be a network, use {short}: {_why(answer, chosen)}."
        return Recommendation(reference, action, network, network=chosen)
    for_now = " for now" if answer.splits == answer.starts == 1 else ""
    action = f"Use {named}{for_now}: {_why(answer, chosen)}."
    return Recommendation(chosen, action, beside, _open(answer, chosen), chosen)


def choose(answer: Answer) -> str:
    """Choose among the networks that work."""
    best = answer.not_beaten() or [
        min(answer.working(), key=lambda name: answer.variants[name].error)
    ]
    against = answer.design.against
    if against in answer.working() and against not in best:
        better = [one for one in best if answer.between(against, one).worse]
        best = better or best
    return best[0]


def _none_works(answer: Answer) -> Recommendation:
    healths = {one.health for one in answer.variants.values()}
    none = f"Use {network_names.none_of(len(answer.variants))} networks"
    if healths == {Health.DIVERGES}:
        what = f"trainings of {network_names.every(len(answer.variants))} diverged"
    elif all(health.fails for health in healths):
        what = "each diverged or is no better than a constant"
    else:
        what = "none is shown to be better than a constant"
    reference, constant = answer.best_reference(), answer.references["constant"].error
    unproven = [name for name, one in answer.variants.items() if one.health is Health.UNPROVEN]
    mend = (
        f"Mend the training before you compare {'layers' if answer.design.is_the_four else 'them'}:"
        f" {_remedy(answer)}."
    )
    if unproven:
        mend = (
            "More runs would tell whether"
            f" {network_names.network(unproven[0], answer.design)} is better than a constant:"
            f" {answer.more_runs.advice}."
        )
    if reference and answer.references[reference].error < constant:
        told = wording.quantity(answer.references[reference].error, answer.unit)
        against = wording.quantity(constant, answer.unit)
        name = wording.capital(network_names.with_article(reference))
        return Recommendation(
            reference,
            f"{none}: {what}. {name} has an error of {told}, a constant {against}.",
            mend,
        )
    return Recommendation("", f"{none}: {what}.", mend)


def _remedy(answer: Answer) -> str:
    """Say what may mend the trainings, by how they failed."""
    networks = answer.variants.values()
    if any(one.health is Health.DIVERGES for one in networks):
        return "standardize the inputs, lower the learning rate, or clip the gradients"
    if all(_was_better(one) for one in networks):
        return (
            "each network was better in an earlier epoch, so train for fewer epochs or stop early,"
            " or make the network smaller"
        )
    return "standardize the inputs, train for more epochs, or try another learning rate"


def _was_better(variant: VariantAnswer) -> bool:
    """Say whether the validation loss of the networks that are kept is much above its least."""
    least, above = variant.min_val_loss, variant.minimum_flatters_by
    return least is not None and above is not None and least + above > _RISEN * least > 0


def _why(answer: Answer, chosen: str) -> str:
    design = answer.design
    others = [one for one in answer.working() if one != chosen]
    if chosen == design.against:
        return _why_the_reference(answer, others)
    reference = answer.variants[design.against].health
    without = f"without {'them' if chosen == Variant.DROPOUT_BATCHNORM else 'it'}"
    if reference is not Health.WORKS:
        told = f"{without if chosen in design.layered else 'with ' + _has(answer, design.against)},"
        told = f"{told} {state(answer, design.against)}"
    else:
        found = answer.between(chosen, design.against)
        size = wording.unsigned_size(found, answer.unit)
        lower = "lower" if found.difference < 0 else "higher"
        beside = without if chosen in design.layered else f"with {_has(answer, design.against)}"
        told = f"its error is {size} {lower} than {beside}"
    if not others or any(not answer.between(one, chosen).worse for one in others):
        return told
    best = min(others, key=lambda one: answer.variants[one].error)
    if best == design.against:
        return told
    size = wording.unsigned_size(answer.between(best, chosen), answer.unit)
    subject = "" if reference is Health.WORKS else "its error is "
    return f"{told}, and {subject}{size} lower than with {_has(answer, best)}"


def _why_the_reference(answer: Answer, others: list[str]) -> str:
    """Say why no other network is used than the one that all are compared with."""
    found = [answer.between(one, answer.design.against) for one in others]
    said = _OF_LAYERS if answer.design.is_the_four else _OF_NETWORKS
    if not others:
        fail = all(answer.variants[name].health.fails for name in answer.design.others)
        return said.all_fail if fail else said.none_works
    if len(others) == len(answer.design.others):
        if all(one.worse for one in found):
            return said.all_worse
        if all(one.verdict is Verdict.SAME for one in found):
            return said.all_same.format(margin=_margin(answer))
    if all(one.verdict is Verdict.NONE for one in found):
        return said.one_run
    return said.none_shown


def _margin(answer: Answer) -> str:
    return f"{answer.margin:.3g} {answer.unit}".strip()


def _open(answer: Answer, chosen: str) -> str:
    """Say what is not settled between the chosen network and those that may be better."""
    found = [answer.between(one, chosen) for one in answer.not_beaten() if one != chosen]
    unsettled = [one for one in found if one.verdict in (Verdict.NOT_SETTLED, Verdict.NONE)]
    same = [one for one in found if one.verdict is Verdict.SAME]
    if any(one.verdict is Verdict.IN_ORDER for one in found):
        return "Splits in order have no interval, so no network is shown to be better than another."
    if not unsettled:
        if not same or chosen == answer.design.against:
            return ""
        names = wording.listed(_has(answer, one.network) for one in same)
        return (
            f"A network with {names} is as good in practice: the difference is below"
            f" {_margin(answer)}."
        )
    what = "splits" if answer.splits > 1 else "starts"
    if any(one.verdict is Verdict.NONE for one in unsettled):
        return (
            "One run cannot rank the networks: run it with"
            f" --params={answer.study}.replicas.{answer.more_runs.several} before you choose."
        )
    gains = [
        f"{wording.quantity(max(0.0, -one.low), answer.unit, (one.high - one.low) / 2)} with"
        f" {_has(answer, one.network)}"
        for one in unsettled
    ]
    told = f"Not settled: any further gain is below {wording.listed(gains)}"
    return f"{told}; {_what_can_be_shown(unsettled, what, answer.unit)}."


def _what_can_be_shown(unsettled: Sequence[Comparison], what: str, unit: str) -> str:
    """Say how small a difference these runs can show, and how small a one more of them could."""
    now = max(_TO_BE_FOUND * (one.high - one.low) / 2 for one in unsettled)
    told = f"these {what} can show a difference above about {wording.quantity(now, unit, digits=2)}"
    limits = [one.detectable for one in unsettled if math.isfinite(one.detectable)]
    if not limits:
        return told
    limit = max(limits)
    if limit > _NO_BETTER * now:
        return f"{told}, and more of them hardly a smaller one"
    return f"{told}, more of them one above {wording.quantity(limit, unit, digits=2)}"


def _beside_reference(answer: Answer, chosen: str) -> tuple[str | None, str]:
    reference = answer.best_reference()
    if reference is None:
        return None, ""
    found = answer.references[reference].networks_minus_this[chosen]
    name = network_names.with_article(reference)
    if not math.isfinite(found.low):
        size = wording.quantity(abs(found.difference), answer.unit)
        better = "better" if found.difference < 0 else "worse"
        where = "In the one run" if found.pairs == 1 else "On average"
        return reference, f"{where} it is {size} {better} than {name}."
    if found.high < 0:
        size = wording.unsigned_size(found, answer.unit)
        return reference, f"It is {size} better than {name}, the best reference model."
    half = (found.high - found.low) / 2
    if found.low > 0:
        size = wording.unsigned_size(found, answer.unit)
        return reference, f"But {name} is better than it, by {size}."
    low, high = (wording.signed(end, half) for end in (found.low, found.high))
    return reference, (
        f"Whether it is better than {name}, the best reference model, is not settled (between"
        f" {f'{low} and {high} {answer.unit}'.strip()})."
    )


def _reference_is_better(answer: Answer, reference: str, network: str) -> bool:
    return answer.references[reference].networks_minus_this[network].low > 0


def _turned(answer: Answer, reference: str, network: str) -> str:
    found = answer.references[reference].networks_minus_this[network]
    return wording.unsigned_size(found, answer.unit)


def _has(answer: Answer, network: str) -> str:
    return network_names.what_it_has(network, answer.design)
