"""The project in which a command was called, and what its runs have left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.framework.context.context import _convert_paths_to_absolute_posix
from kedro.io import AbstractVersionedDataset, DataCatalog
from kedro.io.core import Version
from kedro.utils import find_kedro_project
from rich.console import Console

from dropnorm.catalog import make_catalog
from dropnorm.config import project_config
from dropnorm.datasets.run_record import RunRecordDataset
from dropnorm.errors import BadInputError, did_you_mean

if TYPE_CHECKING:
    from dropnorm.config import StudyConfigLoader

# Of tables that are written to a file, in characters.
_WIDTH = 160


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

    def complete_versions(self, study: str) -> list[str]:
        """Return the versions of a study that have a record, the newest first."""
        record = self.catalog.get(f"{study}.run")
        return record.complete_versions() if isinstance(record, RunRecordDataset) else []

    def choose_version(self, study: str, version: str | None, what_for: str) -> str:
        """Return a complete version of a study: the newest if none is named.

        Args:
            study: Name of a study that there is.
            version: What a user has named.
            what_for: For messages: ``predict with``.

        Raises:
            BadInputError: Names the nearest version, or says how to get one.
        """
        versions = self.complete_versions(study)
        if not versions:
            raise BadInputError(
                f"there is no complete run of the study '{study}' to {what_for}; run it first:"
                f" kedro run --pipelines={study}"
            )
        if version is None:
            return versions[0]
        if version not in versions:
            raise BadInputError(
                f"there is no complete version '{version}' of the study '{study}'"
                f"{did_you_mean(version, versions)} (complete: {', '.join(versions)})"
            )
        return version

    def load(self, name: str, version: str) -> Any:
        """Load one complete version of a dataset, as its run wrote it.

        Raises:
            DatasetError: If a file has been changed or lost since.
        """
        dataset = self.catalog.get(name, version=Version(version, None))
        if dataset is None:
            raise BadInputError(f"the catalog has no entry '{name}'")
        record = self.catalog.get(f"{name.split('.', maxsplit=1)[0]}.run")
        if isinstance(record, RunRecordDataset) and isinstance(dataset, AbstractVersionedDataset):
            record.check_files(version, Path(dataset._get_load_path()))
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
    entries = _convert_paths_to_absolute_posix(root, config["catalog"])
    return Project(root, config, make_catalog(entries, config.credentials()))


def screen() -> Console:
    """Return what tables are printed on; a file or a pipe has room for long lines."""
    console = Console()
    return console if console.is_terminal else Console(width=max(console.width, _WIDTH))
