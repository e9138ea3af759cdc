"""Plots of trainings and variants: one style, the same colour for a variant everywhere.

Figures are made without pyplot, whose global state would tie them to one thread.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator
from scipy.optimize import isotonic_regression

from dropnorm.scores import SCORES
from dropnorm.study import Variant
from dropnorm.tasks import task_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes

    from dropnorm.study import Study

# Okabe and Ito's palette, told apart by colour-blind readers.
COLOURS = {
    Variant.BASELINE: "#7A7A7A",
    Variant.DROPOUT: "#0072B2",
    Variant.BATCHNORM: "#D55E00",
    Variant.DROPOUT_BATCHNORM: "#009E73",
}
NAMES = {
    Variant.BASELINE: "baseline",
    Variant.DROPOUT: "dropout",
    Variant.BATCHNORM: "batchnorm",
    Variant.DROPOUT_BATCHNORM: "dropout + batchnorm",
}
_STYLE: Any = {
    "figure.dpi": 150,
    "figure.constrained_layout.use": True,
    "font.size": 12,
    "axes.titlesize": 13,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "axes.axisbelow": True,
    "lines.linewidth": 2.0,
    "legend.frameon": False,
}
_DARK: Any = {
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "grid.color": "#3A3A3A",
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), "#DDDDDD"
    ),
}
# From this ratio of largest to smallest on, an axis is logarithmic.
_WIDE_RANGE = 5.0
_LOST = "#CC3311"
_QUIET = "#777777"


def learning_curves(
    history: pd.DataFrame, first_steps: pd.DataFrame, metrics: Mapping[str, Any], study: Study
) -> Figure:
    """Draw a variant's loss and val_loss by epoch, the best epoch of every replica marked.

    Trainings that diverged have no curve worth drawing: their first steps, repeated one by one, are
    drawn instead, up to the step whose loss was not finite.

    Args:
        history: Columns ``split``, ``start``, ``epoch``, ``loss``, ``val_loss``.
        first_steps: Columns ``split``, ``start``, ``step``, ``loss``.
        metrics: Of the variant.
        study: For labels.
    """
    variant = Variant(metrics["variant"])
    finite = [one for one in metrics["replicas"] if one["diverged_at_epoch"] is None]
    diverged = [one for one in metrics["replicas"] if one["diverged_at_epoch"] is not None]
    panels = bool(finite) + bool(diverged)
    with _style():
        figure = Figure(figsize=(8.0 if panels == 1 else 12.0, 4.5))
        axes = list(np.atleast_1d(figure.subplots(1, panels)))
        labels = _draw_curves(axes[0], history, finite, variant, study) if finite else []
        if diverged:
            _draw_first_steps(axes[-1], first_steps, diverged, len(metrics["replicas"]), study)
        figure.suptitle(f"{study.label} · {NAMES[variant]}", x=0.01, ha="left", weight="bold")
        _label_ends(figure, axes[0], labels)
    return figure


def comparison(
    table: pd.DataFrame, histories: Mapping[Variant, pd.DataFrame], study: Study
) -> Figure:
    """Draw the validation curves of all variants, and where each ended.

    Args:
        table: A row per variant: ``min_val_loss``, ``final_val_loss``, ``diverged``, ``replicas``.
        histories: By variant; columns ``split``, ``start``, ``epoch``, ``loss``, ``val_loss``.
        study: For labels.
    """
    with _style():
        figure = Figure(figsize=(12.0, 4.8))
        curves, ends = figure.subplots(1, 2, width_ratios=(1.5, 1.0))
        rows = {Variant(row["variant"]): row for row in table.to_dict("records")}
        drawn: list[npt.NDArray[np.float64]] = []
        labels: list[tuple[float, str, str]] = []
        for variant, history in histories.items():
            if runs := _finite_runs(history, "val_loss"):
                mean = _draw_replicas(curves, runs, COLOURS[variant])
                drawn += [values for _, values in runs]
                labels.append((float(mean[-1]), NAMES[variant], COLOURS[variant]))
        _value_axis(curves, drawn)
        if drawn:
            constant = float(table["constant_val_loss"].iloc[0])
            curves.axhline(constant, color=_QUIET, linestyle=":", linewidth=1.2, zorder=1)
            labels.append((constant, "a constant", _QUIET))
        curves.set(xlabel="epoch", ylabel=_loss_label(study), title="validation loss by epoch")
        curves.xaxis.set_major_locator(MaxNLocator(integer=True))
        _draw_ends(ends, rows, study)
        figure.suptitle(study.label, x=0.01, ha="left", weight="bold", fontsize=15)
        _label_ends(figure, curves, labels)
    return figure


def diagnostics(
    table: pd.DataFrame,
    histories: Mapping[str, pd.DataFrame],
    examined: Mapping[str, Mapping[str, Any]],
    study: Study,
) -> Figure:
    """Draw the gap between validation and training by epoch, and what the networks look like.

    Args:
        table: A row per variant: ``gap`` at the end, training loss in inference.
        histories: By variant.
        examined: By variant; ``replicas`` with ``batchnorms`` and ``dead_units``.
        study: For labels.
    """
    with _style():
        figure = Figure(figsize=(13.5, 4.6))
        gaps, shifts, dead = figure.subplots(1, 3, width_ratios=(1.5, 1.0, 1.0))
        labels: list[tuple[float, str, str]] = []
        for row in table.to_dict("records"):
            variant = Variant(row["variant"])
            runs = [
                (epochs, held - trained)
                for (epochs, held), (_, trained) in zip(
                    _finite_runs(histories[variant], "val_loss"),
                    _finite_runs(histories[variant], "loss"),
                    strict=True,
                )
            ]
            colour = COLOURS[variant]
            if runs:
                mean = _draw_replicas(gaps, runs, colour)
                labels.append((float(mean[-1]), NAMES[variant], colour))
            replicas = examined[variant]["replicas"]
            _draw_by_layer(
                shifts, [_present(one["batchnorms"], "shift") for one in replicas], colour
            )
            _draw_by_layer(dead, [one["dead_units"] for one in replicas], colour)
        gaps.axhline(0, color=_QUIET, linewidth=1.0, zorder=1)
        gaps.set(
            xlabel="epoch",
            ylabel=_loss_label(study),
            title="validation less training loss, by epoch",
        )
        gaps.xaxis.set_major_locator(MaxNLocator(integer=True))
        shifts.axhline(1, color=_QUIET, linewidth=1.0, zorder=1)
        shifts.set(title="variance shift", ylabel="inference / training")
        dead.set(title="dead units", ylabel="share of a layer")
        dead.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
        dead.set_ylim(bottom=-0.01)
        for axes, drawn in ((shifts, "no batch norms"), (dead, "no network")):
            axes.tick_params(axis="x", rotation=30)
            if not axes.lines[1 if axes is shifts else 0 :]:
                axes.set_xticks([])
                axes.text(0.5, 0.5, drawn, transform=axes.transAxes, ha="center", color=_QUIET)
        figure.suptitle(study.label, x=0.01, ha="left", weight="bold", fontsize=15)
        if labels:
            _label_ends(figure, gaps, labels)
        else:
            gaps.text(0.5, 0.5, "every training diverged", transform=gaps.transAxes, ha="center",
                      color=_LOST)  # fmt: skip
    return figure


def _present(layers: Mapping[str, Mapping[str, float | None]], what: str) -> dict[str, float]:
    return {name: one[what] for name, one in layers.items() if one[what] is not None}  # type: ignore[misc]


def _draw_by_layer(axes: Axes, replicas: Sequence[Mapping[str, float]], colour: str) -> None:
    """Draw a value for each layer, mean over the replicas, with their range."""
    if not replicas or not replicas[0]:
        return
    layers = list(replicas[0])
    values = np.array([[one.get(name, math.nan) for name in layers] for one in replicas])
    axes.plot(layers, np.nanmean(values, axis=0), "o-", color=colour)
    if len(values) > 1:
        axes.vlines(layers, np.nanmin(values, axis=0), np.nanmax(values, axis=0), color=colour,
                    alpha=0.5, linewidth=1.5)  # fmt: skip


def effects(found: Mapping[str, Any], *, dark: bool = False, tall: bool = False) -> Figure:
    """Draw the errors of all replicas, pair by pair, and the effects with their intervals.

    Args:
        found: The answer: ``variants``, ``references``, ``effects``, ``unit``, ``error``.
        dark: For a dark page.
        tall: One below the other, for a narrow page.
    """
    with _style(dark=dark):
        figure = Figure(figsize=(6.0, 9.0) if tall else (12.0, 4.6))
        errors, differences = (
            figure.subplots(2, 1, height_ratios=(1.3, 1.0))
            if tall
            else figure.subplots(1, 2, width_ratios=(1.0, 1.1))
        )
        unit = f", {found['unit']}" if found["unit"] else ""
        _draw_errors(errors, found, unit)
        _draw_differences(differences, found, unit)
        figure.suptitle(found["title"], x=0.01, ha="left", weight="bold", fontsize=15)
    return figure


def _draw_errors(axes: Axes, found: Mapping[str, Any], unit: str) -> None:
    told = [
        (NAMES[variant], found["variants"][variant.value], COLOURS[variant]) for variant in Variant
    ] + [(name.replace("_", " "), one, _QUIET) for name, one in found["references"].items()]
    known = [one["error"] for _, one, _ in told if one["error"]]
    wide = bool(known) and max(known) > _WIDE_RANGE * min(known)
    if wide:
        axes.set_xscale("log")
    for height, (_, one, colour) in enumerate(reversed(told)):
        if one["error"] is None:
            axes.annotate("× diverged", (0.02, height), xycoords=("axes fraction", "data"),
                          va="center", color=_LOST)  # fmt: skip
            continue
        deviation = one.get("standard_deviation") or 0.0
        below = min(deviation, 0.9 * one["error"]) if wide else deviation
        axes.errorbar(one["error"], height, xerr=[[below], [deviation]], fmt="o", color=colour,
                      markersize=9, elinewidth=2, capsize=0)  # fmt: skip
        axes.annotate(f"{one['error']:.4g}", (one["error"], height), xytext=(0, 8), ha="center",
                      textcoords="offset points", color=colour, fontsize=10)  # fmt: skip
    axes.set_yticks(range(len(told)), [name for name, *_ in reversed(told)])
    for label, (*_, colour) in zip(axes.get_yticklabels(), reversed(told), strict=True):
        label.set_color(colour)
    axes.set_ylim(-0.6, len(told) - 0.3)
    axes.margins(x=0.12)
    axes.set_title("validation error, last epoch: mean ± sd")
    axes.set_xlabel(f"{SCORES[found['error']].words}{unit}", loc="right")
    axes.grid(axis="y", visible=False)


def _draw_differences(axes: Axes, found: Mapping[str, Any], unit: str) -> None:
    rows = list(found["effects"].items())
    axes.axvline(0, color=_QUIET, linewidth=1.2)
    if found["margin"]:
        axes.axvspan(-found["margin"], found["margin"], color=_QUIET, alpha=0.15, linewidth=0)
    for height, (name, one) in enumerate(reversed(rows)):
        colour = "#AA4499" if name == "interaction" else COLOURS[Variant(name)]
        told = one["verdict"]
        if one["difference"] is not None:
            ends = [one["difference"]] * 2 if one["low"] is None else [one["low"], one["high"]]
            axes.plot(ends, [height, height], color=colour, linewidth=3, solid_capstyle="butt")
            axes.plot(one["difference"], height, "o", color=colour, markersize=9)
        axes.annotate(told, (0.02, height), xycoords=("axes fraction", "data"), xytext=(0, 9),
                      textcoords="offset points", color=colour, weight="bold")  # fmt: skip
    labels = [NAMES.get(name, name) for name, _ in reversed(rows)]
    axes.set_yticks(range(len(rows)), labels)
    axes.set_ylim(-0.6, len(rows) - 0.3)
    axes.margins(x=0.1)
    axes.set_title("difference to the baseline, 95 % interval")
    axes.set_xlabel(f"← better   error{unit}   worse →", loc="center")
    axes.grid(axis="y", visible=False)


def _draw_curves(
    axes: Axes,
    history: pd.DataFrame,
    replicas: Sequence[Mapping[str, Any]],
    variant: Variant,
    study: Study,
) -> list[tuple[float, str, str]]:
    labels, drawn = [], []
    for column, colour, name in (
        ("loss", "#8C8C8C", "training"),
        ("val_loss", COLOURS[variant], "validation"),
    ):
        runs = _finite_runs(history, column)
        mean = _draw_replicas(axes, runs, colour)
        labels.append((float(mean[-1]), name, colour))
        drawn += [values for _, values in runs]
    for one in replicas:
        axes.plot(one["best_epoch"], one["min_val_loss"], "o", color=COLOURS[variant],
                  markersize=7, markeredgecolor="white", zorder=5)  # fmt: skip
    best = min(replicas, key=lambda one: float(one["min_val_loss"]))
    of = f" of {len(replicas)}" if len(replicas) > 1 else ""
    axes.set_title(
        f"● best{of}: {best['min_val_loss']:.4g} in epoch {best['best_epoch']}",
        loc="right", color=COLOURS[variant], weight="normal",
    )  # fmt: skip
    _value_axis(axes, drawn)
    title = f"mean and range of {len(replicas)} replicas" if len(replicas) > 1 else "loss by epoch"
    axes.set(xlabel="epoch", ylabel=_loss_label(study), title=title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return labels


def _draw_first_steps(
    axes: Axes,
    first_steps: pd.DataFrame,
    diverged: Sequence[Mapping[str, Any]],
    replicas: int,
    study: Study,
) -> None:
    colour = _LOST
    for one in diverged:
        mine = (first_steps["split"] == one["split"]) & (first_steps["start"] == one["start"])
        steps = first_steps.loc[mine]
        finite = steps.loc[np.isfinite(steps["loss"].to_numpy(dtype=float))]
        axes.plot(finite["step"], finite["loss"], "o-", color=colour, markersize=4,
                  alpha=1.0 if len(diverged) == 1 else 0.5)  # fmt: skip
        lost = steps.loc[~np.isfinite(steps["loss"].to_numpy(dtype=float)), "step"]
        if len(lost) and len(finite):
            last = finite.iloc[-1]
            axes.plot([last["step"], lost.iloc[0]], [last["loss"], last["loss"] * 1e3], ":",
                      color=colour, linewidth=1.2)  # fmt: skip
            axes.plot(lost.iloc[0], last["loss"] * 1e3, "x", color=colour, markersize=9,
                      markeredgewidth=2)  # fmt: skip
    epochs = sorted({int(one["diverged_at_epoch"]) for one in diverged})
    when = f"epoch {epochs[0]}" if len(epochs) == 1 else f"epochs {epochs[0]} to {epochs[-1]}"
    who = "" if replicas == 1 else f"{len(diverged)} of {replicas} "
    axes.set_yscale("log")
    axes.set(
        xlabel="step (one batch each)",
        ylabel=_loss_label(study),
        title=f"{who}diverged in {when}: loss of the first steps",
    )
    axes.text(0.02, 0.97, "×  no finite number any more", transform=axes.transAxes, va="top",
              color=colour)  # fmt: skip
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(LogLocator(numticks=7))


def _draw_ends(axes: Axes, rows: Mapping[Variant, Mapping[Any, Any]], study: Study) -> None:
    order = list(reversed(list(rows)))
    values = []
    for height, variant in enumerate(order):
        row, colour = rows[variant], COLOURS[variant]
        best, final = float(row["min_val_loss"]), float(row["final_val_loss"])
        lost, replicas = int(row["diverged"]), int(row["replicas"])
        if math.isfinite(final):
            axes.plot([best, final], [height, height], color=colour, linewidth=1.5, alpha=0.5)
            axes.plot(final, height, "o", color=colour, markersize=10)
            axes.plot(best, height, "o", markerfacecolor="white", color=colour, markersize=8)
            axes.annotate(f"{final:.4g}", (final, height), xytext=(0, 9), ha="center",
                          textcoords="offset points", color=colour, weight="bold")  # fmt: skip
            values += [best, final]
        if lost:
            told = "diverged" if lost == replicas == 1 else f"{lost} of {replicas} diverged"
            axes.annotate(f"× {told}", (0.02, height), xycoords=("axes fraction", "data"),
                          va="center" if lost == replicas else "top", color=_LOST,
                          xytext=(0, 0 if lost == replicas else -7),
                          textcoords="offset points")  # fmt: skip
    axes.set_yticks(range(len(order)), [NAMES[variant] for variant in order])
    for label, variant in zip(axes.get_yticklabels(), order, strict=True):
        label.set_color(COLOURS[variant])
    axes.set_ylim(-0.6, len(order) - 0.4)
    if values and max(values) / max(min(values), 1e-12) > _WIDE_RANGE:
        axes.set_xscale("log")
    axes.margins(x=0.2)
    axes.set(title="● last epoch   ○ best epoch")
    axes.set_xlabel(_loss_label(study), loc="right")
    axes.grid(axis="y", visible=False)


def _finite_runs(
    history: pd.DataFrame, column: str
) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]:
    """Return epochs and values of every replica whose losses all are finite."""
    runs = []
    for _, replica in history.groupby(["split", "start"], sort=True):
        if np.isfinite(replica[["loss", "val_loss"]].to_numpy(dtype=float)).all():
            runs.append((replica["epoch"].to_numpy(), replica[column].to_numpy(dtype=float)))
    return runs


def _draw_replicas(
    axes: Axes,
    runs: Sequence[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]],
    colour: str,
) -> npt.NDArray[np.float64]:
    """Draw the mean of the replicas, and their range as a band; return the mean."""
    epochs, values = runs[0][0], np.array([run[1] for run in runs])
    mean: npt.NDArray[np.float64] = values.mean(axis=0)
    if len(runs) > 1:
        axes.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=colour,
                          alpha=0.18, linewidth=0)  # fmt: skip
    axes.plot(epochs, mean, color=colour)
    axes.set_xlim(0, epochs[-1] + 0.01)
    return mean


def _value_axis(axes: Axes, drawn: Sequence[npt.NDArray[np.float64]]) -> None:
    """Scale the axis to what was drawn: logarithmic where the range asks for it."""
    if not drawn:
        axes.text(0.5, 0.5, "every training diverged", transform=axes.transAxes, ha="center",
                  color=_LOST)  # fmt: skip
        return
    values = np.concatenate(drawn)
    low, high = float(values.min()), float(values.max())
    if low > 0 and high / low > _WIDE_RANGE:
        axes.set_yscale("log")
        axes.set_ylim(bottom=low * 0.85)
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(LogLocator(subs=()))


def _label_ends(figure: Figure, axes: Axes, labels: Sequence[tuple[float, str, str]]) -> None:
    """Name each line at its right end, apart where they would overlap; the figure is complete."""
    ordered = sorted(labels)
    texts = [
        axes.annotate(
            name, (1.0, value), xycoords=("axes fraction", "data"), xytext=(8, 0),
            textcoords="offset points", va="center", color=colour, annotation_clip=False,
        )
        for value, name, colour in ordered
    ]  # fmt: skip
    # The layout makes room for the labels first; only then is it known how near they stand.
    figure.draw_without_rendering()
    points = 72 / figure.dpi
    heights = [float(axes.transData.transform((1.0, value))[1]) * points for value, _, _ in ordered]
    for text, height, placed in zip(texts, heights, spread(heights, 15.0), strict=True):
        text.set_position((8, placed - height))


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Move ascending ``heights`` as little as needed (least squares) to stand ``gap`` apart.

    Isotonic regression of the heights, each less the room that those below it need (de Leeuw,
    Hornik and Mair 2009, "Isotone optimization in R: pool-adjacent-violators").
    """
    room = gap * np.arange(len(heights))
    if not len(room):
        return []
    return list(isotonic_regression(np.asarray(heights, dtype=float) - room).x + room)


def _loss_label(study: Study) -> str:
    name = {"mae": "mean absolute error", "mse": "mean squared error", "huber": "Huber loss"}[
        study.training.loss
    ]
    unit = task_of(study).loss_unit(study)
    return f"{name}, {unit}" if unit else name


@contextmanager
def _style(*, dark: bool = False) -> Iterator[None]:
    # rc_context restores by a global; styles differ in nothing between threads, so order is moot.
    with mpl.rc_context(_STYLE | (_DARK if dark else {})):
        yield
