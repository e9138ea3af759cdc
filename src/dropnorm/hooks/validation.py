"""Checks of tables, folders and inputs before the first node."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kedro.io import MemoryDataset
from pyarrow import ArrowInvalid, types

from dropnorm.data.ahead import compute_ahead
from dropnorm.data.inspection.checks import is_looked_at
from dropnorm.data.preprocessing import fit_preprocessors, make_all_inputs
from dropnorm.data.splits import assign_parts
from dropnorm.data.validation import check_table
from dropnorm.datasets.atomic_files import from_here
from dropnorm.datasets.catalog_entries import (
    LoadedTable,
    is_local,
    load_unchanged,
    reading_warnings,
    shown,
)
from dropnorm.datasets.kedro_compat import (
    ParquetDataset,
    filepath_of,
    filesystem_of,
    load_args_of,
    load_path_of,
    with_load_args,
)
from dropnorm.errors import BadInputError
from dropnorm.hooks.study_names import run_of
from dropnorm.pipeline_registry import create_pipeline
from dropnorm.study.arms import arm_names, arm_of

if TYPE_CHECKING:
    from kedro.io import DataCatalog
    from kedro.pipeline import Pipeline
    from pyarrow import DataType

    from dropnorm.data.preprocessing import SplitInputs
    from dropnorm.study.schema import Study


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CheckedStudy:
    """A study that can be run.

    Attributes:
        options: As it will be run.
        loaded: Its table.
        inputs: Of its networks, by split.
    """

    options: Study
    loaded: LoadedTable
    inputs: list[SplitInputs]


def read_by_column(study: str, catalog: DataCatalog) -> None:
    """Let a Parquet table be read in the columns alone that the run looks at.

    Where a column of the study is not there, all are read: the message then knows what there is.
    """
    table = catalog.get(f"{study}.table")
    if not isinstance(table, ParquetDataset) or "columns" in load_args_of(table):
        return
    from pyarrow.dataset import dataset  # noqa: PLC0415  # of no use but to such tables

    try:
        fields = list(dataset(str(load_path_of(table)), filesystem=filesystem_of(table)).schema)
    except (OSError, ArrowInvalid):
        return  # what cannot be read is told by who loads it
    options: Study = catalog.load(f"params:{study}")
    if not set(options.columns) <= {field.name for field in fields}:
        return
    columns = [
        field.name
        for field in fields
        if field.name in options.columns
        or is_looked_at(field.name, text=_is_text(field.type), study=options)
    ]
    catalog[f"{study}.table"] = with_load_args(table, {**load_args_of(table), "columns": columns})


def _is_text(kind: DataType) -> bool:
    if types.is_dictionary(kind):
        kind = kind.value_type
    return any(
        is_kind(kind) for is_kind in (types.is_string, types.is_large_string, types.is_string_view)
    )


def check_study(study: str, catalog: DataCatalog) -> CheckedStudy:
    """Prepare the table as the nodes will, so that the last study fails before the first trains.

    The nodes that ask for the same get what was found here.

    Returns:
        The table, to be handed over to the nodes, and the inputs of the networks.
    """
    options: Study = catalog.load(f"params:{study}")
    where = shown(catalog.get(f"{study}.table"))
    loaded = load_unchanged(study, catalog, options.split)
    try:
        # The rows are asked for twice: to be prepared, and to be looked through.
        rows = compute_ahead(check_table, loaded.table, options, uses=2)
        split = compute_ahead(assign_parts, rows, options)
        fitted = compute_ahead(fit_preprocessors, rows, split, options)
        inputs = compute_ahead(make_all_inputs, rows, split, fitted, options)
    except BadInputError as error:
        raise BadInputError(f"{where}: {error}") from error
    for warning in reading_warnings(study, catalog, loaded.table):
        logger.warning("%s", warning)
    return CheckedStudy(options, loaded, inputs)


def check_sweep(study: str, catalog: DataCatalog) -> None:
    """Check that one of the networks of a study has a layer, whose rate or place can be tried."""
    options: Study = catalog.load(f"params:{study}")
    variants = {arm_of(options, name).variant for name in arm_names(options)}
    if not any(one.has_dropout or one.has_batchnorm for one in variants):
        raise BadInputError(
            f"{study}: a sweep has nothing to try: none of the networks in compare has dropout or"
            " batch normalization; name one that has"
        )


def check_folders(pipeline: Pipeline, catalog: DataCatalog) -> None:
    """Check that what the run will write can be written: better now than after the trainings."""
    # Predictions are of no run that has a record: they may go anywhere.
    predicted = {
        name for node in pipeline.nodes if node.name.endswith(".predict") for name in node.outputs
    }
    for name in sorted(pipeline.all_outputs()):
        dataset = catalog.get(name)
        path = filepath_of(dataset)
        if path is None or (name in predicted and not is_local(dataset)):
            continue
        if not is_local(dataset):
            raise BadInputError(
                f"'{name}' would be written to {shown(dataset)[:60]}, an address; results are"
                " written to a folder of this machine or a shared one: write a path at its"
                " catalog entry, and copy the results when the run is complete"
            )
        nearest = next(folder for folder in Path(path).parents if folder.exists())
        if not nearest.is_dir():
            raise BadInputError(f"{from_here(nearest)}: is a file; results need a folder there")
        if not os.access(nearest, os.W_OK | os.X_OK):
            raise BadInputError(
                f"{from_here(nearest)}: may not be written to, and results belong there; check its"
                " permissions, or choose another folder with 'data' in globals.yml"
            )


def check_inputs(pipeline: Pipeline, catalog: DataCatalog) -> None:
    """Check that a part of a study does not begin behind what only memory holds."""
    for name in sorted(pipeline.inputs()):
        dataset = catalog.get(name)
        is_empty = isinstance(dataset, MemoryDataset) and not dataset.exists()
        if (dataset is None or is_empty) and not name.startswith("params:"):
            first = create_pipeline(run_of(name)).to_outputs(name).grouped_nodes[0]
            raise BadInputError(
                f"'{name}' passes from node to node in memory, no earlier run has left it; begin"
                f" with what makes it: --from-nodes={','.join(node.name for node in first)}"
            )
