"""Plot of effects as configured and at equal budget, and of the tuning curves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dropnorm.evaluation.json_form import or_nan
from dropnorm.reporting.figures.drawing import (
    BROAD,
    broken_name_of,
    colour_of,
    label_ends,
    label_rows,
    say,
)
from dropnorm.reporting.style import drawn
from dropnorm.tasks.metrics import SCORES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dropnorm.reporting.style import Palette
    from dropnorm.study.schema import Study
    from dropnorm.tuning.results import EqualBudget, Size

# By how much the two of a row stand aside.
_ASIDE = 0.16


def draw_equal_budget(found: EqualBudget, study: Study) -> Figure:
    """Draw each layer's effect twice, and the expected best error by number of trials.

    Args:
        found: What the search found.
        study: Whose networks have colours.
    """
    with drawn() as palette:
        figure = Figure(figsize=(BROAD[0] + 1.5, BROAD[1]))
        effects, curves = figure.subplots(1, 2)
        unit = f", {found.unit}" if found.unit else ""
        _draw_effects(effects, found, study, palette)
        effects.set_xlabel(f"difference of {SCORES[found.error].label}{unit}; below 0 it helps")
        labels = _draw_curves(curves, found, study, palette)
        curves.set_ylabel(f"expected best {SCORES[found.error].label}{unit}, inner rows")
        told = f"{found.title}   ○ as configured   ● at equal budget, {found.trials} trials each"
        figure.suptitle(told, x=0.01, ha="left")
        label_ends(figure, curves, labels)
    return figure


def _draw_effects(axes: Axes, found: EqualBudget, study: Study, palette: Palette) -> None:
    shown = [one for one in found.effects if one.name != "interaction"]
    named = [(broken_name_of(one.name), colour_of(one.name, study, palette)) for one in shown]
    label_rows(axes, named)
    axes.axvline(0, color=palette.quiet, linewidth=1)
    for height, (one, (_, colour)) in enumerate(zip(reversed(shown), reversed(named), strict=True)):
        _draw_size(axes, one.configured, height + _ASIDE, colour, filled=False)
        _draw_size(axes, one.equal_budget, height - _ASIDE, colour, filled=True)
    axes.margins(x=0.1)
    axes.xaxis.set_major_locator(MaxNLocator(5))


def _draw_size(axes: Axes, size: Size, height: float, colour: str, *, filled: bool) -> None:
    if size.difference is None:
        behind = {"facecolor": axes.get_facecolor(), "edgecolor": "none", "pad": 1}
        axes.annotate(size.verdict, (0.02, height), xycoords=("axes fraction", "data"),
                      va="center", color=colour, fontsize="small", bbox=behind)  # fmt: skip
        return
    if size.low is not None:
        axes.hlines(height, size.low, or_nan(size.high), color=colour, linewidth=2.4)
    axes.plot(size.difference, height, "o", color=colour, markersize=9,
              markerfacecolor=colour if filled else "white")  # fmt: skip


def _draw_curves(
    axes: Axes, found: EqualBudget, study: Study, palette: Palette
) -> list[tuple[float, str, str]]:
    labels, ends = [], []
    for one in found.networks:
        points = [point for point in one.curve if math.isfinite(point.expected)]
        if not points:
            continue
        colour, trials = colour_of(one.name, study, palette), [point.trials for point in points]
        expected = [point.expected for point in points]
        axes.plot(trials, expected, "o-" if len(trials) == 1 else "-", color=colour)
        # The lower end is near no error at all: nobody knows what was not tried.
        high = [point.high for point in points]
        axes.plot(trials, high, ":", color=colour, linewidth=1.5)
        labels.append((expected[-1], broken_name_of(one.name), colour))
        ends += [*expected, *high]
    if not ends:
        say(axes, "no trial stayed finite", palette.text)
        return labels
    axes.margins(y=0.1)
    axes.set_xlabel("trials (dotted: upper end of the 95 % band)")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    return labels
