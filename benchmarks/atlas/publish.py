"""What the project keeps of the atlas: effects, analysis, figure, gallery, and what to expect."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from atlas.analysis import pool, pooled_numbers
from atlas.collect import LAYERS
from atlas.networks import pool_changes, pool_networks
from atlas.project import ROOT
from atlas.searches import pool_budgets
from dropnorm.evaluation.answers import other_tables
from dropnorm.evaluation.answers.other_tables import Expectation
from dropnorm.evaluation.estimation.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from atlas.networks import Networks

EXPECTATIONS = Path(other_tables.__file__).with_name(other_tables.FILE)
PAGE = ROOT / "docs" / "assets" / "atlas"
SEARCHES, MEANS = "equal_budget.csv", "equal_budget_means.csv"
_DIGITS = 6


def expectations(effects: pd.DataFrame) -> dict[str, dict[str, Expectation]]:
    """Return what to expect of each layer, by task and layer.

    Args:
        effects: A line for each table and layer.
    """
    return {
        str(task): {layer: _expectation(of_task[of_task["layer"] == layer]) for layer in LAYERS}
        for task, of_task in effects.groupby("task", sort=True)
    }


def _expectation(lines: pd.DataFrame) -> Expectation:
    pooled = pool(*pooled_numbers(lines))
    verdicts = lines["verdict"]
    ends = (pooled.mean, pooled.low, pooled.high, pooled.predicted_low, pooled.predicted_high)
    return Expectation(
        len(lines),
        *(round(math.expm1(end), _DIGITS) for end in ends),
        helps=int(verdicts.isin([Verdict.HELPS, Verdict.RESCUES]).sum()),
        hurts=int(verdicts.isin([Verdict.HURTS, Verdict.BREAKS]).sum()),
    )


def write_expectations(effects: pd.DataFrame) -> None:
    """Write what ``kedro study new`` and the report say of other tables."""
    told = {
        task: {layer: asdict(one) for layer, one in layers.items()}
        for task, layers in expectations(effects).items()
    }
    EXPECTATIONS.write_text(json.dumps(told, indent=1) + "\n")


def publish_searches(found: pd.DataFrame) -> pd.DataFrame:
    """Put the lines of searches beside those that are published, and return the means.

    Args:
        found: As collected.
    """
    return _publish(found, pool_budgets, SEARCHES, MEANS)


def publish_networks(found: pd.DataFrame, networks: Networks) -> list[pd.DataFrame]:
    """Put the lines of other networks beside those that are published.

    Args:
        found: As collected.
        networks: What was compared.

    Returns:
        The means, and the changes if there are any.
    """
    lines, means, changes = names_of(networks.name)
    told = [_publish(found, pool_networks, lines, means)]
    if networks.changes:
        told.append(pool_changes(pd.read_csv(PAGE / lines), networks.changes))
        told[-1].to_csv(PAGE / changes, index=False, lineterminator="\n")
    return told


def names_of(networks: str) -> tuple[str, str, str]:
    """Return the files of lines, means and changes of a list of networks."""
    return f"{networks}.csv", f"{networks}_means.csv", f"{networks}_changes.csv"


def _publish(
    found: pd.DataFrame, mean: Callable[[pd.DataFrame], pd.DataFrame], lines: str, means: str
) -> pd.DataFrame:
    """Let the lines of a table take the place of those that are published, and write the means."""
    path = PAGE / lines
    if path.exists():
        known = pd.read_csv(path)
        found = pd.concat([known[~known["table"].isin(found["table"])], found])
    found = found.sort_values("table", kind="stable")
    found.to_csv(path, index=False, lineterminator="\n")
    told = mean(found)
    told.to_csv(PAGE / means, index=False, lineterminator="\n")
    return told


def sentences(effects: pd.DataFrame) -> dict[str, str]:
    """Return the answer of all tables together, by layer."""
    return {layer: _expectation(effects[effects["layer"] == layer]).told(layer) for layer in LAYERS}
