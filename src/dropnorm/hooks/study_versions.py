"""Which version of a study is read: complete, and of the study's own options."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io.core import Version

from dropnorm.datasets.catalog_entries import is_local
from dropnorm.datasets.kedro_compat import filepath_of, version_of
from dropnorm.datasets.run_record import RunRecordDataset, Versions
from dropnorm.errors import BadInputError
from dropnorm.evaluation.estimation.contrasts import FOUR
from dropnorm.evaluation.records import EarlierRun, RunRecord
from dropnorm.evaluation.runs.overrides import Judged, Standing, has_looked, judge, overridden
from dropnorm.pipeline_registry import create_of_networks, study_of
from dropnorm.study.compare import names_written
from dropnorm.study.parsing import parse_study

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kedro.io import DataCatalog

    from dropnorm.config_loader import StudyConfigLoader
    from dropnorm.evaluation.json_form import Json
    from dropnorm.evaluation.records import Override
    from dropnorm.study.schema import Study


def versions_of(run: str, catalog: DataCatalog) -> Versions:
    """Return the versions of a run that are complete, and why others are not.

    Raises:
        OSError: If the folder of its records cannot be read.
    """
    record = catalog.get(f"{run}.run")
    if not isinstance(record, RunRecordDataset) or not record.path.is_dir():
        return Versions()
    places = cache(partial(_places_written, run, catalog))
    return record.versions(lambda written: places(names_written(written.options)))


def judge_version(
    run: str, version: str, catalog: DataCatalog, study: Study | None, environment: str | None
) -> Judged:
    """Say whether a complete version may be taken for the study's own, as it is today."""
    record = catalog.get(f"{run}.run", version=Version(version, None))
    return judge(record.load() if record else RunRecord(), study, environment)


def newest_own(
    run: str,
    versions: Versions,
    catalog: DataCatalog,
    study: Study | None,
    config: StudyConfigLoader,
    option: str,
) -> str:
    """Return the newest complete version that may be taken for the study's own.

    Args:
        run: Name of the study, or of what stands apart.
        versions: Its own; one is complete.
        catalog: Knows where its records are.
        study: As it is today; None if it cannot be read.
        config: The one in use.
        option: Which takes a version all the same.

    Raises:
        BadInputError: If there is none, for all had options that were overridden.
    """
    judged = {}
    for version in versions.complete:
        judged[version] = judge_version(run, version, catalog, study, config.env)
        if judged[version].standing is not Standing.OVERRIDDEN:
            return version
    newest = versions.complete[0]
    raise BadInputError(
        f"no complete run of '{run}' has the study's own options; version {newest} was run with"
        f" {judged[newest].difference}; {option} takes that one, and"
        f" '{config.command('run', f'--pipelines={run}')}' runs the study itself"
    )


def earlier_runs(
    study: Study, catalog: DataCatalog, sha256: str | None, engine: str
) -> tuple[EarlierRun, ...]:
    """Return the complete runs that have looked at a study before a run with more replicas.

    Args:
        study: As it is about to run.
        catalog: Knows where its records are.
        sha256: Checksum of its table.
        engine: That it is about to run on.
    """
    found = []
    for version in reversed(versions_of(study.name, catalog).complete):
        record = catalog.get(f"{study.name}.run", version=Version(version, None))
        told = record.load() if record else RunRecord()
        if told.table.sha256 == sha256 and told.engine == engine and has_looked(told, study):
            replicas = told.options["replicas"]
            found.append(EarlierRun(version, replicas["splits"], replicas["starts"]))
    return tuple(found)


def overridden_options(
    config: StudyConfigLoader, options: Study, run_params: Mapping[str, Any]
) -> dict[str, Override]:
    """Return the options of a run that are not those of its study, as ``run.json`` says them.

    Args:
        config: Of the run.
        options: Of the run.
        run_params: As Kedro gives them to hooks.
    """
    name, env = options.name, run_params["env"]
    if not (run_params["runtime_params"].get(name) or env):
        return {}

    def written(where: str | None, otherwise: Json) -> Json:
        try:
            studies = config.written_in(where)
            if name in studies:
                return parse_study(name, studies[name]).model_dump(mode="json")
        except BadInputError:  # without environment or command line it is no whole study
            pass
        return otherwise

    in_environment = written(env, {})
    own = written(None, in_environment)
    return overridden(options.model_dump(mode="json"), in_environment, own, env)


def _places_written(
    run: str, catalog: DataCatalog, networks: tuple[str, ...] = FOUR.names
) -> list[Path]:
    """Return where a run writes what it keeps of a version with these networks."""
    places = []
    for rest in _outputs(run.removeprefix(study_of(run)), networks):
        dataset = catalog.get(f"{run}{rest}")
        if version_of(dataset) is not None and is_local(dataset):
            places.append(Path(str(filepath_of(dataset))))
    return places


@cache
def _outputs(apart: str, networks: tuple[str, ...]) -> list[str]:
    """Return what the outputs of a study of these networks, or of what stands apart, are called."""
    name = f"study{apart}"
    return sorted(
        one.removeprefix(name) for one in create_of_networks(name, networks).all_outputs()
    )
