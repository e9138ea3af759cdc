from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

FORKED = """
import os, time
from dropnorm.training.worker_processes import forks_end_with_this
forks_end_with_this()
if os.fork() == 0:
    if os.fork() == 0:  # a fork may fork
        os.write(1, b"two\\n")  # at once: the lines of two processes do not mix
        time.sleep(60)
    os.write(1, b"one\\n")
    time.sleep(60)
os.write(1, b"all\\n")
time.sleep(60)
"""
# A worker of the pool in which replicas are trained; it waits for work with the parent's own queue.
POOLED = """
import os, time
import joblib
from dropnorm.training import pool
run = joblib.Parallel(
    2, backend="loky", return_as="generator", initializer=pool._begin_worker,
    initargs=(pool._told(os.getpid(), 1), os.getpid()),
)
found = run(joblib.delayed(time.sleep)(seconds) for seconds in (0, 60))
next(found)  # one is there
print("one\\ntwo\\nall", flush=True)
time.sleep(60)
"""


def members(group: int) -> int:
    """Count the processes of a group that have not ended."""
    table = subprocess.run(["ps", "-e", "-o", "pgid=,stat="], capture_output=True, text=True,
                           check=True).stdout.split()  # fmt: skip
    return sum(
        int(found) == group and not state.startswith("Z")
        for found, state in zip(table[::2], table[1::2], strict=True)
    )


@pytest.mark.parametrize("script", [FORKED, POOLED], ids=["forks", "pool"])
def test_what_computes_for_a_process_that_is_killed_ends_with_it(script):
    run = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert run.stdout
        assert {run.stdout.readline().strip() for _ in range(3)} == {"one", "two", "all"}
        before = members(run.pid)
        run.kill()
        run.wait()

        for _ in range(600):
            if not members(run.pid):
                break
            time.sleep(0.1)
        assert before > 1
        assert members(run.pid) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)


def test_a_run_that_was_forked_itself_keeps_what_it_forks():
    script = """
import os, time
from dropnorm.training.worker_processes import forks_end_with_this
if os.fork() == 0:  # the run, of a process that had imported everything before
    forks_end_with_this()
    if (worker := os.fork()) == 0:
        time.sleep(2)
        os._exit(7)
    print(os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]), flush=True)
    os._exit(0)
os.wait()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          check=True, timeout=60)  # fmt: skip

    assert done.stdout == "7\n"
