"""Two runs of one study side by side: what differs between them, and whether the answer does."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import ValidationError

from dropnorm.evaluation import wording
from dropnorm.evaluation.estimation.contrasts import FOUR, Contrast
from dropnorm.evaluation.estimation.effects import Evidence
from dropnorm.evaluation.estimation.intervals import Basis, Interval, holm
from dropnorm.evaluation.estimation.network_names import every, spoken, title
from dropnorm.evaluation.estimation.verdicts import Verdict
from dropnorm.evaluation.json_form import to_json
from dropnorm.study.preprocessing import Preprocessing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dropnorm.evaluation.records import RunRecord
    from dropnorm.evaluation.results import VariantMetrics

_SIGNIFICANT = 0.05
_OPTIONS = "The changed options"
# How the file of the table was read; older records do not say it.
_FORMAT = "table.format"
# Of the record, what a difference may come from; the rest differs in every run.
_INDEX_FILES = "table.index_files"
_TELLING = ("engine", "switches", "table.sha256", _FORMAT, _INDEX_FILES, "packages", "options")
# Of the options, those that no training depends on.
_BESIDE = ("options.title", "options.sweep", "options.recommend")
# What is changed by these leaves the rows of each part, and so pairs, as they are.
_SAME_PAIRS = (
    "table.sha256",
    _FORMAT,
    _INDEX_FILES,
    "options.task",
    "options.target.column",
    "options.split",
    "options.replicas",
    "options.training.seed",
)


@dataclass(frozen=True)
class Run:
    """A complete run.

    Attributes:
        name: What a reader calls it by.
        record: What it says of itself.
        effects: Its answer, ``effects.json``.
        metrics: By network.
    """

    name: str
    record: RunRecord
    effects: Mapping[str, Any]
    metrics: Mapping[str, VariantMetrics]

    @property
    def against(self) -> str:
        """The network that the others are compared with."""
        return str(self.effects.get("against", FOUR.against))


@dataclass(frozen=True)
class Change:
    """How an effect differs between two runs.

    Attributes:
        contrast: Which effect: of a network, by its name, or the interaction.
        difference: The second run's effect less the first's, over the pairs that both have; nan
            where runs cannot be paired.
        p_holm: Adjusted for all effects that both runs have.
        verdicts: Of the first and of the second run.
    """

    contrast: str
    difference: Interval
    p_holm: float
    verdicts: tuple[Verdict, Verdict]


def what_differs(first: Run, second: Run) -> dict[str, tuple[Any, Any]]:
    """Return what of engine, table, packages and options differs, by its dotted key."""
    one, other = (dict(_telling(run.record)) for run in (first, second))
    said = all(run.record.table.format is not None for run in (first, second))
    return {
        key: (one.get(key), other.get(key))
        for key in sorted({*one, *other})
        if one.get(key) != other.get(key) and (said or not key.startswith(_FORMAT))
    }


def shared_splits(first: Run, second: Run) -> str:
    """Say that runs with other seeds share splits, as those with neighbouring seeds do.

    Returns:
        A sentence; nothing where no split is shared, where all seeds are equal, so that the runs
        are paired, or where it is not known.
    """
    one, other = (run.record.seeds.split for run in (first, second))
    shared = sorted(set(one) & set(other) - {None}, key=str)
    draws = [_drawn_by(run.record) for run in (first, second)]
    if not shared or draws[0] is None or draws[0] != draws[1] or one[0] == other[0]:
        return ""
    told = [f"{len(shared)} of the {len(seeds)} splits of {run.name}"
            for run, seeds in ((first, one), (second, other))]  # fmt: skip
    return (
        f"The runs are not independent: {told[0]} are {told[1]}, because split k uses the seed"
        f" split.seed + k (here {_from_to(one)}, and {_from_to(other)}). For other splits, choose"
        f" seeds that are at least {max(len(one), len(other))} apart."
    )


def _drawn_by(record: RunRecord) -> tuple[object, ...] | None:
    """Return all but the seed that the rows of a split depend on; None if it is not known."""
    options = record.options
    if record.table.sha256 is None or "split" not in options:
        return None
    split = {key: value for key, value in options["split"].items() if key != "seed"}
    by_columns = options.get("missing") == "drop" or split.get("identical_rows")
    columns = options.get("preprocessing") if by_columns else None
    target = options.get("target", {}).get("column")
    told = (split, options.get("task"), target, options.get("missing"), columns)
    return (record.table.sha256, *told)


def _from_to(seeds: Sequence[int | None]) -> str:
    return f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else str(seeds[0])


def changes(first: Run, second: Run) -> list[Change]:
    """Estimate how much each effect that both runs have changes from the first to the second.

    Where both used the same rows and starts, and measured the same error, their effects are
    compared pair by pair, as effects themselves are: over splits with the correction of Nadeau and
    Bengio (2003). With one split only the difference is given.
    """
    contrasts = [
        Contrast.against(first.against, name)
        for name in first.effects["effects"]
        if name in second.effects["effects"] and first.against == second.against
    ]
    evidence = _pairs(first, second)
    found = [
        Interval(float("nan"))
        if evidence is None
        else evidence.difference(
            {
                f"{run} {variant}": sign * weight
                for run, sign in (("second", 1), ("first", -1))
                for variant, weight in contrast.weights.items()
            },
            _SIGNIFICANT,
        )[0]
        for contrast in contrasts
    ]
    adjusted = holm([interval.p for interval in found])
    return [
        Change(
            contrast.name,
            interval,
            p_holm,
            (_verdict(first, contrast.name), _verdict(second, contrast.name)),
        )
        for contrast, interval, p_holm in zip(contrasts, found, adjusted, strict=True)
    ]


def error_changes(first: Run, second: Run) -> dict[str, Interval]:
    """Estimate how much the error of each network that both have changes, pair by pair."""
    evidence = _pairs(first, second)
    return {
        name: Interval(float("nan"))
        if evidence is None
        else evidence.difference({f"second {name}": 1, f"first {name}": -1}, _SIGNIFICANT)[0]
        for name in first.metrics
        if name in second.metrics
    }


def _pairs(first: Run, second: Run) -> Evidence | None:
    """Put the errors of two runs side by side, if they are the same error of the same pairs."""
    if first.effects["error"] != second.effects["error"]:
        return None
    if any(key.startswith(_SAME_PAIRS) for key in what_differs(first, second)):
        return None
    if not _same_rows(first.record.options, second.record.options):
        return None
    errors = _errors(first).add_prefix("first ").join(_errors(second).add_prefix("second "))
    rows = next(iter(first.metrics.values())).rows
    trained = rows["train"] + rows.get("inner", 0)
    effects = first.effects["effects"].values()
    in_order = any(one.get("basis") == Basis.IN_ORDER for one in effects)
    return Evidence(errors, rows["validation"] / trained, root=False, in_order=in_order)


def _same_rows(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two studies use the same rows of a table, and keep the same ones together.

    Args:
        one: Options of the one, with the target and the split of the other.
        other: Options of the other.
    """
    columns = [_inputs(options) for options in (one, other)]
    if one.get("split", {}).get("identical_rows") and columns[0] != columns[1]:
        return False
    drops = [options.get("missing") == "drop" for options in (one, other)]
    if all(drops):
        return set(columns[0]) == set(columns[1])
    if not any(drops):
        return True
    dropping, keeping = columns if drops[0] else columns[::-1]
    kept = other if drops[0] else one
    # A table that is not refused has no missing values in these columns, so none are dropped.
    return kept.get("missing", "refuse") == "refuse" and set(dropping) <= set(keeping)


def _inputs(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the inputs of a study; none of a record that another version has written so."""
    try:
        return Preprocessing.model_validate(options.get("preprocessing")).columns
    except ValidationError:
        return ()


def sentence(first: Run, second: Run) -> str:
    """Say whether what differs between two runs changes the answer, and how sure that is."""
    what = _subject(what_differs(first, second))
    changes_, does = ("change", "do") if what == _OPTIONS else ("changes", "does")
    found = changes(first, second)
    if not found:
        return _nothing_to_compare(first, second)
    others = any("against" in run.effects for run in (first, second))
    what_changes = "the effects" if others else "what the layers do"
    moved = [change for change in found if change.p_holm < _SIGNIFICANT]
    turned = [change for change in found if change.verdicts[0] is not change.verdicts[1]]
    told = [_moved(change, first, second) for change in moved] + [
        f"{title(change.contrast)}: '{change.verdicts[0]}' in {first.name},"
        f" '{change.verdicts[1]}' in {second.name}"
        for change in turned
        if change not in moved
    ]
    if moved:
        return f"{what} {changes_} {what_changes}. {'; '.join(told)}."
    if turned:
        return (
            f"{what} may change the answer: verdicts differ, though no effect is shown to."
            f" {'; '.join(told)}."
        )
    return f"{what} {does} not change the answer: {_alike(found, first)}."


def _nothing_to_compare(first: Run, second: Run) -> str:
    if first.against != second.against:
        return (
            f"The runs have no effect in common: {first.name} compares with"
            f" {spoken(first.against)}, {second.name} with {spoken(second.against)}."
        )
    return f"The runs have no effect in common: they compare other networks with {first.against}."


def _moved(change: Change, first: Run, second: Run) -> str:
    size = wording.number(abs(change.difference.mean))
    unit = f" {first.effects['unit']}" if first.effects["unit"] else ""
    less = "lower" if change.difference.mean < 0 else "higher"
    name = title(change.contrast)
    return f"{name}: its effect on the error is {size}{unit} {less} in {second.name}"


def _alike(found: list[Change], first: Run) -> str:
    """Say what there is to say of effects that are not shown to differ."""
    one = len(found) == 1
    same = f"{'the verdict is' if one else f'{every(len(found))} verdicts are'} the same"
    known = [change for change in found if math.isfinite(change.difference.low)]
    if not known:
        return f"{same}; how far the effects differ cannot be told from pairs"
    largest = max(known, key=lambda change: abs(change.difference.mean))
    mean, low, high = largest.difference.mean, largest.difference.low, largest.difference.high
    error = (high - low) / 2
    size = f"{wording.number(mean, error)} {first.effects['unit']}".strip()
    return (
        f"{same}, and no effect is shown to differ; the one that differs most, that of"
        f" {spoken(largest.contrast)}, does by {size} (95 % interval"
        f" {wording.number(low, error)} to {wording.number(high, error)})"
    )


def _subject(differing: Mapping[str, object]) -> str:
    kinds = {key.split(".")[0] for key in differing}
    if not differing:
        return "Chance alone"
    if kinds <= {"engine", "packages", "switches"} and "engine" in kinds:
        return "The engine"
    if kinds == {"options"}:
        return _OPTIONS
    return "What differs between the two runs"


def _telling(record: RunRecord) -> Iterator[tuple[str, Any]]:
    for key, value in _flat(to_json(record)):
        if key.startswith(_TELLING) and not key.startswith(_BESIDE):
            yield key, value


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _errors(run: Run) -> pd.DataFrame:
    error = str(run.effects["error"])
    return pd.DataFrame({name: metrics.errors(error) for name, metrics in run.metrics.items()})


def _verdict(run: Run, contrast: str) -> Verdict:
    return Verdict(run.effects["effects"][contrast]["verdict"])
