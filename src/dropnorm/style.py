"""The one style of all plots, and how they become pictures.

The settings stand in ``plots.mplstyle``. Figures are made without pyplot, whose global state would
tie them to one thread.
"""

from __future__ import annotations

import io
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl

from dropnorm.study import Variant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matplotlib.figure import Figure


class Palette(NamedTuple):
    """Colours on one background.

    Attributes:
        variants: The same colour for a variant everywhere.
        text: Of what is said of a whole plot.
        quiet: Of what the variants are seen against.
    """

    variants: Mapping[Variant, str]
    text: str
    quiet: str


_SETTINGS: Any = mpl.rc_params_from_file(
    Path(__file__).with_name("plots.mplstyle"), use_default_template=False
)
_DARK_TEXT = "#DDDDDD"
_DARK: Any = {
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "grid.color": "#3A3A3A",
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"), _DARK_TEXT
    ),
}
LIGHT = Palette(
    dict(zip(Variant, _SETTINGS["axes.prop_cycle"].by_key()["color"], strict=True)),
    text="#222222",
    quiet="#6B6B6B",
)
# The same hues, light enough to write in on a dark page.
DARK = Palette(
    dict(zip(Variant, ("#DADADA", "#4A9FE0", "#FF8A3D", "#C07AA3"), strict=True)),
    text=_DARK_TEXT,
    quiet="#A0A0A0",
)
# Matplotlib's settings belong to the process: two threads may not change them at once.
_drawing = threading.RLock()


@contextmanager
def drawn(*, dark: bool = False) -> Iterator[Palette]:
    """Draw in the project's style, one thread at a time; Matplotlib's settings are put back.

    Args:
        dark: For a dark page: light on nothing, so that the page shows through.

    Yields:
        The colours to draw with.
    """
    with _drawing, mpl.rc_context(_SETTINGS | (_DARK if dark else {})):
        yield DARK if dark else LIGHT


def to_png(figure: Figure) -> bytes:
    """Return a picture of the figure; the same figure gives the same bytes."""
    # A PNG has no date; without Matplotlib's version it has nothing that changes.
    return _saved(figure, "png", {"Software": None})


def to_svg(figure: Figure) -> bytes:
    """Return a drawing of the figure, letters as outlines; the same figure gives the same bytes."""
    return _saved(figure, "svg", {"Date": None, "Creator": None})


def _saved(figure: Figure, kind: str, metadata: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    with _drawing, mpl.rc_context({"svg.hashsalt": _SETTINGS["svg.hashsalt"]}):
        _lay_out(figure)
        figure.savefig(file, format=kind, metadata=metadata)
    return file.getvalue()


def _lay_out(figure: Figure) -> None:
    """Lay a figure out for good: as long as it has a layout, Matplotlib draws every picture twice.

    Called where Matplotlib's own settings ask for no layout.
    """
    if layout := figure.get_layout_engine():
        layout.execute(figure)
        figure.set_layout_engine(None)
