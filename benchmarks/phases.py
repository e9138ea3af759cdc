"""Where a ``kedro run`` spends its time: imports, trainings, and all that is beside them.

    python benchmarks/phases.py [concrete] [--splits 5]

Runs a study in this process, on a copy of configuration and tables, with a clock at each of Kedro's
hooks. An import counts as one wherever it happens. Beside wall time it says the seconds of
processors' time, which do not count how long other programs had them.
"""

from __future__ import annotations

import time

BEGAN = time.perf_counter()

import argparse  # noqa: E402  # the clock starts before the imports
import builtins  # noqa: E402
import importlib  # noqa: E402
import os  # noqa: E402
import tempfile  # noqa: E402
import threading  # noqa: E402
from collections import defaultdict  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from pathlib import Path  # noqa: E402


class Clock:
    """Seconds by phase; while an inner phase runs, the outer one stands still."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self._open: list[str] = []
        self._last = (BEGAN, 0.0)
        self._thread = threading.get_ident()

    def _lap(self) -> None:
        now = time.perf_counter(), time.process_time()
        phase = self._open[-1] if self._open else "Kedro: session, catalog, runner"
        for number, (end, begin) in enumerate(zip(now, self._last, strict=True)):
            self.spent[phase][number] += end - begin
        self._last = now

    def begin(self, phase: str) -> None:
        """Enter a phase."""
        self._lap()
        self._open.append(phase)

    def end(self) -> None:
        """Go back to the phase around it."""
        self._lap()
        self._open.pop()

    @contextmanager
    def phase(self, name: str):
        """Measure what happens inside; of other threads nothing."""
        if threading.get_ident() != self._thread:
            yield
            return
        self.begin(name)
        try:
            yield
        finally:
            self.end()

    def around(self, place: object, name: str, phase: str) -> None:
        """Count a function's time for a phase."""
        function = getattr(place, name)

        def measured(*values: object, **named: object) -> object:
            with self.phase(phase):
                return function(*values, **named)

        setattr(place, name, measured)

    @property
    def importing(self) -> bool:
        """Whether the phase is that of imports already."""
        return bool(self._open) and self._open[-1] == IMPORTS


IMPORTS, TRAININGS = "imports", "trainings (fit, and starting the workers)"
CLOCK = Clock()
_import, _import_module = builtins.__import__, importlib.import_module


def _counted(function):
    def importing(*values: object, **named: object) -> object:
        if CLOCK.importing:
            return function(*values, **named)
        with CLOCK.phase(IMPORTS):
            return function(*values, **named)

    return importing


def phase_of(node: str) -> str:
    """Return the phase that a node belongs to."""
    name = node.rpartition(".")[2]
    if name.startswith(("plot", "write_report")):
        return "plots and report"
    if name == "train":
        return "networks and predictions of the replicas"
    if name == "predict_references":
        return "reference models"
    if name.startswith("examine"):
        return "looking into the networks"
    return "other nodes"


class Hooks:
    """A clock at each of Kedro's hooks."""

    def before_node_run(self, node) -> None:
        """Begin a node."""
        CLOCK.begin(phase_of(node.name))

    def after_node_run(self) -> None:
        """End it."""
        CLOCK.end()

    def before_dataset_loaded(self) -> None:
        """Begin to load."""
        CLOCK.begin("loading")

    def after_dataset_loaded(self) -> None:
        """End it."""
        CLOCK.end()

    def before_dataset_saved(self, dataset_name: str) -> None:
        """Begin to save."""
        plot = dataset_name.endswith(("_plot", "learning_curves"))
        CLOCK.begin("plots and report" if plot else "saving")

    def after_dataset_saved(self) -> None:
        """End it."""
        CLOCK.end()


def run(study: str, splits: int) -> float:
    """Run the study; return the seconds from the start of this program."""
    with CLOCK.phase(IMPORTS):
        from kedro.framework.hooks import hook_impl  # noqa: PLC0415
        from kedro.framework.session import KedroSession  # noqa: PLC0415
        from kedro.framework.startup import bootstrap_project  # noqa: PLC0415

        bootstrap_project(Path.cwd())
        from dropnorm.evaluation.references import reference_models  # noqa: PLC0415
        from dropnorm.hooks import validation  # noqa: PLC0415
        from dropnorm.pipelines.training import nodes  # noqa: PLC0415
        from dropnorm.training import backend  # noqa: PLC0415
    for name in [name for name in vars(Hooks) if name.startswith(("before", "after"))]:
        setattr(Hooks, name, hook_impl(getattr(Hooks, name)))
    CLOCK.around(backend, "start_engine", IMPORTS)
    CLOCK.around(nodes, "train_jobs", TRAININGS)
    CLOCK.around(reference_models, "recall_or_train", TRAININGS)
    CLOCK.around(validation, "check_study", "checks before the run")
    options = {study: {"replicas": {"splits": splits}}}
    with KedroSession.create(Path.cwd(), runtime_params=options) as session:
        session._hook_manager.register(Hooks())
        session.run(pipeline_name=study)
    return time.perf_counter() - BEGAN


def main() -> None:
    """Run, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", nargs="?", default="concrete")
    parser.add_argument("--splits", type=int, default=5)
    options = parser.parse_args()
    with CLOCK.phase(IMPORTS):
        import measuring  # noqa: PLC0415
    os.environ["DROPNORM_MEMORY"] = "off"
    builtins.__import__ = _counted(_import)
    importlib.import_module = _counted(_import_module)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(measuring.copy_project(Path(folder)))
        seconds = run(options.study, options.splits)
        CLOCK.begin("")
        os.chdir(measuring.ROOT)
    spent = {name: times for name, times in CLOCK.spent.items() if name}
    rows = [
        [name, f"{wall:.1f} s", f"{100 * wall / seconds:.1f} %", f"{processor:.1f} s"]
        for name, (wall, processor) in sorted(spent.items(), key=lambda item: -item[1][0])
    ]
    beside = seconds - spent[IMPORTS][0] - spent[TRAININGS][0]
    rows.append(["**beside imports and trainings**", f"{beside:.1f} s",
                 f"{100 * beside / seconds:.1f} %", ""])  # fmt: skip
    print(f"{measuring.machine()}\n")
    heads = [f"kedro run --pipelines={options.study}: {seconds:.0f} s", "wall", "of all", "here"]
    print(measuring.table(heads, rows))


if __name__ == "__main__":
    main()
