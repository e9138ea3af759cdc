"""Gradient boosting whose options are chosen on inner training rows."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dropnorm.tasks.registry import task_of
from dropnorm.training.cache import recall_or_compute, versions_of
from dropnorm.training.package_sources import sources_checksum

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt

    from dropnorm.data.preprocessing import SplitInputs
    from dropnorm.study.schema import Study

# The most trees of a trial for each output, and between how many the best is sought.
_MOST, _EVERY = 500, 10
# Ranges of the drawn options, each uniform in its logarithm.
_RATES, _LEAVES, _ROWS, _L2 = (0.02, 0.3), (4, 64), (2, 60), (1e-3, 10.0)


@dataclass(frozen=True)
class BoostingOptions:
    """Options of one trial, with scikit-learn's defaults.

    Attributes:
        learning_rate: Factor of each tree.
        max_leaf_nodes: The most leaves of a tree.
        min_samples_leaf: The fewest training rows of a leaf.
        l2_regularization: Weight of the squared values of the leaves.
    """

    learning_rate: float = 0.1
    max_leaf_nodes: int = 31
    min_samples_leaf: int = 20
    l2_regularization: float = 0.0


def predict_tuned(
    inputs: SplitInputs,
    held: npt.NDArray[np.float32],
    study: Study,
    memory: Path | None = None,
) -> npt.NDArray[np.float64]:
    """Choose the options of gradient boosting by one split, and predict rows held out of it.

    Each trial is fitted to the training rows without the inner ones, and the inner ones choose its
    number of trees and the best trial. It is then fitted again, to all training rows.

    Args:
        inputs: Arrays of the split, with rows that choose.
        held: The rows to predict, shape (rows, inputs).
        study: Study with the number of trials and the seed.
        memory: Folder where predictions are kept, with the trainings; None keeps none.

    Returns:
        Predictions in the target's own terms, shape (rows, columns).
    """
    training, target = study.training, inputs.target
    content = {
        "sources": _sources(),
        "versions": versions_of("dropnorm", "numpy", "scikit-learn"),
        "trials": study.references.boosting_trials,
        "task": (study.task, training.loss, training.seed, training.threads or 1),
        "target": target.fields(),
        "rows": (inputs.train.x, inputs.train.y, inputs.choosing, held),
    }
    shape = (len(held), len(target.suffixes))
    return recall_or_compute(content, shape, lambda: _predict(inputs, held, study), memory)


def _predict(
    inputs: SplitInputs, held: npt.NDArray[np.float32], study: Study
) -> npt.NDArray[np.float64]:
    trials = list(draw_options(study.references.boosting_trials, study.training.seed))
    found = [best_iterations(options, inputs, study) for options in trials]
    best = min(range(len(found)), key=lambda trial: found[trial][0])
    model = task_of(study).boosting(
        inputs.train.y, study, max_iter=found[best][1], **vars(trials[best])
    )
    model.fit(inputs.train.x, inputs.train.y)
    *_, predicted = task_of(study).boosted(model, held, inputs.target)
    return predicted


@functools.cache
def _sources() -> str:
    """Return the checksum of the sources; not when this module is imported, as it takes long."""
    return sources_checksum(__name__)


def draw_options(trials: int, seed: int) -> Iterator[BoostingOptions]:
    """Yield the options of each trial: the defaults, and then independent draws.

    The first of many are those of few.
    """
    chance = np.random.default_rng(seed)

    def draw(low: float, high: float) -> float:
        return float(np.exp(chance.uniform(math.log(low), math.log(high))))

    for trial in range(trials):
        if trial == 0:
            yield BoostingOptions()
            continue
        rate, leaves, rows, l2 = (draw(*ends) for ends in (_RATES, _LEAVES, _ROWS, _L2))
        yield BoostingOptions(rate, round(leaves), round(rows), l2)


def best_iterations(
    options: BoostingOptions, inputs: SplitInputs, study: Study
) -> tuple[float, int]:
    """Fit one trial; return its least error on the inner rows, and the iterations that have it.

    The error is the mean over the rows, of squares if the study's error is a root of them.
    """
    task, divided = task_of(study), inputs.divided
    inner, target = divided.inner, inputs.target
    if inner is None:
        raise ValueError("no rows are set aside to choose")
    model = task.boosting(divided.train.y, study, max_iter=_MOST, **vars(options))
    model.fit(divided.train.x, divided.train.y)
    known = target.restore(inner.y)
    best = (math.inf, _EVERY)
    for iterations, predicted in enumerate(task.boosted(model, inner.x, target), start=1):
        if iterations % _EVERY == 0:
            table = pd.DataFrame({"target": known, **target.table(predicted)})
            error = float(task.row_losses(table, task.error(study)).mean())
            best = min(best, (error, iterations))
    return best
