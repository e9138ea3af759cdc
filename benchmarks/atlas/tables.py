"""Write the tables of the atlas, and compare them with the checksums of the recipe."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from atlas.frames import bundled
from atlas.packages import fetch_package
from atlas.recipe import Checksum, RecipeError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from atlas.frames import Archive
    from atlas.recipe import Recipe, Table

FEWEST_ROWS, MOST_ROWS = 300, 60_000
# Where a wheel keeps its tables.
_FOLDERS = {"ISLP": "ISLP/data/{name}", "statsmodels": "statsmodels/datasets/{stem}/{name}"}


def write_tables(
    recipe: Recipe, folder: Path, downloads: Path, expected: dict[str, Checksum] | None
) -> dict[str, Checksum]:
    """Write all tables that are not there yet.

    Args:
        recipe: Which.
        folder: For the CSV files.
        downloads: For the packages.
        expected: What each must be; None to take what is written.

    Returns:
        What each is.

    Raises:
        RecipeError: If a package cannot be had, or a table is another than expected.
    """
    folder.mkdir(parents=True, exist_ok=True)
    archives: dict[str, Archive] = {}
    written = {}
    for table in recipe.tables:
        path = folder / f"{table.name}.csv"
        package = recipe.packages[table.package]
        if package.source != "installed" and table.package not in archives:
            archives[table.package] = fetch_package(package, downloads)
        frame = chosen(table, _frame(table, archives))
        content = frame.to_csv(index=False, lineterminator="\n").encode()
        found = Checksum(len(frame), len(frame.columns), hashlib.sha256(content).hexdigest())
        if expected is not None and expected.get(table.name) != found:
            raise RecipeError(
                f"table {table.name}: {found}, but the recipe says {expected.get(table.name)};"
                " is it another version of the package, or of what reads it?"
            )
        if not path.exists():
            path.write_bytes(content)
        written[table.name] = found
    return written


def chosen(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that are taken, and the rows with a target.

    Raises:
        RecipeError: If the recipe names a column that there is not, or rows are too few or many.
    """
    named = {table.target, *table.drop, *table.columns, *([table.groups] if table.groups else [])}
    unknown = sorted(named - set(frame.columns))
    if unknown:
        raise RecipeError(f"table {table.name}: {table.frame} has no column {', '.join(unknown)}")
    kept = list(table.columns) or [name for name in frame.columns if name not in table.drop]
    rows = frame.loc[frame[table.target].notna(), kept]
    if not FEWEST_ROWS <= len(rows) <= MOST_ROWS:
        raise RecipeError(
            f"table {table.name}: {len(rows)} rows have a target, and the atlas takes"
            f" {FEWEST_ROWS} to {MOST_ROWS}"
        )
    return rows


def _frame(table: Table, archives: dict[str, Archive]) -> pd.DataFrame:
    if table.package not in archives:
        return bundled(table.frame)
    inside = _FOLDERS.get(table.package, "{name}")
    name, _, _ = table.frame.partition(".")
    return archives[table.package].frame(inside.format(name=table.frame, stem=name))
