"""The recommended configuration as YAML, to be put into an environment of the project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

from dropnorm.commands import kedro_command
from dropnorm.study.arms import arm_of
from dropnorm.study.compare import Compared
from dropnorm.tuning.results import Trial
from dropnorm.tuning.search import study_trained

if TYPE_CHECKING:
    from dropnorm.study.schema import Study
    from dropnorm.tuning.results import EqualBudget

# Where the configuration is to be put.
_ENVIRONMENT = "recommended"
_NOBODY = "# No network is shown to work at equal budget: there is no configuration to recommend.\n"


def write_fragment(found: EqualBudget, study: Study) -> str:
    """Return what an environment's ``parameters/<study>.yml`` says to run the configuration.

    Other options stay as the study says. All networks run with it; it was chosen for one of them.
    What that network has changed itself under ``compare`` stays its own: the study's sections do
    not reach it, and other networks with it might become the same network.

    Args:
        found: What the search found.
        study: As it is configured.
    """
    best = found.recommended
    if best is None:
        return _NOBODY
    trial = Trial(0, best.configuration, best.inner, best.epochs)
    options = study_trained(study, best.network, trial).model_dump(mode="json")
    network, training = options["network"], options["training"]
    written: dict[str, Any] = {
        "network": {"hidden": network["hidden"]},
        "training": {key: training[key] for key in ("learning_rate", "batch_size")},
    }
    arm = arm_of(study, best.network)
    if arm.variant.has_dropout:
        written["network"]["dropout"] = {"rate": network["dropout"]["rate"]}
    if arm.variant.has_batchnorm:
        written["network"]["batchnorm"] = {"momentum": network["batchnorm"]["momentum"]}
    decay = training["optimizer_options"]["weight_decay"]
    written["training"]["optimizer_options"] = {"weight_decay": decay}
    own = study.compare.get(best.network, Compared())
    written["network"] = _without(written["network"], own.network)
    written["training"] = _without(written["training"], own.training)
    ends: dict[str, Any] = {"epochs": training["epochs"]}
    if arm.study.training.early_stopping is not None:
        ends["early_stopping"] = None
    if {"epochs", "early_stopping"} & own.training.keys():
        written["compare"] = {best.network: {"training": ends}}
    else:
        written["training"] |= ends
    written = {section: one for section, one in written.items() if one}
    text = yaml.safe_dump({study.name: written}, sort_keys=False, default_flow_style=None)
    return f"{_head(found, best.network)}{text}"


def _without(options: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are not changed, by their keys; sections that are empty are none."""
    left: dict[str, Any] = {}
    for key, value in options.items():
        if not isinstance(value, Mapping):
            left |= {key: value} if key not in changed else {}
        elif rest := _without(value, changed.get(key) or {}):
            left[key] = rest
    return left


def _head(found: EqualBudget, network: str) -> str:
    command = kedro_command("run", f"--pipelines={found.study}", env=_ENVIRONMENT)
    return (
        f"# Chosen for the network '{network}' of the study '{found.study}' among {found.trials}"
        f" trials (seed {found.seed}).\n"
        f"# Put it at conf/{_ENVIRONMENT}/parameters/{found.study}.yml, then: {command}\n"
    )
