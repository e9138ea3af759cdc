"""From the scores of trainings to the answer: effects, reference models, sentences, findings."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from dropnorm.evaluation.answers import cards, checks, ranking, sentences
from dropnorm.evaluation.answers.answer_on_test import AnswerOnTest, find_answer_on_test
from dropnorm.evaluation.answers.interaction import tell_interaction
from dropnorm.evaluation.answers.more_runs import MoreRuns, more_runs
from dropnorm.evaluation.answers.recommendation import Recommendation, recommend
from dropnorm.evaluation.estimation import effects, sequential
from dropnorm.evaluation.estimation.contrasts import FOUR, Design, design_of
from dropnorm.evaluation.estimation.effects import Effect, margin_of
from dropnorm.evaluation.estimation.estimands import estimand
from dropnorm.evaluation.estimation.verdicts import Health
from dropnorm.evaluation.references.reference_comparison import compare_references, health_beside
from dropnorm.study.optimism import optimistic_networks, tell_choice
from dropnorm.study.variants import Variant
from dropnorm.tasks.registry import task_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dropnorm.evaluation.answers.cards import Card
    from dropnorm.evaluation.answers.ranking import Comparison
    from dropnorm.evaluation.estimation.deviations import Deviations
    from dropnorm.evaluation.estimation.effects import Evidence
    from dropnorm.evaluation.estimation.verdicts import Health
    from dropnorm.evaluation.records import EarlierRun
    from dropnorm.evaluation.references.reference_comparison import Difference, ReferenceAnswer
    from dropnorm.evaluation.results import VariantMetrics
    from dropnorm.findings import Finding
    from dropnorm.study.schema import Study
    from dropnorm.tasks.base import Task


@dataclass(frozen=True)
class VariantAnswer:
    """What the trainings of one variant came to; nan or None where none stayed finite.

    Attributes:
        error: Mean validation error over the finite replicas, in the target's unit.
        standard_deviation: Of that error over the replicas.
        deviations: Where its spread comes from.
        replicas: How many were trained.
        finite: How many of them stayed finite.
        diverged: How many did not.
        failures: How many failed in each way that the task knows, such as ``collapsed``.
        health: Whether the networks are worth comparing.
        final_val_loss: In training units, at the last epoch.
        min_val_loss: The least of all epochs, chosen by the rows that score it.
        minimum_flatters_by: By how much the least is below the last.
        beside: Further scores of the task, by name.
        committee: Scores of the mean prediction of a split's starts, if there are several.
    """

    error: float
    standard_deviation: float
    deviations: Deviations
    replicas: int
    finite: int
    diverged: int
    failures: Mapping[str, int]
    health: Health
    final_val_loss: float | None
    min_val_loss: float | None
    minimum_flatters_by: float | None
    beside: Mapping[str, float | None]
    committee: Mapping[str, float | None] | None

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain data, the task's own measures beside the others."""
        own = asdict(self)
        of_task: dict[str, Any] = own.pop("failures") | own.pop("beside")
        return own | of_task


@dataclass(frozen=True)
class Answer:
    """The answer to the question of the project for one study.

    Attributes:
        study: Its name.
        title: Its title.
        made_up: Whether its table is.
        estimand: What the intervals are about.
        error: Name of the error, such as ``mae``.
        beside: Names of the scores that are shown beside the error.
        unit: Of the target.
        margin: Differences up to this are practically none.
        splits: How many were trained on.
        starts: How many trainings of each split.
        variants: What each network came to.
        effects: What each contrast does.
        comparisons: All networks but the reference, compared with one another.
        references: What each reference model came to.
        committee: What averaging the starts comes to, in a sentence.
        spread: Where the spread of errors comes from, in a sentence.
        cards: One for each network but the reference.
        interaction: What the layers do to each other; empty where a network failed.
        recommendation: What to do, and what is left open.
        findings: What the result must not be read without.
        design: Which networks are compared, and with which one.
        test: The same of the test rows; None without a test part.
        optimistic: Networks whose scoring rows also chose their epoch or learning rate.
        choice: Which rows choose epochs and learning rates, in a sentence; empty if none do.
        more_runs: How the study can be run more often.
    """

    study: str
    title: str
    made_up: bool
    estimand: str
    error: str
    beside: tuple[str, ...]
    unit: str
    margin: float
    splits: int
    starts: int
    variants: Mapping[str, VariantAnswer]
    effects: Mapping[str, Effect]
    comparisons: tuple[Comparison, ...]
    references: Mapping[str, ReferenceAnswer]
    committee: str
    spread: str
    cards: Mapping[str, Card] = field(default_factory=dict)
    interaction: str = ""
    recommendation: Recommendation = field(default_factory=lambda: Recommendation("", ""))
    findings: tuple[Finding, ...] = ()
    design: Design = FOUR
    test: AnswerOnTest | None = None
    optimistic: tuple[str, ...] = ()
    choice: str = ""
    more_runs: MoreRuns = field(default_factory=MoreRuns)

    @property
    def answer(self) -> str:
        """The recommendation, in words."""
        return self.recommendation.text()

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain data; a number that is not finite becomes None.

        ``against`` is there where other networks than the four variants are compared, ``test``
        where the study holds a test part, ``optimistic`` and ``choice`` where a training chooses
        its epoch or learning rate, and ``boundary`` of an effect where the run looks several times.
        """
        variants = {name: one.as_json() for name, one in self.variants.items()}
        told = {
            "answer": self.answer,
            "ranking": ranking.ranked(self),
            "variants": variants,
            "findings": [one.described() for one in self.findings],
        }
        written: dict[str, Any] = strict(asdict(self) | told)
        del written["design"], written["more_runs"]
        effects = [written["effects"]]
        if self.test is None:
            del written["test"]
        else:
            effects.append(written["test"]["effects"])
        for one in (one for of_part in effects for one in of_part.values()):
            if one["boundary"] is None:
                del one["boundary"]
        for name in ("optimistic", "choice"):
            if not written[name]:
                del written[name]
        return written if self.design.is_the_four else {**written, "against": self.design.against}


def find_answer(
    evidence: Evidence,
    metrics: Mapping[str, VariantMetrics],
    study: Study,
    earlier: Sequence[EarlierRun] = (),
    of_networks: Sequence[Finding] = (),
    on_test: Evidence | None = None,
) -> Answer:
    """Answer the question of the project for one study.

    Args:
        evidence: Errors of all variants and reference models.
        metrics: By variant.
        study: As it was run.
        earlier: Runs that have looked at the study before.
        of_networks: What trainings and networks show beside one another.
        on_test: Errors on the test rows, where the study holds a test part.
    """
    options, design = study.replicas, design_of(study)
    level = sequential.level_of(options, len(design.contrasts))
    evidence = replace(evidence, level=level)
    diverged = {variant: one.diverged for variant, one in metrics.items()}
    task = task_of(study)
    error = task.error(study)
    references = compare_references(evidence, task.references_of(study), design)
    constant = references["constant"].networks_minus_this
    variants = {
        name: _variant(evidence, metrics[name], constant[name], task) for name in design.names
    }
    margin = margin_of(evidence.errors[design.against], study.margin)
    healths = {name: one.health for name, one in variants.items()}
    estimated = effects.estimate(evidence, diverged, margin, design)
    found = effects.weigh_effects(estimated, healths, design)
    answer = Answer(
        study=study.name,
        title=study.label,
        made_up=study.made_up,
        estimand=estimand(options.splits, options.starts, study.split, in_order=evidence.in_order),
        error=error.name,
        beside=task.beside,
        unit=task.unit(study),
        margin=margin,
        splits=options.splits,
        starts=options.starts,
        variants=variants,
        effects=found,
        comparisons=ranking.compare_networks(evidence, diverged, margin, design),
        references=references,
        committee=sentences.committee(
            variants, error.name, task.unit(study), layered=Variant.DROPOUT in design.layered
        ),
        # What lies between splits in order is their trend as well.
        spread=""
        if evidence.in_order
        else sentences.spread(variants, found, error.spoken, task.unit(study)),
        design=design,
        test=None
        if on_test is None
        else find_answer_on_test(replace(on_test, level=level), metrics, study),
        optimistic=optimistic_networks(study),
        choice=tell_choice(study),
        more_runs=more_runs(study),
    )
    findings = [
        *(one for name in design.names for one in metrics[name].findings),
        *of_networks,
        *checks.check_answer(answer, study),
        *checks.check_intervals(found, design, evidence, study),
        *checks.check_earlier(earlier, study),
    ]
    return in_words(
        replace(answer, findings=tuple(sorted(findings, key=lambda one: one.code.code)))
    )


def in_words(answer: Answer) -> Answer:
    """Add what the figures of an answer say: cards, interaction and recommendation."""
    return replace(
        answer,
        cards={name: cards.make_card(name, answer) for name in answer.design.others},
        interaction=tell_interaction(answer),
        recommendation=recommend(answer),
    )


def _variant(
    evidence: Evidence, metrics: VariantMetrics, beyond_constant: Difference, task: Task
) -> VariantAnswer:
    variant = metrics.variant
    finite = evidence.errors[variant].dropna()
    least, last = metrics.min_val_loss, metrics.final_val_loss
    failures = {name: metrics.failures[name] for name in task.failures}
    return VariantAnswer(
        error=float(finite.mean()) if len(finite) else math.nan,
        standard_deviation=float(finite.std(ddof=1)) if len(finite) > 1 else math.nan,
        deviations=evidence.deviations({variant: 1}),
        replicas=len(evidence.errors),
        finite=len(finite),
        diverged=metrics.diverged,
        failures=failures,
        health=health_beside(beyond_constant, metrics, task.failures),
        final_val_loss=last,
        min_val_loss=least,
        minimum_flatters_by=None if last is None or least is None else last - least,
        beside={name: metrics.validation[name] for name in task.beside},
        committee=metrics.committee,
    )


def strict(value: Any) -> Any:
    """Return plain data that JSON knows: numbers that are not finite become None."""
    if isinstance(value, dict):
        return {str(key): strict(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [strict(one) for one in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
