"""What a reader sees of a run, in Chromium: kedro-viz's built site, and the report."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import browser
from conftest import copy_project
from whole_commands import kedro_here

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.training,
    pytest.mark.timeout(600),  # the first waits for a run and a build
    pytest.mark.skipif(
        browser.chromium() is None,
        reason="needs Chromium, which is not installed (Debian and Ubuntu: apt install chromium)",
    ),
]

# The one address elsewhere that kedro-viz names in its page; without it letters look plainer.
FONT = "https://fonts.googleapis.com/"


# Runs a command of Kedro's and says which engines it has imported.
COMMAND = """
import sys
from kedro.framework.cli.cli import main
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
print(sorted({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)))
"""


def kedro(project: Path, *command: str) -> str:
    """Run a command; return the last line that it printed."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *command], cwd=project, capture_output=True, text=True,
        env={**os.environ, "KEDRO_ENV": "sample"}, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project after a run of concrete."""
    project = copy_project(tmp_path_factory.mktemp("browser"))
    params = "--params=concrete.training.epochs=2"
    done = kedro_here(project, "run", "--env=sample", "--pipelines=concrete", params)
    assert done.exit_code == 0, done.output
    return project


@pytest.fixture(scope="module")
def engines(project):
    """The engines that were imported when kedro-viz built its site."""
    return kedro(project, "viz", "build", "--include-previews")


@pytest.fixture(scope="module")
def chrome():
    with browser.started() as started:
        yield started


@pytest.fixture(scope="module")
def site(project, engines):
    with browser.served(project / "build") as (url, _):
        yield url


@pytest.fixture
def viz(chrome, site):
    """kedro-viz, whose page asks for nothing but a font and writes no error."""
    page = chrome.new_page(viewport={"width": 1500, "height": 950})
    page.set_default_timeout(100_000)  # a machine may be busy
    browser.quiet_viz(page)
    heard = browser.listened(page, site)
    yield page
    page.close()
    assert all(url.startswith(FONT) for url in heard.elsewhere)
    assert all(FONT in error for error in heard.errors), heard.errors


def in_graph(page, name):
    return page.locator(".pipeline-node").filter(has=page.get_by_text(name, exact=True))


def previewed(page, site, chosen):
    """Return what is shown beside the graph of one node or dataset of concrete."""
    page.goto(f"{site}?pid=concrete&{chosen}")
    shown = page.locator(".pipeline-metadata")
    shown.get_by_text("Expand preview").wait_for()
    return shown


def test_studies_are_folded_and_a_click_unfolds_one_and_its_variants(viz, site):
    viz.goto(site)
    for study in ("concrete", "spotify", "wine"):
        in_graph(viz, study).wait_for()
    assert in_graph(viz, "concrete.split").count() == 0

    in_graph(viz, "concrete").click()

    in_graph(viz, "concrete.split").wait_for()
    for box in ("prepare", "baseline", "dropout", "batchnorm", "dropout_batchnorm", "report"):
        in_graph(viz, f"concrete.{box}").wait_for()
    layers = viz.locator(".pipeline-layer-name").all_inner_texts()
    assert layers == sorted(layers)
    assert layers[0] == "01_raw"
    assert layers[-1] == "08_reporting"


def test_a_click_on_a_picture_shows_it_whole(viz, site):
    viz.goto(f"{site}?pid=concrete")
    in_graph(viz, "concrete").click()
    in_graph(viz, "concrete.report").click()
    in_graph(viz, "concrete.comparison_plot").click()
    viz.get_by_text("Expand preview").click()

    picture = viz.locator(".pipeline-metadata-modal img")
    picture.wait_for()
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 1000


def test_the_split_is_previewed_by_parts_and_a_model_by_layers(viz, site):
    split = previewed(viz, site, "sn=concrete.split").locator("tr").all_inner_texts()
    assert split[1:3] == ["0\ttrain\t140\t70 %\t0, 2, 3, 4, 5, …",
                          "0\tvalidation\t60\t30 %\t1, 9, 17, 21, 25, …"]  # fmt: skip

    model = previewed(viz, site, "sn=concrete.dropout.models").locator("tr").all_inner_texts()
    assert "hidden_1\t512\t4608\t4608\tDense" in model
    assert model[-1] == "sum, each of 2 networks\t\t530433\t530433\t"


def test_tables_and_json_are_previewed(viz, site):
    table = previewed(viz, site, "sn=concrete.table").locator("tr").all_inner_texts()
    assert table[0].startswith("Cement\t")

    assert "estimand" in previewed(viz, site, "sn=concrete.effects").inner_text()


def test_a_node_says_what_it_does_and_shows_its_source(viz, site, project):
    graph = json.loads((project / "build" / "api" / "pipelines" / "concrete").read_text())
    (train,) = [
        node["id"]
        for node in graph["nodes"]
        if node["name"] == "train" and "concrete.dropout" in node["modular_pipelines"]
    ]
    shown = previewed(viz, site, f"sid={train}")
    assert (
        "Train all replicas of the variant: every split, every random start." in shown.inner_text()
    )

    shown.get_by_text("Show Code").click()

    viz.get_by_text("train_jobs").first.wait_for()


def test_tags_filter_the_graph(viz, site):
    viz.goto(f"{site}?pid=concrete&tags=reporting&expandAllPipelines=true")

    in_graph(viz, "write_report").wait_for()
    assert in_graph(viz, "train").count() == 0


def test_the_view_of_the_run_tells_that_it_succeeded_and_how_long_it_took(viz, site):
    viz.goto(site)
    viz.locator("[data-test=global-toolbar-workflow-btn]").click()

    done = viz.locator(".run-status-notification")
    done.wait_for()
    assert re.search(r"completed successfully in .*\d", done.inner_text())


def test_building_the_site_imports_no_engine(engines):
    assert engines == "[]"


def report_page(project):
    (page,) = project.glob("data/sample/08_reporting/concrete/report.html/*/report.html")
    return page


def test_the_report_asks_for_nothing_and_fits_a_phone(project, chrome):
    file = report_page(project)
    page = chrome.new_page(viewport={"width": 390, "height": 844})
    heard = browser.listened(page, file.as_uri())
    page.goto(file.as_uri())

    assert heard == browser.Heard()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    drawn = page.locator("figure svg:visible")
    assert drawn.count() >= 5
    assert drawn.first.bounding_box()["width"] > 100
    page.close()


def test_the_report_is_light_or_dark_as_the_reader_prefers(project, chrome):
    seen = {}
    for scheme in ("light", "dark"):
        page = chrome.new_page(color_scheme=scheme)
        page.goto(report_page(project).as_uri())
        rgb = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g)")
        plot = page.locator("figure svg:visible").first.screenshot()
        seen[scheme] = (sum(map(int, rgb[:3])), plot)
        page.close()

    assert seen["light"][0] > 700
    assert seen["dark"][0] < 100
    assert seen["light"][1] != seen["dark"][1]
