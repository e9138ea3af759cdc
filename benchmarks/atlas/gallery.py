"""One page of all tables: what each report says, with filters, in a file that needs no network."""

from __future__ import annotations

import math
from collections.abc import Mapping  # noqa: TC003  pydantic reads the annotations
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jinja2
import numpy as np
from pydantic import TypeAdapter

from atlas.collect import LAYERS, open_within
from dropnorm.evaluation.estimation import network_names
from dropnorm.evaluation.estimation.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pandas as pd

    from atlas.recipe import Checksum, Recipe

# Strips end at half the error and at twice it.
_WIDEST = math.log(2)
_LARGE = 1e6  # percent; from here on, an exponent is easier to read
_POINTS = 48  # of a curve
_LONG, _HIGH = 260.0, 120.0
_TONES = {
    Verdict.HELPS: "good",
    Verdict.RESCUES: "good",
    Verdict.HURTS: "bad",
    Verdict.BREAKS: "bad",
    Verdict.SAME: "same",
}


@dataclass(frozen=True)
class Strip:
    """The effect of a layer, drawn; places are in percent of the width, no effect is at 50.

    Attributes:
        layer: Which.
        title: Its name for readers.
        verdict: Of the study.
        tone: ``good``, ``bad``, ``same`` or ``open``.
        told: Change of the error in percent, with its interval.
        left: Where the interval begins.
        right: Where it ends.
        point: Where the estimate is.
        percent: The estimate, to sort by; nan without pairs.
    """

    layer: str
    title: str
    verdict: str
    tone: str
    told: str
    left: float
    right: float
    point: float
    percent: float


@dataclass(frozen=True)
class Curve:
    """The mean validation loss of a network by epoch.

    Attributes:
        variant: Which.
        title: Its name for readers.
        points: Of an SVG polyline.
    """

    variant: str
    title: str
    points: str


@dataclass(frozen=True)
class Entry:
    """What the page says of one table.

    Attributes:
        name: Of the table.
        frame: Package and data frame.
        licence: Of the package.
        target: Column that is predicted.
        task: What it is for.
        rows: Of the table.
        columns: Of the table, with the target.
        groups: Column whose rows stay together; empty if there is none.
        action: Recommendation of the report.
        error: Name of the error.
        errors: Of the networks and the reference models, by name.
        curves: A line for each network; a network with a loss that is not finite has none.
        epochs: Of each training.
    """

    name: str
    frame: str
    licence: str
    target: str
    task: str
    rows: int
    columns: int
    groups: str
    action: str
    error: str
    errors: Mapping[str, float | None]
    curves: tuple[Curve, ...]
    epochs: int


# What the project keeps of the entries, so that tables can be added to the page without their runs.
ENTRIES = TypeAdapter(list[Entry])


def read_entries(
    folder: Path, recipe: Recipe, checksums: Mapping[str, Checksum], effects: pd.DataFrame
) -> list[Entry]:
    """Read the complete runs that the effects are from.

    Args:
        folder: Of the project.
        recipe: For sources and licences.
        checksums: For the size of each table.
        effects: A line for each table and layer.
    """
    versions = dict(zip(effects["table"], effects["version"], strict=True))
    entries = []
    with open_within(folder) as project:
        for table in recipe.tables:
            if table.name not in versions:
                continue
            report = project.load(f"{table.name}.report", versions[table.name])
            histories = {
                variant: project.load(f"{table.name}.{variant}.history", versions[table.name])
                for variant in report["variants"]
            }
            size = checksums[table.name]
            entries.append(
                Entry(
                    name=table.name,
                    frame=f"{table.package}/{table.frame}",
                    licence=recipe.packages[table.package].licence,
                    target=table.target,
                    task=report["options"]["task"],
                    rows=size.rows,
                    columns=size.columns,
                    groups=table.groups or "",
                    action=report["recommendation"]["action"],
                    error=report["error"],
                    errors={
                        network_names.spoken(name): said["error"]
                        for name, said in (report["variants"] | report["references"]).items()
                    },
                    curves=tuple(draw_curves(histories)),
                    epochs=int(next(iter(histories.values()))["epoch"].max()),
                )
            )
    return entries


def _strips(effects: pd.DataFrame) -> dict[str, tuple[Strip, ...]]:
    """Return a strip for each layer, by table."""
    return {
        str(table): tuple(
            draw_strip(layer, lines.set_index("layer").loc[layer]) for layer in LAYERS
        )
        for table, lines in effects.groupby("table")
    }


def draw_strip(layer: str, line: pd.Series) -> Strip:
    """Place an effect and its interval on the axis of all tables."""
    ends = [float(line[name]) for name in ("low", "share", "high")]
    low, point, high = (_place(one) for one in ends)
    told = "no pair of finite runs"
    if all(map(math.isfinite, ends)):
        low_end, middle, high_end = (_percent(100 * one) for one in ends)
        told = f"{middle} % ({low_end} to {high_end} %)"
    return Strip(
        layer=layer,
        title=network_names.title(layer),
        verdict=str(line["verdict"]),
        tone=_TONES.get(Verdict(line["verdict"]), "open"),
        told=told,
        left=low,
        right=high,
        point=point,
        percent=round(100 * ends[1], 2),
    )


def _percent(value: float) -> str:
    return f"{value:{'+.1e' if abs(value) >= _LARGE else '+.1f'}}".replace("-", "−")


def _place(share: float) -> float:
    """Return where a relative change lies, in percent of the width, on an axis of its logarithm."""
    if not math.isfinite(share):
        return 50.0
    logarithm = math.log1p(share) if share > -1 else -_WIDEST
    return round(50 + 50 * max(-1.0, min(1.0, logarithm / _WIDEST)), 1)


def draw_curves(histories: Mapping[str, pd.DataFrame]) -> Iterable[Curve]:
    """Draw the mean validation losses of all networks on one logarithmic axis.

    Args:
        histories: By variant, with a line for each run and epoch.
    """
    drawn = {
        variant: np.log(history.groupby("epoch")["val_loss"].mean().to_numpy(float))
        for variant, history in histories.items()
        if np.isfinite(history["val_loss"]).all() and (history["val_loss"] > 0).all()
    }
    if not drawn:
        return
    # The first epochs are far above the rest; the axis ends at the largest of all later minima.
    low = min(curve.min() for curve in drawn.values())
    high = max(np.quantile(curve, 0.9) for curve in drawn.values())
    for variant, curve in drawn.items():
        yield Curve(variant, network_names.spoken(variant), _points(curve, low, max(high, low)))


def _points(curve: np.ndarray, low: float, high: float) -> str:
    chosen = np.unique(np.linspace(0, len(curve) - 1, min(_POINTS, len(curve))).round().astype(int))
    across = chosen / max(len(curve) - 1, 1) * _LONG
    share = (curve[chosen] - low) / (high - low) if high > low else np.zeros(len(chosen))
    down = _HIGH * (1 - np.clip(share, 0, 1))
    return " ".join(f"{x:.0f},{y:.0f}" for x, y in zip(across, down, strict=True))


def write_gallery(entries: Iterable[Entry], effects: pd.DataFrame, told: Mapping[str, str]) -> str:
    """Write the page.

    Args:
        entries: In the order of the page.
        effects: A line for each table and layer.
        told: The answer by layer, in a sentence.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("atlas", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("gallery.html").render(
        entries=list(entries), strips=_strips(effects), told=told, long=_LONG, high=_HIGH
    )
