"""Which configurations are tried: drawn at random, the same for each compared network.

Random search, and not a search that learns from its trials: trials then are independent of one
another, which the tuning curves and their bands rest on, each network sees the same ones, and more
trials go on where fewer have ended.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import scipy

from dropnorm.study.arms import arm_of
from dropnorm.tuning.results import Configuration

if TYPE_CHECKING:
    from dropnorm.study.schema import Study

# Keras' learning rates where a study names none.
KERAS_RATES = {"adam": 0.001, "adamw": 0.001, "nadam": 0.001, "rmsprop": 0.001, "sgd": 0.01}
# Of the study's own learning rate, width and batch size.
_RATES = (0.01, 10.0)
_WIDTHS = (0.25, 0.5, 1.0)
_BATCHES = (0.5, 1.0, 2.0)
# Values of their own: a weight decay times the learning rate is what a step takes off a weight.
_WEIGHT_DECAYS = (None, 0.001, 0.01, 0.1)
_DROPOUTS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
_MOMENTA = (0.8, 0.9, 0.95, 0.99)


def as_configured(study: Study) -> Configuration:
    """Return the configuration that a study has."""
    network, training = study.network, study.training
    rate = training.learning_rate
    return Configuration(
        trial=0,
        learning_rate=KERAS_RATES[training.optimizer] if rate is None else rate,
        hidden=network.hidden,
        batch_size=training.batch_size,
        weight_decay=training.optimizer_options.weight_decay,
        dropout_rate=network.dropout.rate,
        batchnorm_momentum=network.batchnorm.momentum,
    )


def draw_configurations(study: Study) -> list[Configuration]:
    """Return the trials of a study: its own configuration, and independent draws around it.

    The first of many are those of few: a longer search goes on where a shorter one has ended.
    """
    from sklearn.model_selection import ParameterSampler  # noqa: PLC0415  # takes long

    own, options = as_configured(study), study.recommend
    space = {
        "batch": _BATCHES,
        "dropout": _DROPOUTS,
        "momentum": _MOMENTA,
        "rate": scipy.stats.loguniform(*_RATES),
        "weight_decay": _WEIGHT_DECAYS,
        "width": _WIDTHS,
    }
    drawn = ParameterSampler(space, options.trials - 1, random_state=options.seed)
    return [own] + [
        Configuration(
            trial=number,
            # Digits that a reader can copy.
            learning_rate=float(f"{own.learning_rate * one['rate']:.3g}"),
            hidden=tuple(max(1, round(units * one["width"])) for units in own.hidden),
            batch_size=max(1, round(own.batch_size * one["batch"])),
            weight_decay=one["weight_decay"],
            dropout_rate=one["dropout"],
            batchnorm_momentum=one["momentum"],
        )
        for number, one in enumerate(drawn, start=1)
    ]


def study_at(study: Study, configuration: Configuration) -> Study:
    """Return the study with the options of a trial; what a network sets itself stays as it says."""
    if configuration.trial == 0:
        return study
    network, training = study.network, study.training
    decay = {"weight_decay": configuration.weight_decay}
    return study.model_copy(
        update={
            "network": network.model_copy(
                update={
                    "hidden": configuration.hidden,
                    "dropout": network.dropout.model_copy(
                        update={"rate": configuration.dropout_rate}
                    ),
                    "batchnorm": network.batchnorm.model_copy(
                        update={"momentum": configuration.batchnorm_momentum}
                    ),
                }
            ),
            "training": training.model_copy(
                update={
                    "learning_rate": configuration.learning_rate,
                    "batch_size": configuration.batch_size,
                    "optimizer_options": training.optimizer_options.model_copy(update=decay),
                }
            ),
        }
    )


def of_network(study: Study, name: str, configuration: Configuration) -> Configuration:
    """Return the options with which a trial trains a network, which may set some itself."""
    arm = arm_of(study_at(study, configuration), name)
    return replace(as_configured(arm.study), trial=configuration.trial)
