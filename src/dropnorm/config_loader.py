"""Which studies there are: asked of the configuration source and the environment in use."""

from __future__ import annotations

import copy
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.config import MissingConfigException, OmegaConfigLoader
from kedro.framework.project import settings
from kedro.utils import find_kedro_project
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from dropnorm.commands import kedro_command
from dropnorm.config_files import (
    ConfigFile,
    parse_file,
    refuse_twice,
    shown,
    why_no_reference,
)
from dropnorm.datasets.atomic_files import from_here, is_address
from dropnorm.datasets.kedro_compat import (
    config_files,
    has_environment,
    is_local_folder,
    register_resolvers,
)
from dropnorm.errors import BadInputError, did_you_mean, in_one_line
from dropnorm.study.compare import names_written
from dropnorm.study.parsing import parse_study, refuse_splits_until_settled
from dropnorm.study.yaml_limits import names_at_top, refuse_reference_bomb
from dropnorm.study_files import StudyFiles, is_study_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dropnorm.study.schema import Study

# Of globals.yml, the folders that are written to.
_WRITTEN_TO = ("data", "memory")
_STUDIES = "parameters"


class StudyConfigLoader(OmegaConfigLoader):
    """Kedro's configuration loader, which knows that each top-level parameter is a study.

    One that begins with ``_`` is none: YAML anchors may stand there.

    The registry of pipelines is read where there is no session to ask (``kedro registry list``) and
    before there is a context, so the loader made last is remembered here.
    """

    latest: StudyConfigLoader | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Read once: the files of all studies are read for either, and each study asks for both.
        self._studies: StudyFiles | None = None
        self._is_handed_on = False
        before, StudyConfigLoader.latest = StudyConfigLoader.latest, self
        if before is not None and before._is_handed_on and before._asked() == self._asked():
            self._studies = before._studies

    def hand_on(self) -> None:
        """Let the next loader that is asked for the same take over the studies as they are here.

        What was checked is then what runs, and the files are read once.
        """
        self._is_handed_on = True

    def _asked(self) -> tuple[str, str | None, dict[str, Any]]:
        return str(self.conf_source), self.env, self.runtime_params

    def __getitem__(self, key: str) -> dict[str, Any]:
        """Return the configuration; of parameters, every study with its name in it.

        Raises:
            BadInputError: If a file cannot be read, or ``--params`` names no study.
        """
        if key == _STUDIES and key not in self.data:
            studies = self._read_studies()
            for why in studies.wrong.values():
                raise BadInputError(why)
            if not studies.usable:
                raise MissingConfigException(f"no file in {self.conf_source} has a study")
            return copy.deepcopy(studies.usable)
        config = self._resolved(key)
        if key == "globals":
            self._refuse_addresses(config)
        return config

    def _resolved(self, key: str) -> dict[str, Any]:
        # One for the whole process: the loader that was made last must not answer for this one.
        register_resolvers(self)
        with self._told(key):
            for env in self._environments():
                files = [parse_file(*file) for file in config_files(self, key, env)]
                refuse_twice(files, by_option=False)
                self._refuse_bomb(key, files)
            config: dict[str, Any] = super().__getitem__(key)
        return config

    def _environments(self) -> list[str]:
        """Return base, and the environment in use if it is another.

        Raises:
            BadInputError: If the environment leads out of the configuration.
        """
        # A packaged configuration has no conf/local, and nobody has to make one.
        if not self.env and not has_environment(self, self.default_run_env):
            self.default_run_env = self.base_env
        place = Path(self.env or "")
        if place.is_absolute() or ".." in place.parts:
            raise BadInputError(f"'{place}' is no environment: it leads out of the configuration")
        return list(dict.fromkeys((self.base_env, self.env or self.default_run_env)))

    def _refuse_bomb(self, key: str, files: list[ConfigFile]) -> None:
        values = {name: value for file in files for name, value in file.plain.items()}
        refuse_reference_bomb(values, f"{key} in {shown(Path(self.conf_source))}")

    def _refuse_addresses(self, config: dict[str, Any]) -> None:
        """Refuse to write to an address; tables may be read from one."""
        for name in _WRITTEN_TO:
            if is_address(value := config.get(name)):
                raise BadInputError(
                    f"globals in {shown(Path(self.conf_source))}: {name} is '{str(value)[:60]}',"
                    " an address; results are written to a folder of this machine or a shared one:"
                    " write its path, and copy the results when the run is complete"
                )

    def _read_studies(self) -> StudyFiles:
        """Return the studies that there are, with what is wrong with each.

        Raises:
            BadInputError: If something is wrong of which it is not known in which study it is.
        """
        if self._studies is None:
            register_resolvers(self)
            with self._told(_STUDIES):
                wrong: list[tuple[Path, str, str]] = []
                environments = []
                for env in self._environments():
                    self._refuse_missing(env)
                    files = list(self._parsed(env, wrong))
                    refuse_twice(files, by_option=True)
                    self._refuse_bomb(_STUDIES, files)
                    environments.append(files)
                soft = self.merge_strategy.get(_STUDIES) == "soft"
                self._studies = StudyFiles(environments, wrong, self.runtime_params, soft=soft)
        return self._studies

    def _parsed(self, env: str, wrong: list[tuple[Path, str, str]]) -> Iterator[ConfigFile]:
        """Yield the files of studies; of one that cannot be read, say which studies are in it."""
        for path, written in config_files(self, _STUDIES, env):
            try:
                yield parse_file(path, written)
            except BadInputError as error:
                names = [
                    one
                    for one in names_at_top(written.decode(errors="replace"))
                    if not one.startswith("_")
                ]
                if not names or not all(map(is_study_name, names)):
                    raise
                wrong += [(path, name, str(error)) for name in names]

    def _refuse_missing(self, env: str) -> None:
        if not has_environment(self, env):
            raise MissingConfigException(f"there is no environment '{env}' in {self.conf_source}")

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """Say of whatever is wrong with files that it is in the configuration."""
        where = f"{key} in {shown(Path(self.conf_source))}"
        try:
            yield
        except BadInputError:
            raise
        except MissingConfigException:
            self._check_places()
            raise
        except RecursionError as error:
            raise BadInputError(f"{where}: a value leads back to itself, by ${{...}}") from error
        except OmegaConfBaseException as error:
            where = self._file_with(key, str(error.full_key)) or where
            raise BadInputError(f"{where}: {why_no_reference(error)}") from error
        # A link that leads back to itself is a RuntimeError.
        except (YAMLError, ValueError, ArithmeticError, OSError, RuntimeError) as error:
            raise BadInputError(f"{where}: {in_one_line(error)}") from error

    def _check_places(self) -> None:
        """Refuse a configuration source or an environment that is not there."""
        if not is_local_folder(self):
            return
        source = Path(self.conf_source)
        known = sorted(place.name for place in source.glob("*/"))
        if self.base_env not in known:
            raise BadInputError(
                f"there is no configuration in {shown(source)}: a folder with a folder"
                f" '{self.base_env}' in it"
            )
        if self.env and self.env not in known:
            raise BadInputError(
                f"there is no environment '{self.env}' in {shown(source)}"
                f"{did_you_mean(self.env, known)} (environments: {', '.join(known)})"
            )

    def _file_with(self, key: str, full_key: str) -> str:
        """Return the file, the environment's if there are two, in which a key has a reference."""
        found = ""
        for env in self._environments():
            for path, written in config_files(self, key, env):
                content = parse_file(path, written).content
                if b"${" in written and any(full_key.startswith(f"{name!s}.") for name in content):
                    found = shown(path)
        return found

    def studies(self) -> list[str]:
        """Return the names of all studies, sorted."""
        return self._read_studies().names

    def study(self, name: str) -> Study:
        """Return one study, checked.

        Raises:
            BadInputError: One line per problem, each with its source and key.
        """
        studies = self._read_studies()
        if why := studies.wrong.get(name):
            raise BadInputError(why)
        sources, written = studies.sources(name), studies.usable.get(name)
        study = parse_study(name, copy.deepcopy(written), sources)
        refuse_splits_until_settled(study, written or {}, sources)
        return study

    def written_in(self, env: str | None) -> dict[str, Any]:
        """Return the studies as an environment says them, whatever the command line overrides.

        One with a mistake in it is left out.

        Raises:
            BadInputError: If they cannot be read.
        """
        latest = StudyConfigLoader.latest
        try:
            loader = type(self)(self.conf_source, env=env, **settings.CONFIG_LOADER_ARGS)
            return copy.deepcopy(loader._read_studies().usable)
        finally:
            StudyConfigLoader.latest = latest

    def credentials(self) -> dict[str, Any]:
        """Return the credentials by name; there need be none."""
        try:
            return self["credentials"]
        except MissingConfigException:
            return {}

    def options_written(self, name: str) -> Any:
        """Return the options of a study, unchecked and not to be changed; None if it has none."""
        return self._read_studies().usable.get(name)

    def command(self, *words: str) -> str:
        """Return a command of Kedro's, for messages, that uses this configuration.

        Args:
            words: Behind ``kedro``.
        """
        source = str(self.conf_source)
        if not is_address(source):
            is_own = Path(source).resolve() == Path(default_conf_source()).resolve()
            source = "" if is_own else from_here(Path(source))
        return kedro_command(*words, env=self.env, conf_source=source)


def config_in_use() -> StudyConfigLoader:
    """Return the configuration that this process uses."""
    latest = StudyConfigLoader.latest  # a mapping, and an empty one is false
    return project_config() if latest is None else latest


def study_names() -> list[str]:
    """Return the names of the studies in the configuration in use."""
    return config_in_use().studies()


def networks_written(study: str) -> tuple[str, ...]:
    """Return the networks that a study compares in the configuration in use, mistakes or not."""
    try:
        options = config_in_use().options_written(study)
    except BadInputError:  # told when the study is read
        options = None
    return names_written(options)


def project_config(
    conf_source: str | None = None,
    env: str | None = None,
    runtime_params: dict[str, Any] | None = None,
) -> StudyConfigLoader:
    """Return the configuration that a session started here would use."""
    return StudyConfigLoader(
        conf_source=conf_source or default_conf_source(),
        env=env or os.environ.get("KEDRO_ENV"),
        runtime_params=runtime_params,
        **settings.CONFIG_LOADER_ARGS,
    )


def default_conf_source() -> str:
    """Return where the configuration of the project lies in which, or below which, we are."""
    project = find_kedro_project(Path.cwd()) or Path.cwd()
    return str(project / settings.CONF_SOURCE)
