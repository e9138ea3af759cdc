"""Simulations that write a line for each result, and go on where they stopped."""

from __future__ import annotations

import argparse
import json
import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Result = dict[str, object]


def command(
    told: str,
    shares: Mapping[str, float],
    true_effect: Callable[..., Result],
    repeat: Callable[[str, int], Result],
    tell: Callable[[Sequence[Result]], None],
    *,
    repeats: int,
    tables: int,
) -> None:
    """Simulate what the command line asks for, or print what was found.

    Args:
        told: What the command does.
        shares: By the name of a source, the share of the repeats that it is worth.
        true_effect: Returns the true effect of a source, from so many ``tables``.
        repeat: Returns one repeat, of a source and with a number.
        tell: Prints what was found.
        repeats: Of each source, if the command line does not say.
        tables: That make a true effect, if it does not say.
    """
    parser = argparse.ArgumentParser(description=told.splitlines()[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("--repeats", type=int, default=repeats)
    parser.add_argument("--true", type=int, default=tables, help="tables that make a true effect")
    parser.add_argument("--sources", nargs="*", default=list(shares), choices=list(shares))
    parser.add_argument("--tables", action="store_true", help="print what was found")
    asked = parser.parse_args()
    if asked.tables:
        tell(read(asked.path))
        return
    wanted = {name: asked.repeats * shares[name] for name in asked.sources}
    simulate(asked.path, wanted, partial(true_effect, tables=asked.true), repeat)


def simulate(
    path: Path,
    wanted: Mapping[str, float],
    true_effect: Callable[[str], Result],
    repeat: Callable[[str, int], Result],
) -> None:
    """Do what has not been done yet, and write each result as it comes.

    Args:
        path: Of the results.
        wanted: Repeats by the name of a source.
        true_effect: Returns the true effect of a source.
        repeat: Returns one repeat, of a source and with a number.
    """
    before = read(path)
    done = {(one["source"], one.get("repeat")) for one in before}
    # A line that was cut off goes.
    path.write_text("".join(f"{json.dumps(one)}\n" for one in before))
    with path.open("a") as file:
        for name in wanted:
            if (name, None) not in done:
                print(json.dumps(true_effect(name)), file=file, flush=True)
        for number in range(math.ceil(max(wanted.values()))):
            for name, repeats in wanted.items():
                if number < repeats and (name, number) not in done:
                    print(json.dumps(repeat(name, number)), file=file, flush=True)


def read(path: Path) -> list[Result]:
    """Read what was found so far; a last line that is not whole is left out."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
