"""The layers at equal budget: what the searches of a project found, a line for each comparison."""

from __future__ import annotations

import itertools
import math
import random
from typing import TYPE_CHECKING

import pandas as pd

from atlas.analysis import ENDS, FEWEST, pool, pool_shares, share_and_error
from atlas.collect import LAYERS, open_within
from dropnorm.pipeline_registry import RECOMMEND
from dropnorm.study.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from atlas.recipe import Table
    from dropnorm.tuning.results import EqualBudget, Size

CONFIGURED, EQUAL_BUDGET, CHANGE = "configured", "equal_budget", "change"


def in_drawn_order(tables: Sequence[Table], rows: Mapping[str, int], most: int) -> list[Table]:
    """Return the tables of so many rows at most in the order in which they are searched.

    The order is drawn once over all of the recipe, so that those that were searched are a random
    part of them, wherever the searching ends.

    Args:
        tables: Of the recipe.
        rows: Of each table, by name.
        most: Rows of the largest that is searched.
    """
    drawn = random.Random(0).sample(tables, len(tables))
    return [table for table in drawn if rows[table.name] <= most]


def collect_searches(folder: Path, tables: Iterable[str]) -> pd.DataFrame:
    """Read the newest complete search of each table; those without one are left out.

    Args:
        folder: Of the project.
        tables: Their names.

    Returns:
        A line for each table, layer and budget: ``configured``, ``equal_budget``, and the
        ``change`` from the first to the second. ``share``, ``low`` and ``high`` are the difference
        of the errors and its 95 % interval by ``baseline``, the error of the network without layers
        at that budget (as configured, of the change); nan where a training diverged.
    """
    with open_within(folder) as project:
        known = set(project.config.studies())
        names = [name for name in tables if name in known]
        return pd.DataFrame(
            [
                {"table": name, "version": version, **line}
                for name in names
                for version in project.complete_versions(name + RECOMMEND)[:1]
                for line in lines_of(
                    project.load(f"{name}{RECOMMEND}.recommendation", version),
                    project.config.study(name).task,
                )
            ]
        )


def lines_of(found: EqualBudget, task: str) -> Iterator[dict[str, object]]:
    """Return the lines of one search.

    Args:
        found: Its outcome.
        task: What the target is for.
    """
    baseline = next(one for one in found.networks if one.name == Variant.BASELINE)
    errors = {
        CONFIGURED: _number(baseline.configured),
        EQUAL_BUDGET: _number(baseline.chosen),
        CHANGE: _number(baseline.configured),
    }
    effects = {one.name: one for one in found.effects}
    for layer, (budget, error) in itertools.product(LAYERS, errors.items()):
        size: Size = getattr(effects[layer], budget)
        yield {
            "task": task,
            "error": found.error,
            "trials": found.trials,
            "splits": found.splits,
            "layer": layer,
            "budget": budget,
            "baseline": error,
            "share": _number(size.difference) / error,
            "low": _number(size.low) / error,
            "high": _number(size.high) / error,
            "verdict": size.verdict,
        }


def pool_budgets(lines: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over tables of each layer at each budget, and of the change.

    The effects at a budget are pooled as logarithms of ratios, as the atlas pools its own. The
    change is a difference of two effects, which is no ratio, and is pooled as it is. All three
    means are of the same tables: those on which no training diverged. Their intervals are never
    narrower than the standard errors of the tables allow.

    Args:
        lines: As collected.

    Returns:
        A line for each layer and budget: ``tables``; ``mean``, ``low`` and ``high`` (95 %
        interval), ``predicted_low`` and ``predicted_high`` (of a new table), as shares of the
        baseline's error. Empty with fewer than three tables.
    """
    found = []
    for layer, of_layer in lines.groupby("layer", sort=False):
        whole = of_layer.groupby("table")["low"].transform(lambda low: low.notna().all())
        for budget, some in of_layer[whole].groupby("budget", sort=False):
            if len(some) >= FEWEST:
                found.append({"layer": layer, "budget": budget, **_pool(some, str(budget))})
    return pd.DataFrame(found)


def _pool(lines: pd.DataFrame, budget: str) -> dict[str, float]:
    if budget != CHANGE:
        return pool_shares(lines)
    pooled = pool(*share_and_error(lines), least_spread=1.0)
    return {"tables": pooled.tables, **{name: getattr(pooled, name) for name in ENDS}}


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
