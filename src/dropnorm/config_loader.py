"""Which studies there are: asked of the configuration source and the environment in use."""

from __future__ import annotations

import copy
import io
import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.config import MissingConfigException, OmegaConfigLoader
from kedro.framework.project import settings
from kedro.utils import find_kedro_project
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError, YAMLError
from yaml.constructor import ConstructorError
from yaml.parser import ParserError
from yaml.scanner import ScannerError

from dropnorm.datasets.atomic_files import is_address
from dropnorm.errors import BadInputError, did_you_mean, in_one_line
from dropnorm.study.compare import names_written
from dropnorm.study.parsing import (
    parse_study,
    refuse_other_networks,
    refuse_splits_until_settled,
)
from dropnorm.study.yaml_limits import refuse_reference_bomb, refuse_yaml_bomb

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dropnorm.study.schema import Study

# Of globals.yml, the folders that are written to.
_WRITTEN_TO = ("data", "memory")
# Dots and braces mean something in the names of datasets.
_STUDY_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}")
_TAG = re.compile(r"constructor for the tag 'tag:yaml.org,2002:(.*)'")


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
        self._options: dict[str, Any] | None = None
        self._keys_by_study: dict[str, list[tuple[Path, list[str]]]] | None = None
        self._is_handed_on = False
        before, StudyConfigLoader.latest = StudyConfigLoader.latest, self
        if before is not None and before._is_handed_on and before._asked() == self._asked():
            self._options, self._keys_by_study = before._options, before._keys_by_study

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
        if key == "parameters":
            return copy.deepcopy(self._all_options())
        config = self._resolved(key)
        if key == "globals":
            self._refuse_addresses(config)
        return config

    def _resolved(self, key: str) -> dict[str, Any]:
        # One for the whole process: the loader that was made last must not answer for this one.
        self._register_globals_resolver()
        with self._told(key):
            config: dict[str, Any] = super().__getitem__(key)
        return config

    def _refuse_addresses(self, config: dict[str, Any]) -> None:
        """Refuse to write to an address; tables may be read from one."""
        for name in _WRITTEN_TO:
            if is_address(value := config.get(name)):
                raise BadInputError(
                    f"globals in {_shown(Path(self.conf_source))}: {name} is '{str(value)[:60]}',"
                    " an address; results are written to a folder of this machine or a shared one:"
                    " write its path, and copy the results when the run is complete"
                )

    def _all_options(self) -> dict[str, Any]:
        """Return the options of every study by its name."""
        if self._options is None:
            self._options = self._options_of_studies()
        return self._options

    def _options_of_studies(self) -> dict[str, Any]:
        config = self._resolved("parameters")
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
        where = f"{key} in {_shown(Path(self.conf_source))}"
        try:
            yield
        except BadInputError:
            raise
        except MissingConfigException:
            self._check_places()
            raise
        except RecursionError as error:
            raise BadInputError(
                f"{where}: a value leads back to itself, by ${{...}} or by an alias (*)"
            ) from error
        except OmegaConfBaseException as error:
            where = self._file_with(key, str(error.full_key)) or where
            raise BadInputError(f"{where}: {_why_no_reference(error)}") from error
        # A link that leads back to itself is a RuntimeError.
        except (YAMLError, ValueError, ArithmeticError, OSError, RuntimeError) as error:
            raise BadInputError(f"{where}: {in_one_line(error)}") from error

    def _check_places(self) -> None:
        """Refuse a configuration source or an environment that is not there."""
        if self._protocol != "file":
            return
        source = Path(self.conf_source)
        known = sorted(place.name for place in source.glob("*/"))
        if self.base_env not in known:
            raise BadInputError(
                f"there is no configuration in {_shown(source)}: a folder with a folder"
                f" '{self.base_env}' in it"
            )
        if self.env and self.env not in known:
            raise BadInputError(
                f"there is no environment '{self.env}' in {_shown(source)}"
                f"{did_you_mean(self.env, known)} (environments: {', '.join(known)})"
            )

    def _file_with(self, key: str, full_key: str) -> str:
        """Return the file, the environment's if there are two, in which a key has a reference."""
        found = ""
        for path, text, content in self._contents(key):
            if "${" in text and any(full_key.startswith(f"{name}.") for name in content):
                found = _shown(path)
        return found

    def _contents(self, key: str) -> Iterator[tuple[Path, str, Any]]:
        """Yield the files of a kind of configuration, the environment's last.

        Raises:
            BadInputError: Of the first that is no YAML.
        """
        for path, found in self._files(key):
            with _naming(path):
                text = found.decode()
                content = OmegaConf.load(io.StringIO(text))
            yield path, text, content

    def _files(self, key: str) -> Iterator[tuple[Path, bytes]]:
        """Yield the files of a kind of configuration with their content, the environment's last."""
        for env in dict.fromkeys((self.base_env, self.env or self.default_run_env)):
            for pattern in self.config_patterns[key]:
                for found in sorted(self._fs.glob(f"{self._get_conf_env_path(env)}/{pattern}")):
                    path = Path(found)
                    if self._is_valid_config_path(path):
                        yield path, self._fs.cat_file(found)

    def studies(self) -> list[str]:
        """Return the names of all studies, sorted."""
        return sorted(self._written())

    def study(self, name: str) -> Study:
        """Return one study, checked.

        Raises:
            BadInputError: One line per problem, each with its source and key.
        """
        sources = self._sources(name)
        study = parse_study(name, copy.deepcopy(self._all_options().get(name)), sources)
        refuse_other_networks(study, sources)
        refuse_splits_until_settled(study, self._all_options()[name], sources)
        return study

    def written_in(self, env: str | None) -> dict[str, Any]:
        """Return the studies as an environment says them, whatever the command line overrides.

        Raises:
            BadInputError: If they cannot be read.
        """
        latest = StudyConfigLoader.latest
        try:
            loader = type(self)(self.conf_source, env=env, **settings.CONFIG_LOADER_ARGS)
            return loader["parameters"]
        finally:
            StudyConfigLoader.latest = latest

    def credentials(self) -> dict[str, Any]:
        """Return the credentials by name; there need be none."""
        try:
            return self["credentials"]
        except MissingConfigException:
            return {}

    def _written(self) -> dict[str, list[tuple[Path, list[str]]]]:
        """Return for every study the files that speak of it, the environment's last.

        With each file stand the keys that it has of the study.
        """
        if self._keys_by_study is None:
            self._read_raw_config("parameters")
        return self._keys_by_study or {}

    @staticmethod
    def _by_study(files: Iterable[tuple[Path, Any]]) -> dict[str, list[tuple[Path, list[str]]]]:
        written: dict[str, list[tuple[Path, list[str]]]] = {}
        for path, content in files:
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
                        f"{_shown(path)}: '{name}' cannot be the name of a study; take up to 100"
                        " letters, digits, _ and -, a letter first"
                    )
                # Not content[name], which would look up what it refers to.
                if not isinstance(options := content._get_node(name), DictConfig):
                    raise BadInputError(
                        f"{_shown(path)}: what stands at the top must be the name of a study with"
                        f" its options below; '{name}' has none"
                    )
                plain = OmegaConf.to_container(options, resolve=False)
                written.setdefault(name, []).append((path, _keys(name, plain)))
        return written

    def _read_raw_config(self, key: str) -> Any:
        # A packaged configuration has no conf/local, and nobody has to make one.
        if not self.env and not self._fs.isdir(self._get_conf_env_path(self.default_run_env)):
            self.default_run_env = self.base_env
        place = Path(self.env or "")
        if place.is_absolute() or ".." in place.parts:
            raise BadInputError(f"'{place}' is no environment: it leads out of the configuration")
        with self._told(key):
            for path, found in self._files(key):
                refuse_yaml_bomb(found.decode(errors="replace"), _shown(path))
            try:
                read = super()._read_raw_config(key)
            except (YAMLError, ValueError, ArithmeticError, OSError):
                for _ in self._contents(key):  # which names the file
                    pass
                raise
            if key == "parameters":
                base, environment, *_ = read
                self._keys_by_study = self._by_study([*base.items(), *environment.items()])
        return read

    def _check_duplicates(self, key: str, config_per_file: dict[Path, Any]) -> None:
        values: dict[Any, Any] = {}
        first: dict[str, Path] = {}
        for path, content in sorted(config_per_file.items()):
            if not isinstance(content, DictConfig):
                raise BadInputError(f"{_shown(path)}: is a list; it must be a mapping of names")
            plain: Any = OmegaConf.to_container(content, resolve=False)
            values |= plain
            names = self._get_all_keys(plain) if key == "parameters" else content
            keys = {str(name) for name in names if not str(name).startswith("_")}
            if shared := sorted(keys & first.keys()):
                one = first[shared[0]]
                more = sum(first[name] == one for name in shared) - 1
                told = f"{shared[0]} and {more} more" if more else shared[0]
                rename = ", or if they are two studies, rename one" if key == "parameters" else ""
                raise BadInputError(
                    f"{_shown(one)} and {_shown(path)} both have {told}; keep it in one of them"
                    f"{rename}"
                )
            first |= dict.fromkeys(keys, path)
        refuse_reference_bomb(values, f"{key} in {_shown(Path(self.conf_source))}")

    def _sources(self, name: str) -> dict[str, str]:
        sources: dict[str, str] = {}
        written = [(_shown(path), keys) for path, keys in self._written()[name]]
        for source, keys in (*written, ("--params", _keys(name, self.runtime_params.get(name)))):
            for key in keys:
                # What a section lacks is missing where it was begun, not where it was changed.
                if key not in sources or not any(one.startswith(f"{key}.") for one in keys):
                    sources[key] = source
        return sources


def study_names() -> list[str]:
    """Return the names of the studies in the configuration in use."""
    latest = StudyConfigLoader.latest  # a mapping, and an empty one is false
    return (project_config() if latest is None else latest).studies()


def networks_written(study: str) -> tuple[str, ...]:
    """Return the networks that a study compares in the configuration in use, mistakes or not."""
    latest = StudyConfigLoader.latest
    try:
        # Not the parameters, which are copied whole, for each of many studies.
        options = (project_config() if latest is None else latest)._all_options()
    except BadInputError:  # told when the study is read
        options = {}
    return names_written(options.get(study))


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


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Say in which line of which file something is no YAML."""
    try:
        yield
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise BadInputError(f"{_shown(path)}: {line}{_why_no_yaml(error)}") from error
    except OmegaConfBaseException as error:
        raise BadInputError(f"{_shown(path)}: {_why_no_reference(error)}") from error
    except UnicodeDecodeError as error:
        told = f"byte {error.start} is no UTF-8 text, which YAML is"
        raise BadInputError(f"{_shown(path)}: {told}") from error
    except (YAMLError, ValueError, ArithmeticError, OSError) as error:
        # OmegaConf's own has no number.
        alone = isinstance(error, OSError) and error.errno is None
        told = "is a single value; it must be a mapping of names" if alone else in_one_line(error)
        raise BadInputError(f"{_shown(path)}: {told}") from error


def _why_no_reference(error: OmegaConfBaseException) -> str:
    told = str(error).splitlines()[0]  # what follows says where, for programs
    return f"{error.full_key}: {told}" if error.full_key else told


def _why_no_yaml(error: MarkedYAMLError) -> str:
    told = str(error.problem)
    if isinstance(error, ConstructorError) and (tag := _TAG.search(told)):
        return f"the tag !!{tag[1]} is not read; write a plain value"
    return f"is no YAML: {told}" if isinstance(error, ParserError | ScannerError) else told


def _shown(path: Path) -> str:
    """Return a file's path from here; one in an archive as it is there."""
    return os.path.relpath(path) if path.is_absolute() else str(path)


def _keys(prefix: str, options: Any) -> list[str]:
    keys = [prefix] if options is not None else []
    if hasattr(options, "items"):
        for key, value in options.items():
            keys += [f"{prefix}.{key}", *_keys(f"{prefix}.{key}", value)]
    return keys
