"""The lines that a run ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from dropnorm.evaluation import wording
from dropnorm.evaluation.answers.answer import Card
from dropnorm.evaluation.estimation.network_names import reference, spoken
from dropnorm.evaluation.estimation.verdicts import Verdict
from dropnorm.evaluation.json_form import or_nan
from dropnorm.findings import Finding, Severity
from dropnorm.study.optimism import OPTIMISTIC, optimistic_networks, tell_choice
from dropnorm.tasks.metrics import SCORES
from dropnorm.tasks.registry import task_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dropnorm.evaluation.sweeps.sweep_results import Choices
    from dropnorm.study.schema import Study
    from dropnorm.tasks.base import Task
    from dropnorm.tuning.results import EqualBudget, Size


def summarize_sweep(study: Study, choices: Choices) -> str:
    """Return the lines that a sweep ends with."""
    return "\n".join(
        [
            f"{study.label}: {choices.error} of the validation rows by choice",
            *(f"  {sentence}" for sentence in choices.sentences.values()),
            f"  The least error of several choices is {OPTIMISTIC}:"
            " the rows that score it choose it.",
            *(f"  {choice}" for choice in (tell_choice(study),) if choice),
            *(f"  {note}" for note in wording.notes(map(Finding.described, choices.findings))),
        ]
    )


# With these verdicts there is a difference to tell.
_COMPARED = (
    Verdict.HELPS, Verdict.HURTS, Verdict.SAME, Verdict.NOT_SETTLED, Verdict.NONE, Verdict.IN_ORDER,
)  # fmt: skip


def summarize_equal_budget(found: EqualBudget) -> str:
    """Return the lines that a search ends with: networks, layers, what to do."""
    unit = f", {found.unit}" if found.unit else ""
    width = max(18, *(len(one.name) for one in found.networks))
    trials = f"{found.trials} trial{'s' * (found.trials > 1)} each"
    lines = [
        f"{found.title}: {found.error}{unit}, of the validation rows; {trials}",
        f"  {'network':<{width}} {'configured':>17} {'equal budget':>17}  choosing was worth",
    ]
    lines += [
        f"  {one.name:<{width}} {_told(one.configured, one.diverged_configured):>17}"
        f" {_told(one.chosen, one.diverged_chosen):>17}  {_size(one.worth, found.unit)}"
        for one in found.networks
    ]
    for effect in found.effects:
        lines.append(f"  {wording.capital(spoken(effect.name))}")
        for when, size in (
            ("as configured", effect.configured),
            ("at equal budget", effect.equal_budget),
        ):
            told = [size.verdict]
            if size.verdict in _COMPARED:
                told.append(_size(size, found.unit))
            lines.append(f"    {when:<16} {': '.join(told)}")
    lines += [f"  As configured: {found.answer_configured}", f"  At equal budget: {found.answer}"]
    lines.append("  Differences are of the error; plus is worse. Inner rows chose, others scored.")
    return "\n".join(lines)


def _told(error: float | None, diverged: int) -> str:
    if error is None:
        return "diverged"
    return f"{wording.number(error)}{f' ({diverged} diverged)' if diverged else ''}"


def _size(size: Size, unit: str) -> str:
    shown = Numbers(or_nan(size.difference), or_nan(size.low), or_nan(size.high))
    return wording.signed_size(shown, unit) or "cannot be compared"


class Numbers(NamedTuple):
    """A difference as it is worded, nan where there is no number."""

    difference: float
    low: float
    high: float


def summarize_study(study: Study, comparison: pd.DataFrame) -> str:
    """Return the lines that a study's run ends with: errors by network, in the target's unit."""
    task = task_of(study)
    error = task.error(study)
    unit = f", {task.unit(study)}" if task.unit(study) else ""
    lines = [f"{study.label}: {error.label}{unit}, of the validation rows"]
    optimistic = optimistic_networks(study)
    width = max(18, *map(len, comparison["variant"]))
    for _, row in comparison.iterrows():
        told = []
        if pd.notna(value := row[f"validation_{error.name}"]):
            least = wording.number(row["min_val_loss"])
            score = wording.number(value) + f" ({OPTIMISTIC})" * (row["variant"] in optimistic)
            told.append(f"{score}{_beside(task, row)}; least val_loss {least} ({OPTIMISTIC})")
        for what in ("diverged", *task.failures):
            if count := row[what]:
                of = f" ({count} of {row['replicas']})" if row["replicas"] > 1 else ""
                told.append(f"{what}{of}")
        lines.append(f"  {row['variant']:<{width}} {'; '.join(told)}")
    if choice := tell_choice(study):
        lines.append(f"  {choice}")
    return "\n".join(lines)


def summarize_answer(found: Mapping[str, Any]) -> str:
    """Return the answer as the terminal shows it: recommendation, cards, what to be wary of."""
    findings = found["findings"]
    shown = [one for one in findings if wording.severity(one) != Severity.NOTE]
    about = "networks" if "against" in found else "layers"
    lines = [
        found["answer"],
        found.get("stopped", ""),
        *(Card(**card).line() for card in found["cards"].values()),
        found["interaction"],
        found["committee"],
        found["spread"],
        f"Differences are of the error {_of_what(found)}: plus is worse.",
        *wording.notes(shown, made_up=found["made_up"], about=about),
    ]
    if hidden := len(wording.by_code(findings)) - len(wording.by_code(shown)):
        lines.append(f"{hidden} more note{'s are' if hidden > 1 else ' is'} in the report.")
    return "\n".join(f"  {line}".rstrip() for line in lines if line)


def _of_what(found: Mapping[str, Any]) -> str:
    if "against" not in found:
        return "with the layer less that without"
    return f"of each network less that of {reference(found['against'])}"


def _beside(task: Task, row: pd.Series) -> str:
    told = {SCORES[name].label: row[f"validation_{name}"] for name in task.beside}
    return "".join(f"; {label} {value:.3g}" for label, value in told.items() if pd.notna(value))
