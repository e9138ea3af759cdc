"""Save Matplotlib figures."""

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
    """A figure in a PNG file, and in an SVG file of the same name.

    Loading returns the bytes of the PNG. Unlike ``matplotlib.MatplotlibDataset``, this dataset can
    be loaded, so that later nodes can depend on a plot, and it does not use pyplot's global state.

    Args:
        filepath: Path of the PNG, which ends in ``.png``.
        kwargs: Arguments of :class:`WholeFileDataset`.

    Raises:
        DatasetError: If the path does not end in ``.png``.
    """

    def __init__(self, *, filepath: str, **kwargs: Any) -> None:
        super().__init__(filepath=filepath, **kwargs)
        if Path(filepath).suffix != ".png":
            raise DatasetError(
                f"{filepath}: the path of a figure must end in .png; the SVG is written beside it"
            )

    def load(self) -> bytes:
        """Load the bytes of the PNG."""
        return self._path_to_load().read_bytes()

    def save(self, data: Figure) -> None:
        """Save both files atomically; if the PNG exists, so does the SVG."""
        # This imports Matplotlib, which the catalog alone does not need.
        from dropnorm.reporting.style import to_png, to_svg  # noqa: PLC0415

        beside = save_path_of(self).with_suffix(".svg")
        # The SVG is moved to its path first, because it was opened last.
        with self._path_to_save() as png, written_whole(beside) as svg:
            png.write_bytes(to_png(data))
            svg.write_bytes(to_svg(data))

    def preview(self) -> ImagePreview:
        """Return the PNG for kedro-viz."""
        return ImagePreview(base64.b64encode(self.load()).decode())
