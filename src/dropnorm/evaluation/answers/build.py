"""From the scores of trainings to the answer: effects, reference models, sentences, findings."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from dropnorm.evaluation.answers import cards, checks, sentences
from dropnorm.evaluation.answers.answer import Answer, VariantAnswer
from dropnorm.evaluation.answers.answer_on_test import find_answer_on_test
from dropnorm.evaluation.answers.comparisons import compare_networks
from dropnorm.evaluation.answers.interaction import tell_interaction
from dropnorm.evaluation.answers.more_runs import more_runs
from dropnorm.evaluation.answers.recommendation import recommend
from dropnorm.evaluation.estimation import effects, sequential
from dropnorm.evaluation.estimation.contrasts import design_of
from dropnorm.evaluation.estimation.effects import margin_of
from dropnorm.evaluation.estimation.estimands import estimand
from dropnorm.evaluation.references.reference_comparison import compare_references, health_beside
from dropnorm.study.optimism import optimistic_networks, tell_choice
from dropnorm.study.variants import Variant
from dropnorm.tasks.registry import task_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dropnorm.evaluation.estimation.effects import Evidence
    from dropnorm.evaluation.records import EarlierRun
    from dropnorm.evaluation.references.reference_comparison import Difference
    from dropnorm.evaluation.results import VariantMetrics
    from dropnorm.findings import Finding
    from dropnorm.study.schema import Study
    from dropnorm.tasks.base import Task


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
    tested: list[Finding] = []
    test = None
    if on_test is not None:
        on_test = replace(on_test, level=level)
        test = find_answer_on_test(on_test, metrics, study)
        tested = checks.check_intervals(test.effects, design, on_test, study, "test rows")
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
        comparisons=compare_networks(evidence, diverged, margin, design),
        references=references,
        committee=sentences.committee(
            variants, error.name, task.unit(study), layered=Variant.DROPOUT in design.layered
        ),
        # What lies between splits in order is their trend as well.
        spread=""
        if evidence.in_order
        else sentences.spread(variants, found, error.spoken, task.unit(study)),
        design=design,
        test=test,
        optimistic=optimistic_networks(study),
        choice=tell_choice(study),
        more_runs=more_runs(study),
    )
    findings = [
        *(one for name in design.names for one in metrics[name].findings),
        *of_networks,
        *checks.check_answer(answer, study),
        *checks.check_intervals(found, design, evidence, study),
        *tested,
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
    chosen = last if metrics.chosen_val_loss is None else metrics.chosen_val_loss
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
        minimum_flatters_by=None if chosen is None or least is None else chosen - least,
        beside={name: metrics.validation[name] for name in task.beside},
        committee=metrics.committee,
    )
