"""The commands of the atlas: write the tables, run the studies, collect, analyse."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from atlas.collect import collect, tidy
from atlas.decided import count_decided, summarise
from atlas.gallery import read_entries
from atlas.networks import LISTS, collect_networks, every_fourth, read_networks
from atlas.project import make_project, run_table
from atlas.publish import (
    EFFECTS,
    PAGE,
    publish_networks,
    publish_runs,
    publish_searches,
    write_analysis,
    write_effects,
)
from atlas.recipe import RecipeError, Table, read_checksums, read_recipe, write_checksums
from atlas.searches import collect_searches, in_drawn_order
from atlas.tables import write_tables

if TYPE_CHECKING:
    from atlas.networks import Networks


def main() -> int:
    """Do what the command line asks.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m atlas", description=__doc__)
    parser.add_argument("command", choices=list(_COMMANDS))
    parser.add_argument("folder", type=Path, help="for everything that is written")
    parser.add_argument("--record", action="store_true", help="write the checksums of the recipe")
    parser.add_argument("--only", nargs="*", help="tables; all where it is left out")
    parser.add_argument("--set", nargs="*", default=[], metavar="OPTION=VALUE", dest="options",
                        help="of every study, such as training.epochs=5: a trial")  # fmt: skip
    parser.add_argument("--splits", type=int, help="5 of a search and 10 else, if left out")
    parser.add_argument("--trials", type=int, default=20, help="of each network in a search")
    parser.add_argument(
        "--rows",
        type=int,
        default=5000,
        help="of the largest table of a search, and of other networks",
    )
    parser.add_argument("--networks", choices=LISTS, default=LISTS[0], help="that are compared")
    parser.add_argument("--retry", action="store_true", help="run again what failed")
    asked = parser.parse_args()
    try:
        _COMMANDS[asked.command](asked)
    except RecipeError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


def _tables(asked: argparse.Namespace) -> None:
    expected = None if asked.record else read_checksums()
    written = write_tables(
        read_recipe(), asked.folder / "tables", asked.folder / "packages", expected
    )
    if asked.record:
        write_checksums(written)
    print(f"{len(written)} tables in {asked.folder / 'tables'}")


def _run(asked: argparse.Namespace) -> None:
    _do(asked, smallest_first(_asked_for(asked), asked.folder / "tables"), asked.splits or 10)


def _search(asked: argparse.Namespace) -> None:
    rows = {name: one.rows for name, one in read_checksums().items()}
    chosen = {table.name for table in _asked_for(asked)}
    drawn = in_drawn_order(read_recipe().tables, rows, asked.rows)
    tables = [table for table in drawn if table.name in chosen]
    _do(asked, tables, asked.splits or 5, trials=asked.trials)


def _networks(asked: argparse.Namespace) -> None:
    rows = {name: one.rows for name, one in read_checksums().items()}
    chosen = {table.name for table in _asked_for(asked)}
    fourth = every_fourth(read_recipe().tables, rows, asked.rows)
    tables = [table for table in fourth if table.name in chosen]
    tables = smallest_first(tables, asked.folder / "tables")
    _do(asked, tables, asked.splits or 10, networks=read_networks(asked.networks))


def _do(
    asked: argparse.Namespace,
    tables: list[Table],
    splits: int,
    trials: int | None = None,
    networks: Networks | None = None,
) -> None:
    project, csv = asked.folder / "project", asked.folder / "tables"
    check_written(tables, csv)
    make_project(project)
    options = {"replicas.splits": str(splits)}
    options |= dict(option.split("=", 1) for option in asked.options)
    for table in tables:
        outcomes = run_table(
            project, table, csv / f"{table.name}.csv", options,
            trials=trials, networks=networks, retry=asked.retry,
        )  # fmt: skip
        step, last = list(outcomes.items())[-1]
        seconds = sum(one.seconds for one in outcomes.values())
        print(
            f"{table.name}: {step} {'failed' if last.code else 'done'}, {seconds:.0f} s", flush=True
        )
        if last.code:
            print(f"    {last.told}")


def _asked_for(asked: argparse.Namespace) -> list[Table]:
    tables = list(read_recipe().tables)
    if asked.only is None:
        return tables
    unknown = sorted(set(asked.only) - {table.name for table in tables})
    if unknown:
        raise RecipeError(f"the recipe has no table {', '.join(unknown)}")
    return [table for table in tables if table.name in asked.only]


def smallest_first(tables: list[Table], folder: Path) -> list[Table]:
    """Order tables by the size of their files.

    Raises:
        RecipeError: If one was not written.
    """
    check_written(tables, folder)
    return sorted(tables, key=lambda table: (folder / f"{table.name}.csv").stat().st_size)


def check_written(tables: list[Table], folder: Path) -> None:
    """Refuse a folder without the files of these tables.

    Raises:
        RecipeError: Names the first that is missing.
    """
    missing = [table.name for table in tables if not (folder / f"{table.name}.csv").exists()]
    if missing:
        raise RecipeError(f"{folder} has no {missing[0]}.csv: python -m atlas tables writes it")


def _collect(asked: argparse.Namespace) -> None:
    effects = _collected(asked)
    write_effects(effects, asked.folder)
    print(f"{effects['table'].nunique()} tables in {asked.folder / EFFECTS}")


def _collected(asked: argparse.Namespace) -> pd.DataFrame:
    effects = tidy(collect(asked.folder / "project", [table.name for table in _asked_for(asked)]))
    if effects.empty:
        raise RecipeError(f"{asked.folder / 'project'} has no complete run")
    return effects


def _analyse(asked: argparse.Namespace) -> None:
    path = asked.folder / EFFECTS
    if not path.exists():
        raise RecipeError(f"{path} is missing: python -m atlas collect writes it")
    write_analysis(pd.read_csv(path), asked.folder)
    print(f"{asked.folder / 'analysis.json'} and forest.png")


def _publish(asked: argparse.Namespace) -> None:
    collected = _collected(asked)
    recipe, project = read_recipe(), asked.folder / "project"
    entries = read_entries(project, recipe, read_checksums(), collected)
    effects = publish_runs(collected, entries, [table.name for table in recipe.tables])
    print(f"{collected['table'].nunique()} of {effects['table'].nunique()} tables in {PAGE}")


def _budgets(asked: argparse.Namespace) -> None:
    names = [table.name for table in _asked_for(asked)]
    found = collect_searches(asked.folder / "project", names)
    if found.empty:
        raise RecipeError(f"{asked.folder / 'project'} has no complete search")
    print(publish_searches(found).to_string(index=False))


def _compared(asked: argparse.Namespace) -> None:
    names = [table.name for table in _asked_for(asked)]
    networks = read_networks(asked.networks)
    found = collect_networks(asked.folder / "project", names, networks)
    if found.empty:
        raise RecipeError(f"{asked.folder / 'project'} has no complete run of other networks")
    for told in publish_networks(found, networks):
        print(told.to_string(index=False))


def _decided(asked: argparse.Namespace) -> None:
    names = asked.only or [table.name for table in read_recipe().tables]
    lines = count_decided(asked.folder / "project", names)
    lines.to_csv(asked.folder / "decided.csv", index=False, lineterminator="\n")
    print(summarise(lines).round(3).to_string())


_COMMANDS = {
    "tables": _tables,
    "run": _run,
    "search": _search,
    "collect": _collect,
    "analyse": _analyse,
    "publish": _publish,
    "budgets": _budgets,
    "networks": _networks,
    "compared": _compared,
    "decided": _decided,
}

if __name__ == "__main__":
    sys.exit(main())
