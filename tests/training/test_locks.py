from __future__ import annotations

import multiprocessing
import subprocess
import sys

import pytest

from dropnorm.training import locks


@pytest.fixture
def held(tmp_path):
    """A lock, and the process that holds it."""
    file = tmp_path / "a.lock"
    script = "\n".join(
        [
            "import sys, time",
            "from pathlib import Path",
            "from dropnorm.training import locks",
            "print(locks.hold(Path(sys.argv[1])), flush=True)",
            "time.sleep(300)",
        ]
    )
    with subprocess.Popen([sys.executable, "-c", script, file],
                          stdout=subprocess.PIPE, text=True) as process:  # fmt: skip
        assert process.stdout.readline() == "True\n"
        yield file, process
        process.kill()


def test_a_lock_is_free_again_when_its_process_was_killed(held):
    file, process = held
    assert locks.is_held(file)
    assert not locks.hold(file)

    process.kill()
    process.wait()

    assert not locks.is_held(file)
    assert locks.hold(file)
    locks.release(file)


def test_a_lock_that_is_given_back_leaves_no_file_and_can_be_taken_again(tmp_path):
    file = tmp_path / "a.lock"
    assert not locks.is_held(file)

    for _ in range(2):
        assert locks.hold(file)
        assert locks.is_held(file)
        locks.release(file)
        assert not file.exists()


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="cannot fork")
def test_what_is_forked_does_not_free_the_lock_when_it_ends(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([
            "import os, sys",
            "from pathlib import Path",
            "from dropnorm.training import locks",
            "file = Path(sys.argv[1])",
            "assert locks.hold(file)",
            "child = os.fork()",
            "if not child: sys.exit()",
            "os.waitpid(child, 0)",
            "print(locks.is_held(file))",
        ]), tmp_path / "b.lock"],
        text=True, capture_output=True, check=True,
    )  # fmt: skip

    assert done.stdout == "True\n"
