"""What the project keeps of the atlas: effects, analysis, figure, gallery, and what to expect."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from atlas.analysis import analyse, pool, pooled_numbers
from atlas.collect import LAYERS
from atlas.figure import draw_forest
from atlas.gallery import ENTRIES, write_gallery
from atlas.networks import pool_changes, pool_networks
from atlas.project import ROOT
from atlas.searches import pool_budgets
from dropnorm.evaluation.answers import other_tables
from dropnorm.evaluation.answers.other_tables import Alternative, Expectation
from dropnorm.evaluation.estimation.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from atlas.gallery import Entry
    from atlas.networks import Networks

EXPECTATIONS = Path(other_tables.__file__).with_name(other_tables.FILE)
ALTERNATIVES = EXPECTATIONS.with_name(other_tables.NETWORKS_FILE)
# The list of networks whose means the project tells.
NETWORKS = "networks"
PAGE = ROOT / "docs" / "assets" / "atlas"
EFFECTS, ENTRY_FILE = "effects.csv", "gallery.json"
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
        pooled.tables,
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


def publish_runs(
    collected: pd.DataFrame, entries: Iterable[Entry], order: Sequence[str]
) -> pd.DataFrame:
    """Put the runs of tables beside those that are published, and all that follows from them.

    Args:
        collected: A line for each table and layer.
        entries: Of the same tables.
        order: Names of all tables, as the page has them.

    Returns:
        The effects that are published now.
    """
    PAGE.mkdir(parents=True, exist_ok=True)
    effects = _beside(PAGE / EFFECTS, collected).sort_values(
        "table", kind="stable", key=lambda names: names.map(order.index)
    )
    known = {one.name: one for one in read_entries()} | {one.name: one for one in entries}
    shown = [known[name] for name in order if name in known]
    write_effects(effects, PAGE)
    write_analysis(effects, PAGE)
    (PAGE / ENTRY_FILE).write_bytes(ENTRIES.dump_json(shown, indent=1) + b"\n")
    (PAGE / "gallery.html").write_text(write_gallery(shown, effects, sentences(effects)))
    write_expectations(effects)
    return effects


def write_effects(effects: pd.DataFrame, folder: Path) -> None:
    """Write the effects as CSV and JSON."""
    effects.to_csv(folder / EFFECTS, index=False, lineterminator="\n")
    effects.to_json(folder / "effects.json", orient="records", indent=1)


def write_analysis(effects: pd.DataFrame, folder: Path) -> None:
    """Write all numbers of the analysis, and its figure."""
    told, pooled = analyse(effects)
    (folder / "analysis.json").write_text(json.dumps(told, indent=1))
    draw_forest(effects[np.isfinite(effects["log_ratio"])], pooled).savefig(
        folder / "forest.png", dpi=150
    )


def read_entries() -> list[Entry]:
    """Read what the project keeps of the tables of the gallery."""
    path = PAGE / ENTRY_FILE
    return ENTRIES.validate_json(path.read_bytes()) if path.exists() else []


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
    if networks.name == NETWORKS:
        write_alternatives(told[0])
    if networks.changes:
        told.append(pool_changes(pd.read_csv(PAGE / lines), networks.changes))
        told[-1].to_csv(PAGE / changes, index=False, lineterminator="\n")
    return told


def write_alternatives(means: pd.DataFrame) -> None:
    """Write what ``kedro study new`` and the report say of other options.

    Args:
        means: Of each contrast.
    """
    columns = [one.name for one in fields(Alternative)]
    told = means[columns].round(_DIGITS).to_dict("records")
    ALTERNATIVES.write_text(json.dumps(told, indent=1) + "\n")


def names_of(networks: str) -> tuple[str, str, str]:
    """Return the files of lines, means and changes of a list of networks."""
    return f"{networks}.csv", f"{networks}_means.csv", f"{networks}_changes.csv"


def _publish(
    found: pd.DataFrame, mean: Callable[[pd.DataFrame], pd.DataFrame], lines: str, means: str
) -> pd.DataFrame:
    """Let the lines of a table take the place of those that are published, and write the means."""
    found = _beside(PAGE / lines, found).sort_values("table", kind="stable")
    found.to_csv(PAGE / lines, index=False, lineterminator="\n")
    told = mean(found)
    told.to_csv(PAGE / means, index=False, lineterminator="\n")
    return told


def _beside(path: Path, found: pd.DataFrame) -> pd.DataFrame:
    """Return the lines of a file, in which those of the found tables take the place of theirs."""
    if not path.exists():
        return found
    known = pd.read_csv(path)
    return pd.concat([known[~known["table"].isin(found["table"])], found], ignore_index=True)


def sentences(effects: pd.DataFrame) -> dict[str, str]:
    """Return the answer of all tables together, by layer."""
    return {layer: _expectation(effects[effects["layer"] == layer]).told(layer) for layer in LAYERS}
