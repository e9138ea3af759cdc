"""The report as one HTML page: the answer on the first screen, and what it rests on below."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import jinja2

from dropnorm.evaluation import wording
from dropnorm.evaluation.answers.cards import plural
from dropnorm.evaluation.answers.other_tables import tell_other_options, tell_other_tables
from dropnorm.evaluation.answers.pace import duration
from dropnorm.evaluation.estimation import network_names
from dropnorm.evaluation.estimation.verdicts import Verdict
from dropnorm.evaluation.records import Override
from dropnorm.evaluation.runs.overrides import tell
from dropnorm.findings import Severity
from dropnorm.reporting.figures.drawing import name_of
from dropnorm.reporting.figures.effects import draw_effects
from dropnorm.reporting.figures.looks import draw_looks
from dropnorm.reporting.inline_svg import inline
from dropnorm.study.arms import arm_of
from dropnorm.study.optimism import sets_rows_aside
from dropnorm.study.variants import Variant
from dropnorm.tasks.metrics import SCORES
from dropnorm.training.networks import plan_layers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from markupsafe import Markup
    from matplotlib.figure import Figure

    from dropnorm.study.schema import Study

# So many small plots stand four in a row; others in threes.
_IN_FOURS = (2, 4, 7, 8)
# So many cards stand three in a row.
_IN_THREES = (5, 6)
# A smaller p-value says nothing more.
_LEAST_P = 0.001
_GOOD = (Verdict.HELPS, Verdict.RESCUES)
_BAD = (Verdict.HURTS, Verdict.BREAKS, Verdict.BOTH_FAIL)


@dataclass(frozen=True)
class Pictures:
    """The figures of a page.

    Attributes:
        curves: Learning curves, by variant.
        predictions: Predicted against true, by variant.
        reliability: How often probabilities are right; None of amounts.
        diagnostics: What the layers did inside the networks.
        losses: What the curves and the diagnostics are told in, with the unit.
    """

    curves: Mapping[str, Figure]
    predictions: Mapping[str, Figure]
    reliability: Figure | None
    diagnostics: Figure | None
    losses: str


@dataclass(frozen=True)
class Strip:
    """An interval drawn below its card, in percent of the width; zero is in the middle.

    Attributes:
        left: Where it begins.
        width: How wide it is.
        point: Where the estimate is.
    """

    left: float
    width: float
    point: float


def write_page(report: Mapping[str, Any], study: Study, pictures: Pictures) -> str:
    """Write the report as one HTML page without anything from elsewhere.

    Args:
        report: What :func:`dropnorm.reporting.report.make_report` returns.
        study: As it was run.
        pictures: Drawn in the light style.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("dropnorm.reporting"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": _number,
        "signed": _signed,
        "interval": _interval,
        "wins": _wins,
        "p_value": _p_value,
        "plural": plural,
        "spoken": network_names.spoken,
        "sentence": wording.plain_sentence,
        "severity": wording.severity,
        "percent": wording.percent,
        "duration": duration,
    }
    findings = wording.by_code(report["findings"])
    looks = _looks(report)
    return environment.get_template("report.html").render(
        report=report,
        effect_names={name: network_names.title(name) for name in report["effects"]},
        count=network_names.count,
        reference=network_names.reference(report.get("against", "baseline")),
        card_columns="cards threes" if len(report["cards"]) in _IN_THREES else "cards",
        columns=_columns(len(report["variants"])),
        columns_of_looks=_columns(len(looks)),
        verdicts={name: _tone(one["verdict"]) for name, one in report["effects"].items()},
        strips=_strips(report),
        wide=inline(draw_effects(report), "effects", _plot_told(report)),
        tall=inline(draw_effects(report, tall=True), "effects-tall", _plot_told(report)),
        curves=_panels(pictures.curves, "curves", "Learning curves of"),
        predictions=_panels(pictures.predictions, "predictions", "Predicted against true,"),
        reliability=_one(pictures.reliability, "reliability", "How often probabilities are right"),
        diagnostics=_one(pictures.diagnostics, "diagnostics", "Gap, variance shift, dead units"),
        looks=looks,
        losses=pictures.losses,
        began=_began(report["version"]),
        scores=SCORES,
        overridden=tell(
            {key: Override.from_json(one) for key, one in report["overridden"].items()}
        ),
        findings=findings,
        serious=[one for one in findings if wording.severity(one[0]) == Severity.SERIOUS],
        counted=_counted([wording.severity(one[0]) for one in findings]),
        options=list(_flat(report["options"])),
        networks=_networks(study, report),
        rows=report["rows"],
        optimistic=report.get("optimistic", ()),
        set_aside=sets_rows_aside(study),
        other_tables=_other_tables(report),
        other_options=tell_other_options(),
    )


def _columns(panels: int) -> str:
    return "panels" if panels in _IN_FOURS else "panels threes"


def _other_tables(report: Mapping[str, Any]) -> list[str]:
    """Say what the layers did elsewhere; nothing of other networks and of a made-up table."""
    if "against" in report or report["made_up"]:
        return []
    return tell_other_tables(report["options"]["task"])


def _began(version: str) -> str:
    """Write when a run began, of a version named as Kedro names them; nothing of another."""
    try:
        began = datetime.strptime(version, "%Y-%m-%dT%H.%M.%S.%fZ")  # it is UTC
    except ValueError:
        return ""
    return f"{began.day} {began:%B %Y, %H:%M} UTC"


def _tone(verdict: str) -> str:
    if Verdict(verdict) in _GOOD:
        return "good"
    return "bad" if Verdict(verdict) in _BAD else "open"


def _counted(severities: Sequence[str]) -> str:
    """Count findings: ``1 serious, 2 cautions, 3 notes``."""
    told = []
    for one in Severity:
        if count := severities.count(one):
            many = count > 1 and one is not Severity.SERIOUS
            told.append(f"{count} {one}{'s' if many else ''}")
    return ", ".join(told)


def _strips(report: Mapping[str, Any]) -> dict[str, Strip]:
    """Place the intervals of the cards that have one on an axis which they share."""
    shown = {
        name: report["effects"][name]
        for name, card in report["cards"].items()
        if card["effect"] and report["effects"][name]["low"] is not None
    }
    ends = [abs(one[end]) for one in shown.values() for end in ("low", "high")]
    largest = max(ends, default=0.0)
    if not largest:
        return {}
    return {
        name: Strip(
            50 + 48 * one["low"] / largest,
            max(0.5, 48 * (one["high"] - one["low"]) / largest),
            50 + 48 * one["difference"] / largest,
        )
        for name, one in shown.items()
    }


def _panels(figures: Mapping[str, Figure], name: str, told: str) -> list[Markup]:
    return [
        inline(figure, f"{name}-{variant}", f"{told} {name_of(variant)}")
        for variant, figure in figures.items()
    ]


def _looks(report: Mapping[str, Any]) -> list[Markup]:
    """Draw the looks of a run until settled; nothing of other runs."""
    if "looks" not in report:
        return []
    drawn = []
    for name, figure in draw_looks(report).items():
        seen = [(look["splits"], look["seen"][name]) for look in report["looks"]]
        told = [
            f"{splits} splits {_signed(one['difference'], one['low'], one['high'])} (interval"
            f" {_interval(one)}), {one['verdict']}"
            for splits, one in seen
        ]
        in_words = f"Difference of {name_of(name)} at each look: {'; '.join(told)}."
        drawn.append(inline(figure, f"looks-{name}", in_words))
    return drawn


def _one(figure: Figure | None, name: str, told: str) -> Markup | None:
    return None if figure is None else inline(figure, name, told)


def _networks(study: Study, report: Mapping[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Return the layers of all compared networks by their names; of the four, with both layers."""
    if "against" not in report:
        return {"": _layers(study, Variant.DROPOUT_BATCHNORM)}
    arms = [arm_of(study, name) for name in report["variants"]]
    return {name_of(arm.name): _layers(arm.study, arm.variant) for arm in arms}


def _layers(study: Study, variant: Variant) -> list[tuple[str, str]]:
    """Return the layers of a network, each with its kind and a few words."""
    told = []
    for layer in plan_layers(study.network, variant, 1, None):
        match layer.kind:
            case "dense" if layer.name != "output":
                words = f"{layer.units} {layer.activation or ''}".strip()
            case "dense" | "heads":
                words = "output"
            case "repeat":
                words = f"{layer.members} members"
            case "flatten" | "unflatten":
                continue  # only shapes
            case "scale_inputs" | "scale_outputs":
                words = f"factors {layer.activation}".removesuffix(" linear")
            case "mean":
                words = "mean"
            case "dropout":
                words = f"dropout {layer.rate:g}"
            case "batchnorm":
                words = "batch norm"
            case _:
                words = layer.kind.replace("_", " ")
        told.append((str(layer.kind), words))
    return told


def _flat(options: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield options by their dotted keys, as a person would write them."""
    for key, value in options.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}.")
        elif value is not None and value not in ({}, []):
            told = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            yield f"{prefix}{key}", told


def _plot_told(report: Mapping[str, Any]) -> str:
    """Say the plot in words, for who cannot see it."""
    unit = report["unit"]
    errors = [
        f"{name_of(name)} {_number(one['error'])} {unit}".rstrip()
        if one["error"] is not None
        else f"{name_of(name)} diverged"
        for name, one in report["variants"].items()
    ]
    return f"Mean validation error: {', '.join(errors)}."


def _half(low: float | None, high: float | None) -> float | None:
    return None if low is None or high is None else (high - low) / 2


def _number(
    value: float | None, low: float | None = None, high: float | None = None, *, digits: int = 3
) -> str:
    """Write a number with sensible digits, given the ends of its interval if there is one."""
    return "–" if value is None else wording.number(value, _half(low, high), digits)


def _signed(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Write a difference with its sign."""
    if value is None or not math.isfinite(value):
        return "–"
    return wording.signed(value, _half(low, high))


def _interval(one: Mapping[str, Any]) -> str:
    low, high = one["low"], one["high"]
    if low is None:
        return "–"
    return f"{_signed(low, low, high)} to {_signed(high, low, high)}"


def _wins(one: Mapping[str, Any]) -> str:
    if not one["pairs"]:
        return "–"
    told = f"{one['wins']} of {one['pairs']}"
    if one["pairs"] == 1:
        return told
    return f"{told} ({100 * one['low']:.0f} to {100 * one['high']:.0f} %)"


def _p_value(value: float | None) -> str:
    if value is None:
        return "–"
    return "< 0.001" if value < _LEAST_P else f"{value:.2g}"
