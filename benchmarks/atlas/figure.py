"""One figure of all tables: effects with their intervals, in colours that all can tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from atlas.analysis import percent
from dropnorm.evaluation.estimation.verdicts import Verdict

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from atlas.analysis import Pooled

# Okabe and Ito (2008), and a marker each, so that no verdict rests on its colour alone.
_LOOKS = {
    Verdict.HELPS: ("#0072B2", "v"),
    Verdict.RESCUES: ("#56B4E9", "v"),
    Verdict.HURTS: ("#D55E00", "^"),
    Verdict.BREAKS: ("#CC79A7", "^"),
    Verdict.SAME: ("#009E73", "s"),
    Verdict.NOT_SETTLED: ("#7F7F7F", "o"),
    Verdict.BOTH_FAIL: ("#000000", "o"),
    Verdict.DIVERGED: ("#000000", "x"),
}
_TITLES = {"dropout": "Dropout", "batchnorm": "Batch normalization", "dropout_batchnorm": "Both"}
_ROW, _HEAD, _WIDTH = 0.16, 1.6, 5.2  # inches
_APART = 0.09  # of an axis, that a label takes
_TICKS = np.array([-90, -75, -50, -25, -10, 0, 10, 25, 50, 100, 200, 400, 900])


def draw_forest(effects: pd.DataFrame, pooled: dict[str, Pooled]) -> Figure:
    """Draw a panel for each layer: a line for each table, and the mean with both intervals below.

    Args:
        effects: A line for each table and layer, with finite effects.
        pooled: The mean by layer.
    """
    layers = [layer for layer in _TITLES if layer in pooled]
    tables = max(len(effects[effects["layer"] == layer]) for layer in layers)
    figure = Figure((_WIDTH * len(layers), _HEAD + _ROW * (tables + 3)), layout="constrained")
    panels = figure.subplots(1, len(layers), squeeze=False)[0]
    for panel, layer in zip(panels, layers, strict=True):
        _draw_panel(panel, effects[effects["layer"] == layer], pooled[layer])
        panel.set_title(_TITLES[layer])
    # Of verdicts that a table has; every panel names its own.
    handles = {
        label: handle
        for panel in panels
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=4, frameon=False
    )
    return figure


def choose_ticks(low: float, high: float) -> list[int]:
    """Return changes in percent whose labels have room between two ends of an axis, and 0.

    Args:
        low: Lower end, the logarithm of a ratio.
        high: Upper end.
    """
    chosen = [0]
    for tick in sorted(_TICKS, key=abs):
        place = np.log1p(tick / 100)
        others = np.log1p(np.array(chosen) / 100)
        if low <= place <= high and np.abs(others - place).min() > _APART * (high - low):
            chosen.append(int(tick))
    return sorted(chosen)


def _draw_panel(panel: Axes, lines: pd.DataFrame, mean: Pooled) -> None:
    ordered = lines.sort_values("log_ratio", ascending=False).reset_index(drop=True)
    verdicts = ordered["verdict"].to_numpy(str)
    heights = np.arange(len(ordered)) + 3
    low = np.log1p(np.maximum(ordered["low"].to_numpy(float), -0.99))
    high = np.log1p(np.maximum(ordered["high"].to_numpy(float), -0.99))
    for verdict, (color, marker) in _LOOKS.items():
        chosen = verdicts == verdict.value
        if not chosen.any():
            continue
        panel.hlines(heights[chosen], low[chosen], high[chosen], color=color, linewidth=1)
        panel.plot(ordered["log_ratio"][chosen], heights[chosen], marker, color=color,
                   markersize=4, label=verdict.value)  # fmt: skip
    panel.hlines(0, mean.predicted_low, mean.predicted_high, color="black", linewidth=1)
    panel.hlines(0, mean.low, mean.high, color="black", linewidth=4)
    panel.axvline(0, color="black", linewidth=0.6)
    panel.set_yticks([0, *heights], ["mean, new table", *ordered["table"]], fontsize=6)
    panel.set_ylim(-1, len(ordered) + 3)
    edges = np.array(
        [np.min([low.min(), mean.predicted_low]), np.max([high.max(), mean.predicted_high])]
    )
    shown = choose_ticks(*edges)
    panel.set_xticks(
        np.log1p(np.array(shown) / 100), [f"{tick:+d}" if tick else "0" for tick in shown]
    )
    panel.set_xlabel("change of the error, %; left of 0 is better")
    panel.annotate(f"{percent(mean.mean):+.1f} %", (mean.mean, 0.9), fontsize=7, ha="center")
