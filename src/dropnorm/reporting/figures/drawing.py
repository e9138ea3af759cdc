"""Plots of trainings and variants: what is drawn; how it looks stands in the style.

Each says by direct labels what is what, and is to be read at a third of a screen.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from scipy.optimize import isotonic_regression

from dropnorm.evaluation.wording import number
from dropnorm.reporting.style import drawn
from dropnorm.study.variants import Variant
from dropnorm.tasks.metrics import LOSSES, SCORES
from dropnorm.tasks.registry import task_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd
    from matplotlib.axes import Axes

    from dropnorm.reporting.style import Palette
    from dropnorm.study.schema import Study

NAMES = {
    Variant.BASELINE: "baseline",
    Variant.DROPOUT: "dropout",
    Variant.BATCHNORM: "batchnorm",
    Variant.DROPOUT_BATCHNORM: "dropout + batchnorm",
}
# The same, for the end of a line and the left of a row.
_BROKEN = {**NAMES, Variant.DROPOUT_BATCHNORM: "dropout +\nbatchnorm"}
# Beside one another where several belong to one place, in layers.
_ASIDE = dict(zip(Variant, (-0.09, -0.03, 0.03, 0.09), strict=True))
# From this ratio of largest to smallest on, an axis is logarithmic.
_WIDE_RANGE = 5.0
_NARROW, _BROAD = (7.5, 4.2), (10.5, 4.6)
# What exponents are written with.
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# A line of a direct label and the gap to the next, in points.
_LINE = 17.0


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
    with drawn() as palette:
        colour = palette.variants[variant]
        figure = Figure(figsize=_NARROW if panels == 1 else _BROAD)
        axes = list(np.atleast_1d(figure.subplots(1, panels)))
        labels = _draw_curves(axes[0], history, finite, colour, study) if finite else []
        if diverged:
            _draw_first_steps(
                axes[-1], first_steps, diverged, len(metrics["replicas"]), colour, study
            )
        figure.suptitle(f"{study.label} · {NAMES[variant]}", x=0.01, ha="left")
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
    with drawn() as palette:
        figure = Figure(figsize=_BROAD)
        curves, ends = figure.subplots(1, 2, width_ratios=(1.35, 1.0))
        rows = {Variant(row["variant"]): row for row in table.to_dict("records")}
        values: list[npt.NDArray[np.float64]] = []
        labels: list[tuple[float, str, str]] = []
        for variant, history in histories.items():
            if runs := _finite_runs(history, "val_loss"):
                mean = _draw_replicas(curves, runs, palette.variants[variant])
                values += [losses for _, losses in runs]
                labels.append((float(mean[-1]), _BROKEN[variant], palette.variants[variant]))
        if values:
            constant = float(table["constant_val_loss"].iloc[0])
            curves.axhline(constant, color=palette.quiet, linestyle=":", linewidth=1.5, zorder=1)
            labels.append((constant, "a constant", palette.quiet))
            _value_axis(curves, [*values, np.array([constant])])
        else:
            _say(curves, "every training diverged", palette.text)
        curves.set(ylabel=_loss_label(study), title=f"validation loss{_of_replicas(table)}")
        _epoch_axis(curves)
        _draw_ends(ends, rows, palette, study)
        figure.suptitle(study.label, x=0.01, ha="left")
        _label_ends(figure, curves, labels)
    return figure


def diagnostics(
    table: pd.DataFrame,
    histories: Mapping[str, pd.DataFrame],
    examined: Mapping[str, Mapping[str, Any]],
    study: Study,
) -> Figure:
    """Draw the gap between validation and training by epoch, and what the networks look like.

    The gap is drawn from the second tenth of the epochs on.

    Args:
        table: A row per variant: ``gap`` at the end, training loss in inference.
        histories: By variant.
        examined: By variant; ``replicas`` with ``batchnorms`` and ``dead_units``.
        study: For labels.
    """
    with drawn() as palette:
        figure = Figure(figsize=(12.0, _BROAD[1]))
        gaps, shifts, dead = figure.subplots(1, 3, width_ratios=(1.5, 1.0, 1.0))
        labels: list[tuple[float, str, str]] = []
        for row in table.to_dict("records"):
            variant = Variant(row["variant"])
            # In the first epochs losses fall so far that the rest would be a flat line.
            runs = [
                (epochs[len(epochs) // 10 :], (held - trained)[len(epochs) // 10 :])
                for (epochs, held), (_, trained) in zip(
                    _finite_runs(histories[variant], "val_loss"),
                    _finite_runs(histories[variant], "loss"),
                    strict=True,
                )
            ]
            colour = palette.variants[variant]
            if runs:
                mean = _draw_replicas(gaps, runs, colour)
                labels.append((float(mean[-1]), _BROKEN[variant], colour))
            replicas = examined[variant]["replicas"]
            aside = _ASIDE[variant]
            shift = [_present(one["batchnorms"], "shift") for one in replicas]
            _draw_by_layer(shifts, shift, colour, aside)
            _draw_by_layer(dead, [one["dead_units"] for one in replicas], colour, aside)
        for axes, absent in (
            (gaps, "every training diverged"),
            (shifts, "no batch norms"),
            (dead, "no network"),
        ):
            if not axes.lines:
                axes.set(xticks=[], yticks=[])
                _say(axes, absent, palette.text)
        gaps.axhline(0, color=palette.quiet, linewidth=1.2, zorder=1)
        gaps.set(ylabel=_loss_label(study), title="validation − training loss")
        if labels:
            _epoch_axis(gaps, " (all but the first tenth)")
        shifts.axhline(1, color=palette.quiet, linewidth=1.2, zorder=1)
        shifts.set(title="variance shift", ylabel="inference / training", xlabel="batch norm")
        dead.set(title="dead units", ylabel="share of a layer", xlabel="hidden layer")
        dead.yaxis.set_major_formatter(
            FuncFormatter(lambda value, _: "" if value < 0 else f"{100 * value:g} %")
        )
        if dead.lines:
            top = max(dead.get_ylim()[1], 0.05)
            dead.set_ylim(-0.04 * top, top)
        figure.suptitle(study.label, x=0.01, ha="left")
        _label_ends(figure, gaps, labels)
    return figure


def _present(layers: Mapping[str, Mapping[str, float | None]], what: str) -> dict[str, float]:
    return {name: one[what] for name, one in layers.items() if one[what] is not None}  # type: ignore[misc]


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


def effects(found: Mapping[str, Any], *, dark: bool = False, tall: bool = False) -> Figure:
    """Draw the errors of all replicas, pair by pair, and the effects with their intervals.

    Args:
        found: The answer: ``variants``, ``references``, ``effects``, ``unit``, ``error``.
        dark: For a dark page.
        tall: One below the other, for a narrow page.
    """
    with drawn(dark=dark) as palette:
        figure = Figure(figsize=(5.6, 9.0) if tall else (_BROAD[0], 5.0))
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


def sweep(found: Mapping[str, Any]) -> Figure:
    """Draw the error over the rates of dropout, a panel for each place of batch normalization.

    With one rate, the error at each place instead. Lines are means, bands the range of the
    replicas; of each variant the best choice is a large dot, and one shown to be worse is hollow.

    Args:
        found: ``points``, each with its error and its standing, ``title``, ``error``, ``unit``.
    """
    points = found["points"]
    rates = list(dict.fromkeys(one["rate"] for one in points if one["rate"] is not None))
    places = list(dict.fromkeys(one["placement"] for one in points if one["placement"]))
    over = "rate" if len(rates) > 1 else "placement"
    panels = places if over == "rate" else [None]
    with drawn() as palette:
        figure = Figure(figsize=(3.2 + 4.3 * len(panels), _BROAD[1]))
        axes = list(np.atleast_1d(figure.subplots(1, len(panels), sharey=True)))
        for panel, placement in zip(axes, panels, strict=True):
            mine = [
                one
                for one in points
                if not (placement and one["placement"] not in (None, placement))
            ]
            ticks = rates if over == "rate" else places
            labels = _draw_choices(panel, mine, over, ticks, palette)
            if over == "rate":
                panel.set(xlabel="rate of dropout", title=f"batch normalization {placement}")
            if panel is axes[-1]:
                last = (panel, labels)
        ends = [one[end] for one in points for end in ("least", "largest") if one[end] is not None]
        if ends:
            _value_axis(axes[0], [np.array(ends)])
        unit = f", {found['unit']}" if found["unit"] else ""
        axes[0].set_ylabel(f"{SCORES[found['error']].words}{unit}")
        figure.suptitle(
            f"{found['title']}   ● best choice   ○ shown to be worse", x=0.01, ha="left"
        )
        _label_ends(figure, *last)
    return figure


def _draw_choices(
    axes: Axes,
    points: Sequence[Mapping[str, Any]],
    over: str,
    ticks: Sequence[Any],
    palette: Palette,
) -> list[tuple[float, str, str]]:
    """Draw the points of all variants; a variant without a choice is a line straight across."""
    known = [one for one in points if one["error"] is not None and not one["diverged"]]
    if not known:
        _say(axes, "every training diverged", palette.text)
    places = list(ticks) if over == "rate" else list(range(len(ticks)))
    labels = []
    for variant in Variant:
        colour = palette.variants[variant]
        mine = [one for one in known if one["variant"] == variant.value]
        if not mine:
            continue
        if len(mine) == 1 and mine[0][over] not in ticks:
            axes.axhline(mine[0]["error"], color=colour, linestyle="--", linewidth=1.5)
        else:
            x = [places[ticks.index(one[over])] for one in mine]
            low, high = ([one[end] for one in mine] for end in ("least", "largest"))
            if over == "rate":
                axes.plot(x, [one["error"] for one in mine], color=colour)
                axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
            else:  # places have no order
                x = [place + _ASIDE[variant] for place in x]
                axes.vlines(x, low, high, color=colour, linewidth=3, alpha=0.5)
            for place, one in zip(x, mine, strict=True):
                best, worse = one["standing"] == "least error", one["standing"] == "worse"
                axes.plot(place, one["error"], "o", color=colour, markersize=11 if best else 7,
                          markerfacecolor="white" if worse else colour)  # fmt: skip
        labels.append((mine[-1]["error"], _BROKEN[variant], colour))
    for one in points:
        if one["diverged"] and one[over] in ticks:
            colour = palette.variants[Variant(one["variant"])]
            axes.annotate("×", (places[ticks.index(one[over])], 0.98), color=colour, ha="center",
                          xycoords=("data", "axes fraction"), va="top", fontsize=14)  # fmt: skip
    axes.set_xticks(places, [f"{one:g}" if over == "rate" else one for one in ticks])
    return labels


def _draw_errors(axes: Axes, found: Mapping[str, Any], unit: str, palette: Palette) -> None:
    told = [
        (_BROKEN[variant], found["variants"][variant.value], palette.variants[variant])
        for variant in Variant
    ] + [(name.replace("_", " "), one, palette.quiet) for name, one in found["references"].items()]
    known = [one["error"] for _, one, _ in told if one["error"]]
    wide = bool(known) and max(known) > _WIDE_RANGE * min(known)
    for height, (_, one, colour) in enumerate(reversed(told)):
        if one["error"] is None:
            axes.annotate("× diverged", (0.02, height), xycoords=("axes fraction", "data"),
                          va="center", color=colour)  # fmt: skip
            continue
        deviation = one.get("standard_deviation") or 0.0
        below = min(deviation, 0.9 * one["error"]) if wide else deviation
        axes.errorbar(one["error"], height, xerr=[[below], [deviation]], fmt="o", color=colour,
                      markersize=9, elinewidth=2.4, capsize=0)  # fmt: skip
        axes.annotate(number(one["error"]), (one["error"], height), xytext=(0, 7), ha="center",
                      textcoords="offset points", color=colour, fontsize="small")  # fmt: skip
    _rows(axes, [(name, colour) for name, _, colour in told])
    axes.margins(x=0.15)
    _error_axis(axes, known)
    axes.set_title("validation error")
    axes.set_xlabel(f"{SCORES[found['error']].words}{unit}; mean ± sd", loc="right")


def _draw_differences(axes: Axes, found: Mapping[str, Any], unit: str, palette: Palette) -> None:
    rows = [
        (one, "interaction", palette.text)
        if name == "interaction"
        else (one, _BROKEN[Variant(name)], palette.variants[Variant(name)])
        for name, one in found["effects"].items()
    ]
    axes.axvline(0, color=palette.quiet, linewidth=1.4)
    if found["margin"]:
        axes.axvspan(-found["margin"], found["margin"], color=palette.quiet, alpha=0.15,
                     linewidth=0)  # fmt: skip
    for height, (one, _, colour) in enumerate(reversed(rows)):
        if one["difference"] is not None:
            ends = [one["difference"]] * 2 if one["low"] is None else [one["low"], one["high"]]
            axes.plot(ends, [height, height], color=colour, linewidth=4, solid_capstyle="butt")
            axes.plot(one["difference"], height, "o", color=colour, markersize=10)
        axes.annotate(one["verdict"], (0.02, height), xycoords=("axes fraction", "data"),
                      xytext=(0, 9), textcoords="offset points", color=colour, weight="bold",
                      fontsize="small")  # fmt: skip
    _rows(axes, [(name, colour) for _, name, colour in rows])
    axes.margins(x=0.1)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    if all(one["difference"] is None for one, *_ in rows):
        axes.set_xticks([0])
    axes.set_title("difference to baseline, 95 % interval")
    axes.set_xlabel(f"← better   error{unit}   worse →", loc="center")


def _draw_curves(
    axes: Axes,
    history: pd.DataFrame,
    replicas: Sequence[Mapping[str, Any]],
    colour: str,
    study: Study,
) -> list[tuple[float, str, str]]:
    labels, values = [], []
    for column, name, line in (("loss", "training", "--"), ("val_loss", "validation", "-")):
        runs = _finite_runs(history, column)
        mean = _draw_replicas(axes, runs, colour, line)
        labels.append((float(mean[-1]), name, colour))
        values += [losses for _, losses in runs]
    for one in replicas:
        axes.plot(one["best_epoch"], one["min_val_loss"], "o", color=colour, clip_on=False,
                  markersize=9, markeredgecolor="white", zorder=5)  # fmt: skip
    best = min(replicas, key=lambda one: float(one["min_val_loss"]))
    several = len(replicas) > 1
    of = f" of {len(replicas)}" if several else ""
    axes.set_title(
        f"● best{of}: {number(best['min_val_loss'])} in epoch {best['best_epoch']}", color=colour
    )
    _value_axis(axes, values)
    axes.set_ylabel(_loss_label(study))
    _epoch_axis(axes, f" (mean and range of {len(replicas)} replicas)" if several else "")
    return labels


def _draw_first_steps(
    axes: Axes,
    first_steps: pd.DataFrame,
    diverged: Sequence[Mapping[str, Any]],
    replicas: int,
    colour: str,
    study: Study,
) -> None:
    for one in diverged:
        mine = (first_steps["split"] == one["split"]) & (first_steps["start"] == one["start"])
        steps = first_steps.loc[mine]
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
    epochs = sorted({int(one["diverged_at_epoch"]) for one in diverged})
    when = f"epoch {epochs[0]}" if len(epochs) == 1 else f"epochs {epochs[0]} to {epochs[-1]}"
    who = "" if replicas == 1 else f"{len(diverged)} of {replicas} "
    axes.set_yscale("log")
    axes.set(
        xlabel="step (one batch each)",
        ylabel=_loss_label(study),
        title=f"{who}diverged in {when}",
    )
    axes.text(0.02, 0.97, "×  no finite number any more", transform=axes.transAxes, va="top",
              color=colour)  # fmt: skip
    axes.margins(y=0.12)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _power_of_ten(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _power_of_ten(value: float) -> str:
    """Write 10⁶ in plain characters: in the plots nothing is read as mathematics."""
    if value <= 0:
        return ""
    return "10" + str(round(math.log10(value))).translate(_RAISED)


def _draw_ends(
    axes: Axes, rows: Mapping[Variant, Mapping[Any, Any]], palette: Palette, study: Study
) -> None:
    values = []
    for height, (variant, row) in enumerate(reversed(list(rows.items()))):
        colour = palette.variants[variant]
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
    _rows(axes, [(_BROKEN[variant], palette.variants[variant]) for variant in rows])
    axes.margins(x=0.2)
    _error_axis(axes, values)
    axes.set_title("● last epoch   ○ best epoch")
    axes.set_xlabel(_loss_label(study), loc="right")


def _rows(axes: Axes, named: Sequence[tuple[str, str]]) -> None:
    """Name the rows of an axes from the top down, each in its colour."""
    axes.set_yticks(range(len(named)), [name for name, _ in reversed(named)])
    for label, (_, colour) in zip(axes.get_yticklabels(), reversed(named), strict=True):
        label.set_color(colour)
    axes.set_ylim(-0.6, len(named) - 0.3)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)


def _error_axis(axes: Axes, values: Sequence[float]) -> None:
    """Scale the axis below rows: logarithmic where the range asks for it; no ticks for nothing."""
    if not values:
        axes.set_xticks([])
    elif max(values) > _WIDE_RANGE * min(values) > 0:
        axes.set_xscale("log")
        # Too many powers of ten to write those between them.
        few = max(values) > 100 * min(values)
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if few else (1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4))


def _epoch_axis(axes: Axes, told: str = "") -> None:
    axes.set_xlabel(f"epoch{told}")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def _say(axes: Axes, told: str, colour: str) -> None:
    """Say in the middle of an empty axes why it is empty."""
    axes.text(0.5, 0.5, told, transform=axes.transAxes, ha="center", va="center", color=colour)


def _of_replicas(table: pd.DataFrame) -> str:
    replicas = int(table["replicas"].max())
    return f": mean, range of {replicas} replicas" if replicas > 1 else " by epoch"


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


def _value_axis(axes: Axes, shown: Sequence[npt.NDArray[np.float64]]) -> None:
    """Scale the axis to what it shows: logarithmic where the range asks for it."""
    values = np.concatenate(shown)
    low, high = float(values.min()), float(values.max())
    if low > 0 and high / low > _WIDE_RANGE:
        axes.set_yscale("log")
        axes.set_ylim(bottom=low * 0.85)
        # Too many powers of ten to write those between them.
        axes.yaxis.set_major_locator(
            LogLocator(subs=(1.0, 2.0, 5.0) if high < 100 * low else (1.0,))
        )
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axes.yaxis.set_minor_locator(LogLocator(subs=()))


def _label_ends(figure: Figure, axes: Axes, labels: Sequence[tuple[float, str, str]]) -> None:
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
    figure.draw_without_rendering()
    points = 72 / figure.dpi
    heights = [float(axes.transData.transform((1.0, value))[1]) * points for value, _, _ in ordered]
    sizes = [_LINE * len(name.split("\n")) for _, name, _ in ordered]
    place = axes.get_window_extent()
    for text, height, placed in zip(
        texts, heights, spread(heights, sizes, place.y0 * points, place.y1 * points), strict=True
    ):
        text.set_position((8, placed - height))


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
    moved = isotonic_regression(np.asarray(heights, dtype=float) - room).x
    return list(np.clip(moved, low, max(low, high - room[-1])) + room)


def _loss_label(study: Study) -> str:
    name = LOSSES[study.training.loss]
    unit = task_of(study).loss_unit(study)
    return f"{name}, {unit}" if unit else name
