"""The studies that files of the configuration hold; a mistake in one keeps no other from use."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from dropnorm.config_files import keys_below, plain, shown, why_no_reference
from dropnorm.errors import BadInputError, did_you_mean, in_one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from omegaconf import DictConfig

    from dropnorm.config_files import ConfigFile

PARAMS = "--params"
# Dots and braces mean something in the names of datasets.
_STUDY_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}")


class StudyFiles:
    """The studies of a configuration, as base and an environment write them.

    Args:
        environments: Files of base, and of the environment in use, each sorted.
        wrong: Files that cannot be read, with the study of each: file, name, and why.
        runtime_params: What ``--params`` says, by study.
        soft: Whether an environment changes options of a study, or replaces all of it.

    Raises:
        BadInputError: If what stands at the top of a file is no study, or ``--params`` names none.
    """

    def __init__(
        self,
        environments: Sequence[Sequence[ConfigFile]],
        wrong: Sequence[tuple[Path, str, str]],
        runtime_params: Mapping[str, Any],
        *,
        soft: bool,
    ) -> None:
        self._environments = environments
        self._wrong = {name: why for _, name, why in wrong}
        self._runtime_params = dict(runtime_params)
        self._soft = soft
        # The files that speak of a study, and the keys that each has of it.
        self._written: dict[str, list[tuple[Path, list[str]]]] = {}
        for file in (file for files in environments for file in files):
            for name, options in _studies_in(file).items():
                self._written.setdefault(name, []).append((file.path, keys_below(name, options)))
        for path, name, _ in wrong:
            self._written.setdefault(name, []).append((path, []))

    @property
    def names(self) -> list[str]:
        """The names of all studies, sorted."""
        return sorted(self._written)

    @property
    def usable(self) -> dict[str, Any]:
        """The options of every study of which they can be had, by its name; not to be changed."""
        return self._resolved[0]

    @property
    def wrong(self) -> dict[str, str]:
        """Why the options of a study cannot be had, in one line with file and key."""
        return self._resolved[1]

    def sources(self, study: str) -> dict[str, str]:
        """Return what sets each option of a study: a file, or ``--params``."""
        sources: dict[str, str] = {}
        written = [(shown(path), keys) for path, keys in self._written[study]]
        by_params = (PARAMS, keys_below(study, self._runtime_params.get(study)))
        for source, keys in (*written, by_params):
            for key in keys:
                # What a section lacks is missing where it was begun, not where it was changed.
                if key not in sources or not any(one.startswith(f"{key}.") for one in keys):
                    sources[key] = source
        return sources

    @cached_property
    def _resolved(self) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the options of the studies, and why those of others cannot be had."""
        for name in self._runtime_params:
            if name not in self._written:
                raise BadInputError(
                    f"{PARAMS}: there is no study '{name}'{did_you_mean(name, self._written)}"
                    f" (studies: {', '.join(self.names)})"
                )
        usable: dict[str, Any] = {}
        wrong = dict(self._wrong)
        for files in self._environments:
            if not files:
                continue
            wrong |= self._why_params_clash(files)
            contents = [file.content for file in files]
            params = {name: one for name, one in self._runtime_params.items() if name not in wrong}
            merged: Any = OmegaConf.merge(*contents, params)
            for name in (str(name) for name in merged if name in self._written):
                if name in wrong:
                    continue
                try:
                    options = _resolve(merged, name)
                except (OmegaConfBaseException, RecursionError, ValueError) as error:
                    wrong[name] = self._why_unresolved(name, files, error)
                    continue
                if self._soft and (clash := _clash(usable.get(name), options, name)):
                    wrong[name] = self._why_files_clash(name, files, *clash)
                else:
                    usable[name] = self._joined(usable.get(name), options)
        named = {
            name: {**options, "name": name} if isinstance(options, dict) else options
            for name, options in usable.items()
            if name not in wrong
        }
        return named, wrong

    def _joined(self, base: Any, environment: Any) -> Any:
        """Return the options of a study as an environment changes them, as Kedro does."""
        if not (self._soft and isinstance(base, dict) and isinstance(environment, dict)):
            return environment
        return OmegaConf.to_container(OmegaConf.unsafe_merge(base, environment))

    def _why_params_clash(self, files: Sequence[ConfigFile]) -> dict[str, str]:
        """Return why ``--params`` cannot change a study, by its name."""
        wrong = {}
        for written in map(_studies_in, files):
            for name in self._runtime_params.keys() & written.keys():
                if clash := _clash(written[name], self._runtime_params[name], name):
                    wrong[name] = _tell_clash(PARAMS, *clash)
        return wrong

    def _why_files_clash(self, name: str, files: Sequence[ConfigFile], key: str, kind: str) -> str:
        here = {file.path for file in files}
        written = [(path, keys) for path, keys in self._written[name] if path in here]
        # What a reference stands for has no key of its own in the file.
        having = [path for path, keys in written if key in keys] or [path for path, _ in written]
        return _tell_clash(shown(having[0]), key, kind)

    def _why_unresolved(self, name: str, files: Sequence[ConfigFile], error: Exception) -> str:
        key = str(getattr(error, "full_key", None) or name)
        here = {file.path for file in files}
        written = [(path, keys) for path, keys in self._written[name] if path in here]
        place = key.partition("[")[0]  # of a list, its entries have no key of their own
        if place in keys_below(name, self._runtime_params.get(name)):
            source = PARAMS
        else:
            having = [path for path, keys in written if place in keys]
            source = shown((having or [path for path, _ in written])[0])
        if isinstance(error, OmegaConfBaseException):
            return f"{source}: {why_no_reference(error)}"
        if isinstance(error, RecursionError):
            return f"{source}: {key}: leads back to itself, or through too many others, by ${{...}}"
        return f"{source}: {key}: {in_one_line(error)}"


def _clash(options: object, changes: object, key: str) -> tuple[str, str] | None:
    """Return the first key with a list in place of a mapping or the reverse, and what it should be.

    OmegaConf merges neither, and does not say which key it is.
    """
    match options, changes:
        case dict(), dict():
            return next(
                (
                    found
                    for name, one in changes.items()
                    if name in options and (found := _clash(options[name], one, f"{key}.{name}"))
                ),
                None,
            )
        case list(), dict():
            return key, "list"
        case dict(), list():
            return key, "mapping"
    return None


def _tell_clash(source: str, key: str, kind: str) -> str:
    other = {"list": "mapping", "mapping": "list"}[kind]
    return f"{source}: {key} is a {other}; it should be a {kind}"


def _resolve(merged: DictConfig, name: str) -> Any:
    options = merged[name]
    return (
        OmegaConf.to_container(options, resolve=True) if OmegaConf.is_config(options) else options
    )


def _studies_in(file: ConfigFile) -> dict[str, dict[Any, Any]]:
    """Return the options of the studies in a file; what begins with ``_`` is none."""
    studies = {}
    for name, options in plain(file.content).items():
        if str(name).startswith("_"):
            continue
        if not isinstance(name, str):
            raise BadInputError(
                f"{shown(file.path)}: YAML reads a name as {name!r}, which is no text; put it"
                " in quotes, or take another"
            )
        if not _STUDY_NAME.fullmatch(name):
            raise BadInputError(
                f"{shown(file.path)}: '{name}' cannot be the name of a study; take up to 100"
                " letters, digits, _ and -, a letter first"
            )
        if not isinstance(options, dict):
            raise BadInputError(
                f"{shown(file.path)}: what stands at the top must be the name of a study with"
                f" its options below; '{name}' has none"
            )
        studies[name] = options
    return studies


def is_study_name(name: str) -> bool:
    """Tell whether a study may have this name."""
    return bool(_STUDY_NAME.fullmatch(name))
