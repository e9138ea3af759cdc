"""Which row is in which part of which split."""

from __future__ import annotations

from kedro_datasets.pandas import ParquetDataset

from dropnorm.datasets.kedro_compat import TablePreview

# Rows that are named of each part; the rest are counted.
_NAMED = 5


class SplitDataset(ParquetDataset):  # type: ignore[misc]  # kedro-datasets has no types
    """A Parquet file with the columns ``split``, ``row`` and ``part``."""

    def preview(self) -> TablePreview:
        """Return for kedro-viz how many rows each part of each split has, and the first of them."""
        # Imports scikit-learn: paid by who looks at a split, not by the catalog.
        from dropnorm.data.splits import PARTS  # noqa: PLC0415

        split = self.load()
        data = []
        for number, rows in split.groupby("split"):
            for part in PARTS:
                chosen = rows.loc[rows["part"] == part, "row"]
                if len(chosen):
                    named = ", ".join(map(str, chosen.head(_NAMED)))
                    more = ", …" if len(chosen) > _NAMED else ""
                    share = f"{100 * len(chosen) / len(rows):.0f} %"
                    data.append([int(number), part, len(chosen), share, f"{named}{more}"])
        columns = ["split", "part", "rows", "share", "which"]
        return TablePreview({"index": list(range(len(data))), "columns": columns, "data": data})
