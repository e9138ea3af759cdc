"""Columns of a table, however it was loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def with_named_index(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table in which levels of its index that have a name are columns."""
    named = [name for name in table.index.names if name is not None and name not in table.columns]
    return table.reset_index(level=named) if named else table
