"""What the plots share: axes, labels, lines of replicas."""

from __future__ import annotations

import itertools
import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from dropnorm.evaluation.estimation.network_names import spoken
from dropnorm.reporting.style import MILLION, in_millions, is_in_full, lay_out
from dropnorm.study.arms import arm_names
from dropnorm.study.training import losses_among
from dropnorm.study.variants import Variant
from dropnorm.tasks.metrics import LOSSES
from dropnorm.tasks.registry import task_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dropnorm.reporting.style import Palette
    from dropnorm.study.schema import Study


# Letters of a label from which on it has a second line.
_LONG = 14
# From this ratio of largest to smallest on, an axis is logarithmic.
WIDE_RANGE = 5.0
NARROW, BROAD = (7.5, 4.2), (10.5, 4.6)
# A line of a direct label and the gap to the next, in points.
_LINE = 17.0


def name_of(variant: str) -> str:
    """Return what a variant is called in a plot, whichever network of a study it is."""
    return spoken(variant)


def broken_name_of(variant: str) -> str:
    """Return the same, in two lines where it is long: for ends of lines and rows."""
    name = name_of(variant)
    if variant in tuple(Variant):
        return name.replace(" + ", " +\n")
    return "\n".join(textwrap.wrap(name, max(_LONG, math.ceil(len(name) / 2) + 1)))


def colours_of(networks: Iterable[str], palette: Palette) -> dict[str, str]:
    """Return the colour of each network: the same in all plots of a study.

    Args:
        networks: All that the study compares, in its order. Beside the four variants, those that it
            names itself have further colours in that order.
        palette: Has them.
    """
    further = itertools.cycle(palette.further)
    return {
        name: palette.variants[Variant(name)] if name in tuple(Variant) else next(further)
        for name in networks
    }


def colour_of(variant: str, study: Study, palette: Palette) -> str:
    """Return the colour of one network of a study."""
    return colours_of(arm_names(study), palette)[variant]


def asides_of(variants: Iterable[str]) -> dict[str, float]:
    """Return how far aside each of several variants stands where all belong to one place."""
    names = list(variants)
    return dict(zip(names, np.linspace(-0.09, 0.09, len(names)).tolist(), strict=True))


def label_rows(axes: Axes, named: Sequence[tuple[str, str]]) -> None:
    """Name the rows of an axes from the top down, each in its colour."""
    axes.set_yticks(range(len(named)), [name for name, _ in reversed(named)])
    for label, (_, colour) in zip(axes.get_yticklabels(), reversed(named), strict=True):
        label.set_color(colour)
    axes.set_ylim(-0.6, len(named) - 0.3)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)


def error_axis(axes: Axes, values: Sequence[float]) -> None:
    """Scale the axis below rows: logarithmic where the range asks for it; no ticks for nothing."""
    if not values:
        axes.set_xticks([])
    elif max(values) > WIDE_RANGE * min(values) > 0:
        axes.set_xscale("log")
        # Too many powers of ten to write those between them.
        few = max(values) > 100 * min(values)
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if few else (1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter(FuncFormatter(_on_log_axis))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4))


def _on_log_axis(value: float, _: int | None = None) -> str:
    return in_millions(value) if MILLION / 2 <= value < MILLION**2 else f"{value:,g}"


def epoch_axis(axes: Axes, told: str = "") -> None:
    """Label the axis of epochs."""
    axes.set_xlabel(f"epoch{told}")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def title_axes(axes: Axes, told: str, **options: Any) -> None:
    """Write a title above axes whose vertical limits are final.

    Above an axis, Matplotlib may write what it takes out of the numbers there, as 1e6, and so it
    places a title anew whenever it measures or draws: a third of all work on the axes. Where it
    takes nothing out, the place is known.
    """
    known = 1.0 if is_in_full(*sorted(axes.get_ylim())) or axes.get_yscale() == "log" else None
    axes.set_title(told, y=known, **options)


def say(axes: Axes, told: str, colour: str) -> None:
    """Say in the middle of an empty axes why it is empty."""
    axes.text(0.5, 0.5, told, transform=axes.transAxes, ha="center", va="center", color=colour)


def finite_runs(
    history: pd.DataFrame, column: str
) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]:
    """Return epochs and values of every replica whose losses all are finite."""
    # A plot asks several times: groups of Pandas would take five times as long.
    losses = [history[name].to_numpy(dtype=float) for name in losses_among(history.columns)]
    finite = np.isfinite(np.array(losses)).all(axis=0)
    epochs, values = history["epoch"].to_numpy(), history[column].to_numpy(dtype=float)
    (_, split), (_, start) = (
        np.unique(history[name].to_numpy(), return_inverse=True) for name in ("split", "start")
    )
    replicas = split * (start.max(initial=0) + 1) + start
    mine = [replicas == replica for replica in np.unique(replicas)]
    return [(epochs[rows], values[rows]) for rows in mine if finite[rows].all()]


def draw_replicas(
    axes: Axes,
    runs: Sequence[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]],
    colour: str,
    line: str = "-",
) -> npt.NDArray[np.float64]:
    """Draw the mean of the replicas, and their range as a band; return the mean.

    Early stopping ends replicas in different epochs: each epoch is of those that reached it.
    """
    epochs = max((run[0] for run in runs), key=len)
    values = np.array(
        [
            np.pad(losses, (0, len(epochs) - len(losses)), constant_values=np.nan)
            for _, losses in runs
        ]
    )
    mean: npt.NDArray[np.float64] = np.nanmean(values, axis=0)
    if len(runs) > 1:
        axes.fill_between(epochs, np.nanmin(values, axis=0), np.nanmax(values, axis=0),
                          color=colour, alpha=0.18, linewidth=0)  # fmt: skip
    axes.plot(epochs, mean, line, color=colour)
    axes.set_xlim(0, max(axes.get_xlim()[1], epochs[-1]) if axes.lines[1:] else epochs[-1])
    return mean


def value_axis(axes: Axes, shown: Sequence[npt.NDArray[np.float64]]) -> None:
    """Scale the axis to what it shows: logarithmic where the range asks for it."""
    values = np.concatenate(shown)
    low, high = float(values.min()), float(values.max())
    if low > 0 and high / low > WIDE_RANGE:
        axes.set_yscale("log")
        axes.set_ylim(bottom=low * 0.85)
        # Too many powers of ten to write those between them.
        axes.yaxis.set_major_locator(
            LogLocator(subs=(1.0, 2.0, 5.0) if high < 100 * low else (1.0,))
        )
        axes.yaxis.set_major_formatter(FuncFormatter(_on_log_axis))
        axes.yaxis.set_minor_locator(LogLocator(subs=()))


def label_ends(figure: Figure, axes: Axes, labels: Sequence[tuple[float, str, str]]) -> None:
    """Name each line at its right end, apart where they would overlap; the figure is complete."""
    ordered = sorted(labels)
    texts = [
        axes.annotate(
            name, (1.0, value), xycoords=("axes fraction", "data"), xytext=(8, 0),
            textcoords="offset points", va="center", color=colour, annotation_clip=False,
            linespacing=1.0,
        )
        for value, name, colour in ordered
    ]  # fmt: skip
    # The layout makes room for the labels first; only then is it known how near they stand.
    layout = figure.get_layout_engine()
    lay_out(figure)
    points = 72 / figure.dpi
    heights = [float(axes.transData.transform((1.0, value))[1]) * points for value, _, _ in ordered]
    sizes = [_LINE * len(name.split("\n")) for _, name, _ in ordered]
    place = axes.get_window_extent()
    for text, height, placed in zip(
        texts, heights, spread(heights, sizes, place.y0 * points, place.y1 * points), strict=True
    ):
        text.set_position((8, placed - height))
    if not (axes.get_title(loc="left") and axes.get_xlabel()):
        figure.set_layout_engine(layout)  # a label may now need room above or below the axes


def spread(
    heights: Sequence[float],
    sizes: Sequence[float],
    low: float = -math.inf,
    high: float = math.inf,
) -> list[float]:
    """Move labels as little as needed (least squares) so that none covers another.

    Isotonic regression of the heights, each less the room that those below it need (de Leeuw,
    Hornik and Mair 2009, "Isotone optimization in R: pool-adjacent-violators"); its solution
    between bounds is the one without, clipped.

    Args:
        heights: Where the middles of the labels belong, ascending.
        sizes: How high each label is.
        low: No middle is below it.
        high: Nor above it, if there is room for all.

    Returns:
        Where the middles go, in the same order.
    """
    if not len(heights):
        return []
    high_enough = np.asarray(sizes, dtype=float)
    room = np.concatenate([[0.0], np.cumsum((high_enough[:-1] + high_enough[1:]) / 2)])
    moved = scipy.optimize.isotonic_regression(np.asarray(heights, dtype=float) - room).x
    return list(np.clip(moved, low, max(low, high - room[-1])) + room)


def loss_label(study: Study) -> str:
    """Name the loss with its unit."""
    name = LOSSES[study.training.loss]
    unit = task_of(study).loss_unit(study)
    return f"{name}, {unit}" if unit else name
