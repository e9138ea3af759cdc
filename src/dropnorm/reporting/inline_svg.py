"""Figures as part of a page: drawings whose colours are the page's, light or dark."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from dropnorm.reporting.style import LIGHT, to_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Each colour of the style, and the page's own that takes its place.
_COLOURS = {
    **{colour.lower(): f"var(--{variant})" for variant, colour in LIGHT.variants.items()},
    **{colour.lower(): f"var(--further-{n})" for n, colour in enumerate(LIGHT.further)},
    LIGHT.text.lower(): "var(--text)",
    LIGHT.quiet.lower(): "var(--soft)",
    "#000000": "var(--text)",
    "#444444": "var(--soft)",
    "#8c8c8c": "var(--axis)",
    "#e6e6e6": "var(--line)",
    "#ffffff": "var(--page)",
}
_HEX = re.compile(r"#[0-9a-f]{6}\b")
_NAMES = re.compile(r'(\bid="|xlink:href="#|url\(#)')


def inline(figure: Figure, name: str, told: str) -> Markup:
    """Return a figure as an ``<svg>`` element.

    Args:
        figure: Drawn in the light style.
        name: Of the figure on its page: what it defines is not mixed up with other figures'.
        told: The same in words, for who cannot see it.
    """
    figure.set_facecolor("none")
    for axes in figure.axes:
        axes.set_facecolor("none")
    drawing = to_svg(figure, letters_as_outlines=False).decode()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    drawing = _HEX.sub(lambda found: _COLOURS.get(found[0], found[0]), drawing)
    drawing = _NAMES.sub(lambda found: f"{found[0]}{name}-", drawing)
    size = re.search(r'viewBox="0 0 ([\d.]+) ', drawing)
    width = float(size[1]) if size else 0.0
    opening = f'<svg role="img" aria-label="{escape(told)}" style="max-width:{width:.0f}pt"'
    drawing = re.sub(r' (width|height)="[\d.]+pt"', "", drawing, count=2)
    return Markup(drawing.replace("<svg", opening, 1))  # noqa: S704  # Matplotlib escapes its texts
