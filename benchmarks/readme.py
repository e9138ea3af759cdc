"""Write the outputs and badges of README and docs anew, each output with the machine it came from.

    python benchmarks/readme.py            # runs the commands: some minutes
    python benchmarks/readme.py --badges   # the badges alone

A page marks an output by a comment on the line before it, ``<!-- output of: kedro run … -->``.
"""

from __future__ import annotations

import argparse
import platform
import re
import shlex
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OUTPUT = re.compile(
    r"(?P<head><!-- output of: (?P<command>.+?) -->\n```text\n)(?P<text>.*?)(?P<tail>```\n)"
    r"(?P<machine>\n\*Output on .*?\*\n)?",
    re.DOTALL,
)
# What is not part of an answer: progress, which differs from run to run, and warnings, which the
# report has too.
PROGRESS = re.compile(r"^Warning: |: (replica \d+/\d+|.* replicas? (is|are) known)")


def main() -> None:
    """Write what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--badges", action="store_true", help="write the badges alone")
    if not parser.parse_args().badges:
        write_outputs()
    for name, picture in badges().items():
        (IMAGES / name).write_text(picture, encoding="utf-8")


def write_outputs() -> None:
    """Run each command that a page shows the output of, and write that output in its place."""
    told: dict[str, str] = {}

    def anew(found: re.Match[str]) -> str:
        command = found["command"]
        if command not in told:
            told[command] = output_of(command)
        machine = f"\n*Output on {machine_in_words()}.*\n"
        return found["head"] + told[command] + found["tail"] + machine

    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        written = OUTPUT.sub(anew, text)
        if written != text:
            page.write_text(written, encoding="utf-8")


def output_of(command: str) -> str:
    """Return what a command says at its end, without its progress."""
    words = shlex.split(command)
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = [line for line in done.stdout.splitlines() if not PROGRESS.search(line)]
    return "\n".join(lines).strip() + "\n"


def machine_in_words() -> str:
    """Return the processor and the packages by which numbers may differ."""
    names = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    found = re.search(r"model name\s*: (.+)", names)
    processor = found[1] if found else platform.processor() or platform.machine()
    packages = ", ".join(f"{name} {version(name)}" for name in ("tensorflow", "keras", "numpy"))
    return f"{re.sub('[(](R|TM)[)]', '', processor)}, {packages}"


def badges() -> dict[str, str]:
    """Return badges by file name, made from pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pythons = [
        one.rsplit(" ", 1)[1]
        for one in project["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", one)
    ]
    return {
        "badge-python.svg": badge("Python", f"{pythons[0]} to {pythons[-1]}"),
        "badge-license.svg": badge("licence", project["license"]),
    }


def badge(label: str, value: str) -> str:
    """Return a badge as SVG: a label on grey and a value on blue."""
    left, right = (7 * len(text) + 12 for text in (label, value))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img"'
        f' aria-label="{label}: {value}">'
        f'<rect width="{left}" height="20" fill="#555"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="#2b6cb0"/>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif"'
        ' font-size="11">'
        f'<text x="{left / 2:g}" y="14">{label}</text>'
        f'<text x="{left + right / 2:g}" y="14">{value}</text></g></svg>\n'
    )


if __name__ == "__main__":
    main()
