"""Which option mattered: the share of the trials' spread that each one explains alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from sklearn.ensemble import RandomForestRegressor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dropnorm.tuning.space import Configuration

# Fewer trials tell nothing of six options.
FEWEST = 10


def options_of(configuration: Configuration, *, dropout: bool, batchnorm: bool) -> dict[str, float]:
    """Return the options that a network with these layers uses, as numbers."""
    options = {
        "learning_rate": math.log(configuration.learning_rate),
        "hidden": math.log(configuration.hidden[0]),
        "batch_size": math.log(configuration.batch_size),
        "weight_decay": configuration.weight_decay or 0.0,
    }
    if dropout:
        options["dropout_rate"] = float(np.mean(configuration.dropout_rate))
    if batchnorm:
        options["batchnorm_momentum"] = configuration.batchnorm_momentum
    return options


def shares_of_variance(
    options: Sequence[Mapping[str, float]], errors: Sequence[float]
) -> dict[str, float]:
    """Estimate the share of the variance of errors that each option explains on its own.

    A random forest of the errors is averaged over all options but one; the variance of what is
    left, of that of the forest (the main effects of Hutter, Hoos and Leyton-Brown 2014, "An
    efficient approach for assessing hyperparameter importance", ICML). What options explain
    together, and noise that the forest has learnt, is in no share or in a wrong one: of so few
    trials it is a hint.

    Args:
        options: Of each trial, by name.
        errors: Of the same trials, finite.

    Returns:
        By option; empty if there are too few trials, or if their errors are all the same.
    """
    if len(errors) < FEWEST or not np.ptp(errors):
        return {}
    names = list(options[0])
    x = np.array([[one[name] for name in names] for one in options])
    forest = RandomForestRegressor(100, min_samples_leaf=2, random_state=0)
    forest.fit(x, np.asarray(errors))
    total = float(np.var(forest.predict(x)))
    if not total:
        return {}
    shares = {}
    for place, name in enumerate(names):
        repeated = np.repeat(x[None], len(x), axis=0)
        repeated[:, :, place] = x[:, place][:, None]
        means = forest.predict(repeated.reshape(-1, len(names))).reshape(len(x), -1).mean(axis=1)
        shares[name] = float(np.var(means)) / total
    return shares
