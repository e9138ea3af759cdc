"""Which studies there are: asked of the configuration source and the environment in use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from kedro.config import OmegaConfigLoader
from kedro.framework.project import settings
from kedro.utils import find_kedro_project

from dropnorm.errors import BadInputError, did_you_mean
from dropnorm.study import Study, parse_study


class StudyConfigLoader(OmegaConfigLoader):
    """Kedro's configuration loader, which knows that each top-level parameter is a study.

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
            BadInputError: If ``--params`` names a study that there is not.
        """
        # One for the whole process: the loader that was made last must not answer for this one.
        self._register_globals_resolver()
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
        }

    def studies(self) -> list[str]:
        """Return the names of all studies, sorted."""
        return sorted(self._written())

    def study(self, name: str) -> Study:
        """Return one study, checked.

        Raises:
            BadInputError: One line per problem, each with its source and key.
        """
        return parse_study(name, self["parameters"].get(name), self._sources(name))

    def _written(self) -> dict[str, list[tuple[Path, Any]]]:
        """Return for every study the files that speak of it, the environment's last."""
        base, environment, *_ = self._read_raw_config("parameters")
        written: dict[str, list[tuple[Path, Any]]] = {}
        for path, content in (*base.items(), *environment.items()):
            for name in content:
                written.setdefault(str(name), []).append((path, content[name]))
        return written

    def _sources(self, name: str) -> dict[str, str]:
        sources: dict[str, str] = {}
        for path, options in self._written()[name]:
            shown = os.path.relpath(path) if Path(path).is_absolute() else str(path)
            sources.update(dict.fromkeys(_keys(name, options), shown))
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


def _keys(prefix: str, options: Any) -> list[str]:
    keys = [prefix] if options is not None else []
    if hasattr(options, "items"):
        for key, value in options.items():
            keys += [f"{prefix}.{key}", *_keys(f"{prefix}.{key}", value)]
    return keys
