"""MkDocs hook: make the page of all options from the models that check a study."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File

from dropnorm.study.schema import Study

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

Schema = dict[str, Any]

_OPTIONS = "reference/options.md"

_OPENING = """\
# All options

This page lists everything that a study's YAML file may contain. It is generated from the models
that check the file (`src/dropnorm/study/`). An option that you leave out takes its default. You can
set any option for one run with `--params`, for example
`--params=concrete.replicas.starts=5,concrete.training.epochs=50`.

If a key, a type or a value is wrong, the command stops before anything trains and names the file
and the key in one line.
"""
_TYPES = {
    None: "any value",
    "null": "",
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
}
_LIMITS = {
    "minimum": "at least {:,}",
    "exclusiveMinimum": "above {:,}",
    "maximum": "at most {:,}",
    "exclusiveMaximum": "below {:,}",
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page of all options."""
    files.append(File.generated(config, _OPTIONS, content=options_page()))
    return files


def options_page() -> str:
    """Return the page of all options, in Markdown: a table for each section of a study's YAML."""
    schema = Study.model_json_schema()
    del schema["properties"]["name"]  # the study's top-level key itself
    return _OPENING + _section("", schema, schema["$defs"])


@dataclass(frozen=True)
class _Held:
    """A section that an option may hold: its key, its heading, its schema."""

    key: str
    title: str
    schema: Schema

    @property
    def anchor(self) -> str:
        return re.sub(r"[^\w]+", "-", self.title).strip("-")


def _section(key: str, section: Schema, models: Schema) -> str:
    """Return the table of a section, then the sections that its options hold."""
    rows, below = [], []
    for name, option in section["properties"].items():
        held = _sections(f"{key}.{name}".lstrip("."), option, models)
        below += held
        given = "required" if name in section.get("required", []) else _default(option)
        said = option.get("description") or _description(held[0].schema).split("\n")[0]
        rows.append(f"| `{name}` | {_kind(option, held, models)} | {given} | {_cell(said)} |\n")
    return (
        "\n| key | what it may be | default | what it says |\n|---|---|---|---|\n"
        + "".join(rows)
        + "".join(
            f"\n## {one.title} {{ #{one.anchor} }}\n\n{_description(one.schema)}\n"
            + _section(one.key, one.schema, models)
            for one in below
        )
    )


def _sections(key: str, option: Schema, models: Schema) -> list[_Held]:
    """List the sections that an option, or each value of a mapping, may hold."""
    each = option.get("additionalProperties")
    alternatives = _alternatives(each if isinstance(each, dict) else option)
    schemas = [_resolved(one, models) for one in alternatives]
    schemas = [schema for schema in schemas if "properties" in schema]
    if len(schemas) == 1:
        return [_Held(key, f"`{key}`", schemas[0])]
    return [_Held(key, f"`{key}`, `{_choice(schema)}`", schema) for schema in schemas]


def _resolved(option: Schema, models: Schema) -> Schema:
    schema: Schema = models[option["$ref"].rsplit("/", 1)[1]] if "$ref" in option else option
    return schema


def _choice(model: Schema) -> str:
    """Return the option, and its value, by which one of several sections is chosen."""
    name, value = next(
        (name, option["const"]) for name, option in model["properties"].items() if "const" in option
    )
    return f"{name}: {value}"


def _alternatives(option: Schema) -> list[Schema]:
    for many in ("anyOf", "oneOf", "allOf"):
        if many in option:
            return [one for part in option[many] for one in _alternatives(part)]
    return [option]


def _kind(option: Schema, held: list[_Held], models: Schema) -> str:
    """Say in words what values an option takes, with links to its sections."""
    if len(held) == 1:
        each = "mapping, each: " if "additionalProperties" in option else ""
        return f"{each}[a section](#{held[0].anchor})"
    if held:
        return " or ".join(f"[`{_choice(one.schema)}`](#{one.anchor})" for one in held)
    kinds = [_values(_resolved(one, models), models) for one in _alternatives(option)]
    return " or ".join(dict.fromkeys(kind for kind in kinds if kind))


def _values(option: Schema, models: Schema) -> str:
    if "const" in option:
        return f"`{option['const']}`"
    if "enum" in option:
        return ", ".join(f"`{value}`" for value in option["enum"])
    match option.get("type"):
        case "array":
            return f"list, each: {_kind(option['items'], [], models)}"
        case "object":
            each = option["additionalProperties"]
            return f"mapping, each: {_kind(each, [], models)}" if each is not True else "mapping"
        case kind:
            limits = [
                text.format(option[limit]) for limit, text in _LIMITS.items() if limit in option
            ]
            return ", ".join([_TYPES[kind], *limits])


def _default(option: Schema) -> str:
    default = option.get("default")
    if default is None or default in ([], {}):
        return "none"
    if isinstance(default, dict):
        return "its defaults"
    return f"`{json.dumps(default)}`"


def _description(section: Schema) -> str:
    # Docstrings are reStructuredText: code stands between two ticks.
    return str(section["description"]).replace("``", "`")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
