"""Plot of errors by rate of dropout and place of batch normalization."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from dropnorm.evaluation.json_form import or_nan
from dropnorm.reporting.figures.drawing import (
    BROAD,
    asides_of,
    broken_name_of,
    colours_of,
    label_ends,
    say,
    value_axis,
)
from dropnorm.reporting.style import drawn
from dropnorm.study.optimism import OPTIMISTIC
from dropnorm.tasks.metrics import SCORES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from dropnorm.evaluation.sweeps.sweep_results import Choice, Choices
    from dropnorm.reporting.style import Palette


def draw_sweep(found: Choices) -> Figure:
    """Draw the error over the rates of dropout, a panel for each place of batch normalization.

    With one rate, the error at each place instead. Lines are means, bands the range of the
    replicas; of each variant the best choice is a large dot, and one shown to be worse is hollow.

    Args:
        found: What the sweep found.
    """
    points = found.points
    rates = list(dict.fromkeys(one.rate for one in points if one.rate is not None))
    names = list(dict.fromkeys(one.variant for one in points))
    places = list(dict.fromkeys(one.placement for one in points if one.placement))
    over = "rate" if len(rates) > 1 else "placement"
    panels = places if over == "rate" else [None]
    with drawn() as palette:
        colours = colours_of(names, palette)
        figure = Figure(figsize=(3.2 + 4.3 * len(panels), BROAD[1]))
        axes = list(np.atleast_1d(figure.subplots(1, len(panels), sharey=True)))
        for panel, placement in zip(axes, panels, strict=True):
            mine = [
                one for one in points if not (placement and one.placement not in (None, placement))
            ]
            ticks = rates if over == "rate" else places
            labels = _draw_choices(panel, mine, over, ticks, colours, palette)
            if over == "rate":
                panel.set(xlabel="rate of dropout", title=f"batch normalization {placement}")
            if panel is axes[-1]:
                last = (panel, labels)
        ends = [end for one in points for end in (one.least, one.largest) if end is not None]
        if ends:
            value_axis(axes[0], [np.array(ends)])
        unit = f", {found.unit}" if found.unit else ""
        axes[0].set_ylabel(f"{SCORES[found.error].words}{unit}")
        told = f"{found.title}   ● best ({OPTIMISTIC})   ○ shown worse"
        figure.suptitle(told, x=0.01, ha="left")
        label_ends(figure, *last)
    return figure


def _draw_choices(
    axes: Axes,
    points: Sequence[Choice],
    over: str,
    ticks: Sequence[Any],
    colours: Mapping[str, str],
    palette: Palette,
) -> list[tuple[float, str, str]]:
    """Draw the points of all variants; a variant without a choice is a line straight across."""
    known = [one for one in points if one.error is not None and not one.diverged]
    if not known:
        say(axes, "every training diverged", palette.text)
    tick_of = attrgetter(over)
    places = list(ticks) if over == "rate" else list(range(len(ticks)))
    labels = []
    asides = asides_of(colours)
    for variant, colour in colours.items():
        mine = [one for one in known if one.variant == variant]
        if not mine:
            continue
        if len(mine) == 1 and tick_of(mine[0]) not in ticks:
            axes.axhline(or_nan(mine[0].error), color=colour, linestyle="--", linewidth=1.5)
        else:
            x = [places[ticks.index(tick_of(one))] for one in mine]
            low, high = (
                [or_nan(getattr(one, end)) for one in mine] for end in ("least", "largest")
            )
            if over == "rate":
                axes.plot(x, [or_nan(one.error) for one in mine], color=colour)
                axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
            else:  # places have no order
                x = [place + asides[variant] for place in x]
                axes.vlines(x, low, high, color=colour, linewidth=3, alpha=0.5)
            for place, one in zip(x, mine, strict=True):
                best, worse = one.standing == "least error", one.standing == "worse"
                axes.plot(place, or_nan(one.error), "o", color=colour, markersize=11 if best else 7,
                          markerfacecolor="white" if worse else colour)  # fmt: skip
        labels.append((or_nan(mine[-1].error), broken_name_of(variant), colour))
    for one in points:
        if one.diverged and tick_of(one) in ticks:
            colour = colours[one.variant]
            axes.annotate("×", (places[ticks.index(tick_of(one))], 0.98), color=colour, ha="center",
                          xycoords=("data", "axes fraction"), va="top", fontsize=14)  # fmt: skip
    axes.set_xticks(places, [f"{one:g}" if over == "rate" else one for one in ticks])
    return labels
