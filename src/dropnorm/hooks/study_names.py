"""From names of nodes and datasets to studies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dropnorm.pipeline_registry import APART, study_of

__all__ = ["run_of", "studies_in", "study_of"]

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline


def studies_in(pipeline: Pipeline) -> list[str]:
    """Return the names of the runs that have a node in the pipeline: studies, sweeps, searches."""
    return list(dict.fromkeys(run_of(node.name) for node in pipeline.nodes))


def run_of(name: str) -> str:
    """Return the run to which a node or dataset belongs: of a study, or of what stands apart."""
    study, what, *_ = (*name.split("."), "")
    return f"{study}.{what}" if f".{what}" in APART else study
