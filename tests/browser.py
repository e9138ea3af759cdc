"""A real browser and a real server, for what a reader sees."""

from __future__ import annotations

import functools
import shutil
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

# A published page stands at a name of its own: kedro-viz asks a server at localhost for more.
HOST = "dropnorm.example"
_SWITCHES = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --force-color-profile=srgb"
)


def chromium() -> str | None:
    """Return where Chromium is, if it is installed."""
    return (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )


@dataclass
class Heard:
    """What a page asked for beyond its own address, and what its console called an error."""

    elsewhere: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, int]]:
    """Serve a folder; give the address a browser of :func:`started` knows it by, and the port."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}/", server.server_port
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def started() -> Iterator[Browser]:
    """Start Chromium without a window; it reaches this machine and nothing else."""
    rules = f"MAP {HOST} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(),
            args=[*_SWITCHES.split(), f"--host-resolver-rules={rules}"],
        )
        try:
            yield browser
        finally:
            browser.close()


def listened(page: Page, own: str) -> Heard:
    """Write down what the page asks for elsewhere than below ``own``, and its errors."""
    heard = Heard()
    page.on(
        "request",
        lambda request: (
            None
            if request.url.removeprefix("blob:").startswith((own, "data:"))
            else heard.elsewhere.append(request.url)
        ),
    )
    page.on(
        "console",
        lambda message: (
            heard.errors.append(f"{message.text} ({message.location['url']})")
            if message.type == "error"
            else None
        ),
    )
    page.on("pageerror", lambda error: heard.errors.append(str(error)))
    return heard


def quiet_viz(page: Page) -> None:
    """Let kedro-viz show the graph alone: no hints, no map, no date of the build."""
    page.add_init_script(
        """
        if (!localStorage.getItem("KedroViz")) localStorage.setItem("KedroViz", JSON.stringify({
            showFeatureHints: false, theme: "light", visible: {miniMap: false}
        }));
        addEventListener("DOMContentLoaded", () => document.head.append(Object.assign(
            document.createElement("style"),
            {textContent: ".shareable-url-timestamp, .update-reminder-version-tag {display: none}"}
        )));
        """
    )
