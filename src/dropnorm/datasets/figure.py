"""Matplotlib figures."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from kedro_datasets._typing import ImagePreview

from dropnorm.datasets.whole import WholeFileDataset

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class FigureDataset(WholeFileDataset):
    """A figure in a PNG file; what is loaded is the picture, as bytes.

    Unlike ``matplotlib.MatplotlibDataset`` it can be loaded, so that what must come after a plot
    can ask for it, and it leaves pyplot and its global state alone.
    """

    def load(self) -> bytes:
        """Load the picture."""
        return self._path_to_load().read_bytes()

    def save(self, data: Figure) -> None:
        """Save whole or not at all."""
        with self._path_to_save() as path:
            # A PNG has no date; without Matplotlib's version the same figure gives the same file.
            data.savefig(path, format="png", metadata={"Software": None})

    def preview(self) -> ImagePreview:
        """Return the picture for kedro-viz."""
        return ImagePreview(base64.b64encode(self.load()).decode())
