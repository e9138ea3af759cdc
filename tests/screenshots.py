"""Take the pictures of the documentation anew: of complete runs, in Chromium.

    kedro run --pipelines=concrete,spotify
    python tests/screenshots.py

Writes ``docs/images/*.png``, each with a palette of colours and small enough for a repository.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

import browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
REPORTS = ROOT / "data" / "08_reporting"
LARGEST = 150_000
SCREEN = 1400  # width in pixels


def main() -> None:
    """Take all pictures."""
    build_site()
    with browser.started() as chrome:
        with browser.served(ROOT / "build") as (site, _):
            take_graph(chrome, site)
        take_report(chrome, newest("spotify", "report.html").as_uri())
        take_docs(chrome)


def newest(study: str, name: str) -> Path:
    """Return a file of the newest complete run of a study."""
    version = max(folder.name for folder in (REPORTS / study / "run.json").iterdir())
    return REPORTS / study / name / version / name


def build_site() -> None:
    """Build kedro-viz's site, with paths from the project's root: where it lies is nobody's."""
    subprocess.run(
        [sys.executable, "-m", "kedro", "viz", "build", "--include-previews"],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    for file in (ROOT / "build" / "api" / "nodes").iterdir():
        told = json.loads(file.read_text(encoding="utf-8"))
        if path := told.get("filepath"):
            told["filepath"] = path.removeprefix(f"{ROOT}/").removeprefix(f"{ROOT.name}/")
            file.write_text(json.dumps(told), encoding="utf-8")


def take_graph(chrome: Browser, site: str) -> None:
    """Take kedro-viz: all studies folded, one unfolded, and beside it what a model is made of."""
    page = chrome.new_page(viewport={"width": SCREEN, "height": 860})
    browser.quiet_viz(page)
    page.goto(site)
    in_graph(page, "concrete").wait_for()
    keep("viz-folded", settled(page))

    page.goto(f"{site}?pid=concrete")
    in_graph(page, "concrete").click()
    in_graph(page, "concrete.batchnorm").wait_for()
    page.locator("[data-test^=sidebar-flowchart-visible-btn]").first.click()
    keep("viz-unfolded", settled(page))

    page.goto(f"{site}?pid=concrete&sn=concrete.batchnorm.models")
    page.get_by_text("Expand preview").wait_for()
    in_graph(page, "concrete").click()
    in_graph(page, "concrete.batchnorm").click()
    in_graph(page, "concrete.batchnorm.models").click()
    page.get_by_text("Expand preview").wait_for()
    settled(page)
    zoom_to(page, ["concrete.batchnorm.models"])
    keep("viz-preview", settled(page))
    page.close()


def zoom_to(page: Page, names: list[str]) -> None:
    """Make what stands around and between some boxes large enough to read."""
    boxes = [in_graph(page, name).bounding_box() for name in names]
    across, down = (
        sum(box[start] + box[size] / 2 for box in boxes) / len(boxes)
        for start, size in (("x", "width"), ("y", "height"))
    )
    page.mouse.move(across, down)
    page.mouse.wheel(0, -400)
    page.wait_for_timeout(1000)
    page.mouse.move(SCREEN - 1, 1)


def take_report(chrome: Browser, address: str) -> None:
    """Take the head of the report, light and dark, and all that a phone shows first."""
    for name, scheme, width, height in (
        ("report-light", "light", 1000, 1060),
        ("report-dark", "dark", 1000, 1060),
        ("report-phone", "light", 390, 844),
    ):
        page = chrome.new_page(color_scheme=scheme, viewport={"width": width, "height": height})
        page.goto(address)
        keep(name, settled(page))
        page.close()


def take_docs(chrome: Browser) -> None:
    """Take a page of the documentation's site."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "mkdocs", "build", "-q", "-f", ".mkdocs.yml", "-d", folder],
            cwd=ROOT, check=True, capture_output=True,
        )  # fmt: skip
        page = chrome.new_page(viewport={"width": SCREEN, "height": 860})
        page.goto((Path(folder) / "explanation" / "answer.html").as_uri())
        keep("docs", settled(page))
        page.close()


def in_graph(page: Page, name: str):
    """Return the box of a node or dataset."""
    return page.locator(".pipeline-node").filter(has=page.get_by_text(name, exact=True))


def settled(page: Page) -> bytes:
    """Return the picture of a page in which nothing moves any more."""
    before, now = b"", page.screenshot()
    while now != before:
        page.wait_for_timeout(1000)
        before, now = now, page.screenshot()
    return now


def keep(name: str, picture: bytes, width: int | None = None) -> None:
    """Write a picture with as many colours as its size allows."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    if width:
        image = image.resize((width, round(width * image.height / image.width)), Image.LANCZOS)
    for colours in (256, 128, 64, 32):
        file = io.BytesIO()
        image.quantize(colours, dither=Image.Dither.NONE).save(file, format="PNG", optimize=True)
        if len(file.getvalue()) <= LARGEST:
            break
    else:
        raise SystemExit(f"{name}: larger than {LARGEST} bytes with {colours} colours")
    (IMAGES / f"{name}.png").write_bytes(file.getvalue())


if __name__ == "__main__":
    main()
