"""Answers made up by hand: effects, variants and reference models with known differences."""

from __future__ import annotations

import itertools
import math

from dropnorm.evaluation.answers.answer import Answer, Comparison, VariantAnswer
from dropnorm.evaluation.answers.build import in_words
from dropnorm.evaluation.estimation.contrasts import FOUR, INTERACTION
from dropnorm.evaluation.estimation.effects import Deviations, Effect, Wins
from dropnorm.evaluation.estimation.intervals import Interval
from dropnorm.evaluation.estimation.verdicts import Health, Verdict, judge, weigh, weigh_interaction
from dropnorm.evaluation.references.reference_comparison import Difference, ReferenceAnswer
from dropnorm.study.variants import Variant

NO_DEVIATIONS = Deviations(None, None, None)


def an_effect(difference, half=0.5, verdict=Verdict.HELPS, *, pairs=5, lost=None, **others):
    """An effect with an interval that reaches so far to both sides; nan for none."""
    won = pairs if difference < 0 else 0
    return Effect(
        **{"difference": difference, "low": difference - half, "high": difference + half,
           "percent_of_baseline": 10 * difference, "p": 0.01, "p_holm": 0.04, "pairs": pairs,
           "wins": Wins(won, pairs, won / max(1, pairs), 0.1, 0.9), "deviations": NO_DEVIATIONS,
           "diverged": lost or {}, "verdict": verdict} | others
    )  # fmt: skip


def a_variant(error=10.0, *, replicas=5, diverged=0, collapsed=0, **others):
    """A variant with so many trainings that failed."""
    return VariantAnswer(
        **{"error": error, "standard_deviation": 0.1, "deviations": NO_DEVIATIONS,
           "replicas": replicas, "finite": replicas - diverged, "diverged": diverged,
           "failures": {"collapsed": collapsed}, "health": Health.WORKS, "final_val_loss": 1.0,
           "min_val_loss": 0.9, "minimum_flatters_by": 0.1, "beside": {"r2": 0.5},
           "committee": None} | others
    )  # fmt: skip


def a_reference(error, differences, half=0.5, pairs=5):
    """A reference model from which the networks differ by so much."""
    return ReferenceAnswer(
        error,
        pairs,
        {
            name: Difference(one, one - half, one + half, pairs,
                                      Wins(0 if one > 0 else pairs, pairs))
            for name, one in differences.items()
        },
    )  # fmt: skip


def an_answer(**others):
    """An answer in which nothing is remarkable, but for what is given."""
    given = {
        "study": "made", "title": "made up", "made_up": False, "estimand": "", "error": "mae",
        "beside": ("r2",), "unit": "MPa", "margin": 0.0, "splits": 5, "starts": 1,
        "variants": {variant: a_variant() for variant in Variant},
        "effects": {one.name: an_effect(-1.0) for one in FOUR.contrasts}, "comparisons": (),
        "references": {"constant": a_reference(math.nan, {})}, "committee": "", "spread": "",
    }  # fmt: skip
    return Answer(**given | others)


def an_outcome(errors, *, half=0.5, margin=0.0, best_reference=20.0, constant=30.0,
               failing=None, runs=5, design=FOUR, **others):  # fmt: skip
    """An answer in words from the errors of the networks of a design, in their order.

    Args:
        errors: One each; nan for a network whose trainings all diverged.
        half: How far each interval reaches to both sides; nan for one run of each.
        margin: Differences up to this are practically none.
        best_reference: Error of gradient boosting, the best reference model.
        constant: Error of the constant; networks must be below it.
        failing: Health of the networks that do not work, by name.
        runs: Splits that were trained on.
        design: Which networks are compared.
        others: Of each network, such as ``final_val_loss``; the least loss is 0.9.
    """
    by_name = dict(zip(design.names, errors, strict=True))
    healths = {name: Health.DIVERGES if math.isnan(one) else Health.USELESS if one >= constant
               else Health.WORKS for name, one in by_name.items()} | (failing or {})  # fmt: skip
    variants = {
        name: a_variant(
            one,
            replicas=runs,
            diverged=runs * math.isnan(one),
            health=healths[name],
            **others,
        )
        for name, one in by_name.items()
    }

    def verdict(difference):
        return judge(Interval(difference, difference - half, difference + half),
                     0.04 if abs(difference) > half else 0.5, margin,
                     {"it": math.isnan(difference)})  # fmt: skip

    effects = {}
    for contrast in design.contrasts:
        difference = sum(weight * by_name[name] for name, weight in contrast.weights.items())
        found = (
            weigh_interaction(verdict(difference), [healths[name] for name in Variant])
            if contrast.name == INTERACTION
            else weigh(verdict(difference), healths[design.against], healths[contrast.name])
        )
        effects[contrast.name] = an_effect(difference, half, found, pairs=runs)
    comparisons = [
        Comparison(one, other, gap := by_name[one] - by_name[other], gap - half, gap + half,
                   verdict(gap))
        for other, one in itertools.combinations(design.others, 2)
    ]  # fmt: skip
    references = {
        name: a_reference(error, {one: by_name[one] - error for one in design.names}, half, runs)
        for name, error in (("constant", constant), ("gradient_boosting", best_reference))
    }
    return in_words(
        an_answer(variants=variants, effects=effects, comparisons=tuple(comparisons),
                  references=references, margin=margin, splits=runs, design=design)
    )  # fmt: skip


NAN = math.nan
# Ten outcomes: errors of baseline, dropout, batchnorm and both, what else is known, which model to
# use, and the words that say what to do.
OUTCOMES = {
    "dropout helps": (
        {"errors": (10, 8, 10.1, 8.2)}, "dropout", "Use the network with dropout: its error is 2.00"
        " MPa (1.50 to 2.50) lower than without it.",
    ),
    "batch normalization rescues": (
        {"errors": (NAN, NAN, 4.3, 5.4), "constant": 13, "best_reference": 5.5}, "batchnorm",
        "Use the network with batch normalization: without it, all 5 runs diverged, and its error"
        " is 1.10 MPa (0.60 to 1.60) lower than with both layers.",
    ),
    "it does not matter": (
        {"errors": (10, 10.1, 9.95, 10.05), "half": 0.2, "margin": 0.5}, "baseline",
        "Use the network without either layer: the layers make no difference above 0.5 MPa, and it"
        " is the simplest.",
    ),
    "no number of splits would": (
        {"errors": (10, 9.8, 10.3, 9.9)}, "baseline",
        "these splits can show a difference above about 0.71 MPa.",
    ),
    "both layers hurt": (
        {"errors": (10, 12, 11, 13)}, "baseline",
        "Use the network without either layer: each layer makes it worse.",
    ),
    "all diverge": (
        {"errors": (NAN, NAN, NAN, NAN), "constant": 13, "best_reference": 8}, "gradient_boosting",
        "Use none of the four networks: trainings of all four diverged. Gradient boosting has an"
        " error of 8.00 MPa, a constant 13.0 MPa.",
    ),
    "none has learnt anything": (
        {"errors": (40, 41, 42, 43), "constant": 13, "best_reference": 14}, "",
        "Use none of the four networks: each diverged or is no better than a constant.",
    ),
    "boosting is better": (
        {"errors": (10, 8, 10, 8), "best_reference": 6}, "gradient_boosting",
        "Use gradient boosting: its error is 2.00 MPa (1.50 to 2.50) lower than that of the network"
        " with dropout, the best choice of the four.",
    ),
    "one run of each": (
        {"errors": (10, 8, 10, 8), "half": NAN, "runs": 1}, "baseline",
        "One run cannot rank the networks: run it with --params=made.replicas.splits=5 before you"
        " choose.",
    ),
}  # fmt: skip


def an_outcome_named(name):
    """Return one of the outcomes as an answer in words."""
    told, *_ = OUTCOMES[name]
    return an_outcome(**told)
