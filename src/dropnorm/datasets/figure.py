"""Matplotlib figures."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import DatasetError

from dropnorm.datasets.atomic_files import WholeFileDataset, written_whole
from dropnorm.datasets.kedro_compat import ImagePreview, save_path_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class FigureDataset(WholeFileDataset):
    """A figure in a PNG file, and beside it in an SVG file of the same name.

    What is loaded is the PNG, as bytes. Unlike ``matplotlib.MatplotlibDataset`` it can be loaded,
    so that what must come after a plot can ask for it, and it leaves pyplot and its global state
    alone.

    Args:
        filepath: Of the PNG; ends in ``.png``.
        kwargs: As for any file of this project.

    Raises:
        DatasetError: If the path has another ending.
    """

    def __init__(self, *, filepath: str, **kwargs: Any) -> None:
        super().__init__(filepath=filepath, **kwargs)
        if Path(filepath).suffix != ".png":
            raise DatasetError(
                f"{filepath}: a figure's path ends in .png; the SVG is written beside it"
            )

    def load(self) -> bytes:
        """Load the picture."""
        return self._path_to_load().read_bytes()

    def save(self, data: Figure) -> None:
        """Save whole or not at all; where there is a PNG, there is the SVG too."""
        # Imports Matplotlib: paid by who draws, not by the catalog.
        from dropnorm.reporting.style import to_png, to_svg  # noqa: PLC0415

        beside = save_path_of(self).with_suffix(".svg")
        # What was opened last takes its name first.
        with self._path_to_save() as png, written_whole(beside) as svg:
            png.write_bytes(to_png(data))
            svg.write_bytes(to_svg(data))

    def preview(self) -> ImagePreview:
        """Return the picture for kedro-viz."""
        return ImagePreview(base64.b64encode(self.load()).decode())
