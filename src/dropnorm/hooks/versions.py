"""Which versions a run reads and writes."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from kedro.io import AbstractVersionedDataset
from kedro.io.core import Version, generate_timestamp

from dropnorm.datasets.kedro_compat import load_path_of, set_version, version_of
from dropnorm.datasets.run_record import RunRecordDataset, Versions, is_version
from dropnorm.errors import BadInputError, did_you_mean
from dropnorm.evaluation.runs.overrides import tell_changed
from dropnorm.hooks.outcomes import names_read
from dropnorm.hooks.study_names import run_of, study_of
from dropnorm.hooks.study_versions import newest_own, versions_of
from dropnorm.study.parsing import parse_study
from dropnorm.study.schema import Study

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kedro.io import AbstractDataset, DataCatalog
    from kedro.pipeline import Pipeline

    from dropnorm.config_loader import StudyConfigLoader

logger = logging.getLogger(__name__)


def settle_versions_read(
    pipeline: Pipeline, catalog: DataCatalog, config: StudyConfigLoader
) -> None:
    """Let all that a run reads of earlier ones of a study come from one version.

    That is the newest that is complete and has the study's options, unless ``--load-versions`` says
    which; one whose record is wrong is not read in any case.

    Args:
        pipeline: What runs.
        catalog: Of the run.
        config: The one in use.

    Raises:
        BadInputError: If there is no such version.
    """
    known: dict[str, Versions] = {}
    taken: dict[str, str] = {}
    chosen = _versions_chosen(pipeline, catalog)
    for name in names_read(pipeline):
        dataset = catalog.get(name)
        if not isinstance(dataset, AbstractVersionedDataset) or version_of(dataset) is None:
            continue
        study = run_of(name)
        versions = known.setdefault(study, versions_of(study, catalog))
        if read := chosen.get(study):
            _check_there(name, dataset, read)
            if read in versions.skipped or not is_version(read):
                why = versions.skipped.get(read, "it is not named as Kedro names versions")
                raise BadInputError(f"--load-versions: version '{read}' is not read: {why}")
        else:
            read = _newest_complete(study, versions, catalog, config)
        set_version(dataset, Version(read, None))
        if read in versions.complete:
            taken[study] = read
        record = catalog.get(f"{study}.run")
        if isinstance(record, RunRecordDataset) and read in versions.complete:
            record.check_files(read, load_path_of(dataset))
    for study, read in taken.items():
        _warn_of_other_options(study, read, pipeline, catalog)


def _warn_of_other_options(
    run: str, version: str, pipeline: Pipeline, catalog: DataCatalog
) -> None:
    """Warn if nodes take today's options beside results of a run that had others."""
    options = f"params:{study_of(run)}"
    record = catalog.get(f"{run}.run", version=Version(version, None))
    if options not in pipeline.inputs() or record is None:
        return
    now = catalog.load(options)
    if isinstance(now, Study) and (changed := tell_changed(record.load(), now)):
        logger.warning(
            "%s: what runs takes results of version %s, which had other options: %s; what it finds"
            " mixes both, so run all of the study for an answer",
            run,
            version,
            changed,
        )


def _versions_chosen(pipeline: Pipeline, catalog: DataCatalog) -> dict[str, str]:
    """Return by study the version that ``--load-versions`` names for one of its datasets.

    It holds for all of them: options of one version and networks of another would predict, and
    wrongly.

    Raises:
        BadInputError: If the datasets of a study are to come from different versions.
    """
    named: dict[str, tuple[str, str]] = {}
    for name in names_read(pipeline):
        dataset = catalog.get(name)
        asked = version_of(dataset)
        if not isinstance(dataset, AbstractVersionedDataset) or asked is None:
            continue
        if read := asked.load:
            _check_there(name, dataset, read)
            other, version = named.setdefault(run_of(name), (name, read))
            if version != read:
                raise BadInputError(
                    f"--load-versions: '{other}' is asked for in version {version}, and '{name}'"
                    f" in {read}; name one version for the whole study"
                )
    return {study: version for study, (_, version) in named.items()}


def _check_there(name: str, dataset: AbstractVersionedDataset[Any, Any], version: str) -> None:
    there = dataset.list_versions(full_path=False)
    if version not in there:
        raise BadInputError(
            f"--load-versions: there is no version '{version}' of '{name}'"
            f"{did_you_mean(version, there)}"
        )


def settle_version_written(
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
        if isinstance(dataset := catalog.get(name), AbstractVersionedDataset)
        and version_of(dataset) is not None
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
        set_version(dataset, Version(version, version))
    for record in kept:
        _warn_of_clock(record, version)
    return [(record, version) for record in kept]


def _warn_of_clock(record: RunRecordDataset, version: str) -> None:
    """Warn if a complete version is later than that of a run that begins now."""
    complete = record.complete_versions()
    if complete and complete[0] > version:
        logger.warning(
            "%s: by the clock of this machine, this run is version %s, and an earlier run is"
            " version %s. Commands take the latter as the newest, so name this one with --version,"
            " or set the clock and run again",
            record.path.parent.name,
            version,
            complete[0],
        )


def _newest_complete(
    study: str, versions: Versions, catalog: DataCatalog, config: StudyConfigLoader
) -> str:
    if not versions.complete:
        skipped = f" ({versions.told()})" if versions.skipped else ""
        raise BadInputError(
            f"there is no complete run of the study '{study}' to take up{skipped}; run all of it"
            f" first: {config.command('run', f'--pipelines={study}')}"
        )
    options = catalog.load(f"params:{study_of(study)}")
    if isinstance(options, dict):  # of a part whose nodes take no options, Kedro makes no study
        options = parse_study(study_of(study), options)
    return newest_own(study, versions, catalog, options, config, "--load-versions")
