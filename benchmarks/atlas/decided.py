"""How many differences are decided with the shipped interval, and with Nadeau and Bengio's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from atlas.collect import LAYERS, open_within
from dropnorm.evaluation.estimation import effects
from dropnorm.evaluation.estimation.contrasts import design_of
from dropnorm.evaluation.estimation.evidence import gather_evidence
from dropnorm.evaluation.estimation.verdicts import Verdict
from dropnorm.study.schema import Study

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from dropnorm.cli.study.project import Project

_SPLITS = (5, 10, 20)
_DECIDED = (Verdict.HELPS, Verdict.HURTS, Verdict.SAME)


def count_decided(folder: Path, studies: Iterable[str]) -> pd.DataFrame:
    """Judge the newest complete run of each study by its first splits, with both intervals.

    Verdicts are of the differences alone, whether or not the networks are of any use. A difference
    to a network of which a training diverged is undecided with both.

    Args:
        folder: Of the project.
        studies: Their names; those without a complete run are left out.

    Returns:
        Columns ``table``, ``splits``, ``interval``, ``layer``, ``decided``, ``width`` (of the
        interval, by the error of the baseline).
    """
    with open_within(folder) as project:
        return pd.DataFrame(
            [
                line
                for name in studies
                for version in project.complete_versions(name)[:1]
                for line in _of_run(project, name, version)
            ]
        )


def _of_run(project: Project, name: str, version: str) -> Iterator[dict[str, object]]:
    study = Study.model_validate(project.load(f"{name}.run", version).options)
    design = design_of(study)
    metrics = {one: project.load(f"{name}.{one}.metrics", version) for one in design.names}
    evidence = gather_evidence(
        metrics,
        {
            one: project.load(f"{name}.{one}.validation_predictions", version)
            for one in design.names
        },
        project.load(f"{name}.reference_predictions", version),
        project.load(f"{name}.split", version),
        study,
    )
    for splits in (number for number in _SPLITS if number <= study.replicas.splits):
        errors = evidence.errors.loc[evidence.errors.index.get_level_values("split") < splits]
        rows = {number: one for number, one in evidence.rows.items() if number < splits}
        margin = effects.margin_of(errors[design.against], study.margin)
        lost = {one: int(errors[one].isna().sum()) for one in design.names}
        for interval, known in (("shipped", rows), ("Nadeau and Bengio", {})):
            few = replace(evidence, errors=errors, rows=known)
            found = effects.estimate(few, lost, margin, design)
            for layer in LAYERS:
                yield {
                    "table": name,
                    "splits": splits,
                    "interval": interval,
                    "layer": layer,
                    "decided": found[layer].verdict in _DECIDED,
                    "width": (found[layer].high - found[layer].low)
                    / float(errors[design.against].mean()),
                }


def summarise(lines: pd.DataFrame) -> pd.DataFrame:
    """Return the share that is decided, and the median width, by splits and interval."""
    return lines.groupby(["splits", "interval"]).agg(
        differences=("decided", "size"), decided=("decided", "mean"), width=("width", "median")
    )
