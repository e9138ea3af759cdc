"""Checks before anything trains, provenance and versions, and the answer at the end."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from kedro.framework.hooks import hook_impl
from kedro.io import SharedMemoryDataCatalog

from dropnorm.config_loader import config_in_use
from dropnorm.data import ahead
from dropnorm.datasets.atomic_files import from_here
from dropnorm.datasets.catalog_entries import check_file
from dropnorm.datasets.loaded_table import LoadedTableDataset, SharedTableDataset
from dropnorm.datasets.new_rows import input_formats
from dropnorm.datasets.run_record import RunRecordDataset
from dropnorm.datasets.table import TableDataset
from dropnorm.evaluation.answers.pace import tell_pace
from dropnorm.evaluation.runs.overrides import PARAMS, Standing, tell
from dropnorm.hooks.commands import command_of
from dropnorm.hooks.looks import begin_looks, check_splits_to_come, settle
from dropnorm.hooks.outcomes import gather_outcomes, share_memory
from dropnorm.hooks.provenance import prepare_record, tell_versions
from dropnorm.hooks.study_names import studies_in, study_of
from dropnorm.hooks.study_versions import overridden_options
from dropnorm.hooks.summary import (
    summarize_answer,
    summarize_equal_budget,
    summarize_study,
    summarize_sweep,
)
from dropnorm.hooks.trainings import begin_trainings
from dropnorm.hooks.validation import (
    check_folders,
    check_inputs,
    check_study,
    check_sweep,
    read_by_column,
)
from dropnorm.hooks.versions import settle_version_written, settle_versions_read
from dropnorm.pipeline_registry import SWEEP, run_parameter
from dropnorm.study.parsing import parse_recorded
from dropnorm.study.split import FilesSplit
from dropnorm.training import begun
from dropnorm.training.backend import check_engine

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    import pandas as pd
    from kedro.io import DataCatalog
    from kedro.pipeline import Pipeline

    from dropnorm.evaluation.records import Override
    from dropnorm.hooks.validation import CheckedStudy
    from dropnorm.study.schema import Study


logger = logging.getLogger(__name__)


class ProjectHooks:
    """Checks, provenance and versions of a run. Works under every runner: no node is hooked."""

    def __init__(self) -> None:
        # By run: what it has claimed, and in which version.
        self._claimed: dict[str, list[tuple[RunRecordDataset, str]]] = {}
        self._overridden: dict[str, Mapping[str, Override]] = {}
        self._in_use = ExitStack()

    @hook_impl(wrapper=True)
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> Generator[None, Any, Any]:
        """Refuse bad input before the first node, and settle which versions are read and written.

        A version is taken when all other hooks agree to the run: one that is refused leaves none.
        """
        config = config_in_use()
        names = {node.name for node in pipeline.nodes}
        checked: dict[str, CheckedStudy] = {}
        looking: dict[str, Study] = {}
        if any(node.name.endswith((".train", ".predict")) for node in pipeline.nodes):
            check_engine()
        for name in sorted(pipeline.inputs()):
            check_file(catalog.get(name))
        for run in studies_in(pipeline):
            study = study_of(run)
            if run.endswith(SWEEP):
                check_sweep(study, catalog)
            elif first := begin_looks(study, pipeline, catalog):
                looking[study] = first
            if study not in checked:
                read_by_column(study, catalog)
                if f"{run}.prepare.check_rows" in names or (
                    f"{run}.prepare.check_data" in names and _has_index_files(study, catalog)
                ):
                    checked[study] = check_study(study, catalog)
            if run in looking:
                check_splits_to_come(looking[run], checked[run].loaded.table, catalog)
        check_folders(pipeline, catalog)
        settle_versions_read(pipeline, catalog, config)
        _read_new_rows_alike(pipeline, catalog)
        records = [catalog.get(f"{study}.run") for study in studies_in(pipeline)]
        reported: list[Study] = []
        for study in studies_in(pipeline):
            if run_parameter(study) in pipeline.inputs():
                options = catalog.load(f"params:{study_of(study)}")
                reported.append(options)
                other = overridden_options(config, options, run_params)
                self._overridden[study] = other
                told = command_of(study, run_params, config), run_params["env"], other
                table = checked[study_of(study)].loaded if study_of(study) in checked else None
                prepare_record(study, pipeline, catalog, *told, table)
        gather_outcomes(pipeline, catalog)
        share_memory(pipeline, catalog)
        check_inputs(pipeline, catalog)
        for study, known in checked.items():
            hand_over(known.loaded.table, study, pipeline, catalog)
        _warn_of_boxes(reported)
        agreed = yield
        for study, first in looking.items():
            settle(first, checked[study].loaded.table, catalog, self._in_use)
        run = run_params["run_id"]
        self._claimed[run] = settle_version_written(pipeline, catalog, records, run)
        tell_versions(self._claimed[run], catalog)
        begin_trainings(checked, pipeline, catalog)
        return agreed

    @hook_impl
    def on_pipeline_error(self, run_params: dict[str, Any]) -> None:
        """Keep nothing of a run that failed, and say of its versions that it has ended."""
        from dropnorm.training.parallel import end_trainings  # noqa: PLC0415  # takes long

        end_trainings()
        ahead.forget_all()
        self._release(run_params)

    def _release(self, run_params: dict[str, Any]) -> None:
        self._in_use.close()
        for record, version in self._claimed.pop(run_params["run_id"], ()):
            record.unclaim(version)

    @hook_impl
    def after_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> None:
        """Say where the results are, and each variant's in one line."""
        ahead.forget_all()
        begun.forget_all()
        try:
            self._tell(pipeline, catalog)
        finally:
            self._release(run_params)

    def _tell(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        outputs = pipeline.all_outputs()
        for study in studies_in(pipeline):
            if f"{study}.comparison" in outputs:
                options: Study = catalog.load(f"params:{study}")
                logger.info("%s", summarize_study(options, catalog.load(f"{study}.comparison")))
                if other := self._overridden.get(study):
                    logger.info("  %s: %s", Standing.OVERRIDDEN.capitalize(), tell(other))
            if f"{study}.effects" in outputs:
                effects = catalog.load(f"{study}.effects")
                logger.info("%s", summarize_answer(effects))
                if f"{study}.comparison" in outputs:
                    seconds = float(catalog.load(f"{study}.comparison")["fit_seconds"].sum())
                    if pace := tell_pace(effects, seconds, options):
                        logger.info("  %s", pace)
            if f"{study}.choices" in outputs:
                options = catalog.load(f"params:{study_of(study)}")
                logger.info("%s", summarize_sweep(options, catalog.load(f"{study}.choices")))
            if f"{study}.recommendation" in outputs:
                told = summarize_equal_budget(catalog.load(f"{study}.recommendation"))
                logger.info("%s\n%s", told, catalog.load(f"{study}.recommended").rstrip())
            if f"{study}.run" in outputs:
                record = catalog.get(f"{study}.run")
                if isinstance(record, RunRecordDataset):
                    version, folder = (
                        str(record.resolve_save_version()),
                        record.path.parent,
                    )
                    logger.info("  results: %s, version %s", from_here(folder), version)
                    if f"{study}.report_page" in outputs:
                        page = folder / "report.html" / version / "report.html"
                        command = config_in_use().command(
                            "study", "open", study, *self._named(study, version)
                        )
                        logger.info("  report: %s (or: %s)", from_here(page), command)

    def _named(self, study: str, version: str) -> list[str]:
        """Return the option without which a command takes another version than that of a run."""
        changed = self._overridden.get(study, {}).values()
        return [f"--version={version}"] if any(one.by == PARAMS for one in changed) else []


def _warn_of_boxes(studies: list[Study]) -> None:
    """Say in one line for all studies of a run which characters the plots cannot show."""
    texts = [text for study in studies for text in (study.title, study.target.unit)]
    if all(map(str.isascii, texts)):
        return
    # Imports Matplotlib: paid by who has other letters.
    from dropnorm.reporting.style import not_shown  # noqa: PLC0415

    if boxes := not_shown(texts):
        logger.warning(
            "The plots cannot show '%s': no installed font has these characters; report.html shows"
            " them",
            boxes,
        )


def _has_index_files(study: str, catalog: DataCatalog) -> bool:
    """Tell whether index files add columns to the table of a study, which is then read before."""
    options: Study = catalog.load(f"params:{study}")
    return isinstance(options.split, FilesSplit)


def _read_new_rows_alike(pipeline: Pipeline, catalog: DataCatalog) -> None:
    """Let new rows be read as the table was on which the run was trained that predicts them."""
    for name in sorted(pipeline.inputs()):
        study, _, what = name.partition(".")
        rows = catalog.get(name)
        if what != "new_rows" or not isinstance(rows, TableDataset):
            continue
        run = catalog.load(f"{study}.run")
        preprocessing = parse_recorded(study, run.options).preprocessing
        inputs = input_formats(run, preprocessing, catalog.get(f"{study}.table"))
        if inputs is not None:
            catalog[name] = rows.alike(inputs)


def hand_over(table: pd.DataFrame, study: str, pipeline: Pipeline, catalog: DataCatalog) -> None:
    """Let the nodes take the table that was checked: its file is read once."""
    name = f"{study}.table"
    if isinstance(catalog, SharedMemoryDataCatalog):
        catalog[name] = SharedTableDataset(table)
    else:
        uses = sum(name in node.inputs for node in pipeline.nodes)
        catalog[name] = LoadedTableDataset(table, uses)
