"""Breaks runs in every way there is, and looks at what is left.

Runs of the sample study of concrete, in a copy of the project, are killed, interrupted, doubled,
left without room or without permission, each at a random moment; after each the earlier versions
must be there to the last byte, and nothing incomplete may be taken for complete. Room and
permission are taken away with a mount and with chattr, and need root on Linux.

    python benchmarks/faults.py kill --times 100
    python benchmarks/faults.py interrupt --times 20
    python benchmarks/faults.py pair --times 10
    python benchmarks/faults.py full --times 10
    python benchmarks/faults.py locked --times 10

All but every twentieth run is a fork of a process that has imported the engine: otherwise most
moments would fall into imports, in which nothing is written. What is found is printed as a line of
JSON.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import importlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dropnorm.datasets import RunRecordDataset
from dropnorm.datasets.run_record import Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
_RECORD = "data/sample/08_reporting/concrete/run.json"
_RUNNERS = ("SequentialRunner", "SequentialRunner", "ThreadRunner", "ParallelRunner")
# Nothing but the size of a run differs from a real one.
_SMALL = """
concrete:
  made_up: true
  replicas: {splits: 1, starts: 2}
  network: {hidden: [16, 16]}
  training: {batch_size: 32, epochs: 2}
"""
_COLD = 20  # every which run begins with a new interpreter
_ANEW = 4  # every which run has another seed, and so trains rather than recalls
_TIMES = 20  # kills, until a run is left alone
_LONGEST = 600
# What a run imports; of keras, TensorFlow computes nothing yet and can be forked.
_IMPORTS = (
    "dropnorm.cli.main", "tensorflow", "keras", "skops.io", "sklearn.ensemble", "matplotlib.figure",
    "pyarrow.parquet", "loky", "kedro.framework.cli",
)  # fmt: skip


class BrokenError(Exception):
    """Something was lost, or looks like what it is not."""


@dataclass
class Run:
    """A run that has begun, in a group of processes of its own."""

    pid: int
    output: Path
    status: int | None = None

    def ended(self) -> bool:
        """Look whether it has ended."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def wait(self, seconds: float) -> bool:
        """Wait so long for its end; return whether it has ended."""
        end = time.monotonic() + seconds
        while not self.ended() and time.monotonic() < end:
            time.sleep(0.002)
        return self.ended()

    def wait_until_it_has_computed(self, seconds: float) -> bool:
        """Wait until its processes have used so much of processors; return whether it has ended.

        Not so much time: where other programs compute too, that says little of how far it is.
        """
        while not self.ended() and _computed(self.pid) < seconds:
            time.sleep(0.002)
        return self.ended()

    def said(self) -> str:
        """Return what it has printed."""
        return self.output.read_text(errors="replace")

    def left(self) -> list[int]:
        """Return which processes of its group are left, three seconds later at the most."""
        for _ in range(60):
            alive = [
                int(place.name)
                for place in Path("/proc").iterdir()
                if place.name.isdigit() and _session(place) == self.pid
            ]
            if not alive:
                return []
            time.sleep(0.05)
        return alive


def _session(place: Path) -> int | None:
    try:
        fields = (place / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has just ended
        return None
    return None if fields[0] == "Z" else int(fields[3])


def _computed(session: int) -> float:
    ticks = 0
    for place in Path("/proc").iterdir():
        if place.name.isdigit() and _session(place) == session:
            with contextlib.suppress(OSError):
                fields = (place / "stat").read_text().rpartition(")")[2].split()
                ticks += sum(int(field) for field in fields[11:15])  # of ended children, too
    return ticks / os.sysconf("SC_CLK_TCK")


class Project:
    """A copy of the project, and what must be true of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs = 0
        self.seconds = 0.0
        (folder / "src").mkdir(parents=True)
        for name in ("conf", "data/sample/01_raw"):
            shutil.copytree(ROOT / name, folder / name)
        for name in ("pyproject.toml", ".telemetry"):
            shutil.copy(ROOT / name, folder)
        (folder / "conf/sample/parameters/concrete.yml").write_text(_SMALL)
        self.record = RunRecordDataset(filepath=str(folder / _RECORD), version=Version(None, None))
        self.whole = self.run_whole()
        self.files = len(self.record.at(self.whole).load()["files"])

    def start(self, runner: str = "SequentialRunner") -> Run:
        """Begin a run of the study."""
        self.runs += 1
        seed = self.runs // _ANEW
        words = ["kedro", "run", "--env=sample", "--pipelines=concrete", f"--runner={runner}",
                 f"--params=concrete.training.seed={seed}"]  # fmt: skip
        output = self.folder.parent / f"{self.folder.name}-{self.runs}.txt"
        cold = self.runs % _COLD == 0
        if (pid := os.fork()) == 0:
            _become(words, self.folder, output, cold)
        return Run(pid, output)

    def run_whole(self) -> str:
        """Run the study to its end, and return the version."""
        run = self.start()
        while not run.ended():
            self.seconds = max(self.seconds, _computed(run.pid))
            time.sleep(0.02)
        if run.status != 0:
            raise BrokenError(f"a run of its own did not end well: {run.said()}")
        (version,) = re.findall(r"results: .*, version (\S+)", run.said())
        return str(version)

    def check(self, known: set[str]) -> set[str]:
        """Check what must be true whatever happened; return the complete versions."""
        versions = self.record.complete_versions()
        if lost := known - set(versions):
            raise BrokenError(f"no longer complete: {lost}")
        data = self.folder / "data" / "sample"
        for version in versions:
            files = self.record.at(version).load()["files"]
            if len(files) != self.files:
                raise BrokenError(f"{version} is called complete with {len(files)} files")
            for file in files:
                self.record.check_files(version, data / file["path"])
        return set(versions)

    def written(self, version: str) -> int:
        """Count the files of a version."""
        data = self.folder / "data" / "sample"
        return sum(version in path.parts for path in data.rglob("*") if path.is_file())


def _become(words: list[str], folder: Path, output: Path, cold: bool) -> None:
    """Be the run, in the process that was forked for it."""
    try:
        os.setsid()
        os.chdir(folder)
        with output.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if cold:
            os.execv(sys.executable, [sys.executable, "-m", *words])
        sys.argv = words
        sys.modules["kedro.framework.cli"].main()
    except SystemExit as end:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else int(end.code is not None))
    except BaseException as error:
        os.write(2, f"Traceback: {error!r}\n".encode())
    finally:
        os._exit(99)


class Tries:
    """Counts tries until there were enough, or the time is over."""

    def __init__(self, times: int, minutes: float) -> None:
        self._times = times
        self._end = time.monotonic() + 60 * minutes
        self.done = 0

    def go_on(self) -> bool:
        """Return whether there is to be another."""
        return self.done < self._times and time.monotonic() < self._end


def _moment(project: Project, chance: random.Random) -> float:
    return chance.uniform(0, project.seconds)


def kill(project: Project, tries: Tries, chance: random.Random) -> dict[str, object]:
    """Kill the run's process, and it alone, at a random moment."""
    known = project.check({project.whole})
    found: collections.Counter[str] = collections.Counter()
    while tries.go_on():
        before = _versions(project)
        run = project.start(_RUNNERS[tries.done % len(_RUNNERS)])
        if run.wait_until_it_has_computed(_moment(project, chance)):
            if run.status != 0:
                raise BrokenError(f"a run ended with {run.status}: {run.said()}")
            found["ended before its kill"] += 1
        else:
            os.kill(run.pid, signal.SIGKILL)
            run.wait(_LONGEST)
            tries.done += 1
            found[_stage(project, _versions(project) - before)] += 1
            if run.left():
                raise BrokenError(f"processes left behind: {run.left()}")
        complete = project.check(known)
        if len(complete - known) > 1 or (run.status == 0 and not complete - known):
            raise BrokenError(f"one run, and these are new: {complete - known}")
        known = complete
        if tries.done % _TIMES == 0 and run.status != 0:
            version = project.run_whole()
            known = project.check(known)
            if project.record.complete_versions()[0] != version:
                raise BrokenError(f"the newest is not {version}")
            found["whole runs after a kill"] += 1
    return {"kills": tries.done, **found}


def _versions(project: Project) -> set[str]:
    return {
        path.name for path in (project.folder / "data" / "sample").rglob("*T*Z") if path.is_dir()
    }


def _stage(project: Project, new: set[str]) -> str:
    if not new:
        return "killed before anything was written"
    (version,) = new
    if version in project.record.complete_versions():
        return "killed when the version was complete"
    return "killed half way" if project.written(version) else "killed before the first file"


def interrupt(project: Project, tries: Tries, chance: random.Random) -> dict[str, object]:
    """Press Ctrl-C at a random moment of a run that has begun to write."""
    known = project.check({project.whole})
    seconds: list[float] = []
    while tries.go_on():
        before = _versions(project)
        run = project.start(_RUNNERS[tries.done % len(_RUNNERS)])
        while not run.ended() and _versions(project) == before:
            time.sleep(0.01)
        if run.wait_until_it_has_computed(_moment(project, chance)):
            known = project.check(known)
            continue
        pressed = time.monotonic()
        os.kill(run.pid, signal.SIGINT)
        if not run.wait(_LONGEST) or run.status not in (0, 130):
            raise BrokenError(f"ended with {run.status}: {run.said()}")
        if run.status == 0:  # it had just been done
            known = project.check(known)
            continue
        seconds.append(time.monotonic() - pressed)
        tries.done += 1
        told = [line for line in run.said().splitlines() if "nothing will read it" in line]
        if len(told) != 1 or "Traceback" in run.said():
            raise BrokenError(f"said: {run.said()}")
        if run.left():
            raise BrokenError(f"processes left behind: {run.left()}")
        if project.check(known) != known:
            raise BrokenError("an interrupted run is called complete")
    ordered = sorted(seconds)
    return {
        "interrupts": tries.done,
        "seconds to the end: median": round(ordered[len(ordered) // 2], 2),
        "seconds to the end: most": round(ordered[-1], 2),
    }


def pair(project: Project, tries: Tries, chance: random.Random) -> dict[str, object]:
    """Begin two runs of the study at once, or nearly."""
    known = project.check({project.whole})
    while tries.go_on():
        first = project.start()
        time.sleep(chance.choice((0, 0, 0.01, 1)))
        second = project.start("ThreadRunner")
        for run in (first, second):
            if not run.wait(_LONGEST) or run.status != 0:
                raise BrokenError(f"one of a pair ended with {run.status}: {run.said()}")
        complete = project.check(known)
        if len(complete - known) != 2:  # noqa: PLR2004  # a pair
            raise BrokenError(f"of a pair these are new: {complete - known}")
        known = complete
        tries.done += 1
    return {"pairs": tries.done, "complete versions": len(known)}


def full(project: Project, tries: Tries, chance: random.Random) -> dict[str, object]:
    """Leave less room on the disk than a run needs."""
    known = project.check({project.whole})
    data = project.folder / "data" / "sample"
    needed = project.written(project.whole) and sum(
        path.stat().st_blocks * 512
        for path in data.rglob("*")
        if path.is_file() and project.whole in path.parts
    )
    with _own_disk(project.folder / "data") as disk:
        while tries.go_on():
            room = int(chance.uniform(0, 0.95) * needed)
            _mount("-o", f"remount,size={_used(disk) + room}", str(disk))
            run = project.start(_RUNNERS[tries.done % len(_RUNNERS)])
            _refused(run)
            if project.check(known) != known:
                raise BrokenError("a run without room is called complete")
            tries.done += 1
            _mount("-o", "remount,size=2g", str(disk))
            for version in _versions(project) - known:
                for path in data.rglob(version):
                    shutil.rmtree(path)
        version = project.run_whole()
        if project.record.complete_versions()[0] != version:
            raise BrokenError("the run after it is not the newest")
        project.check(known)
    return {"full disks": tries.done, "bytes that a run needs": needed}


def locked(project: Project, tries: Tries, chance: random.Random) -> dict[str, object]:
    """Take the permission to write away from a run, at a random moment: from root too."""
    known = project.check({project.whole})
    while tries.go_on():
        run = project.start(_RUNNERS[tries.done % len(_RUNNERS)])
        moment = _moment(project, chance) * chance.choice((0, 1))
        ended = run.wait_until_it_has_computed(moment)
        with _unchangeable(project.folder / "data"):
            if not ended:
                run.wait(_LONGEST)
        if run.status != 0:
            _refused(run)
            tries.done += 1
        complete = project.check(known)
        if run.status != 0 and complete != known:
            raise BrokenError("a run without permission is called complete")
        known = complete
    project.run_whole()
    return {"permissions taken away": tries.done}


@contextlib.contextmanager
def _unchangeable(folder: Path) -> Iterator[None]:
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    subprocess.run(["chattr", "+i", *folders], check=True)
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", *folders], check=True)


def _refused(run: Run) -> None:
    if not run.wait(_LONGEST) or run.status != 1:
        raise BrokenError(f"ended with {run.status}: {run.said()}")
    errors = [line for line in run.said().splitlines() if line.startswith("Error: ")]
    if len(errors) != 1 or "Traceback" in run.said():
        raise BrokenError(f"said: {run.said()}")
    if run.left():
        raise BrokenError(f"processes left behind: {run.left()}")
    print(errors[0], file=sys.stderr)


@contextlib.contextmanager
def _own_disk(place: Path) -> Iterator[Path]:
    """Put what is at ``place`` on a disk in memory, whose size can be changed."""
    kept = place.with_name("kept")
    place.rename(kept)
    place.mkdir()
    _mount("-t", "tmpfs", "-o", "size=2g", "tmpfs", str(place))
    try:
        shutil.copytree(kept, place, dirs_exist_ok=True)
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def _mount(*options: str) -> None:
    subprocess.run(["mount", *options], check=True)


def _used(disk: Path) -> int:
    found = os.statvfs(disk)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


FAULTS: dict[str, Callable[[Project, Tries, random.Random], dict[str, object]]] = {
    "kill": kill, "interrupt": interrupt, "pair": pair, "full": full, "locked": locked,
}  # fmt: skip


def main() -> None:
    """Try one kind of fault so many times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fault", choices=FAULTS)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=600, help="stop then, and tell so far")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    for name in _IMPORTS:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder, "project"))
        began = time.monotonic()
        tries = Tries(options.times, options.minutes)
        found = FAULTS[options.fault](project, tries, random.Random(options.seed))
        seconds = round(time.monotonic() - began)
        told = {"fault": options.fault, **found, "runs": project.runs, "seconds": seconds}
        print(json.dumps({**told, "lost": 0}))


if __name__ == "__main__":
    main()
