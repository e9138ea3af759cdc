"""Save the parts of all rows in each split."""

from __future__ import annotations

from dropnorm.datasets.kedro_compat import ParquetDataset, TablePreview

# The most rows of a part that the preview lists.
_NAMED = 5


class SplitDataset(ParquetDataset):  # type: ignore[misc]  # kedro-datasets has no types
    """A Parquet file with the columns ``split``, ``row`` and ``part``."""

    def preview(self) -> TablePreview:
        """Return the number of rows of each part and the first of them for kedro-viz."""
        # This imports scikit-learn, which the catalog alone does not need.
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
