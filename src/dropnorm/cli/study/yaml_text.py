"""Text of YAML files that are written with their comments."""

from __future__ import annotations

import re
from collections.abc import Mapping

import jinja2
import yaml

# A plain scalar that every reader of YAML takes for text, if it is no word like yes.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_ ]*[A-Za-z0-9_]|[A-Za-z]")
_YAML_WORDS = {"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"}


def templates() -> jinja2.Environment:
    """Return the templates beside this module; what they print stands as it is."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("dropnorm.cli.study"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  # YAML is written, no HTML
    )
    environment.filters.update(scalar=scalar, flow=flow, line=line)
    return environment


def scalar(value: object) -> str:
    """Return text as any reader of YAML, and OmegaConf, takes it for that text."""
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _YAML_WORDS:
        return text
    quoted: str = yaml.safe_dump(escaped(text), default_style='"', allow_unicode=True, width=10**9)
    return quoted.removesuffix("\n")


def flow(value: object) -> str:
    """Return a value in one line of YAML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{scalar(key)}: {flow(one)}' for key, one in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(flow, value))}]"
    return scalar(value) if isinstance(value, str) else str(value)


def line(value: object) -> str:
    """Return text without what ends a line of YAML or cannot stand in it."""
    return "".join(char if char.isprintable() else " " for char in str(value))


def escaped(text: str) -> str:
    """Escape what OmegaConf would look up."""
    return re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + r"\${", text)
