"""Other networks on every fourth table, such as those with weight decay or early stopping."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import yaml

from atlas.analysis import FEWEST, pool_shares
from atlas.collect import open_within
from dropnorm.evaluation.estimation.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from atlas.recipe import Table

# The environment in which the studies of a project compare these networks.
ENVIRONMENT = "networks"
_FILE = Path(__file__).with_name("networks.yml")
_EVERY = 4


class Networks(NamedTuple):
    """What is compared.

    Attributes:
        compare: Options of each network, as a study names them.
        contrasts: A network, and that with which it is compared.
    """

    compare: Mapping[str, Mapping[str, Any]]
    contrasts: Sequence[tuple[str, str]]


def read_networks() -> Networks:
    """Read what is compared."""
    written = yaml.safe_load(_FILE.read_text())
    return Networks(written["compare"], [(one, other) for one, other in written["contrasts"]])


def every_fourth(tables: Sequence[Table], rows: Mapping[str, int], most: int) -> list[Table]:
    """Return the fourth table of the recipe, the eighth, and so on, of so many rows at most.

    Args:
        tables: Of the recipe.
        rows: Of each table, by name.
        most: Rows of the largest.
    """
    return [table for table in tables[_EVERY - 1 :: _EVERY] if rows[table.name] <= most]


def write_environment(project: Path, table: Table, networks: Networks) -> None:
    """Let the study of a table compare networks, in an environment with its own results."""
    folder = project / "conf" / ENVIRONMENT
    (folder / "parameters").mkdir(parents=True, exist_ok=True)
    (folder / "globals.yml").write_text(f"data: data/{ENVIRONMENT}\n")
    compare = {name: dict(options) for name, options in networks.compare.items()}
    (folder / "parameters" / f"{table.name}.yml").write_text(
        yaml.safe_dump({table.name: {"compare": compare}}, sort_keys=False)
    )


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
    with open_within(folder, ENVIRONMENT) as project:
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


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
