from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from conftest import ROOT
from dropnorm.start import begin


@pytest.fixture
def start(ctrl_c):
    """Start Python in a group of processes of its own, which is not left behind."""
    started: list[subprocess.Popen[str]] = []

    def start_python(*command: str, cwd: object) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [sys.executable, *command], cwd=cwd, text=True, start_new_session=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )
        )  # fmt: skip
        return started[-1]

    yield start_python
    for one in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(one.pid, signal.SIGKILL)
        one.wait()


def wait_for(what, run) -> None:
    for _ in range(600):
        if what():
            return
        assert run.poll() is None, run.communicate()[0]
        time.sleep(0.1)
    raise AssertionError("not within a minute")


def nobody_is_left(group: int) -> bool:
    for _ in range(50):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)  # for the system to take the ended ones away
    return False


@pytest.mark.training
@pytest.mark.parametrize(
    ("runner", "number"),
    [
        ("SequentialRunner", signal.SIGINT),
        ("ThreadRunner", signal.SIGINT),
        ("ParallelRunner", signal.SIGTERM),
    ],
)
def test_an_interrupted_run_ends_with_its_workers_and_one_line(start, project, runner, number):
    run = start("-m", "kedro", "run", "--env=sample", "--pipelines=concrete", "--runner", runner,
                "--params=concrete.training.epochs=1000000", cwd=project)  # fmt: skip
    data = project / "data" / "sample"
    wait_for(lambda: list(data.rglob("split.parquet")), run)
    time.sleep(5)  # for the trainings to begin; they would go on for hours

    run.send_signal(number)  # to the one process, as `kill` does
    rest = run.communicate(timeout=30)[0].splitlines()

    assert run.returncode == 128 + number
    assert [line for line in rest if " · " not in line] == [  # of networks that diverged at once
        "Interrupted: what this run has written is not complete, and nothing will read it"
    ]
    assert nobody_is_left(run.pid)
    assert not list(one for one in data.rglob("run.json") if one.is_file())
    # The lock of a run goes with its version, by `prune`; nobody holds it.
    assert not [one for one in data.rglob(".*") if one.suffix != ".lock"]


def test_what_is_being_written_is_removed(start, tmp_path):
    script = """
import time
from pathlib import Path
from dropnorm.datasets.atomic_files import written_whole
from dropnorm.cli.interrupt import ends_when_interrupted

with ends_when_interrupted(lambda: print("last words")), written_whole(Path("table.csv")) as path:
    path.write_text("half of it")
    print("writing", flush=True)
    time.sleep(60)
"""
    run = start("-c", script, cwd=tmp_path)
    assert run.stdout
    assert run.stdout.readline() == "writing\n"

    run.send_signal(signal.SIGINT)

    assert run.communicate(timeout=30)[0] == "last words\n"
    assert run.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_afterwards_signals_mean_what_they_meant(start, tmp_path):
    script = """
import signal
from dropnorm.cli.interrupt import ends_when_interrupted

signal.signal(signal.SIGTERM, signal.SIG_IGN)
before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
with ends_when_interrupted(print):
    assert signal.getsignal(signal.SIGINT) is not before[0]
    signal.raise_signal(signal.SIGTERM)  # who is deaf to it stays so
assert before == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
"""
    run = start("-c", script, cwd=tmp_path)

    assert run.communicate(timeout=30)[0] == ""
    assert run.returncode == 0


EARLY = """
import signal
from kedro.framework.cli.cli import _init_plugins

_init_plugins()
{then}
print("imported", flush=True)
signal.raise_signal(signal.SIGINT)
"""


def test_while_kedro_imports_the_project_ctrl_c_ends_it_in_one_line(start):
    run = start("-c", EARLY.format(then=""), cwd=ROOT / "src")

    assert run.communicate(timeout=60)[0].endswith("imported\nInterrupted\n")
    assert run.returncode == 130


@pytest.mark.parametrize("text", ['tool = "[tool.kedro]"\n', "[tool.kedro]\n", "[tool.kedro\n"])
def test_a_project_that_is_described_otherwise_keeps_its_own_ctrl_c(
    tmp_path, monkeypatch, ctrl_c, text
):
    (tmp_path / "pyproject.toml").write_text(text)
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path)

    begin()

    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_a_command_and_another_project_do_at_ctrl_c_is_their_own_matter(start, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.kedro]\npackage_name = "other"\n')
    other = start("-c", EARLY.format(then=""), cwd=tmp_path)
    command = start("-c", EARLY.format(then="import dropnorm.cli.main"), cwd=ROOT)

    for run in (other, command):
        assert run.communicate(timeout=60)[0].endswith("KeyboardInterrupt\n")
        assert run.returncode == -signal.SIGINT
