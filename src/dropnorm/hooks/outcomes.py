"""What passes from node to node: outcomes of earlier runs, and memory that processes share."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from kedro.io import MemoryDataset, SharedMemoryDataCatalog, SharedMemoryDataset

from dropnorm.evaluation.results import SweptVariant, VariantOutcome
from dropnorm.pipeline_registry import RECOMMEND, SWEEP
from dropnorm.tuning.results import SearchedNetwork

if TYPE_CHECKING:
    from kedro.io import DataCatalog
    from kedro.pipeline import Pipeline

_OUTCOME = ".outcome"


def names_read(pipeline: Pipeline) -> list[str]:
    """Return what a pipeline reads, by name; of an outcome, which has no file, its parts."""
    names: set[str] = set()
    for name in pipeline.inputs():
        names.update(_parts(name).values() if name.endswith(_OUTCOME) else [name])
    return sorted(names)


def gather_outcomes(pipeline: Pipeline, catalog: DataCatalog) -> None:
    """Put together the outcomes that a part of a study begins with, from the versions settled."""
    for name in pipeline.inputs():
        if name.endswith(_OUTCOME):
            parts = {part: catalog.load(one) for part, one in _parts(name).items()}
            catalog[name] = MemoryDataset(_kind(name)(**parts), copy_mode="assign")


def share_memory(pipeline: Pipeline, catalog: DataCatalog) -> None:
    """Let nodes in other processes have what a node hands on in memory.

    Kedro does so of its own accord only for names that are not in the catalog.
    """
    if not isinstance(catalog, SharedMemoryDataCatalog):
        return
    for name in pipeline.all_outputs():
        if isinstance(catalog.get(name), MemoryDataset):
            catalog[name] = SharedMemoryDataset()


def _kind(name: str) -> type[VariantOutcome | SweptVariant | SearchedNetwork]:
    if f"{RECOMMEND}." in name:
        return SearchedNetwork
    return SweptVariant if f"{SWEEP}." in name else VariantOutcome


def _parts(name: str) -> dict[str, str]:
    """Return what the parts of an outcome are called in the catalog."""
    variant = name.removesuffix(_OUTCOME)
    return {one.name: f"{variant}.{one.name}" for one in fields(_kind(name))}
