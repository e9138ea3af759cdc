"""How much a YAML file may unpack to: asked before anything is built of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

from dropnorm.errors import BadInputError

# Values that aliases may unpack to in any file, and in a larger one for each that it writes out.
_FREE = 100_000
_RATIO = 2
# Levels: what builds values of YAML calls itself for each of them.
_DEEPEST = 100
# Characters of a text that count as one value.
_OF_TEXT = 100
_REFERENCE = re.compile(r"\$\{([^${}]*)\}")
_PATH = re.compile(r"\.*[^\s.,:\[\]'\"]+(?:\.[^\s.,:\[\]'\"]+)*")
_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class _Collection:
    """A mapping or a list that has begun.

    Attributes:
        anchor: Its name for aliases.
        values: In it so far, those behind aliases as well.
        height: Levels in it so far.
    """

    anchor: str | None = None
    values: int = 1
    height: int = 1

    def take(self, values: int, height: int) -> None:
        self.values += values
        self.height = max(self.height, height + 1)


@dataclass
class _Sizes:
    """What lies behind each anchor: values and levels; of one that has not ended, nothing yet."""

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
                # An alias in it leads back to itself.
                self.anchors.pop(event.anchor or "", None)
                self.open.append(_Collection(event.anchor))
            case yaml.CollectionEndEvent():
                ended = self.open.pop()
                self._end(ended.anchor, ended.values, ended.height)

    def is_open(self, anchor: str | None) -> bool:
        """Tell whether what the anchor stands before has not ended: an alias leads back to it."""
        return anchor not in self.anchors and any(one.anchor == anchor for one in self.open)

    def _end(self, anchor: str | None, values: int, height: int) -> None:
        if anchor is not None:
            self.anchors[anchor] = values, height
        self.open[-1].take(values, height)


@lru_cache(maxsize=1024)
def why_too_large(text: str) -> str:
    """Return what is wrong with a YAML text that unpacks to far more than it says, or is too deep.

    Text that is no YAML is not looked at further: whoever reads it will tell.
    """
    sizes = _Sizes()
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.AliasEvent) and sizes.is_open(event.anchor):
                return f"{_line(event)}the alias *{event.anchor} leads back to itself"
            sizes.see(event)
            # What has not ended counts as well: levels that are open, and values in them.
            if len(sizes.open) + sizes.open[-1].height > _DEEPEST + 2:
                return f"{_line(event)}is nested more than {_DEEPEST} levels deep; write it flatter"
            most = max(_FREE, _RATIO * sizes.written)
            if sizes.open[-1].values > most:
                return (
                    f"{_line(event)}aliases (*) unpack to more than {most} values; write out what"
                    " is meant"
                )
    except yaml.YAMLError:
        pass
    return ""


def names_at_top(text: str) -> list[str]:
    """Return the keys at the top of a YAML text, without unpacking what stands below.

    Of text that is no YAML, or no mapping of names, there are none.
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
    """Refuse YAML whose aliases unpack to far more than it says, or that is nested too deeply.

    Args:
        text: Of the file.
        known_as: What to call the file.

    Raises:
        BadInputError: If aliases unpack to more than 100,000 values, and to more than twice as many
            as the file writes out; if one leads back to itself; or if there are more than 100
            levels.
    """
    if why := why_too_large(text):
        raise BadInputError(f"{known_as}: {why}")


def refuse_reference_bomb(values: dict[Any, Any], known_as: str) -> None:
    """Refuse values of which a few refer, by ``${...}``, to far more than is written.

    Args:
        values: With references as they are written.
        known_as: What to call them.

    Raises:
        BadInputError: If they resolve to more than 100,000 values, and to more than twice as many
            as there are.
    """
    references = _References(values)
    most = max(_FREE, _RATIO * references.written(values))
    for name in values:
        if references.size((str(name),)) > most:
            raise BadInputError(
                f"{known_as}: {name}: references (${{...}}) resolve to more than {most} values;"
                " write out what is meant"
            )


class _References:
    """How much values resolve to: each place is looked at once, however many refer to it."""

    def __init__(self, values: dict[Any, Any]) -> None:
        self._values = values
        self._sizes: dict[tuple[str, ...], int] = {}

    def size(self, place: tuple[str, ...]) -> int:
        """Return about how many values one stands for; none if there is none, or it is asked for.

        What leads back to itself is told by who resolves it.
        """
        if place not in self._sizes:
            self._sizes[place] = 0
            self._sizes[place] = self._resolved(self._at(place), place)
        return self._sizes[place]

    def written(self, value: Any) -> int:
        """Return how many values are written out in one."""
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
    """Return where a reference leads; dots at its beginning count levels up from its own place."""
    names = path.lstrip(".")
    up = len(path) - len(names)
    return (*(place[: max(0, len(place) - up)] if up else ()), *names.split("."))
