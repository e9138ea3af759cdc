"""What surrounds a run changes none of its numbers: language, time zone, hash seed, file order."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from conftest import change_options, copy_project

if TYPE_CHECKING:
    from pathlib import Path

SMALL = ",".join(
    f"concrete.{one}"
    for one in (
        "training.epochs=1",
        "replicas.splits=1",
        "network.hidden=[8]",
        "training.seed=3",
        "margin=0.2",
    )
)
# As some file systems list their folders: in another order.
BACKWARDS = """
import os, sys
scan, names = os.scandir, os.listdir
class Backwards:
    def __init__(self, path): self.entries = iter(list(scan(path))[::-1])
    def __iter__(self): return self.entries
    def __next__(self): return next(self.entries)
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def close(self): pass
os.scandir = lambda path=".": Backwards(path)
os.listdir = lambda path=".": names(path)[::-1]
sys.argv = ["kedro", *sys.argv[1:]]
from kedro.framework.cli import main
main()
"""
PLAIN = "import sys; sys.argv[0] = 'kedro'; from kedro.framework.cli import main; main()"
KEPT = ("split.parquet", "history.csv", "effects.json")


def run(folder: Path, script: str, **env: str) -> dict[str, bytes]:
    """Run a study in these surroundings, and return what is numbers alone of what it wrote.

    The network without either layer is compared with that of both. What draws and tells these
    numbers is left out.
    """
    project = copy_project(folder)
    change_options(
        project / "conf" / "sample" / "parameters" / "concrete.yml", "concrete",
        {"compare": {"baseline": {}, "dropout_batchnorm": {}}},
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", script, "run", "--env=sample", "--pipelines=concrete",
         "--to-outputs=concrete.effects", f"--params={SMALL}"],
        cwd=project, capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "DROPNORM_MEMORY": "off", "KERAS_BACKEND": "jax", **env},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    data = project / "data" / "sample"
    return {
        "/".join(path.relative_to(data).parts[:-2]): path.read_bytes()
        for path in data.rglob("*")
        if path.is_file() and path.name in KEPT
    }


@pytest.mark.training
def test_no_surroundings_change_a_number(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    one = run(tmp_path / "one", PLAIN, LC_ALL="C.UTF-8", LANG="C.UTF-8",
              TZ="UTC", PYTHONHASHSEED="0")  # fmt: skip
    # Where files are ASCII unless a program says otherwise.
    other = run(tmp_path / "other", BACKWARDS, LC_ALL="POSIX",
                PYTHONCOERCECLOCALE="0", PYTHONUTF8="0", TZ="Pacific/Kiritimati",
                PYTHONHASHSEED="4711")  # fmt: skip

    assert len(one) == 1 + 2 + 1
    assert one.keys() == other.keys()
    assert {name for name in one if one[name] != other[name]} == set()
