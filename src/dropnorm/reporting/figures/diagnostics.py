"""Plot of what the layers did inside the networks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from dropnorm.reporting.figures.drawing import (
    BROAD,
    asides_of,
    broken_name_of,
    colour_of,
    draw_replicas,
    epoch_axis,
    finite_runs,
    label_ends,
    say,
    title_axes,
)
from dropnorm.reporting.style import drawn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes

    from dropnorm.evaluation.results import Examination, VariantExamination
    from dropnorm.evaluation.trainings.loss_units import LossUnits
    from dropnorm.study.schema import Study


def draw_diagnostics(
    table: pd.DataFrame,
    histories: Mapping[str, pd.DataFrame],
    examined: Mapping[str, VariantExamination],
    study: Study,
    units: LossUnits,
) -> Figure:
    """Draw the gap between validation and training by epoch, and what the networks look like.

    The gap is drawn from the second tenth of the epochs on.

    Args:
        table: A row per variant: ``gap`` at the end, training loss in inference.
        histories: By variant.
        examined: By variant.
        study: For labels.
        units: What makes errors of losses.
    """
    histories = {
        name: units.table(history, ("loss", "val_loss")) for name, history in histories.items()
    }
    with drawn() as palette:
        figure = Figure(figsize=(12.0, BROAD[1]))
        gaps, shifts, dead = figure.subplots(1, 3, width_ratios=(1.5, 1.0, 1.0))
        labels: list[tuple[float, str, str]] = []
        shown: list[npt.NDArray[np.float64]] = []
        asides = asides_of(histories)
        for row in table.to_dict("records"):
            variant = str(row["variant"])
            # In the first epochs losses fall so far that the rest would be a flat line.
            runs = [
                (epochs[len(epochs) // 10 :], (held - trained)[len(epochs) // 10 :])
                for (epochs, held), (_, trained) in zip(
                    finite_runs(histories[variant], "val_loss"),
                    finite_runs(histories[variant], "loss"),
                    strict=True,
                )
            ]
            colour = colour_of(variant, study, palette)
            if runs:
                shown += [values[len(values) // 3 :] for _, values in runs]
                mean = draw_replicas(gaps, runs, colour)
                labels.append((float(mean[-1]), broken_name_of(variant), colour))
            networks = [one.found for one in examined[variant].replicas]
            aside = asides[variant]
            shift = [_shifts(network) for network in networks]
            _draw_by_layer(shifts, shift, colour, aside)
            _draw_by_layer(dead, [network.dead_units for network in networks], colour, aside)
        for axes, absent in (
            (gaps, "every training diverged"),
            (shifts, "no batch norms"),
            (dead, "no network"),
        ):
            if not axes.lines:
                axes.set(xticks=[], yticks=[])
                say(axes, absent, palette.text)
        gaps.axhline(0, color=palette.quiet, linewidth=1.2, zorder=1)
        gaps.set_ylabel(units.label)
        if labels:
            epoch_axis(gaps, " (all but the first tenth)")
            _limit(gaps, np.concatenate(shown))
        title_axes(gaps, "gap: validation − training")
        shifts.axhline(1, color=palette.quiet, linewidth=1.2, zorder=1)
        shifts.set(ylabel="inference / training", xlabel="batch norm")
        title_axes(shifts, "variance shift")
        dead.set(ylabel="share of a layer", xlabel="hidden layer")
        dead.yaxis.set_major_formatter(
            FuncFormatter(lambda value, _: "" if value < 0 else f"{100 * value:g} %")
        )
        if dead.lines:
            top = max(dead.get_ylim()[1], 0.05)
            dead.set_ylim(-0.04 * top, top)
        title_axes(dead, "dead units")
        figure.suptitle(study.label, x=0.01, ha="left")
        label_ends(figure, gaps, labels)
    return figure


def _limit(axes: Axes, values: npt.NDArray[np.float64]) -> None:
    """Give the gaps of the later epochs the room; earlier ones may leave the axis."""
    low, high = (float(end) for end in np.quantile(values, (0.01, 0.99)))
    low, high = min(0.0, low), max(0.0, high)
    room = 0.08 * (high - low) or 1.0
    axes.set_ylim(low - room, high + room)


def _shifts(network: Examination) -> dict[str, float]:
    return {name: one.shift for name, one in network.batchnorms.items() if one.shift is not None}


def _draw_by_layer(
    axes: Axes, replicas: Sequence[Mapping[str, float]], colour: str, aside: float
) -> None:
    """Draw a value for each layer, mean over the replicas, with their range.

    Layers are called ``hidden_1`` and so on; what they are stands at the axis.
    """
    if not replicas or not replicas[0]:
        return
    layers = list(replicas[0])
    places = [int(name.rpartition("_")[2]) + aside for name in layers]
    values = np.array([[one.get(name, math.nan) for name in layers] for one in replicas])
    axes.plot(places, np.nanmean(values, axis=0), "o-", color=colour)
    if len(values) > 1:
        axes.vlines(places, np.nanmin(values, axis=0), np.nanmax(values, axis=0), color=colour,
                    alpha=0.5, linewidth=2)  # fmt: skip
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.margins(0.1)
