"""Which studies there are: asked of the configuration source and the environment in use."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.config import MissingConfigException, OmegaConfigLoader
from kedro.framework.project import settings
from kedro.utils import find_kedro_project
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from dropnorm.errors import BadInputError, did_you_mean, in_one_line
from dropnorm.study import Study, parse_study

if TYPE_CHECKING:
    from collections.abc import Iterator

# Dots and braces mean something in the names of datasets.
_STUDY_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


class StudyConfigLoader(OmegaConfigLoader):
    """Kedro's configuration loader, which knows that each top-level parameter is a study.

    One that begins with ``_`` is none: YAML anchors may stand there.

    The registry of pipelines is read where there is no session to ask (``kedro registry list``) and
    before there is a context, so the loader made last is remembered here.
    """

    latest: StudyConfigLoader | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        StudyConfigLoader.latest = self

    def __getitem__(self, key: str) -> dict[str, Any]:
        """Return the configuration; of parameters, every study with its name in it.

        Raises:
            BadInputError: If a file cannot be read, or ``--params`` names no study.
        """
        # One for the whole process: the loader that was made last must not answer for this one.
        self._register_globals_resolver()
        with self._told(key):
            config: dict[str, Any] = super().__getitem__(key)
        if key != "parameters":
            return config
        written = self._written()
        for name in self.runtime_params:
            if name not in written:
                raise BadInputError(
                    f"--params: there is no study '{name}'{did_you_mean(name, written)}"
                    f" (studies: {', '.join(sorted(written))})"
                )
        return {
            name: {**options, "name": name} if isinstance(options, dict) else options
            for name, options in config.items()
            if name in written
        }

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """Say of whatever is wrong with files that it is in the configuration."""
        where = f"{key} in {self.conf_source}"
        try:
            yield
        except (BadInputError, MissingConfigException):
            raise
        except RecursionError as error:
            raise BadInputError(
                f"{where}: a value leads back to itself, by ${{...}} or by an alias (*)"
            ) from error
        # Kedro raises ValueError where two files have the same key, OmegaConf OSError where a file
        # is a number.
        except (OmegaConfBaseException, YAMLError, ValueError, OSError) as error:
            raise BadInputError(f"{where}: {in_one_line(error)}") from error

    def studies(self) -> list[str]:
        """Return the names of all studies, sorted."""
        return sorted(self._written())

    def study(self, name: str) -> Study:
        """Return one study, checked.

        Raises:
            BadInputError: One line per problem, each with its source and key.
        """
        return parse_study(name, self["parameters"].get(name), self._sources(name))

    def credentials(self) -> dict[str, Any]:
        """Return the credentials by name; there need be none."""
        try:
            return self["credentials"]
        except MissingConfigException:
            return {}

    def _written(self) -> dict[str, list[tuple[Path, Any]]]:
        """Return for every study the files that speak of it, the environment's last."""
        base, environment, *_ = self._read_raw_config("parameters")
        written: dict[str, list[tuple[Path, Any]]] = {}
        for path, content in (*base.items(), *environment.items()):
            for name in content:
                if str(name).startswith("_"):
                    continue
                if not isinstance(name, str):
                    raise BadInputError(
                        f"{_shown(path)}: YAML reads a name as {name!r}, which is no text; put it"
                        " in quotes, or take another"
                    )
                if not _STUDY_NAME.fullmatch(name):
                    raise BadInputError(
                        f"{_shown(path)}: '{name}' cannot be the name of a study; take letters,"
                        " digits, _ and -, a letter first"
                    )
                if not isinstance(content._get_node(name), DictConfig):
                    raise BadInputError(
                        f"{_shown(path)}: what stands at the top must be the name of a study with"
                        f" its options below; '{name}' has none"
                    )
                written.setdefault(name, []).append((path, content[name]))
        return written

    def _read_raw_config(self, key: str) -> Any:
        # A packaged configuration has no conf/local, and nobody has to make one.
        if not self.env and not self._fs.isdir(self._get_conf_env_path(self.default_run_env)):
            self.default_run_env = self.base_env
        with self._told(key):
            return super()._read_raw_config(key)

    def _check_duplicates(self, key: str, config_per_file: dict[Path, Any]) -> None:
        for path, content in config_per_file.items():
            if not isinstance(content, DictConfig):
                raise BadInputError(f"{_shown(path)}: is a list; it must be a mapping of names")
        super()._check_duplicates(key, config_per_file)

    def _sources(self, name: str) -> dict[str, str]:
        sources: dict[str, str] = {}
        for path, options in self._written()[name]:
            sources.update(dict.fromkeys(_keys(name, options), _shown(path)))
        sources.update(dict.fromkeys(_keys(name, self.runtime_params.get(name)), "--params"))
        return sources


def study_names() -> list[str]:
    """Return the names of the studies in the configuration in use."""
    latest = StudyConfigLoader.latest  # a mapping, and an empty one is false
    return (project_config() if latest is None else latest).studies()


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


def _shown(path: Path) -> str:
    """Return a file's path from here; one in an archive as it is there."""
    return os.path.relpath(path) if path.is_absolute() else str(path)


def _keys(prefix: str, options: Any) -> list[str]:
    keys = [prefix] if options is not None else []
    if hasattr(options, "items"):
        for key, value in options.items():
            keys += [f"{prefix}.{key}", *_keys(f"{prefix}.{key}", value)]
    return keys
