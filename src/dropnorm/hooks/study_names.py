"""From names of nodes and datasets to studies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dropnorm.pipeline_registry import SWEEP

if TYPE_CHECKING:
    from kedro.pipeline import Pipeline


def studies_in(pipeline: Pipeline) -> list[str]:
    """Return the names of the studies and sweeps that have a node in the pipeline."""
    return list(dict.fromkeys(run_of(node.name) for node in pipeline.nodes))


def run_of(name: str) -> str:
    """Return the study or the sweep to whose run a node or dataset belongs."""
    study, what, *_ = (*name.split("."), "")
    return f"{study}{SWEEP}" if f".{what}" == SWEEP else study


def study_of(run: str) -> str:
    """Return the study whose table and options a run takes."""
    return run.removesuffix(SWEEP)
