"""What the layers do as configured, with early stopping, and at equal budget, as a table.

    kedro study recommend NAME --trials 20
    kedro run --pipelines=NAME --params=NAME.training.early_stopping.patience=10
    python benchmarks/claims.py NAME ...

Reads the newest complete search of each study, and its newest complete run with early stopping.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from kedro.framework.startup import bootstrap_project

from dropnorm.cli.study.project import Project, open_project
from dropnorm.evaluation.estimation import network_names
from dropnorm.evaluation.wording import signed
from dropnorm.pipeline_registry import RECOMMEND

LAYERS = ("dropout", "batchnorm", "dropout_batchnorm")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="+")
    parser.add_argument("--env", help="configuration environment of the runs")
    asked = parser.parse_args()
    bootstrap_project(Path.cwd())
    project = open_project(None, asked.env)
    print("| study | layer | as configured | with early stopping | at equal budget |")
    print("|---|---|---|---|---|")
    for study in asked.studies:
        searched = project.load(
            f"{study}{RECOMMEND}.recommendation",
            project.complete_versions(study + RECOMMEND)[0],
        )
        stopped = stopped_early(project, study)
        found = {one.name: one for one in searched.effects}
        unit = f", {searched.unit}" if searched.unit else ""
        for layer in LAYERS:
            cells = [
                told(vars(found[layer].configured)),
                told(stopped["effects"][layer]),
                told(vars(found[layer].equal_budget)),
            ]
            name = network_names.title(layer).lower()
            print(f"| {searched.title}{unit} | {name} | {' | '.join(cells)} |")


def stopped_early(project: Project, study: str) -> dict[str, Any]:
    """Return what the newest run found that stopped early."""
    for version in project.complete_versions(study):
        options = project.load(f"{study}.run", version).options
        if options["training"]["early_stopping"]:
            found: dict[str, Any] = project.load(f"{study}.effects", version)
            return found
    raise SystemExit(f"{study} has no complete run with early stopping")


def told(size: dict[str, Any]) -> str:
    """Write a difference with its interval and its verdict."""
    if size["difference"] is None or size["low"] is None:
        return str(size["verdict"])
    half = (size["high"] - size["low"]) / 2
    mean, low, high = (signed(size[key], half) for key in ("difference", "low", "high"))
    return f"{mean} ({low} to {high}), {size['verdict']}"


if __name__ == "__main__":
    main()
