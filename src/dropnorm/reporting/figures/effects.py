"""Plot of errors and effects with their intervals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dropnorm.evaluation.estimation.verdicts import Verdict
from dropnorm.evaluation.wording import number
from dropnorm.reporting.figures.drawing import (
    BROAD,
    WIDE_RANGE,
    broken_name_of,
    colours_of,
    error_axis,
    label_rows,
    name_of,
    title_axes,
)
from dropnorm.reporting.style import drawn
from dropnorm.study.optimism import OPTIMISTIC
from dropnorm.tasks.metrics import SCORES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from dropnorm.reporting.style import Palette

# Of the four variants and the reference models.
_USUAL_ROWS = 8
# Times the error of a constant.
_FAR = 2.0
# With these verdicts there is no difference to draw.
NOT_COMPARED = (Verdict.RESCUES, Verdict.BREAKS, Verdict.BOTH_FAIL, Verdict.DIVERGED)


def draw_effects(found: Mapping[str, Any], *, dark: bool = False, tall: bool = False) -> Figure:
    """Draw the errors of all replicas, pair by pair, and the effects with their intervals.

    Args:
        found: The answer: ``variants``, ``references``, ``effects``, ``unit``, ``error``.
        dark: For a dark page.
        tall: One below the other, for a narrow page.
    """
    with drawn(dark=dark) as palette:
        rows = len(found["variants"]) + len(found["references"])
        higher = max(1.0, rows / _USUAL_ROWS)
        figure = Figure(figsize=(5.6, 9.0 * higher) if tall else (BROAD[0], 5.0 * higher))
        errors, differences = (
            figure.subplots(2, 1, height_ratios=(1.3, 1.0))
            if tall
            else figure.subplots(1, 2, width_ratios=(1.0, 1.1))
        )
        unit = f", {found['unit']}" if found["unit"] else ""
        _draw_errors(errors, found, unit, palette)
        _draw_differences(differences, found, unit, palette)
        figure.suptitle(found["title"], x=0.01, ha="left")
    return figure


def _draw_errors(axes: Axes, found: Mapping[str, Any], unit: str, palette: Palette) -> None:
    colours = colours_of(found["variants"], palette)
    optimistic = [broken_name_of(name) for name in found.get("optimistic", ())]
    told = [
        (broken_name_of(name), one, colours[name]) for name, one in found["variants"].items()
    ] + [(name.replace("_", " "), one, palette.quiet) for name, one in found["references"].items()]
    errors = [one["error"] for _, one, _ in told if one["error"]]
    edge = _edge(errors, found["references"].get("constant", {}).get("error"))
    known = [error for error in errors if error <= edge]
    wide = bool(known) and max(known) > WIDE_RANGE * min(known)
    for height, (name, one, colour) in enumerate(reversed(told)):
        if one["error"] is None:
            axes.annotate("× diverged", (0.02, height), xycoords=("axes fraction", "data"),
                          va="center", color=colour)  # fmt: skip
            continue
        if one["error"] > edge:
            axes.annotate(f"{number(one['error'])} →", (0.99, height), va="center", ha="right",
                          xycoords=("axes fraction", "data"), color=colour)  # fmt: skip
            continue
        deviation = one.get("standard_deviation") or 0.0
        below = min(deviation, 0.9 * one["error"]) if wide else deviation
        axes.errorbar(one["error"], height, xerr=[[below], [deviation]], fmt="o", color=colour,
                      markersize=9, elinewidth=2.4, capsize=0)  # fmt: skip
        shown = number(one["error"]) + f" {OPTIMISTIC}" * (name in optimistic)
        axes.annotate(shown, (one["error"], height), xytext=(0, 7), ha="center",
                      textcoords="offset points", color=colour, fontsize="small")  # fmt: skip
    label_rows(axes, [(name, colour) for name, _, colour in told])
    axes.margins(x=0.15)
    error_axis(axes, known)
    title_axes(axes, "validation error")
    axes.set_xlabel(f"{SCORES[found['error']].words}{unit}; mean ± sd", loc="right")


def _edge(errors: Sequence[float], constant: float | None) -> float:
    """Return the error from which on a model stands at the edge, with its number.

    Beyond twice the error of a constant, how far is of no interest, and would flatten the rest.
    """
    usual = _FAR * (constant or (float(np.median(errors)) if errors else math.inf))
    within = [error for error in errors if error <= usual]
    return usual if within else math.inf


def _draw_differences(axes: Axes, found: Mapping[str, Any], unit: str, palette: Palette) -> None:
    colours = colours_of(found["variants"], palette) | {"interaction": palette.text}
    rows = [(one, broken_name_of(name), colours[name]) for name, one in found["effects"].items()]
    axes.axvline(0, color=palette.quiet, linewidth=1.4)
    if found["margin"]:
        axes.axvspan(-found["margin"], found["margin"], color=palette.quiet, alpha=0.15,
                     linewidth=0)  # fmt: skip
    # Words stand on the line of zero, and are read all the same.
    behind = {"facecolor": axes.get_facecolor(), "edgecolor": "none", "pad": 1.5}
    for height, (one, _, colour) in enumerate(reversed(rows)):
        if one["difference"] is not None and one["verdict"] not in NOT_COMPARED:
            ends = [one["difference"]] * 2 if one["low"] is None else [one["low"], one["high"]]
            axes.plot(ends, [height, height], color=colour, linewidth=4, solid_capstyle="butt")
            axes.plot(one["difference"], height, "o", color=colour, markersize=10)
        axes.annotate(one["verdict"], (0.02, height), xycoords=("axes fraction", "data"),
                      xytext=(0, 9), textcoords="offset points", color=colour, weight="bold",
                      fontsize="small", bbox=behind)  # fmt: skip
    label_rows(axes, [(name, colour) for _, name, colour in rows])
    axes.margins(x=0.1)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    if all(one["difference"] is None or one["verdict"] in NOT_COMPARED for one, *_ in rows):
        axes.set_xticks([0])
    against = name_of(found.get("against", "baseline"))
    told = f", {OPTIMISTIC}" if found.get("optimistic") else ""
    title_axes(axes, f"difference to {against}, 95 % interval{told}")
    axes.set_xlabel(f"← better · difference{unit} · worse →", loc="center")
