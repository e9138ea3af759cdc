"""The site of docs/, and the commands that README and docs tell the reader to type."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

from conftest import ROOT
from dropnorm import study

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic import BaseModel

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Why a block of commands may stand there and not be run here.
EXCUSES = {
    "installs",
    "downloads",
    "takes minutes",
    "stays until it is stopped",
    "develops the project",
}
BLOCK = re.compile(
    r"(?:^ *<!-- not run: (?P<excuse>.+?) -->\n\n?)?"
    r"^(?P<indent> *)```(?:bash|sh|shell|console)\b.*\n(?P<text>(?:.*\n)*?)(?P=indent)```$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """Commands that stand together on a page, and why they are not run, if they are not."""

    page: str
    excuse: str | None
    commands: tuple[str, ...]


def blocks() -> Iterator[Block]:
    for page in PAGES:
        for found in BLOCK.finditer(page.read_text()):
            lines = found["text"].replace("\\\n", " ").splitlines()
            commands = [re.sub(r"(^|\s{2,})#.*", "", line).strip() for line in lines]
            yield Block(str(page.relative_to(ROOT)), found["excuse"], tuple(filter(None, commands)))


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    config = load_config(str(ROOT / ".mkdocs.yml"), site_dir=str(folder))
    assert config.strict  # a link that leads nowhere, or to no heading, ends the build
    build(config)
    return folder


def test_every_page_is_in_the_site_and_asks_nothing_of_the_network(site):
    for page in PAGES[1:]:
        made = page.relative_to(ROOT / "docs").with_suffix(".html")
        assert (site / made).is_file(), made

    for page in site.rglob("*.html"):
        loaded = re.findall(r"<(?:script|link|img|iframe|source)\b[^>]*>", page.read_text())
        assert loaded
        assert not [tag for tag in loaded if re.search(r"""(?:src|href)=["']?(https?:)?//""", tag)]
    assert "dropout" in (site / "search" / "search_index.js").read_text()


def sections(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for below in study._models_in(field.annotation):
            yield from sections(below)


def test_every_option_of_a_study_is_told_with_what_it_says_and_its_default(site):
    page = (site / "options.html").read_text()
    rows = re.findall(r"<tr>\s*<td><code>(\w+)</code></td>\s*(.*?)</tr>", page, re.DOTALL)
    told = [(name, *re.findall(r"<td>(.*?)</td>", cells, re.DOTALL)) for name, cells in rows]
    declared = [
        (name, field)
        for model in sections(study.Study)
        for name, field in model.model_fields.items()
        if (model, name) != (study.Study, "name")
    ]

    assert sorted(name for name, *_ in told) == sorted(name for name, _ in declared)
    for name, kind, default, says in told:
        assert kind, name
        assert says, f"{name} has no description in study.py"
        assert (default == "required") == any(
            field.is_required() for declared_name, field in declared if declared_name == name
        ) or name in ("by", "columns", "factor")  # required in one section alone
    rates = [row for row in told if row[0] == "rate"]
    assert rates[0][1:3] == (
        "number, at least 0, below 1 or list, each: number, at least 0, below 1",
        "<code>0.3</code>",
    )


def test_a_block_that_is_not_run_says_why():
    told = {block.excuse for block in blocks()}

    assert told - {None} <= EXCUSES
    assert None in told
