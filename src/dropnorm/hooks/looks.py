"""A run until it is settled: its looks, before the run itself, which then knows its splits.

A look is the study's own graph up to the effects, in memory, with as many splits as it looks at.
Trainings are recalled by later looks and by the run itself, which alone is written.
"""

from __future__ import annotations

import logging
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner

from dropnorm.data.splits import assign_parts
from dropnorm.data.validation import check_table
from dropnorm.datasets.catalog_entries import shown
from dropnorm.errors import BadInputError
from dropnorm.evaluation.estimation.sequential import at_look, look_at, tell_look
from dropnorm.evaluation.results import VariantExamination
from dropnorm.pipeline_registry import EXECUTION, create_pipeline, run_parameter

if TYPE_CHECKING:
    from contextlib import ExitStack

    import pandas as pd

    from dropnorm.evaluation.records import Look, Provenance
    from dropnorm.study.schema import Study
    from dropnorm.training.execution import Execution

logger = logging.getLogger(__name__)

# Nodes of which no verdict takes anything, what they would make, and what stands in its place.
_LEFT_OUT = {
    "plot_learning_curves": ("learning_curves", ""),
    "examine_networks": ("examination", VariantExamination("", ())),
}


def begin_looks(name: str, pipeline: Pipeline, catalog: DataCatalog) -> Study | None:
    """Let a study that runs until it is settled begin with its first look.

    Returns:
        The study at that look; None of any other.

    Raises:
        BadInputError: Only a part of the study runs, which cannot tell when it is settled.
    """
    parameter = f"params:{name}"
    if parameter not in pipeline.inputs():
        return None
    options: Study | dict[str, Any] = catalog.load(parameter)
    if isinstance(options, dict) or options.replicas.until is None:
        return None
    if {node.name for node in create_pipeline(name).nodes} - {node.name for node in pipeline.nodes}:
        raise BadInputError(
            f"{name} runs until it is settled, which only the whole study can tell; run all of it,"
            f" or give it splits: --params={name}.replicas.until=null,{name}.replicas.splits=20"
        )
    study = at_look(options, options.replicas.looks[0])
    catalog[parameter] = MemoryDataset(study, copy_mode="assign")
    return study


def check_splits_to_come(study: Study, table: pd.DataFrame, catalog: DataCatalog) -> None:
    """Refuse a table that cannot be split as often as the run may come to need."""
    most = at_look(study, study.replicas.looks[-1])
    try:
        assign_parts(check_table(table, most), most)
    except BadInputError as error:
        raise BadInputError(f"{shown(catalog.get(f'{study.name}.table'))}: {error}") from error


def settle(study: Study, table: pd.DataFrame, catalog: DataCatalog, in_use: ExitStack) -> None:
    """Look until all verdicts stand, and let the run have the splits of the last look.

    Args:
        study: At its first look.
        table: Its table.
        catalog: Of the run; gets the study as it is at the last look, and what was seen.
        in_use: Closed when the run has ended.
    """
    _keep_trainings(catalog, in_use)
    name, rows = study.name, check_table(table, study)
    looks: list[Look] = []
    for splits in study.replicas.looks:
        study = at_look(study, splits)
        looks.append(look_at(_found(study, rows, catalog), study))
        logger.info("%s", tell_look(looks[-1], len(looks), study))
        if looks[-1].is_settled:
            break
    provenance: Provenance = catalog.load(run_parameter(name))
    catalog[run_parameter(name)] = MemoryDataset(replace(provenance, looks=tuple(looks)))
    catalog[f"params:{name}"] = MemoryDataset(study, copy_mode="assign")


def _keep_trainings(catalog: DataCatalog, in_use: ExitStack) -> None:
    """Keep trainings from look to look, also where none are kept from run to run."""
    execution: Execution = catalog.load(EXECUTION)
    if execution.memory is None:
        folder = in_use.enter_context(tempfile.TemporaryDirectory(prefix="dropnorm-looks-"))
        kept = replace(execution, memory=Path(folder))
        catalog[EXECUTION] = MemoryDataset(kept, copy_mode="assign")


def _found(study: Study, rows: pd.DataFrame, catalog: DataCatalog) -> dict[str, Any]:
    """Return the answer with the splits of one look."""
    name = study.name
    whole = create_pipeline(name).from_inputs(f"{name}.rows").to_outputs(f"{name}.effects")
    pipeline = Pipeline(
        [node for node in whole.nodes if node.name.rpartition(".")[2] not in _LEFT_OUT]
    )
    left_out = {
        name: instead
        for name in pipeline.inputs()
        for made, instead in _LEFT_OUT.values()
        if name.endswith(f".{made}")
    }
    inside = DataCatalog(
        {
            f"params:{name}": MemoryDataset(study, copy_mode="assign"),
            run_parameter(name): MemoryDataset(catalog.load(run_parameter(name))),
            EXECUTION: MemoryDataset(catalog.load(EXECUTION), copy_mode="assign"),
            f"{name}.rows": MemoryDataset(rows, copy_mode="assign"),
            **{one: MemoryDataset(instead) for one, instead in left_out.items()},
            # Nodes do not change their inputs, and a copy of a network is saved and read again.
            **{one: MemoryDataset(copy_mode="assign") for one in pipeline.all_outputs()},
        }
    )
    SequentialRunner().run(pipeline, inside)
    found: dict[str, Any] = inside.load(f"{name}.effects")
    return found
