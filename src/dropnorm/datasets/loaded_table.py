"""Tables that were loaded before a run began, and are taken from memory."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Never

from kedro.io import AbstractDataset, DatasetError, SharedMemoryDataset

if TYPE_CHECKING:
    from multiprocessing.managers import SyncManager

    import pandas as pd


class LoadedTableDataset(AbstractDataset[Never, "pd.DataFrame"]):
    """A table for the nodes of one process, held until the last of them has taken it.

    Kedro's own memory holds what a pipeline begins with until the run ends.

    Args:
        table: Given out as it is: no node changes it.
        uses: How many nodes will take it.
    """

    def __init__(self, table: pd.DataFrame, uses: int) -> None:
        self._table: pd.DataFrame | None = table
        self._uses = uses
        self._lock = threading.Lock()

    def load(self) -> pd.DataFrame:
        """Return the table."""
        with self._lock:
            if (table := self._table) is None:
                raise DatasetError("every node that was expected to take the table has taken it")
            self._uses -= 1
            if not self._uses:
                self._table = None
        return table

    def save(self, data: Never) -> None:
        """Refuse: the table is the user's."""
        raise DatasetError("a table is read, and never written")

    def _describe(self) -> dict[str, Any]:
        return {"uses": self._uses}


class SharedTableDataset(SharedMemoryDataset):
    """A table for the nodes of many processes.

    Kedro's own is empty until a node saves to it: the process that holds what is shared comes with
    the runner.

    Args:
        table: Given out as it is: no node changes it.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        super().__init__()
        self._table: pd.DataFrame | None = table

    def set_manager(self, manager: SyncManager) -> None:
        """Move the table to the process from which all others take it."""
        super().set_manager(manager)
        self.save(self._table)
        # Not to be sent to each of them with the catalog.
        self._table = None
