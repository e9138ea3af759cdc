"""Convert pydantic's errors about a study to one-line messages."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from dropnorm.errors import did_you_mean
from dropnorm.study.schema import Study

# The expected value for each type of error, in YAML terms.
_EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "mapping_type": "a mapping",
    "model_attributes_type": "a mapping",
    "model_type": "a mapping",
    "string_too_short": "a text that is not empty",
    "string_type": "a text",
    "too_short": "a list that is not empty",
    "tuple_type": "a list",
}
_OUT_OF_RANGE = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")
_LIMITS = {Gt: "above", Ge: "at least", Lt: "below", Le: "at most"}


def message_of(name: str, problem: dict[str, Any], where: Mapping[str, str]) -> str:
    """Return a message for an error of pydantic.

    Args:
        name: Name of the study.
        problem: One of the errors of a ``ValidationError``.
        where: Source of each dotted key, as in :func:`dropnorm.study.parsing.parse_study`.

    Returns:
        One line with the source, the key and what to write.
    """
    location, holder = _walk(problem["loc"])
    key = ".".join((name, *map(str, location)))
    source = next((where[k] for k in _leading(key) if k in where), "")
    prefix = f"{source}: {key}" if source else key
    given, context = problem["input"], problem.get("ctx", {})
    match problem["type"]:
        case "extra_forbidden":
            known = [key for key in holder.model_fields if key != "name"]
            return f"{prefix}: no such key{did_you_mean(location[-1], known)}" + _one_of(known)
        case "missing":
            return f"{prefix} is missing"
        case "literal_error" | "union_tag_invalid":
            if problem["type"] == "union_tag_invalid":
                prefix, given = f"{prefix}.method", given["method"]
            known = [part.strip(" '") for part in _expected(context)]
            return f"{prefix} is {_as_written(given)}{did_you_mean(given, known)}" + _one_of(known)
        case "union_tag_not_found":
            annotation = holder.model_fields[str(location[-1])].annotation
            tags = [_tag(member) for member in _models_in(annotation)]
            return f"{prefix}.method is missing: one of {', '.join(tags)}"
        case "value_error":
            return f"{prefix} {context['error']}"
        case _:
            return (
                f"{prefix} is {_as_written(given)}; it should be {_expected_value(problem, holder)}"
            )


def _expected_value(problem: Mapping[str, Any], holder: type[BaseModel]) -> str:
    """Return the values that an option may have, with its whole range."""
    if problem["type"] in _OUT_OF_RANGE:
        key = next(str(step) for step in reversed(problem["loc"]) if step in holder.model_fields)
        return _range(holder.model_fields[key])
    if expected := _EXPECTED.get(problem["type"]):
        return expected
    expected = problem["msg"].removeprefix("Input should be ")
    return f"{expected[0].lower()}{expected[1:]}"


def _range(field: FieldInfo) -> str:
    """Return the limits of a number, which may be in a list or a union."""
    limits: dict[str, Any] = {}
    parts: list[Any] = [field.annotation, *field.metadata]
    while parts:
        part = parts.pop()
        for kind, words in _LIMITS.items():
            if isinstance(part, kind):
                limits[words] = getattr(part, kind.__name__.lower())
        parts += part.metadata if isinstance(part, FieldInfo) else get_args(part)
    if {"at least", "at most"} <= limits.keys():
        return f"from {limits['at least']} to {limits['at most']}"
    return " and ".join(f"{words} {limits[words]}" for words in _LIMITS.values() if words in limits)


def _as_written(value: object) -> str:
    """Return a value in YAML notation."""
    if isinstance(value, Mapping):
        return "a mapping"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)


def _expected(context: Mapping[str, Any]) -> list[str]:
    text = str(context.get("expected", context.get("expected_tags", "")))
    return text.replace(" or ", ", ").split(",")


def _one_of(known: Iterable[str]) -> str:
    return f" (known: {', '.join(known)})" if known else ""


def _leading(key: str) -> list[str]:
    parts = key.split(".")
    return [".".join(parts[:n]) for n in range(len(parts), 0, -1)]


def _walk(location: tuple[str | int, ...]) -> tuple[list[str | int], type[BaseModel]]:
    """Return an error's location without union tags, and the model with its last key."""
    model: type[BaseModel] = Study
    path: list[str | int] = []
    holder = model
    choices: dict[str, type[BaseModel]] = {}
    mapped: type[BaseModel] | None = None
    for step in location:
        if str(step) in choices:  # member of a union
            model, choices = choices[str(step)], {}
            continue
        if path and step in _TAGS:
            continue
        path.append(step)
        holder = model
        field = model.model_fields.get(str(step))
        members = _models_in(field.annotation) if field is not None else []
        if field is None and mapped is not None:  # key of a mapping of sections
            model, mapped = mapped, None
            continue
        mapped = _mapped_model(field.annotation) if field is not None else None
        if len(members) == 1:
            model = members[0]
        choices = {_tag(member): member for member in members} if len(members) > 1 else {}
    return path, holder


# Tags of the union of a number and a list of numbers.
_TAGS = ("one", "each")


def _models_in(annotation: object) -> list[type[BaseModel]]:
    """Return the sections that a field may hold."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        return [model for member in get_args(annotation) for model in _models_in(member)]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return []


def _mapped_model(annotation: object) -> type[BaseModel] | None:
    """Return the section that a field holds by name, if it is a mapping of sections."""
    if get_origin(annotation) is not dict:
        return None
    return next(iter(_models_in(get_args(annotation)[1])), None)


def _tag(model: type[BaseModel]) -> str:
    """Return the ``method`` that chooses a member of a union."""
    (tag,) = get_args(model.model_fields["method"].annotation)
    return str(tag)
