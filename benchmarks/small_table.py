"""A small table from ``kedro run`` to the report, before a change and after it.

    git worktree add /tmp/before <commit>
    python benchmarks/small_table.py /tmp/before [--repeats 3] [--engines jax tensorflow]

The table has 500 rows and 8 inputs, and the study is what ``kedro study new`` writes of it: 5
splits, four variants. Two commands are measured in each tree:

- ``first``: nothing is kept, neither trainings nor compiled functions, as after an installation.
- ``again``: another rate of dropout, after a run that has kept its trainings. Those of the two
  networks without dropout are known.

Both trees run one right after the other, in turns of which begins, so that what slows the machine
slows both. The seconds of processors' time do not count how long other programs had them.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from measuring import ROOT, Ended, copy_project, machine, run, table, told

ROWS, INPUTS = 500, 8
CHANGED = "--params=small.network.dropout.rate=0.2"
HEADS = [
    "engine", "command", "processors, ratio", "before, after",
    "wall, ratio", "before, after",
]  # fmt: skip


class Tree:
    """A project of its own with the small study, run by the sources of a tree.

    Args:
        root: Of the tree.
        folder: Where the project is made; nothing else is in it.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        folder.mkdir()
        self._folder, self._sources = copy_project(folder, root), root / "src"
        made = folder / "made.csv"
        make_table().to_csv(made, index=False)
        self.kedro("jax", "study", "new", "small", f"--csv={made}", "--target=y")

    def kedro(self, engine: str, *words: str, memory: str = "off", compiled: str = "off") -> Ended:
        """Run a command of Kedro."""
        return run(
            "-m", "kedro", *words, engine=engine, cwd=self._folder,
            PYTHONPATH=str(self._sources), DROPNORM_MEMORY=memory, DROPNORM_COMPILED=compiled,
            KEDRO_DISABLE_TELEMETRY="1",
        )  # fmt: skip

    def first(self, engine: str) -> Ended:
        """Run the study with nothing kept."""
        with tempfile.TemporaryDirectory() as compiled:
            return self.kedro(engine, "run", "--pipelines=small", compiled=compiled)

    def again(self, engine: str) -> Ended:
        """Run the study with one option changed, after a run of it that is not measured."""
        with tempfile.TemporaryDirectory() as kept:
            known = {"memory": f"{kept}/memory", "compiled": f"{kept}/compiled"}
            self.kedro(engine, "run", "--pipelines=small", **known)
            return self.kedro(engine, "run", "--pipelines=small", CHANGED, **known)


def make_table() -> pd.DataFrame:
    """Return a made-up table: some inputs matter, two of them together, and there is noise."""
    chance = np.random.default_rng(0)
    x = chance.normal(size=(ROWS, INPUTS))
    y = 3 * x[:, 0] - 2 * x[:, 1] * x[:, 2] + np.sin(3 * x[:, 3]) + chance.normal(size=ROWS)
    inputs = pd.DataFrame(x.round(4), columns=[f"x{number}" for number in range(INPUTS)])
    return inputs.assign(y=y.round(4))


def compare(before: Tree, after: Tree, command: str, engine: str, repeats: int) -> list[str]:
    """Run a command in both trees several times; return a line of the table."""
    ended: dict[Tree, list[Ended]] = {before: [], after: []}
    for number in range(repeats):
        for tree in (before, after) if number % 2 == 0 else (after, before):
            ended[tree].append(getattr(tree, command)(engine))
    cells = []
    for name in ("processor_seconds", "seconds"):
        old, new = ([getattr(one, name) for one in ended[tree]] for tree in (before, after))
        ratios = [mine / other for mine, other in zip(new, old, strict=True)]
        cells += [told(ratios), f"{told(old, '.0f')} s, {told(new, '.0f')} s"]
    return [engine, command, *cells]


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path, help="tree of the commit to compare with")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--engines", nargs="+", default=["jax", "tensorflow"])
    parser.add_argument("--commands", nargs="+", default=["first", "again"])
    options = parser.parse_args()
    print(machine(), "", sep="\n")
    with tempfile.TemporaryDirectory() as folder:
        trees = [
            Tree(root.resolve(), Path(folder, name))
            for name, root in (("before", options.before), ("after", ROOT))
        ]
        for command in options.commands:
            for engine in options.engines:
                row = compare(*trees, command, engine, options.repeats)
                print(table(HEADS, [row]), flush=True)


if __name__ == "__main__":
    main()
