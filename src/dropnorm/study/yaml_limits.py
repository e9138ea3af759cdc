"""Refuse YAML that unpacks to far more than its size, before it is loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

from dropnorm.errors import BadInputError

# A file may unpack to the larger of these values and this many times the values that it writes.
_FREE = 100_000
_RATIO = 2
# The most levels, because YAML is loaded recursively.
_DEEPEST = 100
# Characters of a text that count as one value.
_OF_TEXT = 100
_REFERENCE = re.compile(r"\$\{([^${}]*)\}")
_PATH = re.compile(r"\.*[^\s.,:\[\]'\"]+(?:\.[^\s.,:\[\]'\"]+)*")
_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class _Collection:
    """An open mapping or list.

    Attributes:
        anchor: Name for aliases.
        values: Number of values so far, with those of aliases.
        height: Number of levels so far.
    """

    anchor: str | None = None
    values: int = 1
    height: int = 1

    def take(self, values: int, height: int) -> None:
        self.values += values
        self.height = max(self.height, height + 1)


@dataclass
class _Sizes:
    """Values and levels of each closed anchor, and the open collections."""

    anchors: dict[str, tuple[int, int]] = field(default_factory=dict)
    open: list[_Collection] = field(default_factory=lambda: [_Collection()])
    written: int = 0

    def see(self, event: yaml.Event) -> None:
        match event:
            case yaml.AliasEvent():
                self.open[-1].take(*self.anchors.get(event.anchor or "", (0, 0)))
            case yaml.ScalarEvent():
                self.written += 1
                self._end(event.anchor, 1, 1)
            case yaml.CollectionStartEvent():
                self.written += 1
                # The anchor no longer refers to an earlier value.
                self.anchors.pop(event.anchor or "", None)
                self.open.append(_Collection(event.anchor))
            case yaml.CollectionEndEvent():
                ended = self.open.pop()
                self._end(ended.anchor, ended.values, ended.height)

    def is_open(self, anchor: str | None) -> bool:
        """Return whether the collection of an anchor is open, so that an alias is recursive."""
        return anchor not in self.anchors and any(one.anchor == anchor for one in self.open)

    def _end(self, anchor: str | None, values: int, height: int) -> None:
        if anchor is not None:
            self.anchors[anchor] = values, height
        self.open[-1].take(values, height)


@lru_cache(maxsize=1024)
def why_too_large(text: str) -> str:
    """Return why a YAML text is too large or too deep when unpacked, or an empty text.

    Invalid YAML passes: its loader raises a better error.
    """
    sizes = _Sizes()
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.AliasEvent) and sizes.is_open(event.anchor):
                return f"{_line(event)}the alias *{event.anchor} leads back to itself"
            sizes.see(event)
            # Open collections count as well.
            if len(sizes.open) + sizes.open[-1].height > _DEEPEST + 2:
                return f"{_line(event)}is nested more than {_DEEPEST} levels deep; write it flatter"
            most = max(_FREE, _RATIO * sizes.written)
            if sizes.open[-1].values > most:
                return (
                    f"{_line(event)}aliases (*) unpack to more than {most} values; write the values"
                    " without aliases"
                )
    except yaml.YAMLError:
        pass
    return ""


def names_at_top(text: str) -> list[str]:
    """Return the top-level keys of a YAML text without loading it.

    The result is empty if the text is invalid or not a mapping.
    """
    names: list[str] = []
    depth, is_key = 0, True
    try:
        for event in yaml.parse(text, Loader=_Loader):
            match event:
                case yaml.CollectionStartEvent():
                    if depth == 0 and isinstance(event, yaml.SequenceStartEvent):
                        return []
                    depth += 1
                case yaml.CollectionEndEvent():
                    depth -= 1
                    is_key = is_key ^ (depth == 1)
                case yaml.ScalarEvent() | yaml.AliasEvent() if depth == 1:
                    if is_key and isinstance(event, yaml.ScalarEvent):
                        names.append(event.value)
                    is_key = not is_key
    except yaml.YAMLError:
        return []
    return names


def _line(event: yaml.Event) -> str:
    return f"line {event.start_mark.line + 1}: " if event.start_mark else ""


def refuse_yaml_bomb(text: str, known_as: str) -> None:
    """Refuse YAML whose aliases unpack to far more than its size, or that is nested too deeply.

    Args:
        text: Text of the file.
        known_as: Name of the file in messages.

    Raises:
        BadInputError: If aliases unpack to more than 100,000 values and more than twice the values
            of the file, if an alias is recursive, or if there are more than 100 levels.
    """
    if why := why_too_large(text):
        raise BadInputError(f"{known_as}: {why}")


def refuse_reference_bomb(values: dict[Any, Any], known_as: str) -> None:
    """Refuse values whose references ``${...}`` resolve to far more values.

    Args:
        values: Values with unresolved references.
        known_as: Name of the values in messages.

    Raises:
        BadInputError: If references resolve to more than 100,000 values and more than twice the
            values that are written.
    """
    references = _References(values)
    most = max(_FREE, _RATIO * references.written(values))
    for name in values:
        if references.size((str(name),)) > most:
            raise BadInputError(
                f"{known_as}: {name}: references (${{...}}) resolve to more than {most} values;"
                " write the values without references"
            )


class _References:
    """Numbers of values that references resolve to, computed once for each place."""

    def __init__(self, values: dict[Any, Any]) -> None:
        self._values = values
        self._sizes: dict[tuple[str, ...], int] = {}

    def size(self, place: tuple[str, ...]) -> int:
        """Return about how many values a place resolves to; 0 if it is missing.

        A recursive reference counts 0, because resolving it raises an error.
        """
        if place not in self._sizes:
            self._sizes[place] = 0
            self._sizes[place] = self._resolved(self._at(place), place)
        return self._sizes[place]

    def written(self, value: Any) -> int:
        """Return how many values are written in a value."""
        if isinstance(value, dict | list):
            return 1 + sum(map(self.written, _items(value).values()))
        return 1

    def _resolved(self, value: Any, place: tuple[str, ...]) -> int:
        if isinstance(value, dict | list):
            return 1 + sum(
                self._resolved(one, (*place, name)) for name, one in _items(value).items()
            )
        if not isinstance(value, str):
            return int(value is not None)
        referred = (
            self.size(_place(path, place))
            for reference in _REFERENCE.findall(value)
            for path in _PATH.findall(reference)
        )
        return 1 + len(value) // _OF_TEXT + sum(referred)

    def _at(self, place: tuple[str, ...]) -> Any:
        value: Any = self._values
        for name in place:
            value = _items(value).get(name) if isinstance(value, dict | list) else None
        return value


def _items(value: dict[Any, Any] | list[Any]) -> dict[str, Any]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    return {str(name): one for name, one in pairs}


def _place(path: str, place: tuple[str, ...]) -> tuple[str, ...]:
    """Return the place of a reference; leading dots count levels up from its own place."""
    names = path.lstrip(".")
    up = len(path) - len(names)
    return (*(place[: max(0, len(place) - up)] if up else ()), *names.split("."))
