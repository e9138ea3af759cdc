"""Pass tables that were loaded before a run to its nodes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Never

from kedro.io import AbstractDataset, DatasetError, SharedMemoryDataset

if TYPE_CHECKING:
    from multiprocessing.managers import SyncManager

    import pandas as pd


class LoadedTableDataset(AbstractDataset[Never, "pd.DataFrame"]):
    """A table for the nodes of one process, released after the last of them has loaded it.

    Kedro's ``MemoryDataset`` holds the inputs of a pipeline until the run ends.

    Args:
        table: The table, which is not copied because no node changes it.
        uses: Number of nodes that load it.
    """

    def __init__(self, table: pd.DataFrame, uses: int) -> None:
        self._table: pd.DataFrame | None = table
        self._uses = uses
        self._lock = threading.Lock()

    def load(self) -> pd.DataFrame:
        """Return the table.

        Raises:
            DatasetError: If more nodes than expected load it.
        """
        with self._lock:
            if (table := self._table) is None:
                raise DatasetError("more nodes than expected load the table")
            self._uses -= 1
            if not self._uses:
                self._table = None
        return table

    def save(self, data: Never) -> None:
        """Refuse to overwrite the user's table."""
        raise DatasetError("a table is only read and never written")

    def _describe(self) -> dict[str, Any]:
        return {"uses": self._uses}


class SharedTableDataset(SharedMemoryDataset):
    """A table for the nodes of several processes.

    The runner starts the process that shares the table, so the table moves there only then.

    Args:
        table: The table, which no node changes.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        super().__init__()
        self._table: pd.DataFrame | None = table

    def set_manager(self, manager: SyncManager) -> None:
        """Move the table to the process that shares it."""
        super().set_manager(manager)
        self.save(self._table)
        # Otherwise the catalog would send it to each process.
        self._table = None
