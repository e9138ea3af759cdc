"""Small plots of the report, one for each network, on the same axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from dropnorm.evaluation.wording import number
from dropnorm.reporting.figures.drawing import (
    colours_of,
    draw_replicas,
    epoch_axis,
    finite_runs,
    name_of,
    say,
    title_axes,
    value_axis,
)
from dropnorm.reporting.figures.learning_curves import power_of_ten
from dropnorm.reporting.style import drawn
from dropnorm.study.training import INNER_LOSS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes


SIZE = (4.4, 3.7)
# Beyond so many times what the constant, or the best curve, reaches, a curve leaves the axes.
_BEYOND = 1.6
# Room for a line of words between title and axes, in points.
_LINE = 21.0


@dataclass(frozen=True)
class Trainings:
    """What the curves of a variant are drawn from.

    Attributes:
        history: Columns ``split``, ``start``, ``epoch``, ``loss``, ``val_loss`` and perhaps
            ``inner_loss``.
        first_steps: Columns ``split``, ``start``, ``step``, ``loss``, of those that diverged.
    """

    history: pd.DataFrame
    first_steps: pd.DataFrame


def draw_curve_panels(
    trainings: Mapping[str, Trainings], constant: float, label: str
) -> dict[str, Figure]:
    """Draw the losses by epoch, a figure for each variant.

    A variant whose trainings all diverged has no curve: the loss of their first steps is drawn.

    Args:
        trainings: By variant, in the units of the plot.
        constant: What the constant reaches on the validation rows.
        label: Of the losses.
    """
    shown = [
        losses
        for one in trainings.values()
        for column in ("loss", "val_loss")
        for _, losses in finite_runs(one.history, column)
    ]
    figures = {}
    for variant, one in trainings.items():
        with drawn() as palette:
            figure = Figure(figsize=SIZE)
            axes = figure.subplots()
            colour = colours_of(trainings, palette)[variant]
            below = ""  # the title; inside the axes, words may stand on a curve
            if finite_runs(one.history, "val_loss"):
                best = _draw_curves(axes, one.history, colour)
                below = f"{best}{_limit(axes, shown, constant)}"
                axes.set_ylabel(label)
            elif len(one.first_steps):
                _draw_explosion(axes, one, colour)
                axes.set_ylabel(label)
            else:
                say(axes, "every training diverged", palette.text)
                axes.set(xticks=[], yticks=[])
            lost = _count(one.history) - len(finite_runs(one.history, "val_loss"))
            told = f": {lost} of {_count(one.history)} diverged" if lost else ""
            pad = _LINE if below else None
            title_axes(axes, f"{name_of(variant)}{told}", color=colour, weight="bold", pad=pad)
            axes.annotate(below, (0.0, 1.0), (0, 4), xycoords="axes fraction", va="bottom",
                          textcoords="offset points", color=colour, fontsize="small")  # fmt: skip
            if finite_runs(one.history, "val_loss"):
                axes.axhline(constant, color=palette.quiet, linestyle=":", linewidth=1.4, zorder=1)
        figures[variant] = figure
    return figures


def _count(history: pd.DataFrame) -> int:
    return len(history[["split", "start"]].drop_duplicates())


def _draw_curves(axes: Axes, history: pd.DataFrame, colour: str) -> str:
    """Draw the losses; return the epoch with the least validation loss in words."""
    for column, line in (("loss", "--"), ("val_loss", "-")):
        mean = draw_replicas(axes, finite_runs(history, column), colour, line)
        epochs = max((run[0] for run in finite_runs(history, column)), key=len)
    if INNER_LOSS in history:
        draw_replicas(axes, finite_runs(history, INNER_LOSS), colour, "-.")
    best = int(np.argmin(mean))
    axes.plot(epochs[best], mean[best], "o", color=colour, markersize=8, markeredgecolor="white",
              zorder=5)  # fmt: skip
    epoch_axis(axes)
    return f"● {number(mean[best])} in epoch {epochs[best]}"


def _limit(axes: Axes, shown: Sequence[npt.NDArray[np.float64]], constant: float) -> str:
    """Give all panels one axis, which what lies far beyond the constant leaves; say where to."""
    values = np.concatenate(shown)
    least = min(float(losses[-1]) for losses in shown)
    within = values[values <= _BEYOND * max(constant, least)]
    value_axis(axes, [within, np.array([constant])])
    top = float(max(within.max(), constant))
    low = float(within.min())
    logarithmic = axes.get_yscale() == "log"
    axes.set_ylim(low * 0.85 if logarithmic else low - 0.05 * (top - low), top * 1.08)
    last = max(float(np.asarray(line.get_ydata(), dtype=float)[-1]) for line in axes.lines[:2])
    return f" · ends at {number(last)} ↑" if last > top * 1.08 else ""


def _draw_explosion(axes: Axes, trainings: Trainings, colour: str) -> None:
    """Draw the loss step by step, up to the step at which it is no number any more."""
    for _, steps in trainings.first_steps.groupby(["split", "start"]):
        losses = steps["loss"].to_numpy(dtype=float)
        finite = np.isfinite(losses)
        numbers = steps["step"].to_numpy()
        axes.plot(numbers[finite], losses[finite], "o-", color=colour, markersize=4, alpha=0.6)
        if finite.any() and not finite.all():
            end, lost = losses[finite][-1], numbers[~finite][0]
            axes.plot([numbers[finite][-1], lost], [end, end * 1e3], ":", color=colour)
            axes.plot(lost, end * 1e3, "x", color=colour, markersize=10, markeredgewidth=3)
    axes.set_yscale("log")
    axes.set_xlabel("step; × is not finite")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.margins(y=0.12)
