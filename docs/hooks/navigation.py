"""MkDocs hook: put every page that the navigation does not name under "More"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Let no page be missing from the navigation; the hooks that make pages run before."""
    named = set(_pages(config.nav))
    others = sorted({file.src_uri for file in files.documentation_pages()} - named)
    if others:
        config.nav.append({"More": others})
    return files


def _pages(nav: Any) -> Iterator[str]:
    """Yield the pages that stand in a part of the navigation."""
    if isinstance(nav, str):
        yield nav
    for part in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from _pages(part)
