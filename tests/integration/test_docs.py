"""The site of docs/, and the commands that README and docs tell the reader to type."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import yaml
from mkdocs.commands.build import build
from mkdocs.config import load_config

import browser
from conftest import ROOT, read_study, shrink_networks
from dropnorm.data.splits import assign_parts
from dropnorm.data.validation import check_table
from dropnorm.evaluation.estimation.estimands import are_in_order
from dropnorm.study import schema
from dropnorm.study.compare import Compared
from dropnorm.study.messages import _models_in
from messy_table import bikes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic import BaseModel

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
QUESTIONS = "docs/how-to/questions.md"
OTHER_PAGES = {str(page.relative_to(ROOT)) for page in PAGES} - {QUESTIONS}
PUBLISHED = "docs/how-to/published-splits.md"
PYTHON_PAGES = [QUESTIONS, "docs/development/test-a-node.md", "docs/explanation/layers.md"]
# Why a block of commands may stand there and not be run here.
EXCUSES = {
    "installs",
    "downloads",
    "takes minutes",
    "takes an hour",
    "stays until it is stopped",
    "needs other machines",
    "needs the server",
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


@pytest.mark.skipif(
    browser.chromium() is None,
    reason="needs Chromium, which is not installed (Debian and Ubuntu: apt install chromium)",
)
def test_pages_read_from_the_disk_are_searched_and_lead_to_each_other(site):
    with browser.started() as chromium:
        page = chromium.new_page()
        heard = browser.listened(page, site.as_uri())
        page.goto((site / "index.html").as_uri())
        page.get_by_role("textbox", name="Search").press_sequentially("patience")
        page.locator(".md-search-result__link[href*='options.html']").first.click()
        page.wait_for_url("**/options.html*")
        page.get_by_role("link", name="How to read the answer").first.click()
        page.wait_for_url("**/answer.html")

    assert heard.errors == []
    assert heard.elsewhere == []


def sections(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for below in _models_in(field.annotation):
            yield from sections(below)


def test_every_option_of_a_study_is_told_with_what_it_says_and_its_default(site):
    page = (site / "reference" / "options.html").read_text()
    rows = re.findall(r"<tr>\s*<td><code>(\w+)</code></td>\s*(.*?)</tr>", page, re.DOTALL)
    told = [(name, *re.findall(r"<td>(.*?)</td>", cells, re.DOTALL)) for name, cells in rows]
    declared = [
        (name, field)
        for model in (*sections(schema.Study), Compared)  # it stands in a mapping
        for name, field in model.model_fields.items()
        if (model, name) != (schema.Study, "name")
    ]

    assert sorted(name for name, *_ in told) == sorted(name for name, _ in declared)
    for name, kind, default, says in told:
        assert kind, name
        assert says, f"{name} has no description in study.py"
        assert (default == "required") == any(
            field.is_required() for declared_name, field in declared if declared_name == name
        ) or name in ("by", "columns", "factor", "network", "training")  # required in one section
    rates = [row for row in told if row[0] == "rate"]
    assert rates[0][1:3] == (
        "number, at least 0, below 1 or list, each: number, at least 0, below 1",
        "<code>0.3</code>",
    )


def test_a_block_that_is_not_run_says_why():
    told = {block.excuse for block in blocks()}

    assert told - {None} <= EXCUSES
    assert None in told


def own_table(path: Path) -> None:
    """What a reader may bring: cars, with what they are to be predicted by."""
    chance = np.random.default_rng(0)
    weight = chance.normal(1300, 200, 60).round()
    pd.DataFrame(
        {
            "mpg": (50 - weight / 50 + chance.normal(0, 2, 60)).round(1),
            "weight": weight,
            "fuel": chance.choice(["petrol", "diesel"], 60),
        }
    ).to_csv(path, index=False)


def commands_of(*pages: str) -> list[str]:
    """Return the commands of these pages that are to be run, each once."""
    typed = [
        command.replace(" --env=sample", "")  # which all have here
        for block in blocks()
        if not block.excuse and block.page in pages
        for command in block.commands
    ]
    return list(dict.fromkeys(typed))


def make_small(words: list[str]) -> list[str]:
    """Let a command cost little.

    The same study runs with its own options, too: on two splits, with intervals and a report. With
    other options it is trained, for few epochs, and on one split where they do not count them. A
    sweep goes through the first and the last value.
    """
    small = list(words)
    for place, word in enumerate(words):
        if told := re.fullmatch(r"--params=(\w+)\..*", word):
            fewer = re.sub(r"splits=\d{2,}", "splits=3", re.sub(r"epochs=\d+", "epochs=1", word))
            one = "" if "replicas.splits=" in word else f",{told[1]}.replicas.splits=1"
            small[place] = fewer + one
            small.append("--tags=preparation,training")
        elif words[:2] == ["study", "sweep"] and word.count(",") > 1:
            values = word.split(",")
            small[place] = f"{values[0]},{values[-1]}"
    return small


def type_all(commands: list[str], project: Path) -> None:
    """Type commands as a reader would; what trains has few epochs, splits and units."""
    shrink_networks(project)
    env = {**os.environ, "KEDRO_ENV": "sample", "COLUMNS": "200"}
    in_one_process, others = [], []
    for command in commands:
        words = shlex.split(command)
        (in_one_process if words[0] == "kedro" else others).append((command, words))

    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "kedro_commands.py"],
        input=json.dumps([make_small(words[1:]) for _, words in in_one_process]),
        cwd=project, env=env, capture_output=True, text=True, timeout=560, check=False,
    )  # fmt: skip
    codes = re.findall(r"^(\d+): kedro ", done.stdout, re.MULTILINE)
    assert codes == ["0"] * len(in_one_process), done.stdout[-5000:] + done.stderr[-5000:]
    for command, _ in others:
        done = subprocess.run(
            ["bash", "-c", command], cwd=project, env=env, capture_output=True, text=True,
            timeout=200, check=False,
        )  # fmt: skip
        assert done.returncode == 0, command + done.stdout + done.stderr


@pytest.mark.training
@pytest.mark.timeout(600)  # many runs, one after the other
def test_what_the_pages_say_to_type_can_be_typed(project):
    for table, name in ((bikes(), "bikes.csv"), (bikes().head(2), "new.csv")):
        table.to_csv(project / name, sep=";", decimal=",", index=False, encoding="cp1252")
    own_table(project / "cars.csv")
    own_table(project / "new_cars.csv")
    commands = commands_of(*OTHER_PAGES)
    assert len(commands) > 10

    type_all(commands, project)


def question_sections() -> dict[str, str]:
    """Return the text of each of the fifteen questions by its heading."""
    _, *parts = (ROOT / QUESTIONS).read_text().split("\n## ")
    return dict(part.split("\n", 1) for part in parts)


def test_fifteen_questions_are_asked_and_each_is_answered_with_something_to_run():
    sections = question_sections()

    assert [int(title.split(".")[0]) for title in sections] == list(range(1, 16))
    for title, text in sections.items():
        assert title.endswith("?")
        assert re.search(r"```(bash|python)\n", text), title
        assert re.search(r"\d\.\d", text), f"{title}: no figure"


@pytest.mark.training
@pytest.mark.timeout(600)
def test_the_commands_of_the_fifteen_questions_can_be_typed(project):
    shutil.copy(project / "data/sample/01_raw/concrete.csv", project / "data/01_raw")  # fewer rows
    elsewhere = commands_of(*OTHER_PAGES)  # typed already
    type_all([one for one in commands_of(QUESTIONS) if one not in elsewhere], project)


def test_index_files_as_the_page_writes_them_make_a_study_without_problems(configured, command):
    page = (ROOT / PUBLISHED).read_text()
    rolling, code = re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S)
    of_columns, of_origins, of_files = re.findall(r"^```yaml\n(.*?)^```$", page, re.M | re.S)
    done = subprocess.run(
        [sys.executable, "-c", f"{rolling}\n{code}"], cwd=configured, capture_output=True,
        text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    yml = configured / "conf" / "base" / "parameters" / "concrete.yml"
    options = yaml.safe_load(yml.read_text())
    yml.write_text(
        yaml.safe_dump({"concrete": options["concrete"] | yaml.safe_load(of_files)["concrete"]})
    )

    checked = command("check", "concrete")

    assert checked.exit_code == 0, checked.output
    split = yaml.safe_load(of_columns)["split"]
    assert read_study("concrete", split=split).split.values == {"train": (0,), "test": (1,)}
    split = yaml.safe_load(of_origins)["split"]
    study = read_study("concrete", split=split, replicas={"starts": 1})
    table = pd.read_csv(configured / "data" / "01_raw" / "rolling.csv")
    parts = assign_parts(check_table(table, study), study)
    assert parts.groupby("split").size().tolist() == [600, 800, 1000]
    assert are_in_order(parts, study.split)


@pytest.mark.training
@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PYTHON_PAGES)
def test_python_of_the_pages_runs(page, project):
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text(), re.M | re.S))
    assert code

    code = re.sub(r"epochs=\d+", "epochs=1", code).replace("split in range(5)", "split in range(2)")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-3000:]
