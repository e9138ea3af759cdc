"""MkDocs hook: make a page of the lesson's notebook, with the outputs that are committed in it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

_NOTEBOOK = Path("notebooks/lesson.ipynb")
_PAGE = "tutorials/lesson.md"
_PICTURES = "tutorials/lesson"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page of the lesson and its pictures."""
    root = Path(config.config_file_path).parent
    cells = json.loads((root / _NOTEBOOK).read_text(encoding="utf-8"))["cells"]
    page, pictures = lesson_page(cells)
    files.append(File.generated(config, _PAGE, content=page))
    for name, picture in pictures.items():
        files.append(File.generated(config, f"{_PICTURES}/{name}", content=picture))
    return files


def lesson_page(cells: list[dict[str, Any]]) -> tuple[str, dict[str, bytes]]:
    """Return the cells as Markdown, and the pictures among their outputs by file name."""
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(_links(source).replace("<details>", '<details markdown="1">'))
            continue
        shown = [f"```python\n{source}\n```"]
        shown += [_output(output, pictures) for output in cell["outputs"]]
        if "solution" in cell["metadata"].get("tags", []):
            shown = ['<details markdown="1">\n<summary>Solution</summary>', *shown, "</details>"]
        parts += shown
    return "\n\n".join(part for part in parts if part) + "\n", pictures


def _links(source: str) -> str:
    """Let the links of the notebook, which lies outside ``docs/``, lead from the page's place."""
    return source.replace("](../docs/", "](../")


def _output(output: dict[str, Any], pictures: dict[str, bytes]) -> str:
    """Return one output as Markdown; a picture is added to ``pictures``."""
    if output["output_type"] == "stream":
        return f"```text\n{''.join(output['text']).rstrip()}\n```"
    data = output.get("data", {})
    if "image/png" in data:
        name = f"{len(pictures) + 1}.png"
        pictures[name] = base64.b64decode("".join(data["image/png"]))
        return f"![{''.join(data['text/plain'])}](lesson/{name})"
    if "text/html" in data:
        return f"<div>{''.join(data['text/html'])}</div>"
    return f"```text\n{''.join(data.get('text/plain', []))}\n```"
