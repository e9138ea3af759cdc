"""Results as JSON, their last form, and back again."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Self, TypeAlias

from pydantic import TypeAdapter, model_validator

Json: TypeAlias = dict[str, Any]
# Metadata of a field whose entries stand beside the other keys in JSON, behind this prefix.
PREFIX = "prefix"


class Result:
    """Base of results that are written as JSON: a frozen dataclass adds the fields.

    The keys are the names of the fields, in their order. A mapping whose field has a ``prefix`` in
    its metadata has no key of its own: ``{"mae": 1.0}`` behind ``validation_`` is written as
    ``"validation_mae": 1.0``. An empty prefix takes the keys that no other field takes.
    """

    @classmethod
    def from_json(cls, written: object) -> Self:
        """Make a result of what :func:`to_json` returned, also of an earlier version's.

        Raises:
            ValueError: If it is not the JSON of such a result.
        """
        made: Self = _adapter(cls).validate_python(written)  # type: ignore[arg-type]  # it is hashable
        return made

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, written: Any) -> Any:
        """Gather what is written behind a prefix into the mapping that it belongs to."""
        if not isinstance(written, dict):
            return written
        own = fields(cls)  # type: ignore[arg-type]  # a dataclass, as all that are made
        prefixes = {one.name: one.metadata[PREFIX] for one in own if PREFIX in one.metadata}
        rest = {key: value for key, value in written.items() if key in {one.name for one in own}}
        free = {key: value for key, value in written.items() if key not in rest}
        for name, prefix in sorted(prefixes.items(), key=lambda one: -len(one[1])):
            found = [key for key in free if key.startswith(prefix)]
            rest[name] = {key.removeprefix(prefix): free.pop(key) for key in found}
        return rest


@cache
def _adapter(cls: type) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


def or_nan(value: float | None) -> float:
    """Return a number of a result; nan for None, which stands for a number that is not finite."""
    return math.nan if value is None else value


def to_json(value: Any) -> Any:
    """Return a result as JSON holds it: dicts, lists, texts, numbers, None.

    What has a method ``described`` is written as that returns it.
    """
    if hasattr(value, "described"):
        return to_json(value.described())
    if is_dataclass(value):
        written: Json = {}
        for one in fields(value):
            found = to_json(getattr(value, one.name))
            prefix = one.metadata.get(PREFIX)
            if prefix is None:
                written[one.name] = found
            else:
                written |= {f"{prefix}{key}": entry for key, entry in found.items()}
        return written
    if isinstance(value, dict):
        return {str(key): to_json(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(entry) for entry in value]
    return value.value if isinstance(value, Enum) else value
