"""Save the parts of all rows in each split."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from dropnorm.datasets.kedro_compat import ParquetDataset, TablePreview

if TYPE_CHECKING:
    import pandas as pd

# The most rows of a part that the preview lists.
_NAMED = 5


class SplitDataset(ParquetDataset):  # type: ignore[misc]  # kedro-datasets has no types
    """A Parquet file with the columns ``split``, ``row`` and ``part``.

    What a run has saved is not read back as long as the run holds it, because no node changes it.
    """

    _saved: weakref.ref[pd.DataFrame] | None = None

    def save(self, data: pd.DataFrame) -> None:
        """Save the parts."""
        super().save(data)
        self._saved = weakref.ref(data)

    def load(self) -> pd.DataFrame:
        """Return the parts that were saved, or read them."""
        known = self._saved() if self._saved else None
        return super().load() if known is None else known

    def __getstate__(self) -> dict[str, Any]:
        # Another process, to which a runner sends the dataset, holds nothing of this one.
        return {name: value for name, value in vars(self).items() if name != "_saved"}

    def preview(self) -> TablePreview:
        """Return the number of rows of each part and the first of them for kedro-viz."""
        # This imports scikit-learn, which the catalog alone does not need.
        from dropnorm.data.splits import PARTS  # noqa: PLC0415

        split = self.load()
        data = []
        for number in split["split"].drop_duplicates().tolist():
            rows = split[split["split"] == number]
            for part in PARTS:
                chosen = rows.loc[rows["part"] == part, "row"]
                if len(chosen):
                    named = ", ".join(map(str, chosen.head(_NAMED)))
                    more = ", …" if len(chosen) > _NAMED else ""
                    share = f"{100 * len(chosen) / len(rows):.0f} %"
                    data.append([number, part, len(chosen), share, f"{named}{more}"])
        columns = ["split", "part", "rows", "share", "which"]
        return TablePreview({"index": list(range(len(data))), "columns": columns, "data": data})
