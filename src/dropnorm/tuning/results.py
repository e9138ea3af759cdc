"""What a search at equal budget leaves and finds, as it is written."""

from dataclasses import dataclass

import pandas as pd

from dropnorm.evaluation.json_form import Result
from dropnorm.evaluation.results import VariantMetrics
from dropnorm.tuning.space import Configuration


@dataclass(frozen=True)
class Trial(Result):
    """One configuration of one network, on the inner rows of one split.

    Attributes:
        split: Which split of the rows.
        configuration: What was tried.
        error: Of the rows that choose, over the epochs around the last that counts, in the target's
            unit; None of a training that diverged.
        epochs: For how many the network is trained on all training rows, if it is chosen.
        chosen: Whether it is, in this split.
    """

    split: int
    configuration: Configuration
    error: float | None
    epochs: int
    chosen: bool = False


@dataclass(frozen=True)
class SearchedNetwork:
    """What a search leaves of one network; it has no file of its own.

    Attributes:
        trials: By split, then by number.
        configured: How good the network is as it is configured.
        chosen: The same of the configuration chosen in each split.
        predictions: Of the validation rows, of both, with a column ``budget``: ``configured`` and
            ``chosen``.
    """

    trials: list[Trial]
    configured: VariantMetrics
    chosen: VariantMetrics
    predictions: pd.DataFrame


@dataclass(frozen=True)
class Size(Result):
    """A difference of errors with its 95 % interval; None where a number is not finite.

    Attributes:
        difference: Mean over the pairs.
        low: Lower end of the interval.
        high: Its upper end.
        verdict: In words; empty where none is given.
    """

    difference: float | None
    low: float | None
    high: float | None
    verdict: str = ""


@dataclass(frozen=True)
class LayerEffect(Result):
    """What one contrast of networks does to the error.

    Attributes:
        name: Of the contrast.
        configured: As the study is configured.
        equal_budget: With the configuration chosen for each network.
        change: The second less the first.
    """

    name: str
    configured: Size
    equal_budget: Size
    change: Size


@dataclass(frozen=True)
class CurvePoint(Result):
    """What the best of so many trials comes to, by the rows that choose.

    Attributes:
        trials: How many.
        expected: Mean of the least error.
        low: Lower end of a 95 % band that holds of all points at once.
        high: Its upper end.
    """

    trials: int
    expected: float
    low: float
    high: float


@dataclass(frozen=True)
class NetworkAtBudget(Result):
    """What a search comes to for one network; None where a number is not finite.

    Attributes:
        name: Of the network.
        configured: Error of the validation rows, as it is configured.
        chosen: The same, with the configuration chosen in each split.
        inner: Error of the chosen configurations by the rows that chose them, which flatters.
        worth: The chosen less the configured: below zero, choosing was worth it.
        diverged: How many of its trials did.
        trials: How many there were, over all splits.
        picked: Numbers of the trials chosen, by split.
        curve: By number of trials.
        shares: By option, the share of the variance of the inner error that it explains alone.
    """

    name: str
    configured: float | None
    chosen: float | None
    inner: float | None
    worth: Size
    diverged: int
    trials: int
    picked: tuple[int, ...]
    curve: tuple[CurvePoint, ...]
    shares: dict[str, float]


@dataclass(frozen=True)
class Recommended(Result):
    """The configuration to use.

    Attributes:
        network: Its name.
        configuration: Of all trials, that with the least mean inner error.
        epochs: Mean over the splits of those it is trained for.
        inner: Its mean error by the rows that choose, which flatters.
    """

    network: str
    configuration: Configuration
    epochs: int
    inner: float


@dataclass(frozen=True)
class EqualBudget(Result):
    """What a search finds: ``recommendation.json``.

    Attributes:
        study: Its name.
        title: As a reader meets it.
        made_up: Whether the table is.
        error: Name of the error that counts.
        unit: Of the error.
        splits: How many there are.
        starts: How many there are of each split.
        trials: Of each network, in each split.
        seed: Of the configurations.
        estimand: What the intervals are about, in words.
        answer_configured: What to do, as the study is configured.
        answer: What to do, at equal budget.
        effects: Of the layers.
        networks: In the order of the study.
        recommended: None if no network works.
    """

    study: str
    title: str
    made_up: bool
    error: str
    unit: str
    splits: int
    starts: int
    trials: int
    seed: int
    estimand: str
    answer_configured: str
    answer: str
    effects: tuple[LayerEffect, ...]
    networks: tuple[NetworkAtBudget, ...]
    recommended: Recommended | None
