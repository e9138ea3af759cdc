"""How the settings of the study concrete_tuned were chosen, on other splits than it reports.

    KERAS_BACKEND=jax python benchmarks/tune_concrete.py

The study reports splits 5 to 24 of concrete. Here its settings and others are trained on splits 100
to 104: of each, a tenth of the rows is held and not looked at, a tenth validates, the rest trains.
The rows are those of the same table: rows that the study holds have a part in this choice.
What was trained is remembered, so that an interrupted search goes on where it was.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import pandas as pd
from kedro.framework.startup import bootstrap_project

STUDY = "concrete_tuned"
# Splits 100 to 104, and a validation part inside what is not held.
CHOOSING = {
    "split": {"train_fraction": 0.8, "test_fraction": 0.1, "seed": 100},
    "replicas": {"splits": 5, "starts": 1},
}
COLUMNS = [
    "Cement", "BlastFurnaceSlag", "FlyAsh", "Water", "Superplasticizer", "CoarseAggregate",
    "FineAggregate", "Age",
]  # fmt: skip
# What was tried, in this order: a network of the study, and what differs from it as it stands.
DEEPER: dict[str, Any] = {"network": {"hidden": [128, 128, 128]}, "training": {"batch_size": 32}}
SCALED = {
    "preprocessing": {"piecewise_linear": [], "standard_scale": COLUMNS, "log1p": ["Age"]},
    **DEEPER,
}
TRIED: list[tuple[str, dict[str, Any]]] = [
    ("baseline", SCALED),
    ("baseline", DEEPER),
    ("baseline", {"preprocessing": {"bins": 32}, **DEEPER}),
    ("baseline", {"network": {"hidden": [256, 256]}, "training": {"batch_size": 32}}),
    (
        "baseline",
        {**DEEPER, "training": {"batch_size": 32, "optimizer_options": {"weight_decay": 0.3}}},
    ),
    ("tabm", DEEPER),
    ("tabm", {**DEEPER, "training": {"batch_size": 128, "learning_rate": 0.01}}),
    ("tabm", {}),
]


def validate(network: str, changes: dict[str, Any], starts: int) -> pd.Series:
    """Return the root mean squared error in the validation part of each split, in MPa."""
    from dropnorm.config_loader import project_config  # noqa: PLC0415  # a project must be there
    from dropnorm.pipelines.preparation import nodes as preparation  # noqa: PLC0415
    from dropnorm.pipelines.training.nodes import VariantTrainer  # noqa: PLC0415
    from dropnorm.training.execution import Execution  # noqa: PLC0415

    options = merged(merged(CHOOSING, {"replicas": {"starts": starts}}), changes)
    study = project_config(env="tuned", runtime_params={STUDY: options}).study(STUDY)
    rows = preparation.check_rows(pd.read_csv("data/01_raw/concrete.csv"), study)
    split = preparation.assign_parts(rows, study)
    fitted = preparation.fit_preprocessors(rows, split, study)
    inputs = preparation.make_inputs(rows, split, fitted, study)
    trained = VariantTrainer(network).train(inputs, study, Execution.from_environment())
    committee = trained.validation_predictions.groupby(["split", "row"])[
        ["target", "prediction"]
    ].mean()
    errors = (committee["target"] - committee["prediction"]) ** 2
    return errors.groupby("split").mean() ** 0.5


def merged(options: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return options with changes in them, section by section."""
    found = dict(options)
    for key, value in changes.items():
        known = found.get(key)
        both = isinstance(known, dict) and isinstance(value, dict)
        found[key] = merged(known, value) if both else value
    return found


def main() -> None:
    """Print a table of what was tried."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=1, help="networks of each committee")
    starts = parser.parse_args().starts
    os.environ.setdefault("DROPNORM_MEMORY", str(Path("data/.memory").resolve()))
    bootstrap_project(Path.cwd())
    print("| network | what differs | RMSE, MPa | on each split |\n|---|---|---|---|")
    for network, changes in TRIED:
        found = validate(network, changes, starts)
        each = ", ".join(f"{error:.2f}" for error in found)
        print(
            f"| {network} | {told(changes) or 'nothing'} | {found.mean():.3f} | {each} |",
            flush=True,
        )


def told(changes: dict[str, Any]) -> str:
    """Write changes as a list of last keys and values."""
    parts = []
    for key, value in changes.items():
        parts.append(told(value) if isinstance(value, dict) else f"{key} {value}")
    return ", ".join(parts)


if __name__ == "__main__":
    main()
