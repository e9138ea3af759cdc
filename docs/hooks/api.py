"""MkDocs hook: make the page of the functions and classes that you can call from Python."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

_PAGE = "reference/api.md"
_OPENING = """\
# Python API

Everything below the pipelines is plain Python: you can call it with a table of a few rows, without
Kedro and, where nothing trains, without Keras. This page is made from the docstrings. It lists what
the other pages use and what a node of a pipeline calls; see [how to test one
node](../development/test-a-node.md) for an example.
"""
# In the order in which a run calls them.
CALLABLES = {
    "Studies": [
        "dropnorm.study.parsing:parse_study",
        "dropnorm.study.variants:Variant",
    ],
    "Data": [
        "dropnorm.data.validation:check_table",
        "dropnorm.data.splits:assign_parts",
        "dropnorm.data.preprocessing:fit_preprocessors",
        "dropnorm.data.preprocessing:make_all_inputs",
    ],
    "Networks and training": [
        "dropnorm.training.networks:plan_layers",
        "dropnorm.training.networks:build_network",
        "dropnorm.training.trainer:train_replica",
    ],
    "Evaluation": [
        "dropnorm.evaluation.references.reference_models:predict_references",
        "dropnorm.evaluation.estimation.intervals:over_splits",
        "dropnorm.evaluation.estimation.intervals:over_starts",
        "dropnorm.evaluation.estimation.intervals:holm",
        "dropnorm.evaluation.estimation.verdicts:judge",
    ],
}
_SECTION = re.compile(r"^(Args|Attributes|Returns|Raises|Yields):$", re.MULTILINE)
_TITLES = {"Args": "Arguments"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page of the API."""
    files.append(File.generated(config, _PAGE, content=api_page()))
    return files


def api_page() -> str:
    """Return the page, in Markdown: a heading, the signature and the docstring of each."""
    parts = [_OPENING]
    for title, names in CALLABLES.items():
        parts.append(f"\n## {title}\n")
        for name in names:
            module, attribute = name.split(":")
            parts.append(_entry(module, getattr(import_module(module), attribute)))
    return "\n".join(parts)


def _entry(module: str, described: Any) -> str:
    """Return the description of a function or a class."""
    name = described.__name__
    kind = "class" if inspect.isclass(described) else "def"
    signature = "" if kind == "class" else str(inspect.signature(described))
    signature = signature.replace(", ", ",\n    ").replace("(", "(\n    ", 1)
    head, *sections = _SECTION.split(inspect.getdoc(described) or "")
    text = [f"### `{name}`", f"`from {module} import {name}`"]
    if signature:
        text.append(f"```python\n{kind} {name}{signature}\n```")
    text.append(_markdown(head))
    for title, body in zip(sections[::2], sections[1::2], strict=True):
        text.append(f"**{_TITLES.get(title, title)}**")
        text.append(_listed(body) if title != "Returns" else _markdown(inspect.cleandoc(body)))
    return "\n\n".join(part for part in text if part) + "\n"


def _listed(body: str) -> str:
    """Return the names of a section, and what each is, as a list."""
    lines = inspect.cleandoc(body).splitlines()
    joined = "\n".join(lines)
    entries = re.split(r"\n(?=\S)", joined)
    items = []
    for entry in entries:
        name, _, said = " ".join(entry.split()).partition(": ")
        items.append(f"- `{name}`: {_markdown(said)}")
    return "\n".join(items)


def _markdown(text: str) -> str:
    """Return reStructuredText as Markdown: code stands between two ticks there."""
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text.strip().replace("``", "`"))
