"""Other networks on every fourth table, such as those with weight decay, or with more layers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml

from atlas.analysis import ENDS, FEWEST, pool, pool_shares, share_and_error
from atlas.collect import open_within
from dropnorm.evaluation.estimation.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from atlas.recipe import Table

# Files of networks that are compared. Each is run in an environment of its name.
LISTS = ("networks", "depths")
_EVERY = 4
# Hidden layers that a list asks for, out of the two that `kedro study new` writes.
_HIDDEN = {"first": (0,), "each_twice": (0, 0, 1, 1)}

Contrast = tuple[str, str]


@dataclass(frozen=True)
class Networks:
    """What is compared.

    Attributes:
        name: Of the list, and of the environment in which studies compare these networks.
        compare: Options of each network, as a study names them. ``network.hidden`` may be
            ``first`` or ``each_twice``: of the hidden layers of the study.
        contrasts: A network, and that with which it is compared.
        changes: Two contrasts, of which the first is told as a change from the second.
    """

    name: str
    compare: Mapping[str, Mapping[str, Any]]
    contrasts: Sequence[Contrast]
    changes: Sequence[tuple[Contrast, Contrast]] = field(default=())


def read_networks(name: str) -> Networks:
    """Read what is compared.

    Args:
        name: One of ``LISTS``.
    """
    written = yaml.safe_load(Path(__file__).with_name(f"{name}.yml").read_text())
    return Networks(
        name,
        written["compare"],
        [_contrast(one) for one in written["contrasts"]],
        [(_contrast(one), _contrast(other)) for one, other in written.get("changes", ())],
    )


def _contrast(written: Sequence[str]) -> Contrast:
    network, against = written
    return network, against


def every_fourth(tables: Sequence[Table], rows: Mapping[str, int], most: int) -> list[Table]:
    """Return the fourth table of the recipe, the eighth, and so on, of so many rows at most.

    Args:
        tables: Of the recipe.
        rows: Of each table, by name.
        most: Rows of the largest.
    """
    return [table for table in tables[_EVERY - 1 :: _EVERY] if rows[table.name] <= most]


def write_environment(project: Path, table: Table, networks: Networks) -> None:
    """Let the study of a table compare networks, in an environment with its own results.

    Args:
        project: Its folder, with the study in its base environment.
        table: Which.
        networks: What is compared.
    """
    study = yaml.safe_load(
        (project / "conf" / "base" / "parameters" / f"{table.name}.yml").read_text()
    )
    hidden = study[table.name]["network"]["hidden"]
    compare = {name: with_hidden(options, hidden) for name, options in networks.compare.items()}
    folder = project / "conf" / networks.name
    (folder / "parameters").mkdir(parents=True, exist_ok=True)
    (folder / "globals.yml").write_text(f"data: data/{networks.name}\n")
    (folder / "parameters" / f"{table.name}.yml").write_text(
        yaml.safe_dump({table.name: {"compare": compare}}, sort_keys=False)
    )


def with_hidden(options: Mapping[str, Any], hidden: Sequence[int]) -> dict[str, Any]:
    """Return the options of a network with the units of its hidden layers.

    Args:
        options: As a list has them.
        hidden: Units of the hidden layers of the study, which are two.
    """
    network = options.get("network", {})
    if "hidden" not in network:
        return dict(options)
    units = [hidden[place] for place in _HIDDEN[network["hidden"]]]
    return {**options, "network": {**network, "hidden": units}}


def collect_networks(folder: Path, tables: Iterable[str], networks: Networks) -> pd.DataFrame:
    """Read the newest complete run of each table; those without one are left out.

    Args:
        folder: Of the project.
        tables: Their names.
        networks: Which were compared.

    Returns:
        A line for each table and contrast. ``share``, ``low`` and ``high`` are the difference of
        the errors and its 95 % interval by the error of the network ``against``; nan where a
        training diverged.
    """
    with open_within(folder, networks.name) as project:
        known = set(project.config.studies())
        return pd.DataFrame(
            [
                {"table": name, "version": version, "task": project.config.study(name).task, **line}
                for name in tables
                if name in known
                for version in project.complete_versions(name)[:1]
                for line in lines_of(project.load(f"{name}.effects", version), networks.contrasts)
            ]
        )


def lines_of(
    answer: Mapping[str, Any], contrasts: Iterable[tuple[str, str]]
) -> Iterator[dict[str, object]]:
    """Return the lines of one run.

    Args:
        answer: Its ``effects.json``.
        contrasts: A network, and that with which it is compared.
    """
    effects = {(name, answer["against"]): one for name, one in answer["effects"].items()}
    effects |= {(one["network"], one["other"]): one for one in answer["comparisons"]}
    variants = answer["variants"]
    for network, against in contrasts:
        found = effects[network, against]
        whole = all(not variants[name]["diverged"] for name in (network, against))
        error = _number(variants[against]["error"]) if whole else math.nan
        yield {
            "error": answer["error"],
            "splits": answer["splits"],
            "network": network,
            "against": against,
            "baseline": error,
            "share": _number(found["difference"]) / error,
            "low": _number(found["low"]) / error,
            "high": _number(found["high"]) / error,
            "verdict": found["verdict"],
        }


def pool_networks(lines: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over tables of each contrast, and on how many tables it is decided.

    Args:
        lines: As collected.

    Returns:
        A line for each contrast: ``tables``; ``mean``, ``low`` and ``high`` (95 % interval),
        ``predicted_low`` and ``predicted_high`` (of a new table), as shares of the error of the
        network ``against``, of the tables on which no training diverged; ``better`` and ``worse``,
        the tables on which the study shows the network to be so, where that is a verdict on it.
        Without contrasts of fewer than three tables.
    """
    found = []
    for (network, against), some in lines.groupby(["network", "against"], sort=False):
        whole = some[some["low"].notna()]
        if len(whole) >= FEWEST:
            verdicts = some["verdict"]
            found.append(
                {
                    "network": network,
                    "against": against,
                    **pool_shares(whole),
                    "better": int(verdicts.isin([Verdict.HELPS, Verdict.RESCUES]).sum()),
                    "worse": int(verdicts.isin([Verdict.HURTS, Verdict.BREAKS]).sum()),
                }
            )
    return pd.DataFrame(found)


def pool_changes(lines: pd.DataFrame, changes: Iterable[tuple[Contrast, Contrast]]) -> pd.DataFrame:
    """Return by how much one contrast differs from another on the same tables.

    On each table, it is the ratio of the two ratios of errors. Its standard error is that of two
    independent estimates, although both are of the same splits.

    Args:
        lines: As collected.
        changes: Two contrasts, of which the first is told as a change from the second.

    Returns:
        A line for each change, as ``pool_networks`` has them: ``network`` and ``against`` are those
        of the first contrast, ``from_network`` and ``from_against`` those of the second.
        Without changes on fewer than three tables.
    """
    whole = lines[lines["low"].notna()].set_index(["network", "against", "table"]).sort_index()
    found = []
    for first, second in changes:
        tables = whole.loc[first].index.intersection(whole.loc[second].index)
        if len(tables) < FEWEST:
            continue
        share, error = share_and_error(whole.loc[first].loc[tables])
        before, its_error = share_and_error(whole.loc[second].loc[tables])
        pooled = pool(
            np.log1p(share) - np.log1p(before),
            np.hypot(error / (1 + share), its_error / (1 + before)),
            least_spread=1.0,
        )
        names = dict(
            zip(("network", "against", "from_network", "from_against"), first + second, strict=True)
        )
        ends = {name: math.expm1(getattr(pooled, name)) for name in ENDS}
        found.append({**names, "tables": pooled.tables, **ends})
    return pd.DataFrame(found)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
