"""Plot of a variant's learning curves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from dropnorm.evaluation.json_form import or_nan
from dropnorm.evaluation.results import of_replica
from dropnorm.evaluation.wording import number
from dropnorm.reporting.figures.drawing import (
    BROAD,
    NARROW,
    colour_of,
    draw_replicas,
    epoch_axis,
    finite_runs,
    label_ends,
    loss_label,
    name_of,
    title_axes,
    value_axis,
)
from dropnorm.reporting.style import drawn
from dropnorm.study.optimism import OPTIMISTIC
from dropnorm.study.training import INNER_LOSS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from dropnorm.evaluation.results import ReplicaMetrics, VariantMetrics
    from dropnorm.study.schema import Study


# Columns of a history with the names and lines of their curves.
_CURVES = (
    ("loss", "training", "--"),
    ("val_loss", "validation", "-"),
    (INNER_LOSS, "set aside", "-."),
)
# What exponents are written with.
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def draw_learning_curves(
    history: pd.DataFrame, first_steps: pd.DataFrame, metrics: VariantMetrics, study: Study
) -> Figure:
    """Draw a variant's losses by epoch, the epoch with the least val_loss of every replica marked.

    Trainings that diverged have no curve worth drawing: their first steps, repeated one by one, are
    drawn instead, up to the step whose loss was not finite.

    Args:
        history: Columns ``split``, ``start``, ``epoch``, ``loss``, ``val_loss`` and perhaps
            ``inner_loss``.
        first_steps: Columns ``split``, ``start``, ``step``, ``loss``.
        metrics: Of the variant.
        study: For labels.
    """
    finite, diverged = metrics.finite, [one for one in metrics.replicas if not one.is_finite]
    panels = bool(finite) + bool(diverged)
    with drawn() as palette:
        colour = colour_of(metrics.variant, study, palette)
        figure = Figure(figsize=NARROW if panels == 1 else BROAD)
        axes = list(np.atleast_1d(figure.subplots(1, panels)))
        labels = _draw_curves(axes[0], history, finite, colour, study) if finite else []
        if diverged:
            _draw_first_steps(axes[-1], first_steps, diverged, len(metrics.replicas), colour, study)
        figure.suptitle(f"{study.label} · {name_of(metrics.variant)}", x=0.01, ha="left")
        label_ends(figure, axes[0], labels)
    return figure


def _draw_curves(
    axes: Axes,
    history: pd.DataFrame,
    replicas: Sequence[ReplicaMetrics],
    colour: str,
    study: Study,
) -> list[tuple[float, str, str]]:
    labels, values = [], []
    for column, name, line in _CURVES:
        if column not in history:
            continue
        runs = finite_runs(history, column)
        mean = draw_replicas(axes, runs, colour, line)
        labels.append((float(mean[-1]), name, colour))
        values += [losses for _, losses in runs]
    for one in replicas:
        axes.plot(or_nan(one.best_epoch), _least(one), "o", color=colour, clip_on=False,
                  markersize=9, markeredgecolor="white", zorder=5)  # fmt: skip
    best = min(replicas, key=_least)
    several = len(replicas) > 1
    of = f" of {len(replicas)}" if several else ""
    found = f"{number(_least(best))} in epoch {best.best_epoch}"
    value_axis(axes, values)
    title_axes(axes, f"● best{of}: {found} ({OPTIMISTIC})", color=colour)
    axes.set_ylabel(loss_label(study))
    epoch_axis(axes, f" (mean and range of {len(replicas)} replicas)" if several else "")
    return labels


def _least(replica: ReplicaMetrics) -> float:
    return or_nan(replica.min_val_loss)


def _draw_first_steps(
    axes: Axes,
    first_steps: pd.DataFrame,
    diverged: Sequence[ReplicaMetrics],
    replicas: int,
    colour: str,
    study: Study,
) -> None:
    for one in diverged:
        steps = of_replica(first_steps, one.split, one.start)
        finite = steps.loc[np.isfinite(steps["loss"].to_numpy(dtype=float))]
        axes.plot(finite["step"], finite["loss"], "o-", color=colour, markersize=5,
                  alpha=1.0 if len(diverged) == 1 else 0.5)  # fmt: skip
        lost = steps.loc[~np.isfinite(steps["loss"].to_numpy(dtype=float)), "step"]
        if len(lost) and len(finite):
            last = finite.iloc[-1]
            axes.plot([last["step"], lost.iloc[0]], [last["loss"], last["loss"] * 1e3], ":",
                      color=colour, linewidth=1.5)  # fmt: skip
            axes.plot(lost.iloc[0], last["loss"] * 1e3, "x", color=colour, markersize=11,
                      markeredgewidth=3)  # fmt: skip
    epochs = sorted(
        {one.diverged_at_epoch for one in diverged if one.diverged_at_epoch is not None}
    )
    when = f"epoch {epochs[0]}" if len(epochs) == 1 else f"epochs {epochs[0]} to {epochs[-1]}"
    who = "" if replicas == 1 else f"{len(diverged)} of {replicas} "
    axes.set_yscale("log")
    axes.set(xlabel="step (one batch each); × is not finite", ylabel=loss_label(study))
    title_axes(axes, f"{who}diverged in {when}")
    axes.margins(y=0.12)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())


def power_of_ten(value: float) -> str:
    """Write 10⁶ in plain characters: in the plots nothing is read as mathematics."""
    if value <= 0:
        return ""
    return "10" + str(round(math.log10(value))).translate(_RAISED)
