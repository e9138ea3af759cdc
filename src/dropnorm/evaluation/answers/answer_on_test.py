"""What networks and reference models do on the test part, which nothing else has looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dropnorm.data.splits import TEST
from dropnorm.evaluation.estimation import effects
from dropnorm.evaluation.estimation.contrasts import design_of
from dropnorm.evaluation.estimation.estimands import estimand
from dropnorm.evaluation.references.reference_comparison import compare_references, health_beside
from dropnorm.tasks.registry import task_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from dropnorm.evaluation.estimation.effects import Effect, Evidence
    from dropnorm.evaluation.estimation.verdicts import Health
    from dropnorm.evaluation.references.reference_comparison import ReferenceAnswer
    from dropnorm.evaluation.results import VariantMetrics
    from dropnorm.study.schema import Study


@dataclass(frozen=True)
class NetworkOnTest:
    """What the trainings of one network came to on the test rows; nan where none stayed finite.

    Attributes:
        error: Mean error over the finite replicas, in the target's unit.
        standard_deviation: Of that error over the replicas.
        finite: How many replicas stayed finite.
        health: Whether the networks are worth comparing on these rows.
    """

    error: float
    standard_deviation: float
    finite: int
    health: Health


@dataclass(frozen=True)
class AnswerOnTest:
    """The answer on the test rows, with the same keys as that on the validation rows.

    Attributes:
        estimand: What the intervals are about.
        margin: Differences up to this are practically none.
        variants: What each network came to.
        effects: What each contrast does.
        references: What each reference model came to.
    """

    estimand: str
    margin: float
    variants: Mapping[str, NetworkOnTest]
    effects: Mapping[str, Effect]
    references: Mapping[str, ReferenceAnswer]


def find_answer_on_test(
    evidence: Evidence, metrics: Mapping[str, VariantMetrics], study: Study
) -> AnswerOnTest:
    """Estimate on the test rows what is estimated on the validation rows.

    Pairs, intervals, margin and verdicts are made in the same way, of the test rows alone. Whether
    a training failed is known from its validation loss; whether the networks are better than a
    constant is told by the test rows.

    Args:
        evidence: Errors on the test rows of all variants and reference models.
        metrics: By variant.
        study: As it was run.
    """
    design, task = design_of(study), task_of(study)
    references = compare_references(evidence, task.references_of(study), design)
    constant = references["constant"].networks_minus_this
    variants = {
        name: _network(
            evidence.errors[name].dropna(),
            health_beside(constant[name], metrics[name], task.failures),
        )
        for name in design.names
    }
    diverged = {name: one.diverged for name, one in metrics.items()}
    margin = effects.margin_of(evidence.errors[design.against], study.margin)
    found = effects.estimate(evidence, diverged, margin, design)
    healths = {name: one.health for name, one in variants.items()}
    replicas = study.replicas
    return AnswerOnTest(
        estimand=estimand(
            replicas.splits, replicas.starts, study.split, TEST, in_order=evidence.in_order
        ),
        margin=margin,
        variants=variants,
        effects=effects.weigh_effects(found, healths, design),
        references=references,
    )


def _network(finite: pd.Series, health: Health) -> NetworkOnTest:
    return NetworkOnTest(
        error=float(finite.mean()) if len(finite) else math.nan,
        standard_deviation=float(finite.std(ddof=1)) if len(finite) > 1 else math.nan,
        finite=len(finite),
        health=health,
    )
