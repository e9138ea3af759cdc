from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import dropnorm
from dropnorm.training.package_sources import sources_checksum, sources_of

PACKAGE = Path(dropnorm.__file__).parent
TRAINING = "dropnorm.training.trainer"
SHOW = (
    "from dropnorm.training.package_sources import sources_checksum;"
    f" print(sources_checksum({TRAINING!r}))"
)


@pytest.fixture
def copied(tmp_path):
    """A copy of the package; what its checksum is there, in a process of its own."""
    shutil.copytree(PACKAGE, tmp_path / "dropnorm")

    def checksum(place=tmp_path):
        told = subprocess.run(
            [sys.executable, "-c", SHOW], env={**os.environ, "PYTHONPATH": str(place)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return told.stdout

    return tmp_path / "dropnorm", checksum


def add_a_line(file):
    file.write_text(file.read_text() + "\nADDED = 1\n")


def test_a_training_rests_on_networks_loops_and_options_and_not_on_reports():
    names = set(sources_of(TRAINING))

    ours = {name.removeprefix("dropnorm.").split(".")[-1] for name in names}
    assert {"trainer", "networks", "backend", "optimizer", "losses", "metrics"} <= ours
    assert {"tensorflow", "jax", "torch"} <= ours  # which are imported when they are used
    assert not ours & {"report", "figures", "style", "wording", "hooks", "main"}
    assert not any(name.startswith("dropnorm.cli") for name in names)


def test_a_change_of_what_a_training_rests_on_is_another_checksum_and_of_a_report_is_not(copied):
    package, checksum = copied
    before = checksum()
    assert before.strip() == sources_checksum(TRAINING)

    add_a_line(package / "reporting" / "report.py")
    add_a_line(package / "reporting" / "templates" / "report.html")
    assert checksum() == before

    for name in (
        "training/networks.py",
        "training/trainer.py",
        "training/loops/jax.py",
        "tasks/metrics.py",
    ):
        add_a_line(package / name)
        assert checksum() != before
        before = checksum()


def test_modules_that_move_into_packages_are_followed(tmp_path, monkeypatch):
    files = {
        "__init__.py": "",
        "rooms/__init__.py": "START = 1",
        "rooms/training/__init__.py": "",
        "rooms/training/trainer.py": (
            "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n"
            "from .. import shapes\nfrom .layers import build\n"
            "if TYPE_CHECKING:\n    from house.rooms import report\n"
            "else:\n    import house.rooms.fallback\n"
            "def train():\n    match 1:\n        case 1:\n            from . import engine\n"
            "    try:\n        import house.other\n    except ImportError:\n        import json\n"
        ),
        "rooms/training/layers.py": "import numpy\nimport house.rooms.training.trainer",
        "rooms/training/engine.py": "raise RuntimeError('imported')",
        "rooms/training/cache.py": "",
        "rooms/shapes.py": "",
        "rooms/report.py": "",
        "rooms/fallback.py": "",
        "other.py": "",
    }
    for name, text in files.items():
        place = tmp_path / "house" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))

    assert set(sources_of("house.rooms.training.trainer")) == {
        "house", "house.rooms", "house.rooms.training", "house.rooms.training.trainer",
        "house.rooms.training.layers", "house.rooms.training.engine", "house.rooms.shapes",
        "house.rooms.fallback", "house.other",
    }  # fmt: skip


def test_the_package_may_lie_in_an_archive_as_a_wheel_does(copied, tmp_path):
    package, checksum = copied
    wheel = tmp_path / "dropnorm.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in package.rglob("*.py"):
            archive.write(file, file.relative_to(tmp_path))

    assert checksum(wheel) == checksum()


def test_it_takes_little_time_and_imports_no_engine():
    script = (
        "import sys, time; import dropnorm.training.trainer;"
        " from dropnorm.training.package_sources import sources_checksum;"
        f" began = time.process_time(); sources_checksum({TRAINING!r});"
        " print({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules),"
        " time.process_time() - began < 1)"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert told.stdout.split(maxsplit=1) == ["set()", "True\n"]
