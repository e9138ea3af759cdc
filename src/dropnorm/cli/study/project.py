"""The project in which a command was called, and what its runs have left."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import AbstractVersionedDataset, DataCatalog
from kedro.io.core import Version
from kedro.utils import find_kedro_project
from rich.console import Console

from dropnorm.config_loader import project_config
from dropnorm.datasets.catalog_entries import make_catalog
from dropnorm.datasets.kedro_compat import load_path_of, with_absolute_paths
from dropnorm.datasets.run_record import RunRecordDataset
from dropnorm.errors import BadInputError, did_you_mean
from dropnorm.evaluation.runs.overrides import Standing
from dropnorm.hooks.study_names import run_of
from dropnorm.hooks.study_versions import judge_version, newest_own, versions_of
from dropnorm.pipeline_registry import study_of

if TYPE_CHECKING:
    from dropnorm.config_loader import StudyConfigLoader
    from dropnorm.datasets.run_record import Versions
    from dropnorm.evaluation.runs.overrides import Judged
    from dropnorm.study.schema import Study

logger = logging.getLogger(__name__)

# Of tables that are written to a file, in characters.
_WIDTH = 160
# Versions that a message names.
_MOST_NAMED = 10


@dataclass(frozen=True)
class Project:
    """The project in which a command was called, in one environment.

    Attributes:
        root: Its folder.
        config: Knows the studies.
        catalog: Knows where the files are.
    """

    root: Path
    config: StudyConfigLoader
    catalog: DataCatalog

    def command(self, *words: str) -> str:
        """Return a command of Kedro's, for messages, that uses the same configuration as this."""
        return self.config.command(*words)

    def check_study(self, name: str) -> None:
        """Refuse a name that is no study's.

        Raises:
            BadInputError: Names the nearest study.
        """
        studies = self.config.studies()
        if name not in studies:
            raise BadInputError(
                f"there is no study '{name}'{did_you_mean(name, studies)}"
                f" (studies: {', '.join(studies)})"
            )

    def versions(self, study: str) -> Versions:
        """Return the versions of a study that have a record: complete ones, and why others are not.

        Raises:
            OSError: If the folder of its records cannot be read.
        """
        return versions_of(study, self.catalog)

    def complete_versions(self, study: str) -> list[str]:
        """Return the versions of a study that can be read, the newest first."""
        return self.versions(study).complete

    def judge(self, study: str, version: str) -> Judged:
        """Say whether a complete version has the options of the study as it is today."""
        return judge_version(study, version, self.catalog, self._study(study), self.config.env)

    def choose_version(
        self, study: str, version: str | None, what_for: str, *, own: bool = True
    ) -> str:
        """Return a complete version of a study: the newest of its own options if none is named.

        Args:
            study: Name of a study that there is.
            version: What a user has named.
            what_for: For messages: ``predict with``.
            own: Whether the newest must have the study's own options.

        Raises:
            BadInputError: Names the nearest version, or says how to get one.
        """
        versions = self.versions(study)
        if not versions.complete:
            skipped = f" ({versions.told()})" if versions.skipped else ""
            raise BadInputError(
                f"there is no complete run of the study '{study}' to {what_for}{skipped}; run it"
                f" first: {self.command('run', f'--pipelines={study}')}"
            )
        if version is not None:
            self._check_version(study, version, versions)
            return version
        chosen = versions.complete[0]
        if own:
            now = self._study(study)
            chosen = newest_own(study, versions, self.catalog, now, self.config, "--version")
        if versions.skipped and max(versions.skipped) > chosen:
            logger.warning("%s: %s", study, versions.told())
        if own and (judged := self.judge(study, chosen)).standing is not Standing.OWN:
            logger.warning("%s, version %s: %s", study, chosen, judged.told)
        return chosen

    def _check_version(self, study: str, version: str, versions: Versions) -> None:
        if version in versions.skipped:
            raise BadInputError(
                f"version {version:.60} of the study '{study}' is not read:"
                f" {versions.skipped[version]}"
            )
        if version not in versions.complete:
            raise BadInputError(
                f"there is no complete version '{version:.60}' of the study '{study}'"
                f"{did_you_mean(version, versions.complete)}"
                f" (complete: {', '.join(versions.complete[:_MOST_NAMED])}"
                f"{' …' if len(versions.complete) > _MOST_NAMED else ''})"
            )

    def _study(self, name: str) -> Study | None:
        """Return a study as it is today; None if its YAML has problems, or it is gone."""
        try:
            return self.config.study(study_of(name))
        except BadInputError:
            return None

    def load(self, name: str, version: str) -> Any:
        """Load one complete version of a dataset, as its run wrote it.

        Raises:
            DatasetError: If a file has been changed or lost since.
        """
        dataset = self.catalog.get(name, version=Version(version, None))
        if dataset is None:
            raise BadInputError(f"the catalog has no entry '{name}'")
        record = self.catalog.get(f"{run_of(name)}.run")
        if isinstance(record, RunRecordDataset) and isinstance(dataset, AbstractVersionedDataset):
            record.check_files(version, load_path_of(dataset))
        return dataset.load()


def open_project(conf_source: str | None, env: str | None) -> Project:
    """Open the project in which, or below which, we are.

    Raises:
        BadInputError: If there is none.
    """
    root = find_kedro_project(Path.cwd())
    if root is None:
        raise BadInputError("there is no Kedro project here; go to the project's folder")
    config = project_config(conf_source, env)
    # Not a session's catalog: for that, Kedro checks all studies and ends at the first mistake.
    entries = with_absolute_paths(root, config["catalog"])
    return Project(root, config, make_catalog(entries, config.credentials()))


def screen() -> Console:
    """Return what tables are printed on; a file or a pipe has room for long lines."""
    plain: Any = {"markup": False, "emoji": False}  # titles and names are printed as they are
    console = Console(**plain)
    return console if console.is_terminal else Console(width=max(console.width, _WIDTH), **plain)
