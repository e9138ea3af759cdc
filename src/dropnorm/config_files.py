"""Files of the configuration: what is in one, and what is wrong with it."""

from __future__ import annotations

import io
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError, YAMLError
from yaml.constructor import ConstructorError
from yaml.parser import ParserError
from yaml.scanner import ScannerError

from dropnorm.errors import BadInputError, in_one_line
from dropnorm.study.yaml_limits import refuse_yaml_bomb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_TAG = re.compile(r"constructor for the tag 'tag:yaml.org,2002:(.*)'")
# What OmegaConf says of references, and what a user reads.
_TOLD = {
    "Interpolation to parent node detected": "leads back to itself, by ${...}",
    "Recursive interpolation detected": "leads back to itself, by ${...}",
}


@dataclass(frozen=True)
class ConfigFile:
    """A file of the configuration.

    Attributes:
        path: Where it lies; in an archive, there.
        content: With references (``${...}``) as they are written.

    Not to be changed: what is asked for again is the same object.
    """

    path: Path
    content: DictConfig

    @cached_property
    def plain(self) -> dict[Any, Any]:
        """The content without OmegaConf's classes."""
        return plain(self.content)


# Files of a few environments: one command asks several times for what is in them.
@lru_cache(maxsize=64)
def parse_file(path: Path, written: bytes) -> ConfigFile:
    """Return what is in a file, read anew only if something else is written in it.

    Raises:
        BadInputError: If it is no YAML of names, or unpacks to far more than it says.
    """
    refuse_yaml_bomb(written.decode(errors="replace"), shown(path))
    with _naming(path):
        content = OmegaConf.load(io.StringIO(written.decode()))
    if isinstance(content, ListConfig):
        raise BadInputError(f"{shown(path)}: is a list; it must be a mapping of names")
    return ConfigFile(path, content)


def refuse_twice(files: Sequence[ConfigFile], *, by_option: bool) -> None:
    """Refuse names that two files of one environment have: Kedro would take either.

    Args:
        files: Of one kind and one environment.
        by_option: Whether two files may share a name as long as they share no option below it.

    Raises:
        BadInputError: Names both files.
    """
    first: dict[str, Path] = {}
    for file in files:
        names = _leaves(file.plain) if by_option else map(str, file.plain)
        keys = {name for name in names if not name.startswith("_")}
        if shared := sorted(keys & first.keys()):
            one = first[shared[0]]
            more = sum(first[name] == one for name in shared) - 1
            told = f"{shared[0]} and {more} more" if more else shared[0]
            rename = ", or if they are two studies, rename one" if by_option else ""
            raise BadInputError(
                f"{shown(one)} and {shown(file.path)} both have {told}; keep it in one of"
                f" them{rename}"
            )
        first |= dict.fromkeys(keys, file.path)


def why_no_reference(error: OmegaConfBaseException) -> str:
    """Say in one line what is wrong with a value that refers to another, and where it stands."""
    told = str(error).splitlines()[0]  # what follows says where, for programs
    told = _TOLD.get(told, told)
    return f"{error.full_key}: {told}" if error.full_key else told


def shown(path: Path) -> str:
    """Return a file's path from here; one in an archive as it is there."""
    return os.path.relpath(path) if path.is_absolute() else str(path)


def plain(content: Any) -> dict[Any, Any]:
    """Return a content without OmegaConf's classes, with references as they are written."""
    made: Any = OmegaConf.to_container(content, resolve=False)
    return dict(made)


def keys_below(prefix: str, options: Any) -> list[str]:
    """Return the dotted keys of options, those of sections as well, behind a prefix."""
    keys = [prefix] if options is not None else []
    if hasattr(options, "items"):
        for key, value in options.items():
            keys += [f"{prefix}.{key}", *keys_below(f"{prefix}.{key}", value)]
    return keys


def _leaves(options: dict[Any, Any], prefix: str = "") -> set[str]:
    leaves: set[str] = set()
    for key, value in options.items():
        name = f"{prefix}{key}"
        leaves |= _leaves(value, f"{name}.") if isinstance(value, dict) else {name}
    return leaves


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Say in which line of which file something is no YAML."""
    try:
        yield
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise BadInputError(f"{shown(path)}: {line}{_why_no_yaml(error)}") from error
    except OmegaConfBaseException as error:
        raise BadInputError(f"{shown(path)}: {why_no_reference(error)}") from error
    except UnicodeDecodeError as error:
        told = f"byte {error.start} is no UTF-8 text, which YAML is"
        raise BadInputError(f"{shown(path)}: {told}") from error
    except (YAMLError, ValueError, ArithmeticError, OSError) as error:
        # OmegaConf's own has no number.
        alone = isinstance(error, OSError) and error.errno is None
        told = "is a single value; it must be a mapping of names" if alone else in_one_line(error)
        raise BadInputError(f"{shown(path)}: {told}") from error


def _why_no_yaml(error: MarkedYAMLError) -> str:
    told = str(error.problem)
    if isinstance(error, ConstructorError) and (tag := _TAG.search(told)):
        return f"the tag !!{tag[1]} is not read; write a plain value"
    return f"is no YAML: {told}" if isinstance(error, ParserError | ScannerError) else told
