"""Plot of the variants' learning curves and errors side by side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from dropnorm.evaluation.wording import number
from dropnorm.reporting.figures.drawing import (
    BROAD,
    broken_name_of,
    colour_of,
    draw_replicas,
    epoch_axis,
    error_axis,
    finite_runs,
    label_ends,
    label_rows,
    loss_label,
    say,
    title_axes,
    value_axis,
)
from dropnorm.reporting.style import drawn
from dropnorm.study.optimism import OPTIMISTIC, optimistic_networks

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes

    from dropnorm.reporting.style import Palette
    from dropnorm.study.schema import Study


def draw_comparison(
    table: pd.DataFrame, histories: Mapping[str, pd.DataFrame], study: Study
) -> Figure:
    """Draw the validation curves of all variants, and where each ended.

    Args:
        table: A row per variant: ``min_val_loss``, ``final_val_loss``, ``diverged``, ``replicas``.
        histories: By variant; columns ``split``, ``start``, ``epoch``, ``loss``, ``val_loss``.
        study: For labels.
    """
    with drawn() as palette:
        figure = Figure(figsize=BROAD)
        curves, ends = figure.subplots(1, 2, width_ratios=(1.35, 1.0))
        rows = {str(row["variant"]): row for row in table.to_dict("records")}
        values: list[npt.NDArray[np.float64]] = []
        labels: list[tuple[float, str, str]] = []
        for name, history in histories.items():
            colour = colour_of(name, study, palette)
            if runs := finite_runs(history, "val_loss"):
                mean = draw_replicas(curves, runs, colour)
                values += [losses for _, losses in runs]
                labels.append((float(mean[-1]), broken_name_of(name), colour))
        if values:
            constant = float(table["constant_val_loss"].iloc[0])
            curves.axhline(constant, color=palette.quiet, linestyle=":", linewidth=1.5, zorder=1)
            labels.append((constant, "a constant", palette.quiet))
            value_axis(curves, [*values, np.array([constant])])
        else:
            say(curves, "every training diverged", palette.text)
        curves.set_ylabel(loss_label(study))
        title_axes(curves, f"validation loss{_of_replicas(table)}")
        epoch_axis(curves)
        _draw_ends(ends, rows, palette, study)
        figure.suptitle(study.label, x=0.01, ha="left")
        label_ends(figure, curves, labels)
    return figure


def _draw_ends(
    axes: Axes, rows: Mapping[str, Mapping[Any, Any]], palette: Palette, study: Study
) -> None:
    values = []
    for height, (variant, row) in enumerate(reversed(list(rows.items()))):
        colour = colour_of(variant, study, palette)
        best, final = float(row["min_val_loss"]), float(row["final_val_loss"])
        lost, replicas = int(row["diverged"]), int(row["replicas"])
        if math.isfinite(final):
            axes.plot([best, final], [height, height], color=colour, linewidth=2, alpha=0.5)
            axes.plot(final, height, "o", color=colour, markersize=11)
            axes.plot(best, height, "o", markerfacecolor="white", color=colour, markersize=9)
            axes.annotate(number(final), (final, height), xytext=(0, 9), ha="center",
                          textcoords="offset points", color=colour, weight="bold")  # fmt: skip
            values += [best, final]
        if lost:
            told = "diverged" if lost == replicas == 1 else f"{lost} of {replicas} diverged"
            axes.annotate(f"× {told}", (0.02, height), xycoords=("axes fraction", "data"),
                          va="center" if lost == replicas else "top", color=colour,
                          xytext=(0, 0 if lost == replicas else -9),
                          textcoords="offset points")  # fmt: skip
    label_rows(axes, [(broken_name_of(name), colour_of(name, study, palette)) for name in rows])
    axes.margins(x=0.2)
    error_axis(axes, values)
    both = optimistic_networks(study)
    told = (
        f"● last, ○ best epoch: {OPTIMISTIC}" if both else f"● last   ○ best ({OPTIMISTIC}) epoch"
    )
    title_axes(axes, told, fontsize="small")
    axes.set_xlabel(loss_label(study), loc="right")


def _of_replicas(table: pd.DataFrame) -> str:
    replicas = int(table["replicas"].max())
    return f": mean, range of {replicas} replicas" if replicas > 1 else " by epoch"
