"""What happens around a run: checks before anything trains, and the answer at the end."""

from __future__ import annotations

import importlib.metadata
import logging
import os
import platform
import shlex
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from kedro.framework.hooks import hook_impl
from kedro.io import AbstractVersionedDataset, MemoryDataset, SharedMemoryDataCatalog
from kedro.io.core import Version, generate_timestamp
from kedro_datasets.pandas import ParquetDataset
from pyarrow import ArrowInvalid, types

from dropnorm.config_loader import StudyConfigLoader
from dropnorm.data import ahead
from dropnorm.data.ahead import compute_ahead
from dropnorm.data.checks import is_looked_at
from dropnorm.data.preprocessing import fit_preprocessors, make_all_inputs
from dropnorm.data.splits import assign_parts
from dropnorm.data.validation import check_table
from dropnorm.datasets.atomic_files import from_here
from dropnorm.datasets.catalog_entries import (
    LoadedTable,
    check_file,
    is_local,
    load_unchanged,
    reading_warnings,
    shown,
    table_checksum,
)
from dropnorm.datasets.loaded_table import LoadedTableDataset, SharedTableDataset
from dropnorm.datasets.new_rows import input_formats
from dropnorm.datasets.run_record import RunRecordDataset, Versions, is_version
from dropnorm.datasets.table import TableDataset
from dropnorm.errors import BadInputError, did_you_mean
from dropnorm.evaluation import wording
from dropnorm.evaluation.overrides import Standing, tell
from dropnorm.hooks.study_versions import newest_own, overridden_options, versions_of
from dropnorm.pipeline_registry import SWEEP, create_pipeline
from dropnorm.study.parsing import parse_study
from dropnorm.tasks.metrics import SCORES
from dropnorm.tasks.registry import task_of
from dropnorm.training import cache, dask_cluster
from dropnorm.training.backend import check_engine, engine_name, threads_of
from dropnorm.training.parallel import workers_for
from dropnorm.training.switches import switches_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from kedro.framework.context import KedroContext
    from kedro.io import AbstractDataset, DataCatalog
    from kedro.pipeline import Pipeline
    from pyarrow import DataType

    from dropnorm.data.formats import TableFormat
    from dropnorm.study.schema import Study
    from dropnorm.tasks.base import Task

logger = logging.getLogger(__name__)

# Bytes of trainings that are kept for later runs.
_REMEMBERED = 1_000_000_000
_DEFAULT_ENGINE = "tensorflow"
# Versions on which the numbers of a run may depend.
_PACKAGES = ("dropnorm", "kedro", "keras", "numpy", "pandas", "scikit-learn")


class ProjectHooks:
    """Checks, provenance and versions of a run. Works under every runner: no node is hooked."""

    def __init__(self) -> None:
        self._memory = os.environ.get(cache.VARIABLE)
        # By run: what it has claimed, and in which version.
        self._claimed: dict[str, list[tuple[RunRecordDataset, str]]] = {}
        self._config: StudyConfigLoader | None = None
        self._overridden: dict[str, str] = {}

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Say where trainings are kept for later runs, unless the environment says it."""
        if isinstance(context.config_loader, StudyConfigLoader):
            self._config = context.config_loader
        if self._memory is None:
            place = context.config_loader["globals"].get("memory")
            os.environ[cache.VARIABLE] = str(context.project_path / place) if place else "off"

    @hook_impl(wrapper=True)
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> Generator[None, Any, Any]:
        """Refuse bad input before the first node, and settle which versions are read and written.

        A version is taken when all other hooks agree to the run: one that is refused leaves none.
        """
        names = {node.name for node in pipeline.nodes}
        tables: dict[str, LoadedTable] = {}
        if any(node.name.endswith((".train", ".predict")) for node in pipeline.nodes):
            check_engine()
        for name in sorted(pipeline.inputs()):
            check_file(catalog.get(name))
        for run in _studies(pipeline):
            study = _study_of(run)
            if study not in tables:
                _read_by_column(study, catalog)
                if f"{run}.check_rows" in names:
                    tables[study] = check_study(study, catalog)
        _check_folders(pipeline, catalog)
        _settle_versions_read(pipeline, catalog, run_params["env"])
        _read_new_rows_alike(pipeline, catalog)
        records = [catalog.get(f"{study}.run") for study in _studies(pipeline)]
        reported: list[Study] = []
        for study in _studies(pipeline):
            if names & {f"{study}.record_run", f"{study}.make_report"}:
                options = catalog.load(f"params:{_study_of(study)}")
                reported.append(options)
                other = overridden_options(self._config, options, run_params)
                self._overridden[study] = tell(other)
                told = {
                    "command": _command(study, run_params),
                    "environment": run_params["env"],
                    "overridden": other,
                }
                table = tables.get(_study_of(study))
                _prepare_record(study, pipeline, catalog, told, table)
        _check_inputs(pipeline, catalog)
        for study, loaded in tables.items():
            hand_over(loaded.table, study, pipeline, catalog)
        _warn_of_boxes(reported)
        agreed = yield
        run = run_params["run_id"]
        self._claimed[run] = _settle_version_written(pipeline, catalog, records, run)
        return agreed

    @hook_impl
    def on_pipeline_error(self, run_params: dict[str, Any]) -> None:
        """Keep nothing of a run that failed, and say of its versions that it has ended."""
        ahead.forget_all()
        self._release(run_params)

    def _release(self, run_params: dict[str, Any]) -> None:
        for record, version in self._claimed.pop(run_params["run_id"], ()):
            record.unclaim(version)

    @hook_impl
    def after_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> None:
        """Say where the results are, and each variant's in one line."""
        ahead.forget_all()
        try:
            self._tell(pipeline, catalog)
        finally:
            self._release(run_params)

    def _tell(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        cache.forget_beyond(_REMEMBERED)
        outputs = pipeline.all_outputs()
        for study in _studies(pipeline):
            if f"{study}.comparison" in outputs:
                options: Study = catalog.load(f"params:{study}")
                logger.info("%s", _answer(options, catalog.load(f"{study}.comparison")))
                if other := self._overridden.get(study):
                    logger.info("  %s: %s", Standing.OVERRIDDEN.capitalize(), other)
            if f"{study}.effects" in outputs:
                found = catalog.load(f"{study}.effects")
                told = [
                    *found["sentences"].values(),
                    found["committee"],
                    found["spread"],
                    *(
                        f"Note: {one}"
                        for one in wording.notes(found["findings"], made_up=found["made_up"])
                    ),
                ]
                logger.info("%s", "\n".join(f"  {line}" for line in told if line))
            if f"{study}.choices" in outputs:
                options = catalog.load(f"params:{_study_of(study)}")
                logger.info("%s", _choices(options, catalog.load(f"{study}.choices")))
            if f"{study}.run" in outputs:
                record = catalog.get(f"{study}.run")
                if isinstance(record, RunRecordDataset):
                    folder = from_here(Path(record._filepath).parent)
                    logger.info("  results: %s, version %s", folder, record.resolve_save_version())


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


class ClusterHooks:
    """Sends the trainings of a run to a Dask cluster, where its environment names one."""

    def __init__(self) -> None:
        self._named = os.environ.get(dask_cluster.VARIABLE)
        self._in_use = ExitStack()

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Say where replicas are trained, unless the environment says it."""
        if self._named is None:
            os.environ[dask_cluster.VARIABLE] = (
                context.config_loader["globals"].get("cluster") or "off"
            )

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Refuse a cluster that does not answer, or would give other numbers."""
        studies = {node.name.split(".")[0] for node in pipeline.nodes if _trains(node.name)}
        if studies:
            trained = [catalog.load(f"params:{study}") for study in studies]
            threads = {threads_of(study) for study in trained}
            workers = min(workers_for(study) for study in trained)
            self._in_use.enter_context(dask_cluster.ready_cluster(threads, workers))

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Leave the cluster."""
        self._in_use.close()

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Leave the cluster."""
        self._in_use.close()


def _trains(node: str) -> bool:
    return node.endswith(".train")


def _studies(pipeline: Pipeline) -> list[str]:
    """Return the names of the studies and sweeps that have a node in the pipeline."""
    return list(dict.fromkeys(_run_of(node.name) for node in pipeline.nodes))


def _run_of(name: str) -> str:
    """Return the study or the sweep to whose run a node or dataset belongs."""
    study, what, *_ = (*name.split("."), "")
    return f"{study}{SWEEP}" if f".{what}" == SWEEP else study


def _study_of(run: str) -> str:
    """Return the study whose table and options a run takes."""
    return run.removesuffix(SWEEP)


def _read_by_column(study: str, catalog: DataCatalog) -> None:
    """Let a Parquet table be read in the columns alone that the run looks at.

    Where a column of the study is not there, all are read: the message then knows what there is.
    """
    table = catalog.get(f"{study}.table")
    if not isinstance(table, ParquetDataset) or "columns" in table._load_args:
        return
    from pyarrow.dataset import dataset  # noqa: PLC0415  # of no use but to such tables

    try:
        fields = list(dataset(str(table._get_load_path()), filesystem=table._fs).schema)
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
    catalog[f"{study}.table"] = table._copy(_load_args={**table._load_args, "columns": columns})


def _read_new_rows_alike(pipeline: Pipeline, catalog: DataCatalog) -> None:
    """Let new rows be read as the table was on which the run was trained that predicts them."""
    for name in sorted(pipeline.inputs()):
        study, _, what = name.partition(".")
        rows = catalog.get(name)
        if what != "new_rows" or not isinstance(rows, TableDataset):
            continue
        run = catalog.load(f"{study}.run")
        preprocessing = parse_study(study, run["options"]).preprocessing
        inputs = input_formats(run, preprocessing, catalog.get(f"{study}.table"))
        if inputs is not None:
            catalog[name] = rows.alike(inputs)


def _is_text(kind: DataType) -> bool:
    if types.is_dictionary(kind):
        kind = kind.value_type
    return any(
        is_kind(kind) for is_kind in (types.is_string, types.is_large_string, types.is_string_view)
    )


def check_study(study: str, catalog: DataCatalog) -> LoadedTable:
    """Prepare the table as the nodes will, so that the last study fails before the first trains.

    The nodes that ask for the same get what was found here.

    Returns:
        The table, to be handed over to the nodes.
    """
    options: Study = catalog.load(f"params:{study}")
    where = shown(catalog.get(f"{study}.table"))
    loaded = load_unchanged(study, catalog)
    try:
        # The rows are asked for twice: to be prepared, and to be looked through.
        rows = compute_ahead(check_table, loaded.table, options, uses=2)
        split = compute_ahead(assign_parts, rows, options)
        fitted = compute_ahead(fit_preprocessors, rows, split, options)
        compute_ahead(make_all_inputs, rows, split, fitted, options)
    except BadInputError as error:
        raise BadInputError(f"{where}: {error}") from error
    for warning in reading_warnings(study, catalog, loaded.table):
        logger.warning("%s", warning)
    return loaded


def hand_over(table: pd.DataFrame, study: str, pipeline: Pipeline, catalog: DataCatalog) -> None:
    """Let the nodes take the table that was checked: its file is read once."""
    name = f"{study}.table"
    if isinstance(catalog, SharedMemoryDataCatalog):
        catalog[name] = SharedTableDataset(table)
    else:
        uses = sum(name in node.inputs for node in pipeline.nodes)
        catalog[name] = LoadedTableDataset(table, uses)


def _check_folders(pipeline: Pipeline, catalog: DataCatalog) -> None:
    """Check that what the run will write can be written: better now than after the trainings."""
    # Predictions are of no run that has a record: they may go anywhere.
    predicted = {
        name for node in pipeline.nodes if node.name.endswith(".predict") for name in node.outputs
    }
    for name in sorted(pipeline.all_outputs()):
        dataset = catalog.get(name)
        path = getattr(dataset, "_filepath", None)
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


def _check_inputs(pipeline: Pipeline, catalog: DataCatalog) -> None:
    """Check that a part of a study does not begin behind what only memory holds."""
    for name in sorted(pipeline.inputs()):
        if catalog.get(name) is None:
            first = create_pipeline(_run_of(name)).to_outputs(name).grouped_nodes[0]
            raise BadInputError(
                f"'{name}' passes from node to node in memory, no earlier run has left it; begin"
                f" with what makes it: --from-nodes={','.join(node.name for node in first)}"
            )


def _command(study: str, run_params: dict[str, Any]) -> str:
    """Return the command that runs one study, or its sweep, as this run does."""
    engine, name = engine_name(), _study_of(study)
    words = [f"KERAS_BACKEND={engine}"] if engine != _DEFAULT_ENGINE else []
    changed = dict(run_params["runtime_params"].get(name, {}))
    if study == name:
        words += ["kedro", "run", f"--pipelines={study}"]
    else:
        words += ["kedro", "study", "sweep", name]
        # Lists, which --params does not take.
        for option, tried in changed.pop("sweep", {}).items():
            words.append(f"--{option}={','.join(map(str, tried))}")
    if env := run_params.get("env"):
        words.append(f"--env={env}")
    if changed:
        words.append(f"--params={','.join(_flat({name: changed}))}")
    return shlex.join(words)


def _flat(options: dict[str, Any], prefix: str = "") -> list[str]:
    flat = []
    for key, value in options.items():
        name = f"{prefix}{key}"
        flat += _flat(value, f"{name}.") if isinstance(value, dict) else [f"{name}={value}"]
    return flat


def _prepare_record(
    study: str,
    pipeline: Pipeline,
    catalog: DataCatalog,
    told: dict[str, Any],
    loaded: LoadedTable | None,
) -> None:
    """Give the record what only the run knows; of a part of a study no record is written."""
    table = catalog.get(f"{_study_of(study)}.table")
    written = table.format if isinstance(table, TableDataset) else None
    process = describe_process()
    process.pop("engine")  # which the trainings tell
    catalog[f"{study}.provenance"] = MemoryDataset(
        {
            **told,
            "table": {
                "path": shown(table),
                "sha256": loaded.sha256 if loaded else table_checksum(table),
                **({"format": _dumped(written)} if written else {}),
            },
            **process,
        }
    )
    whole = {node.name for node in create_pipeline(study).nodes}
    if whole - {node.name for node in pipeline.nodes}:
        catalog[f"{study}.run"] = MemoryDataset()
        logger.warning(
            "%s: only a part of the study runs; without a run.json this version is not complete,"
            " and nothing will read it unless told to",
            study,
        )


def _dumped(written: TableFormat) -> dict[str, Any]:
    return written.model_dump(mode="json", exclude_defaults=True)


def _settle_versions_read(pipeline: Pipeline, catalog: DataCatalog, env: str | None) -> None:
    """Let all that a run reads of earlier ones of a study come from one version.

    That is the newest that is complete and has the study's options, unless ``--load-versions`` says
    which; one whose record is wrong is not read in any case.
    """
    known: dict[str, Versions] = {}
    for name in sorted(pipeline.inputs()):
        dataset = catalog.get(name)
        if not isinstance(dataset, AbstractVersionedDataset) or dataset._version is None:
            continue
        study = _run_of(name)
        versions = known.setdefault(study, versions_of(study, catalog))
        if read := dataset._version.load:
            if read not in (there := dataset.list_versions(full_path=False)):
                raise BadInputError(
                    f"--load-versions: there is no version '{read}' of '{name}'"
                    f"{did_you_mean(read, there)}"
                )
            if read in versions.skipped or not is_version(read):
                why = versions.skipped.get(read, "it is not named as Kedro names versions")
                raise BadInputError(f"--load-versions: version '{read}' is not read: {why}")
        else:
            read = _newest_complete(study, versions, catalog, env)
        # Kedro lets a version be set when a dataset is made, and offers no way afterwards.
        dataset._version = Version(read, None)
        record = catalog.get(f"{study}.run")
        if isinstance(record, RunRecordDataset) and read in versions.complete:
            record.check_files(read, Path(dataset._get_load_path()))


def _settle_version_written(
    pipeline: Pipeline,
    catalog: DataCatalog,
    records: Iterable[AbstractDataset[Any, Any] | None],
    version: str,
) -> list[tuple[RunRecordDataset, str]]:
    """Let all that a run writes be of one version, which no other run writes.

    Versions are milliseconds: runs that began in the same one would share theirs.

    Returns:
        Whose version is claimed, and which it is.
    """
    versioned = [
        dataset
        for name in pipeline.all_outputs()
        if isinstance(dataset := catalog.get(name), AbstractVersionedDataset) and dataset._version
    ]
    kept = [record for record in records if versioned and isinstance(record, RunRecordDataset)]
    while not all(claims := [record.claim(version) for record in kept]):
        for record, claimed in zip(kept, claims, strict=True):
            if claimed:
                record.unclaim(version)
        time.sleep(0.002)
        version = generate_timestamp()
    for dataset in versioned:
        # What the run writes it reads back in its own version.
        dataset._version = Version(version, version)
    return [(record, version) for record in kept]


def _newest_complete(study: str, versions: Versions, catalog: DataCatalog, env: str | None) -> str:
    if not versions.complete:
        skipped = f" ({versions.told()})" if versions.skipped else ""
        raise BadInputError(
            f"there is no complete run of the study '{study}' to take up{skipped}; run all of it"
            f" first: kedro run --pipelines={study}"
        )
    options = catalog.load(f"params:{_study_of(study)}")
    if isinstance(options, dict):  # of a part whose nodes take no options, Kedro makes no study
        options = parse_study(_study_of(study), options)
    return newest_own(study, versions, catalog, options, env, "--load-versions")


def describe_process() -> dict[str, Any]:
    """Return what the numbers of a run may depend on beside its study and its table."""
    packages = (*_PACKAGES, engine_name())
    return {
        "engine": engine_name(),
        "switches": switches_of().described(),
        "packages": {name: importlib.metadata.version(name) for name in packages},
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def _choices(study: Study, choices: dict[str, Any]) -> str:
    return "\n".join(
        [
            f"{study.label}: {choices['error']} of the validation rows by choice",
            *(f"  {sentence}" for sentence in choices["sentences"].values()),
        ]
    )


def _answer(study: Study, comparison: pd.DataFrame) -> str:
    task = task_of(study)
    lines = [f"{study.label}: validation loss ({study.training.loss}) by variant"]
    for _, row in comparison.iterrows():
        told = []
        if pd.notna(row["final_val_loss"]):
            told.append(
                f"{row['final_val_loss']:.4g} in the last epoch, {row['min_val_loss']:.4g} in the"
                f" best{_beside(task, row)}"
            )
        for what in ("diverged", *task.failures):
            if count := row[what]:
                of = f" ({count} of {row['replicas']})" if row["replicas"] > 1 else ""
                told.append(f"{what}{of}")
        lines.append(f"  {row['variant']:<18} {'; '.join(told)}")
    return "\n".join(lines)


def _beside(task: Task, row: pd.Series) -> str:
    told = {SCORES[name].label: row[f"validation_{name}"] for name in task.beside}
    return "".join(f"; {label} {value:.3g}" for label, value in told.items() if pd.notna(value))
