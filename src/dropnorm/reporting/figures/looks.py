"""Plots of a run until settled: each effect at each look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dropnorm.evaluation.json_form import or_nan
from dropnorm.evaluation.records import Look
from dropnorm.reporting.figures.drawing import colours_of, name_of, title_axes
from dropnorm.reporting.figures.effects import NOT_COMPARED
from dropnorm.reporting.figures.panels import SIZE
from dropnorm.reporting.style import drawn
from dropnorm.study.schema import looks_up_to

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from dropnorm.evaluation.records import Seen
    from dropnorm.reporting.style import Palette

# Half the width of a boundary, where the looks are 1 apart.
_HALF = 0.3


def draw_looks(found: Mapping[str, Any]) -> dict[str, Figure]:
    """Draw the effect, its interval and its boundary at each look, a figure for each effect.

    The horizontal axis has all planned looks, so that a run that stopped early leaves places empty.
    A dot is filled if its verdict stands. An effect that no look could compare, because a network
    failed, has no figure.

    Args:
        found: The report: ``looks``, ``variants``, ``unit``, ``margin`` and ``options``.
    """
    looks = [Look.from_json(one) for one in found["looks"]]
    planned = looks_up_to(found["options"]["replicas"]["at_most"])
    figures = {}
    for name in looks[-1].seen:
        if not any(_is_drawn(look.seen[name]) for look in looks):
            continue
        with drawn() as palette:
            figure = Figure(figsize=SIZE)
            axes = figure.subplots()
            colour = colours_of(found["variants"], palette)[name]
            seen = [look.seen[name] for look in looks]
            _draw_trajectory(axes, seen, colour, palette)
            if found["margin"]:
                axes.axhspan(-found["margin"], found["margin"], color=palette.quiet, alpha=0.15,
                             linewidth=0)  # fmt: skip
            axes.axhline(0, color=palette.quiet, linewidth=1.4, zorder=1)
            axes.set_xticks(range(len(planned)), [str(splits) for splits in planned])
            axes.set_xlim(-0.5, len(planned) - 0.5)
            axes.set_xlabel("splits")
            axes.grid(axis="x", visible=False)
            axes.set_ylabel(f"difference{', ' if found['unit'] else ''}{found['unit']}")
            axes.yaxis.set_major_locator(MaxNLocator(6))
            _centre(axes, seen)
            title_axes(axes, name_of(name), color=colour, weight="bold")
        figures[name] = figure
    return figures


def _is_drawn(seen: Seen) -> bool:
    return seen.difference is not None and seen.verdict not in NOT_COMPARED


def _draw_trajectory(axes: Axes, seen: Sequence[Seen], colour: str, palette: Palette) -> None:
    for place, one in enumerate(seen):
        if not _is_drawn(one):
            continue
        if one.low is not None and one.high is not None:
            axes.vlines(place, one.low, one.high, color=colour, linewidth=4)
        if one.boundary is not None:
            ends = (place - _HALF, place + _HALF)
            axes.hlines((-one.boundary, one.boundary), *ends, color=palette.quiet, linewidth=2)
        inside = colour if one.settled else "white"
        axes.plot(place, or_nan(one.difference), "o", color=colour, markersize=9, zorder=4,
                  markeredgewidth=2, markerfacecolor=inside)  # fmt: skip


def _centre(axes: Axes, seen: Sequence[Seen]) -> None:
    """Put zero into the middle of the vertical axis."""
    ends = [
        abs(end)
        for one in seen
        if _is_drawn(one)
        for end in (one.low, one.high, one.difference, one.boundary)
        if end is not None
    ]
    if largest := max(ends):
        axes.set_ylim(-1.08 * largest, 1.08 * largest)
    else:  # equal networks
        axes.set_yticks([0])
