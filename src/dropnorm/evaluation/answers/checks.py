"""What in an answer a result must not rest on: findings, each with a code.

What can be seen before anything trains, :mod:`dropnorm.data.inspection.checks` finds, and what the
trainings of a network show, :mod:`dropnorm.evaluation.trainings.training_checks`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dropnorm.evaluation import wording
from dropnorm.evaluation.estimation import network_names
from dropnorm.evaluation.estimation.intervals import Basis
from dropnorm.evaluation.estimation.verdicts import Verdict
from dropnorm.findings import CODES, Finding
from dropnorm.tasks.metrics import SCORES
from dropnorm.tasks.registry import task_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from dropnorm.evaluation.answers.answer import Answer
    from dropnorm.evaluation.estimation.contrasts import Design
    from dropnorm.evaluation.estimation.effects import Effect, Evidence
    from dropnorm.evaluation.records import EarlierRun
    from dropnorm.study.schema import Study

    Floats = npt.NDArray[np.float64]


def check_answer(answer: Answer, study: Study) -> list[Finding]:
    """Look through effects and reference models for DN009, DN010 and DN012.

    Args:
        answer: All but its findings.
        study: Says which checks are silenced.
    """
    return _told(
        [*_worse_than_linear(answer, study), *_not_best(answer), *_undecided(answer)], study
    )


def check_intervals(
    effects: Mapping[str, Effect],
    design: Design,
    evidence: Evidence,
    study: Study,
    rows: str = "",
) -> list[Finding]:
    """Say which effects have an interval that rests on the splits alone, and why: DN026.

    Args:
        effects: By name.
        design: Which networks are compared.
        evidence: That the effects were estimated from.
        study: Says which checks are silenced.
        rows: In words, on which the effects were estimated, if not on the validation rows.
    """
    weights = {one.name: one.weights for one in design.contrasts}
    reasons: dict[str, list[str]] = {}
    for name, effect in effects.items():
        if effect.basis is Basis.SPLITS and math.isfinite(effect.low):
            reasons.setdefault(evidence.why_splits_alone(weights[name]), []).append(name)
    return _told(
        [
            Finding(
                CODES["DN026"],
                ", ".join(map(network_names.spoken, names)) + (f" on the {rows}" if rows else ""),
                reason,
                len(names),
                len(effects),
            )
            for reason, names in reasons.items()
        ],
        study,
    )


def check_earlier(earlier: Sequence[EarlierRun], study: Study) -> list[Finding]:
    """Say of a run that others have looked at the same study before: DN018.

    Args:
        earlier: Complete runs with the same options and fewer replicas.
        study: Says which checks are silenced.
    """
    looks = dict.fromkeys((one.splits, one.starts) for one in earlier)
    if not looks:
        return []
    runs = " and ".join(wording.counted_runs(*one) for one in sorted(looks))
    number = len(looks) + 1
    found = Finding(CODES["DN018"], f"look {number}", f"after {runs}", number - 1, number)
    return _told([found], study)


def _told(findings: Iterable[Finding], study: Study) -> list[Finding]:
    return [finding for finding in findings if finding.code.code not in study.silence]


def _worse_than_linear(answer: Answer, study: Study) -> Iterator[Finding]:
    references = answer.references
    known = [name for name in task_of(study).linear if name in answer.finite_references()]
    if not known:
        return
    best = min(known, key=lambda name: references[name].error)
    for variant, one in references[best].networks_minus_this.items():
        # Where chance leaves it open, DN010 says so.
        shown = one.low if math.isfinite(one.low) else one.difference
        if shown > 0:
            yield Finding(
                CODES["DN009"],
                network_names.spoken(variant),
                f"{wording.unsigned_size(one, answer.unit)} above {network_names.spoken(best)}",
                one.pairs - one.wins.wins,
                one.pairs,
            )


def _not_best(answer: Answer) -> Iterator[Finding]:
    references = answer.references
    best = min(answer.finite_references(), key=lambda name: references[name].error)
    beside = references[best].networks_minus_this
    compared = {name: one for name, one in beside.items() if math.isfinite(one.difference)}
    open_ = [name for name, one in compared.items() if not one.high < 0]
    if open_:
        told = wording.quantity(references[best].error, answer.unit)
        yield Finding(
            CODES["DN010"],
            ", ".join(map(network_names.spoken, open_)),
            f"the {SCORES[answer.error].label} of {network_names.spoken(best)} is {told}",
            len(open_),
            len(compared),
        )


def _undecided(answer: Answer) -> Iterator[Finding]:
    undecided = [
        name
        for name, one in answer.effects.items()
        if one.verdict in (Verdict.NOT_SETTLED, Verdict.NONE)
    ]
    if undecided:
        runs = wording.counted_runs(answer.splits, answer.starts)
        yield Finding(
            CODES["DN012"],
            ", ".join(map(network_names.spoken, undecided)),
            f"{runs} cannot tell",
            len(undecided),
            len(answer.effects),
        )
