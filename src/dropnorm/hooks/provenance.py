"""What ``run.json`` says of a run: command, table, packages, platform."""

from __future__ import annotations

import importlib.metadata
import logging
import platform
from dataclasses import replace
from typing import TYPE_CHECKING

from kedro.io import MemoryDataset

from dropnorm.data.reading.possible_thousands import whole_columns
from dropnorm.datasets.catalog_entries import (
    LoadedTable,
    shown,
    table_checksum,
)
from dropnorm.datasets.table import TableDataset
from dropnorm.evaluation.records import Process, Provenance, TableRead
from dropnorm.hooks.study_names import study_of
from dropnorm.hooks.study_versions import earlier_runs
from dropnorm.pipeline_registry import create_pipeline, run_parameter
from dropnorm.training.backend import engine_name
from dropnorm.training.switches import switches_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kedro.io import DataCatalog
    from kedro.pipeline import Pipeline

    from dropnorm.data.reading.formats import TableFormat
    from dropnorm.datasets.run_record import RunRecordDataset
    from dropnorm.evaluation.json_form import Json
    from dropnorm.evaluation.records import Override


logger = logging.getLogger(__name__)


# Versions on which the numbers of a run may depend.
_PACKAGES = ("dropnorm", "kedro", "keras", "numpy", "pandas", "scikit-learn")


def prepare_record(
    study: str,
    pipeline: Pipeline,
    catalog: DataCatalog,
    command: str,
    environment: str | None,
    overridden: dict[str, Override],
    loaded: LoadedTable | None,
) -> None:
    """Give the record what only the run knows; of a part of a study no record is written."""
    table = catalog.get(f"{study_of(study)}.table")
    written = table.format if isinstance(table, TableDataset) else None
    process = describe_process()  # the engine of which the trainings tell
    sha256 = loaded.sha256 if loaded else table_checksum(table)
    options = None if study != study_of(study) else catalog.load(f"params:{study}")
    catalog[run_parameter(study)] = MemoryDataset(
        Provenance(
            command=command,
            environment=environment,
            overridden=overridden,
            table=TableRead(
                path=shown(table),
                sha256=sha256,
                format=_dumped(written) if written else None,
                whole=tuple(whole_columns(loaded.table)) if loaded else (),
                index_files=loaded.index_files if loaded else {},
            ),
            switches=process.switches,
            packages=process.packages,
            python=process.python,
            platform=process.platform,
            earlier=earlier_runs(options, catalog, sha256, process.engine) if options else (),
        )
    )
    whole = {node.name for node in create_pipeline(study).nodes}
    if whole - {node.name for node in pipeline.nodes}:
        catalog[f"{study}.run"] = MemoryDataset()
        logger.warning(
            "%s: only a part of the study runs; without a run.json this version is not complete,"
            " and nothing will read it unless told to",
            study,
        )


def tell_versions(claimed: Iterable[tuple[RunRecordDataset, str]], catalog: DataCatalog) -> None:
    """Add to what only a run knows the version that it writes, which is settled last.

    Args:
        claimed: The record of each study of the run, and its version.
        catalog: Holds what the run knows.
    """
    for record, version in claimed:
        name = run_parameter(record.path.parent.name)
        known = catalog.load(name) if name in catalog else None
        if isinstance(known, Provenance):  # not where a part of a study runs, which needs none
            catalog[name] = MemoryDataset(replace(known, version=version))


def _dumped(written: TableFormat) -> Json:
    return written.model_dump(mode="json", exclude_defaults=True)


def describe_process() -> Process:
    """Return what the numbers of a run may depend on beside its study and its table."""
    packages = (*_PACKAGES, engine_name())
    return Process(
        engine=engine_name(),
        switches=switches_of(),
        packages={name: importlib.metadata.version(name) for name in packages},
        python=platform.python_version(),
        platform=platform.platform(),
    )
