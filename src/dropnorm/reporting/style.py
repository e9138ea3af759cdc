"""The one style of all plots, and how they become pictures.

The settings stand in ``plots.mplstyle``. Figures are made without pyplot, whose global state would
tie them to one thread.
"""

from __future__ import annotations

import io
import math
import threading
import unicodedata
import warnings
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.font_manager import FontProperties, fontManager, get_font
from matplotlib.ticker import FuncFormatter, ScalarFormatter

from dropnorm.study.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from matplotlib.axis import Axis
    from matplotlib.figure import Figure


class Palette(NamedTuple):
    """Colours on one background.

    Attributes:
        variants: The same colour for a variant everywhere.
        further: For networks that a study names itself, one after the other.
        text: Of what is said of a whole plot.
        quiet: Of what the variants are seen against.
    """

    variants: Mapping[Variant, str]
    further: tuple[str, ...]
    text: str
    quiet: str


_SETTINGS: Any = mpl.rc_params_from_file(
    Path(__file__).parents[1] / "plots.mplstyle", use_default_template=False
)
# Titles and units are text in which a dollar is a dollar, whatever the user's own settings say.
_PLAIN: Any = {
    "text.parse_math": False,
    "text.usetex": False,
    "axes.formatter.use_mathtext": False,
}
_NO_LAYOUT: Any = {"figure.constrained_layout.use": False, "figure.autolayout": False}
# Matplotlib's own font, and after it those with the letters that it lacks, on Linux, macOS and
# Windows. Fonts of coloured pictures are none that Matplotlib can draw.
_FONTS = (
    "DejaVu Sans",
    *("Noto Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans CJK TC", "Noto Sans CJK KR"),
    *("Source Han Sans", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "IPAexGothic", "NanumGothic"),
    *("Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Thai"),
    *("Hiragino Sans", "Hiragino Sans GB", "PingFang SC", "Apple SD Gothic Neo"),
    *("Yu Gothic", "Microsoft YaHei", "SimHei", "Microsoft JhengHei", "Malgun Gothic"),
    *("Arial Unicode MS", "Geeza Pro", "Segoe UI", "Nirmala UI", "Leelawadee UI"),
    *("Noto Emoji", "Segoe UI Emoji", "Segoe UI Symbol", "Symbola"),
)
# Between these, Matplotlib writes all digits of the numbers at an axis, if their range is not too
# small a part of them.
_LEAST_IN_FULL, _MOST_IN_FULL, _LEAST_RANGE = 1e-3, 1e6, 0.01
MILLION = 1e6
# Characters of a message.
_LONGEST_TOLD = 60
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
    further=("#6C7854", "#780C6C", "#840C00", "#4830A8"),
    text="#222222",
    quiet="#6B6B6B",
)
# The same hues, light enough to write in on a dark page.
DARK = Palette(
    dict(zip(Variant, ("#DADADA", "#4A9FE0", "#FF8A3D", "#C07AA3"), strict=True)),
    further=("#848454", "#8478FC", "#FCCC90", "#A8CCFC"),
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
    settings: Any = _SETTINGS | _PLAIN | {"font.family": _installed()} | (_DARK if dark else {})
    with _drawing, mpl.rc_context(settings), _boxes_for_missing_letters():
        yield DARK if dark else LIGHT


def to_png(figure: Figure) -> bytes:
    """Return a picture of the figure; the same figure gives the same bytes."""
    # A PNG has no date; without Matplotlib's version it has nothing that changes.
    return _saved(figure, "png", {"Software": None})


def to_svg(figure: Figure, *, letters_as_outlines: bool = True) -> bytes:
    """Return a drawing of the figure; the same figure gives the same bytes.

    Args:
        figure: What to draw.
        letters_as_outlines: Or else as text, which is smaller, and has the reader's fonts.
    """
    fonts = "path" if letters_as_outlines else "none"
    return _saved(figure, "svg", {"Date": None, "Creator": None}, fonts)


def lay_out(figure: Figure) -> None:
    """Lay a figure out for good.

    As long as it has a layout, Matplotlib draws every picture twice.
    """
    if layout := figure.get_layout_engine():
        for axes in figure.axes:
            for axis in (axes.xaxis, axes.yaxis):
                _write_in_full(axis)
        # With a canvas that keeps its renderer, texts are measured once for layout and PNG.
        FigureCanvasAgg(figure)
        layout.execute(figure)
        with mpl.rc_context(_NO_LAYOUT):
            figure.set_layout_engine(None)


def is_in_full(low: float, high: float) -> bool:
    """Return whether Matplotlib writes all digits of the numbers at an axis with these limits.

    From other numbers it may take out a factor or a sum, such as 1e6, which stands beside them.
    """
    largest = max(-low, high)
    in_between = _LEAST_IN_FULL <= largest < _MOST_IN_FULL
    return in_between and high - low > _LEAST_RANGE * largest


def in_millions(value: float, digits: int = 6) -> str:
    """Return a number at an axis as 1.5 M."""
    return f"{value / MILLION:,.{digits}g} M" if value else "0"


def not_shown(texts: Iterable[str]) -> str:
    """Return the characters, each once, that the plots cannot show: no installed font has them."""
    characters = dict.fromkeys(
        one for text in texts for one in text if unicodedata.category(one) != "Cf"
    )
    missing = [one for one in characters if not one.isascii() and ord(one) not in _letters()]
    return "".join(missing[:_LONGEST_TOLD]) + "…" * (len(missing) > _LONGEST_TOLD)


def _write_in_full(axis: Axis) -> None:
    """Write millions as 1.5 M where Matplotlib would write 1e6, over the label of the axis."""
    low, high = sorted(axis.get_view_interval())
    if type(axis.get_major_formatter()) is not ScalarFormatter or is_in_full(low, high):
        return
    largest = max(-low, high)
    are_millions = MILLION <= largest < MILLION**2
    # The limits of an axis are apart; that is all that tells its numbers from each other.
    digits = max(6, 3 + math.ceil(math.log10(largest / (high - low))))

    def written(value: float, _: int | None) -> str:
        return in_millions(value, digits) if are_millions else f"{value:,.{digits}g}"

    axis.set_major_formatter(FuncFormatter(written))


@cache
def _installed() -> list[str]:
    """Return the fonts to draw with that are here: Matplotlib warns of each that is not."""
    here = set(fontManager.get_font_names())
    return [name for name in _FONTS if name in here]


@cache
def _letters() -> frozenset[int]:
    """Return the code points that can be drawn, as in plots and bold as in their titles."""
    both = []
    for weight in ("normal", _SETTINGS["figure.titleweight"]):
        files = [
            fontManager.findfont(FontProperties(family=name, weight=weight))
            for name in _installed()
        ]
        both.append({code for file in files for code in get_font(file).get_charmap()})
    return frozenset(set.intersection(*both))


@contextmanager
def _boxes_for_missing_letters() -> Iterator[None]:
    """Draw a box for a letter that no font has; Matplotlib would warn of each, in every plot."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
        yield


def _saved(figure: Figure, kind: str, metadata: dict[str, Any], svg_fonts: str = "path") -> bytes:
    file = io.BytesIO()
    options: Any = {"svg.hashsalt": _SETTINGS["svg.hashsalt"], "svg.fonttype": svg_fonts}
    with _drawing, mpl.rc_context(options), _boxes_for_missing_letters():
        lay_out(figure)
        figure.savefig(file, format=kind, metadata=metadata)
    return file.getvalue()
