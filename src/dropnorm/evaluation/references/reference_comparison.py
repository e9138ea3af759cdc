"""The networks beside the reference models, pair by pair on the same rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dropnorm.evaluation.estimation.intervals import Interval
from dropnorm.evaluation.estimation.verdicts import Health, judge_health
from dropnorm.evaluation.estimation.wins import Wins, share_of_wins

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dropnorm.evaluation.estimation.contrasts import Design
    from dropnorm.evaluation.estimation.effects import Evidence
    from dropnorm.evaluation.results import VariantMetrics


@dataclass(frozen=True)
class Difference:
    """The error of a network less that of a reference model; positive means it is worse.

    Attributes:
        difference: Mean over the pairs; nan without pairs.
        low: Lower end of the 95 % interval; nan if there is none.
        high: Its upper end.
        pairs: How many pairs it was computed on.
        wins: In how many of them the network's error is smaller.
    """

    difference: float
    low: float
    high: float
    pairs: int
    wins: Wins


@dataclass(frozen=True)
class ReferenceAnswer:
    """What one reference model came to.

    Attributes:
        error: Mean error over its finite runs, in the target's unit.
        finite: How many there are.
        networks_minus_this: By network.
    """

    error: float
    finite: int
    networks_minus_this: Mapping[str, Difference]


def compare_references(
    evidence: Evidence, models: Iterable[str], design: Design
) -> dict[str, ReferenceAnswer]:
    """Compare every network with every reference model.

    Args:
        evidence: Errors of both.
        models: Names of the reference models.
        design: Names the networks.
    """
    return {model: _compare(evidence, model, design) for model in models}


def _compare(evidence: Evidence, model: str, design: Design) -> ReferenceAnswer:
    finite = evidence.errors[model].dropna()
    differences = {}
    for name in design.names:
        interval, pairs = evidence.difference({name: 1, model: -1}, alpha=0.05)
        differences[name] = Difference(
            difference=interval.mean,
            low=interval.low,
            high=interval.high,
            pairs=len(pairs),
            wins=share_of_wins(pairs, interval),
        )
    return ReferenceAnswer(
        error=float(finite.mean()) if len(finite) else math.nan,
        finite=len(finite),
        networks_minus_this=differences,
    )


def health_beside(constant: Difference, metrics: VariantMetrics, failures: Iterable[str]) -> Health:
    """Say whether the networks of a variant have learnt anything.

    Args:
        constant: Their error less that of a constant.
        metrics: Of the variant.
        failures: Names of the failures that the task knows.
    """
    beyond = Interval(constant.difference, constant.low, constant.high)
    failed = max(metrics.failures[name] for name in failures)
    return judge_health(metrics.diverged, failed, len(metrics.replicas), beyond)
