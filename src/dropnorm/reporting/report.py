"""The report: one page that a person reads in a minute, and the same as data."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import jinja2
import pandas as pd

from dropnorm.evaluation import wording
from dropnorm.evaluation.effects import Contrast
from dropnorm.evaluation.json_form import to_json
from dropnorm.evaluation.overrides import tell
from dropnorm.evaluation.records import Override
from dropnorm.findings import Finding
from dropnorm.reporting.figures import drawing
from dropnorm.reporting.figures.effects import draw_effects
from dropnorm.reporting.style import to_svg
from dropnorm.study.variants import Variant
from dropnorm.tasks.metrics import SCORES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dropnorm.evaluation.records import Provenance
    from dropnorm.evaluation.results import TableFindings
    from dropnorm.study.schema import Study

# A smaller p-value says nothing more.
_LEAST_P = 0.001


def make_report(
    study: Study,
    effects: Mapping[str, Any],
    findings: TableFindings,
    comparison: pd.DataFrame,
    diagnostics: pd.DataFrame,
    provenance: Provenance,
    engine: str,
) -> dict[str, Any]:
    """Put together what a reader of the study must know: aggregates, never rows of the table."""
    return {
        **effects,
        "question": f"Does dropout or batch normalization help the network on {study.label}?",
        "engine": engine,
        "findings": sorted(
            [*map(Finding.described, findings.findings), *effects["findings"]],
            key=lambda one: str(one["code"]),
        ),
        "diagnostics": {
            row["variant"]: {
                name: None if pd.isna(value) else value
                for name, value in row.items()
                if name != "variant"
            }
            for row in diagnostics.to_dict("records")
        },
        "fit_seconds": float(comparison["fit_seconds"].sum()),
        **to_json(provenance),
        "options": study.model_dump(mode="json"),
    }


def write_page(report: Mapping[str, Any]) -> str:
    """Write the report as one HTML page without anything from elsewhere."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("dropnorm.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": _number,
        "interval": _interval,
        "wins": _wins,
        "p_value": _p_value,
        "spoken": wording.spoken,
        "json": _json,
    }
    return environment.get_template("report.html").render(
        report=report,
        effect_names={contrast.value: wording.NAMES[contrast] for contrast in Contrast},
        plots={
            (theme, shape): _plot(report, dark=theme == "dark", tall=shape == "tall")
            for theme in ("light", "dark")
            for shape in ("wide", "tall")
        },
        plot_told=_plot_told(report),
        scores=SCORES,
        beside=report["beside"],
        overridden=tell(
            {key: Override.from_json(one) for key, one in report["overridden"].items()}
        ),
        notes=wording.notes(report["findings"], made_up=report["made_up"]),
    )


def _plot(report: Mapping[str, Any], *, dark: bool, tall: bool) -> str:
    picture = to_svg(draw_effects(report, dark=dark, tall=tall))
    return "data:image/svg+xml;base64," + base64.b64encode(picture).decode()


def _plot_told(report: Mapping[str, Any]) -> str:
    """Say the plot in words, for who cannot see it."""
    unit = report["unit"]
    errors = [
        f"{drawing.NAMES[Variant(name)]} {_number(one['error'])} {unit}".rstrip()
        if one["error"] is not None
        else f"{drawing.NAMES[Variant(name)]} diverged"
        for name, one in report["variants"].items()
    ]
    return f"Mean validation error: {', '.join(errors)}. {' '.join(report['sentences'].values())}"


def _number(
    value: float | None, low: float | None = None, high: float | None = None, *, digits: int = 3
) -> str:
    """Write a number with sensible digits, given the ends of its interval if there is one."""
    if value is None:
        return "–"
    error = None if low is None or high is None else (high - low) / 2
    return wording.number(value, error, digits)


def _interval(one: Mapping[str, Any]) -> str:
    low, high = one["low"], one["high"]
    if low is None:
        return "–"
    return f"{_number(low, low, high)} to {_number(high, low, high)}"


def _wins(one: Mapping[str, Any]) -> str:
    if not one["pairs"]:
        return "–"
    told = f"{one['wins']} of {one['pairs']}"
    if one["pairs"] == 1:
        return told
    return f"{told} ({100 * one['low']:.0f} to {100 * one['high']:.0f} %)"


def _json(value: Any) -> str:
    """Write options as a person would: Jinja's own filter is for scripts, and escapes letters."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)


def _p_value(value: float | None) -> str:
    if value is None:
        return "–"
    return "< 0.001" if value < _LEAST_P else f"{value:.2g}"
