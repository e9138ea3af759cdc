"""Answers made up by hand: effects, variants and reference models with known differences."""

from __future__ import annotations

import math

from dropnorm.evaluation.answer import Answer, Difference, ReferenceAnswer, VariantAnswer
from dropnorm.evaluation.effects import Contrast, Deviations, Effect, Wins
from dropnorm.evaluation.verdicts import Verdict
from dropnorm.study.variants import Variant

NO_DEVIATIONS = Deviations(None, None, None)


def an_effect(difference, half=0.5, verdict=Verdict.HELPS, *, pairs=5, lost=None, **others):
    """An effect with an interval that reaches so far to both sides; nan for none."""
    won = pairs if difference < 0 else 0
    return Effect(
        **{"difference": difference, "low": difference - half, "high": difference + half,
           "percent_of_baseline": 10 * difference, "p": 0.01, "p_holm": 0.04, "pairs": pairs,
           "wins": Wins(won, pairs, won / max(1, pairs), 0.1, 0.9), "deviations": NO_DEVIATIONS,
           "diverged": lost or {}, "verdict": verdict, "needed": None} | others
    )  # fmt: skip


def a_variant(error=10.0, *, replicas=5, diverged=0, collapsed=0, **others):
    """A variant with so many trainings that failed."""
    return VariantAnswer(
        **{"error": error, "standard_deviation": 0.1, "deviations": NO_DEVIATIONS,
           "replicas": replicas, "finite": replicas - diverged, "diverged": diverged,
           "failures": {"collapsed": collapsed}, "final_val_loss": 1.0, "min_val_loss": 0.9,
           "minimum_flatters_by": 0.1, "beside": {"r2": 0.5}, "committee": None} | others
    )  # fmt: skip


def a_reference(error, differences, half=0.5, pairs=5):
    """A reference model from which the networks differ by so much."""
    return ReferenceAnswer(
        error,
        pairs,
        {
            Variant(name): Difference(one, one - half, one + half, pairs,
                                      Wins(0 if one > 0 else pairs, pairs))
            for name, one in differences.items()
        },
    )  # fmt: skip


def an_answer(**others):
    """An answer in which nothing is remarkable, but for what is given."""
    given = {
        "study": "made", "title": "made up", "made_up": False, "answer": "", "sentences": {},
        "estimand": "", "error": "mae", "beside": ("r2",), "unit": "MPa", "margin": 0.0,
        "splits": 5, "starts": 1, "variants": {variant: a_variant() for variant in Variant},
        "effects": {contrast: an_effect(-1.0) for contrast in Contrast},
        "references": {"constant": a_reference(math.nan, {})}, "committee": "", "spread": "",
    }  # fmt: skip
    return Answer(**given | others)
