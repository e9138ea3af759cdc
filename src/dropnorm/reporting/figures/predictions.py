"""Plots of predictions beside the truth: amounts against amounts, classes, and probabilities."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from sklearn.calibration import calibration_curve

from dropnorm.reporting.figures.drawing import colours_of, name_of, say, title_axes
from dropnorm.reporting.figures.panels import SIZE
from dropnorm.reporting.style import drawn
from dropnorm.tasks.targets import Classes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes

# More points are drawn as so many, evenly taken.
_POINTS = 1500
# Of more classes, shares are colours alone.
_WRITTEN = 8
# Bins of probabilities, of the same width.
_BINS = 10
_TWO = 2


def draw_amount_panels(predictions: Mapping[str, pd.DataFrame], label: str) -> dict[str, Figure]:
    """Draw predicted against true amounts of the validation rows, a figure for each variant.

    All panels have the axes of the true values; what is predicted beyond them stands at the edge.
    """
    truth = next(iter(predictions.values()))["target"].to_numpy(dtype=float)
    low, high = float(truth.min()), float(truth.max())
    room = 0.05 * (high - low or 1.0)
    figures = {}
    for variant, table in predictions.items():
        with drawn() as palette:
            figure = Figure(figsize=SIZE)
            axes = figure.subplots()
            colour = colours_of(predictions, palette)[variant]
            finite = table.loc[np.isfinite(table["prediction"].to_numpy(dtype=float))]
            if finite.empty:
                say(axes, "every training diverged", palette.text)
                axes.set(xticks=[], yticks=[])
            else:
                _draw_amounts(axes, finite, (low - room, high + room), colour)
                axes.plot([low, high], [low, high], color=palette.quiet, linewidth=1.2, zorder=1)
                axes.set(xlabel=f"true {label}", ylabel="predicted")
            title_axes(axes, name_of(variant), color=colour, weight="bold")
        figures[variant] = figure
    return figures


def _draw_amounts(
    axes: Axes, table: pd.DataFrame, limits: tuple[float, float], colour: str
) -> None:
    every = max(1, math.ceil(len(table) / _POINTS))
    some = table.iloc[::every]
    true = some["target"].to_numpy(dtype=float)
    predicted = some["prediction"].to_numpy(dtype=float)
    axes.plot(true, np.clip(predicted, *limits), "o", color=colour, markersize=3.2, alpha=0.35,
              markeredgewidth=0, rasterized=True)  # fmt: skip
    values = table["prediction"].to_numpy(dtype=float)
    beyond = values[(values < limits[0]) | (values > limits[1])]
    if len(beyond):
        share = f"{len(beyond):,} of {len(values):,} beyond the axis"
        axes.text(0.02, 0.97, share, transform=axes.transAxes, va="top", fontsize="small",
                  color=colour)  # fmt: skip
    axes.set(xlim=limits, ylim=limits)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))


def draw_class_panels(predictions: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """Draw a confusion matrix for each variant: of each true class, which share is called what."""
    figures = {}
    for variant, table in predictions.items():
        with drawn() as palette:
            figure = Figure(figsize=SIZE)
            axes = figure.subplots()
            colour = colours_of(predictions, palette)[variant]
            axes.grid(visible=False)
            known = table.dropna(subset=Classes.columns_of(table))
            if known.empty:
                say(axes, "every training diverged", palette.text)
                axes.set(xticks=[], yticks=[])
            else:
                _draw_confusion(axes, known, palette.text)
            title_axes(axes, name_of(variant), color=colour, weight="bold")
        figures[variant] = figure
    return figures


def _draw_confusion(axes: Axes, table: pd.DataFrame, text: str) -> None:
    numbers, probabilities = Classes.predicted(table)
    labels = [name.partition("_")[2] for name in Classes.columns_of(table)]
    counts = np.zeros((len(labels), len(labels)))
    np.add.at(counts, (numbers, probabilities.argmax(axis=1)), 1)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.4, alpha=0.75)
    if len(labels) <= _WRITTEN:
        for (row, column), share in np.ndenumerate(shares):
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", color=text,
                      fontsize="small")  # fmt: skip
    axes.set_xticks(range(len(labels)), [label[:8] for label in labels], fontsize="small")
    axes.set_yticks(range(len(labels)), [label[:8] for label in labels], fontsize="small")
    axes.set(xlabel="called, % of the true class", ylabel="true class")


def draw_reliability(predictions: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw how often a class is right by the probability that it was given, of all classes."""
    with drawn() as palette:
        figure = Figure(figsize=(6.4, 4.4))
        axes = figure.subplots()
        colours = colours_of(predictions, palette)
        axes.plot([0, 1], [0, 1], color=palette.quiet, linewidth=1.2, zorder=1)
        for variant, table in predictions.items():
            known = table.dropna(subset=Classes.columns_of(table))
            if len(known):
                told, right = _reliability(known)
                axes.plot(told, right, "o-", color=colours[variant],
                          label=name_of(variant), markersize=5)  # fmt: skip
        axes.set(xlabel="probability told", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
        axes.legend(fontsize="small", loc="upper left")
    return figure


def _reliability(
    table: pd.DataFrame,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    numbers, probabilities = Classes.predicted(table)
    # Of two classes, the first's probabilities say the same as the second's.
    first = 1 if probabilities.shape[1] == _TWO else 0
    truth = np.concatenate([numbers == one for one in range(first, probabilities.shape[1])])
    told = probabilities[:, first:].T.ravel()
    right, mean = calibration_curve(truth, told, n_bins=_BINS)
    return mean, right
