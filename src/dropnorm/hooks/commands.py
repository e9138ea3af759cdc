"""The command that repeats a run, as a person types it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from dropnorm.hooks.study_names import study_of
from dropnorm.training.backend import engine_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dropnorm.config_loader import StudyConfigLoader

# The options by which a run is told to add splits until it is settled, whatever the study says.
UNTIL_SETTLED: dict[str, str | None] = {"until": "settled", "splits": None}
_DEFAULT_ENGINE = "tensorflow"


def command_of(study: str, run_params: Mapping[str, Any], config: StudyConfigLoader) -> str:
    """Return the command that runs one study, or what stands apart, as this run does."""
    engine, name = engine_name(), study_of(study)
    words = ["run", f"--pipelines={study}"]
    changed = dict(run_params["runtime_params"].get(name, {}))
    replicas = changed.get("replicas") or {}
    if study == name and UNTIL_SETTLED.items() <= replicas.items():
        words.append("--until-settled")
        kept = {key: one for key, one in replicas.items() if key not in UNTIL_SETTLED}
        changed["replicas"] = kept
    if study != name:
        what = study.removeprefix(f"{name}.")
        words = ["study", what, name]
        # Some are lists, which --params does not take.
        for option, tried in changed.pop(what, {}).items():
            told = ",".join(map(str, tried)) if isinstance(tried, list) else tried
            words.append(f"--{option}={told}")
    command = config.command(*words)
    if given := _flat({name: changed}):
        params = ",".join(given)
        command += f" {shlex.quote(f'--params={params}')}"
    return command if engine == _DEFAULT_ENGINE else f"KERAS_BACKEND={engine} {command}"


def _flat(options: dict[str, Any], prefix: str = "") -> list[str]:
    flat = []
    for key, value in options.items():
        name = f"{prefix}{key}"
        flat += _flat(value, f"{name}.") if isinstance(value, dict) else [f"{name}={value}"]
    return flat
