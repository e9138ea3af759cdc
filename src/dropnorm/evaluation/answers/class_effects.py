"""What networks do to classes beside the log loss: calibration, accuracy, AUC, scaled log loss."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dropnorm.data.splits import VALIDATION
from dropnorm.evaluation import wording
from dropnorm.evaluation.answers.answer import strict
from dropnorm.evaluation.estimation import effects, sequential
from dropnorm.evaluation.estimation.evidence import losses_by_split, losses_of_rows
from dropnorm.evaluation.estimation.network_names import title
from dropnorm.evaluation.estimation.verdicts import Verdict
from dropnorm.evaluation.results import of_replica
from dropnorm.tasks.calibration import scale_temperature, score_calibration
from dropnorm.tasks.metrics import auc_of_rows, row_log_losses
from dropnorm.tasks.targets import Classes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy.typing as npt

    from dropnorm.evaluation.answers.answer import Answer
    from dropnorm.evaluation.estimation.contrasts import Contrast
    from dropnorm.evaluation.estimation.effects import Effect, Evidence
    from dropnorm.evaluation.results import ReplicaMetrics, VariantMetrics, VariantOutcome
    from dropnorm.study.schema import Study

    Floats = npt.NDArray[np.float64]
    OfRows = Callable[[npt.NDArray[np.int64], Floats], Floats]

_REPLICA = ["split", "start"]
_SCALED = "scaled_log_loss"
# An overconfident network counts as failed by its log loss, so that another rescues it.
_LOWER = (Verdict.HELPS, Verdict.RESCUES)


@dataclass(frozen=True)
class Calibrated:
    """Calibration of the networks of a variant, means over the finite replicas; nan if none is.

    Attributes:
        ece: Expected calibration error of the validation rows, from 0 to 1.
        temperature: Geometric mean over the replicas.
        scaled_ece: The calibration error after temperature scaling.
        scaled_log_loss: Log loss in nats after temperature scaling.
    """

    ece: float
    temperature: float
    scaled_ece: float
    scaled_log_loss: float


def calibrate_variant(predictions: pd.DataFrame, replicas: Iterable[ReplicaMetrics]) -> Calibrated:
    """Measure the calibration of the networks of a variant, each with a temperature of its own.

    Args:
        predictions: Of the validation rows.
        replicas: Those that diverged are left out.
    """
    found = [
        score_calibration(*Classes.predicted(of_replica(predictions, one.split, one.start)))
        for one in replicas
        if one.is_finite
    ]

    def mean(name: str) -> float:
        return float(np.mean([one[name] for one in found])) if found else math.nan

    logs = [math.log(one["temperature"]) for one in found]
    temperature = math.exp(float(np.mean(logs))) if found else math.nan
    return Calibrated(mean("ece"), temperature, mean("ece_scaled"), mean("log_loss_scaled"))


@dataclass(frozen=True)
class ClassEffect:
    """What one contrast does to a score.

    Attributes:
        difference: Of the score, mean over the pairs; of accuracy and AUC, plus is better.
        low: Lower end of the 95 % interval; nan if there is none.
        high: Its upper end.
        p_holm: p-value of no difference, adjusted for the contrasts of this score.
        pairs: How many pairs it was computed on.
        splits: In how many splits they are.
        of_splits: In how many splits both networks can be compared; AUC is not defined in those
            whose validation rows lack a class.
        verdict: In words.
    """

    difference: float
    low: float
    high: float
    p_holm: float
    pairs: int
    splits: int
    of_splits: int
    verdict: Verdict


def find_class_effects(
    outcomes: Mapping[str, VariantOutcome],
    evidence: Evidence,
    answer: Answer,
    split: pd.DataFrame,
    study: Study,
) -> dict[str, Any]:
    """Estimate what the networks do to accuracy, AUC, and log loss after temperature scaling.

    Pairs, intervals and corrections are those of the log loss. Each score is corrected for its own
    contrasts. A temperature is fitted to other validation rows than those that it scales.

    Args:
        outcomes: By network.
        evidence: Of the log loss.
        answer: On the log loss.
        split: Which row is in which part of which split.
        study: As it was run.

    Returns:
        As JSON: ``calibration`` by network; ``effects`` by score and contrast; ``told``, a sentence
        for each network that lowers the log loss, on what is left of that after scaling.
    """
    tables = {name: one.validation_predictions for name, one in outcomes.items()}
    metrics = {name: one.metrics for name, one in outcomes.items()}
    held = split.loc[split["part"] == VALIDATION]
    level = sequential.level_of(study.replicas, len(answer.design.contrasts))
    found: dict[str, dict[str, ClassEffect]] = {}
    for score, of_rows in _LOSSES.items():
        costs = {name: _by_replica(table, of_rows) for name, table in tables.items()}
        errors = {name: _errors(tables[name], costs[name], metrics[name]) for name in tables}
        here = replace(
            evidence,
            errors=pd.DataFrame(errors),
            rows=losses_by_split(
                {name: losses_of_rows(tables[name], costs[name], held) for name in tables}, held
            ),
            root=False,
            level=level,
        )
        diverged = {name: one.diverged for name, one in metrics.items()}
        margin = answer.margin if score == _SCALED else 0.0
        estimated = effects.estimate(here, diverged, margin, answer.design)
        sign = 1 if score == _SCALED else -1
        found[score] = {
            contrast.name: _of_score(
                estimated[contrast.name],
                sign,
                _count_splits(here, contrast),
                _count_splits(evidence, contrast),
            )
            for contrast in answer.design.contrasts
        }
    calibration = {name: calibrate_variant(tables[name], metrics[name].replicas) for name in tables}
    told = [
        _tell(name, found[_SCALED][name])
        for name in answer.design.others
        if answer.effects[name].verdict in _LOWER
        and not _failed(answer, name, answer.design.against)
    ]
    by_name: dict[str, Any] = strict(
        {
            "calibration": {name: vars(one) for name, one in calibration.items()},
            "effects": {
                score: {name: vars(one) for name, one in of_score.items()}
                for score, of_score in found.items()
            },
            "told": told,
        }
    )
    return by_name


def _failed(answer: Answer, *names: str) -> bool:
    """Tell whether a network diverged or learnt no classes, so that it has no calibration."""
    return any(
        one.diverged or one.failures["collapsed"]
        for one in (answer.variants[name] for name in names)
    )


def _wrong(classes: npt.NDArray[np.int64], probabilities: Floats) -> Floats:
    wrong = (probabilities.argmax(axis=1) != classes).astype(np.float64)
    return np.where(np.isfinite(probabilities).all(axis=1), wrong, np.nan)


def _scaled_losses(classes: npt.NDArray[np.int64], probabilities: Floats) -> Floats:
    return row_log_losses(classes, scale_temperature(classes, probabilities).probabilities)


# What each row costs, so that less is better; the mean over the rows is 1 less the score.
_LOSSES: dict[str, OfRows] = {
    "accuracy": _wrong,
    "auc": lambda classes, probabilities: 1 - auc_of_rows(classes, probabilities),
    _SCALED: _scaled_losses,
}


def _by_replica(table: pd.DataFrame, of_rows: OfRows) -> pd.Series:
    """Return what each row of a table of predictions costs, each network judged by itself."""
    found = [
        pd.Series(of_rows(*Classes.predicted(one)), index=one.index)
        for _, one in table.groupby(_REPLICA)
    ]
    return pd.concat(found).loc[table.index]


def _errors(table: pd.DataFrame, costs: pd.Series, metrics: VariantMetrics) -> pd.Series:
    """Return the mean cost of each replica, by split and start; nan of those that diverged."""
    means = costs.groupby([table["split"], table["start"]]).mean()
    for one in metrics.replicas:
        if not one.is_finite:
            means.loc[(one.split, one.start)] = math.nan
    return means


def _count_splits(evidence: Evidence, contrast: Contrast) -> int:
    """Count the splits in which a contrast has a pair."""
    return evidence.pairs(contrast.weights).index.get_level_values("split").nunique()


def _of_score(effect: Effect, sign: int, splits: int, of_splits: int) -> ClassEffect:
    """Return the effect on a score, given that on what rows cost."""
    # Adding 0 makes no difference of minus zero.
    difference, *ends = (0.0 + sign * one for one in (effect.difference, effect.low, effect.high))
    low, high = sorted(ends)
    verdict = effect.verdict
    # Only AUC is not defined where no training diverged: it asks for rows of every class.
    if verdict is Verdict.NONE and splits < of_splits:
        verdict = Verdict.ONE_SPLIT if splits else Verdict.UNDEFINED
    return ClassEffect(
        difference, low, high, effect.p_holm, effect.pairs, splits, of_splits, verdict
    )


def _tell(name: str, scaled: ClassEffect) -> str:
    """Say what is left of a lower log loss after temperature scaling."""
    size = wording.signed_size(scaled, "nats")
    if scaled.verdict is Verdict.HELPS:
        return (
            f"{title(name)}: the lower log loss is more than mended overconfidence. After"
            f" temperature scaling, which mends it too, the difference is {size}."
        )
    return (
        f"{title(name)}: the lower log loss is not shown to be more than mended overconfidence."
        f" After temperature scaling, which mends it too, the difference is {size}:"
        f" {scaled.verdict}."
    )
