"""What the layers do as configured, and what they do when each network had its chance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dropnorm.evaluation.answers import recommendation
from dropnorm.evaluation.answers.build import find_answer
from dropnorm.evaluation.estimation.contrasts import design_of
from dropnorm.evaluation.estimation.estimands import estimand
from dropnorm.evaluation.estimation.evidence import gather_evidence
from dropnorm.evaluation.estimation.verdicts import Verdict
from dropnorm.evaluation.json_form import or_nan
from dropnorm.study.arms import arm_of
from dropnorm.tasks.registry import task_of
from dropnorm.tuning.curves import tuning_curve
from dropnorm.tuning.results import (
    EqualBudget,
    LayerEffect,
    NetworkAtBudget,
    Recommended,
    Size,
)
from dropnorm.tuning.shares import options_of, shares_of_variance
from dropnorm.tuning.space import of_network

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from dropnorm.evaluation.answers.answer import Answer
    from dropnorm.evaluation.estimation.contrasts import Contrast
    from dropnorm.evaluation.estimation.effects import Evidence
    from dropnorm.study.schema import Study
    from dropnorm.tuning.results import Configuration, CurvePoint, SearchedNetwork, Trial

CONFIGURED, CHOSEN = "configured", "chosen"
_ALPHA = 0.05


def find_equal_budget(
    networks: Mapping[str, SearchedNetwork],
    references: pd.DataFrame,
    split: pd.DataFrame,
    study: Study,
) -> EqualBudget:
    """Compare the networks as configured and at equal budget, on the same splits and starts.

    Args:
        networks: What the search leaves, by name.
        references: Predictions of the reference models.
        split: Which row is in which part of which split.
        study: As it is configured.
    """
    answers = {
        budget: _answer(networks, budget, references, split, study)
        for budget in (CONFIGURED, CHOSEN)
    }
    both = _both(networks, references, split, study)
    worst = answers[CHOSEN].references["constant"].error
    task, replicas = task_of(study), study.replicas
    return EqualBudget(
        study=study.name,
        title=study.label,
        made_up=study.made_up,
        error=task.error(study).name,
        unit=task.unit(study),
        splits=replicas.splits,
        starts=replicas.starts,
        trials=study.recommend.trials,
        seed=study.recommend.seed,
        estimand=estimand(replicas.splits, replicas.starts, study.split, in_order=both.in_order),
        answer_configured=answers[CONFIGURED].answer,
        answer=answers[CHOSEN].answer,
        effects=tuple(
            _effect(contrast, networks, answers, both) for contrast in design_of(study).contrasts
        ),
        networks=tuple(_network(name, one, both, worst, study) for name, one in networks.items()),
        recommended=_recommend(networks, answers[CHOSEN], study),
    )


def _answer(
    networks: Mapping[str, SearchedNetwork],
    budget: str,
    references: pd.DataFrame,
    split: pd.DataFrame,
    study: Study,
) -> Answer:
    metrics = {name: getattr(one, budget) for name, one in networks.items()}
    tables = {name: _predictions(one, budget) for name, one in networks.items()}
    evidence = gather_evidence(metrics, tables, references, split, study)
    return find_answer(evidence, metrics, study)


def _both(
    networks: Mapping[str, SearchedNetwork],
    references: pd.DataFrame,
    split: pd.DataFrame,
    study: Study,
) -> Evidence:
    """Put the errors as configured and at equal budget side by side."""
    columns = [(name, budget) for name in networks for budget in (CONFIGURED, CHOSEN)]
    return gather_evidence(
        {_column(*one): getattr(networks[one[0]], one[1]) for one in columns},
        {_column(*one): _predictions(networks[one[0]], one[1]) for one in columns},
        references,
        split,
        study,
    )


def _column(name: str, budget: str) -> str:
    return f"{name}, {budget}"


def _predictions(network: SearchedNetwork, budget: str) -> pd.DataFrame:
    table = network.predictions
    return table.loc[table["budget"] == budget].drop(columns="budget")


def _effect(
    contrast: Contrast,
    networks: Mapping[str, SearchedNetwork],
    answers: Mapping[str, Answer],
    both: Evidence,
) -> LayerEffect:
    found = {budget: answer.effects[contrast.name] for budget, answer in answers.items()}
    sizes = {
        budget: _size(one.difference, one.low, one.high, one.verdict.value)
        for budget, one in found.items()
    }
    change = {_column(one, CHOSEN): weight for one, weight in contrast.weights.items()}
    change |= {_column(one, CONFIGURED): -weight for one, weight in contrast.weights.items()}
    lost = any(networks[name].diverged for name in contrast.weights)
    changed = _difference(both, change, lost=lost)
    return LayerEffect(contrast.name, sizes[CONFIGURED], sizes[CHOSEN], changed)


def _network(
    name: str,
    network: SearchedNetwork,
    both: Evidence,
    worst: float,
    study: Study,
) -> NetworkAtBudget:
    worth = {_column(name, CHOSEN): 1, _column(name, CONFIGURED): -1}
    picked = [trial for trial in network.trials if trial.chosen]
    inner = [or_nan(trial.error) for trial in picked]
    means = mean_errors(network.trials)
    return NetworkAtBudget(
        name=name,
        configured=_or_none(both.errors[_column(name, CONFIGURED)].mean()),
        chosen=_or_none(both.errors[_column(name, CHOSEN)].mean()),
        inner=_or_none(float(np.mean(inner))),
        worth=_difference(both, worth, lost=bool(network.diverged)),
        diverged_configured=network.configured.diverged,
        diverged_chosen=network.chosen.diverged,
        diverged_trials=sum(trial.error is None for trial in network.trials),
        trials=len(network.trials),
        picked=tuple(trial.configuration.trial for trial in picked),
        curve=_curve(means, worst),
        shares=_shares(name, network.trials, means, worst, study),
    )


def mean_errors(trials: Sequence[Trial]) -> list[float]:
    """Return the mean inner error of each trial over the splits; nan if it diverged in one."""
    numbers = sorted({trial.configuration.trial for trial in trials})
    return [
        float(np.mean([or_nan(one.error) for one in trials if one.configuration.trial == number]))
        for number in numbers
    ]


def _curve(means: Sequence[float], worst: float) -> tuple[CurvePoint, ...]:
    return tuple(tuning_curve(means[0], means[1:], worst))


def _shares(
    name: str, trials: Sequence[Trial], means: Sequence[float], worst: float, study: Study
) -> dict[str, float]:
    variant = arm_of(study, name).variant
    configurations = {
        one.configuration.trial: of_network(study, name, one.configuration) for one in trials
    }
    layers = {"dropout": variant.has_dropout, "batchnorm": variant.has_batchnorm}
    options = [options_of(configurations[one], **layers) for one in sorted(configurations)]
    # The first is not drawn. A trial is no worse than a constant, which needs no network.
    errors = [min(one, worst) if math.isfinite(one) else worst for one in means]
    return shares_of_variance(options[1:], errors[1:])


def _recommend(
    networks: Mapping[str, SearchedNetwork], answer: Answer, study: Study
) -> Recommended | None:
    """Return the configuration of the recommended network that is best over all splits."""
    if not answer.working():
        return None
    name = recommendation.choose(answer)
    trials = networks[name].trials
    means = mean_errors(trials)
    if not np.isfinite(means).any():
        return None
    best = int(np.nanargmin(means))
    configuration, epochs = _of_trial(trials, best)
    return Recommended(name, of_network(study, name, configuration), epochs, means[best])


def _of_trial(trials: Sequence[Trial], number: int) -> tuple[Configuration, int]:
    found = [one for one in trials if one.configuration.trial == number]
    return found[0].configuration, max(1, round(float(np.mean([one.epochs for one in found]))))


def _difference(both: Evidence, weights: Mapping[str, int], *, lost: bool) -> Size:
    """Return a paired difference; none where a training diverged."""
    if lost:
        return Size(None, None, None, Verdict.DIVERGED.value)
    interval, _ = both.difference(weights, _ALPHA)
    return _size(interval.mean, interval.low, interval.high)


def _size(difference: float, low: float, high: float, verdict: str = "") -> Size:
    return Size(_or_none(difference), _or_none(low), _or_none(high), verdict)


def _or_none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
