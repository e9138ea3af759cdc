"""The lesson's trainings as a plain Keras script and as this project, in turn, as ratios.

    python benchmarks/speed.py --json speed.json   # half an hour on two cores
    python benchmarks/speed.py --repeats 1 --starts 2 --epochs 2    # whether it works

Every ratio is of this project's seconds by those of ``plain_keras.py`` on TensorFlow, in the same
run, with the same variants and epochs:

- ``single``: of one training, ``fit`` by ``fit``, compiling included; pair by pair, so that what
  slows the machine slows both. With ``--careful``, the plain script is also measured with
  Keras' own ``steps_per_execution`` and ``jit_compile``.
- ``replicas``: of ``--starts`` trainings, from before the first to the end of the last, starting
  the processes and importing the engine there included, by as many times a plain ``fit``.
- ``losses``: least and last losses of as many starts of both: their means, and how many standard
  errors they are apart.
- ``command``: of a whole ``kedro run`` of one split, four variants, by a plain script for each.
  Two of concrete's diverge, and count here: the plain script trains them to the last epoch.
- ``together``, if asked for: of two trainings at a time by one alone: what a second one costs.

The limit is what the matrix products of a training take by themselves (``limit.py``).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import mean, median

import numpy as np
from measuring import ROOT, copy_project, machine, run, table, told

HERE = Path(__file__).parent
PARTS = ("single", "replicas", "losses", "command")
FURTHER = ("together",)  # if asked for
SINGLE = (("concrete", "batchnorm"), ("spotify", "dropout"), ("wine", "dropout_batchnorm"))
MANY = (("concrete", "batchnorm"), ("spotify", "baseline"), ("spotify", "dropout"))
TOGETHER = (("spotify", "dropout"), ("wine", "dropout"), ("wine", "batchnorm"))
COMMANDS = ("concrete", "spotify", "wine")
# The plain script as a careful user writes it, beside the lesson's way.
CAREFUL = {"steps_per_execution": ("--whole-epochs",), "jit_compile": ("--jit",)}
VARIANTS = ("baseline", "dropout", "batchnorm", "dropout_batchnorm")
# The first of the seeds that are not measured in turn, and of the starts that are trained at once.
MORE, FIRST = 100, 1000
# Heads and rows.
Table = tuple[list[str], list[list[str]]]


def inside(study: str, variant: str, starts: int, first: int, epochs: int, threads: int) -> None:
    """Train ``starts`` replicas as the project does, on the plain script's rows."""
    import yaml  # noqa: PLC0415
    from lesson_rows import read  # noqa: PLC0415

    from dropnorm.data.preprocessing import Part, SplitInputs  # noqa: PLC0415
    from dropnorm.study.parsing import parse_study  # noqa: PLC0415
    from dropnorm.study.variants import Variant  # noqa: PLC0415
    from dropnorm.training.parallel import train_replicas  # noqa: PLC0415

    file = ROOT / "conf" / "base" / "parameters" / f"{study}.yml"
    given = yaml.safe_load(file.read_text(encoding="utf-8"))[study]
    if epochs:
        given["training"]["epochs"] = epochs
    if threads:
        given["training"]["threads"] = threads
    options = parse_study(study, given)
    x_train, y_train, x_valid, y_valid = (part.astype(np.float32) for part in read(study))
    inputs = SplitInputs(
        0,
        Part(np.arange(len(y_train)), x_train, y_train),
        Part(len(y_train) + np.arange(len(y_valid)), x_valid, y_valid),
    )
    began = time.perf_counter()
    trained = train_replicas(
        options, Variant(variant), [(inputs, first + start) for start in range(starts)],
        lambda *_: None,
    )  # fmt: skip
    found = {
        "fit_seconds": mean(one.fit_seconds for one in trained),
        "seconds": time.perf_counter() - began,
        "min_val_loss": [float(one.history["val_loss"].min()) for one in trained],
        "final_loss": [float(one.history["loss"].iloc[-1]) for one in trained],
        "final_val_loss": [float(one.history["val_loss"].iloc[-1]) for one in trained],
    }
    print(json.dumps(found))


class Measured:
    """What has been measured so far; kept in a file after each step.

    Args:
        options: Of the command line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self.found: dict = {"machine": machine(), "single": {}, "replicas": {}, "losses": {}}
        self._plain: dict[tuple[str, str], list[dict]] = {}

    def limit(self, study: str) -> float:
        """Return the seconds of the products alone, on one thread."""
        told = run(str(HERE / "limit.py"), study, "--threads", "1").told[-1]
        return float(told["seconds"])

    def plain(
        self, study: str, variant: str, *seeds: int, way: tuple[str, ...] = ()
    ) -> tuple[list[dict], int]:
        """Train with the plain script; return what it says of each, and its most memory in MiB."""
        words = [study, variant, "--seeds", *map(str, seeds), *way]
        if self._options.epochs:
            words += ["--epochs", str(self._options.epochs)]
        ended = run(str(HERE / "plain_keras.py"), *words)
        return ended.told, ended.peak_mib

    def here(self, study: str, variant: str, engine: str, starts: int, first: int) -> dict:
        """Train with the project, in a process of its own."""
        options = self._options
        numbers = map(str, (starts, first, options.epochs or 0, options.threads or 0))
        ended = run(__file__, "--inside", study, variant, *numbers, engine=engine)
        return {**ended.told[-1], "peak_mib": ended.peak_mib}

    def plain_fit(self, study: str, variant: str) -> list[float]:
        """Return the seconds of the plain trainings that were measured by themselves."""
        if (study, variant) not in self._plain:
            self._plain[study, variant] = [
                self.plain(study, variant, seed)[0][0] for seed in range(self._options.repeats)
            ]
        return [one["fit_seconds"] for one in self._plain[study, variant]]

    def single(self) -> None:
        """One training, in turn."""
        engines = self._options.engines
        for study, variant in SINGLE:
            if study not in (self._options.studies or [study]):
                continue
            # Red wine's trainings take longest.
            repeats = min(2, self._options.repeats) if study == "wine" else self._options.repeats
            ratios: dict[str, list[float]] = {engine: [] for engine in engines}
            peaks: dict[str, list[int]] = {name: [] for name in ("plain", *engines)}
            names = ("plain", *CAREFUL, *engines)
            seconds: dict[str, list[float]] = {name: [] for name in names}
            kept = self._plain.setdefault((study, variant), [])
            for seed in range(repeats):
                (one,), peak = self.plain(study, variant, seed)
                kept.append(one)
                peaks["plain"].append(peak)
                seconds["plain"].append(one["fit_seconds"])
                for name, way in CAREFUL.items() if self._options.careful else ():
                    (careful,), _ = self.plain(study, variant, seed, way=way)
                    seconds[name].append(careful["fit_seconds"])
                for engine in engines:
                    ours = self.here(study, variant, engine, 1, seed)
                    ratios[engine].append(ours["fit_seconds"] / one["fit_seconds"])
                    seconds[engine].append(ours["fit_seconds"])
                    peaks[engine].append(ours["peak_mib"])
            self.keep("single", f"{study} {variant}", limit=self.limit(study),
                      ratios=ratios, seconds=seconds, peaks=peaks)  # fmt: skip

    def together(self) -> None:
        """Two trainings at a time, each in a process of its own, and one alone."""
        for study, variant in TOGETHER:
            for engine in self._options.engines:
                alone, both = [], []
                for seed in range(min(2, self._options.repeats)):
                    alone.append(self.here(study, variant, engine, 1, seed)["fit_seconds"])
                    with ThreadPoolExecutor(2) as threads:
                        two = [
                            threads.submit(self.here, study, variant, engine, 1, seed + more)
                            for more in (0, MORE)
                        ]
                        both.append(mean(one.result()["fit_seconds"] for one in two))
                self.keep("together", f"{study} {variant} {engine}", alone=alone, both=both)

    def replicas(self) -> None:
        """Several replicas, on all cores."""
        for study, variant in MANY:
            fit = mean(self.plain_fit(study, variant))
            runs = {
                engine: self.here(study, variant, engine, self._options.starts, FIRST)
                for engine in self._options.engines
            }
            self.keep("replicas", f"{study} {variant}", plain=fit, runs=runs)

    def losses(self) -> None:
        """As many starts of the plain script; of these no time is taken, so all at once."""
        rest = range(MORE, MORE + max(0, self._options.starts - self._options.repeats))
        for study, variant in MANY:
            self.plain_fit(study, variant)
        with ThreadPoolExecutor(len(MANY)) as threads:
            more = [
                threads.submit(self.plain, study, variant, *rest) if rest else None
                for study, variant in MANY
            ]
            for (study, variant), one in zip(MANY, more, strict=True):
                found = self._plain[study, variant] + (one.result()[0] if one else [])
                self.keep("losses", f"{study} {variant}", plain=found)

    def command(self) -> None:
        """A whole run by a plain script for each variant."""
        epochs = self._options.epochs
        for study in COMMANDS:
            changed = f",{study}.training.epochs={epochs}" if epochs else ""
            scripts = sum(self.plain(study, variant, 0)[0][0]["seconds"] for variant in VARIANTS)
            for engine in self._options.engines:
                with tempfile.TemporaryDirectory() as folder:
                    ended = run(
                        "-m", "kedro", "run", f"--pipelines={study}",
                        f"--params={study}.replicas.splits=1{changed}",
                        engine=engine, cwd=copy_project(Path(folder)),
                    )  # fmt: skip
                seconds = ended.seconds
                self.keep("command", f"{study} {engine}", scripts=scripts, seconds=seconds)

    def keep(self, part: str, name: str, **what: object) -> None:
        """Keep a result."""
        self.found.setdefault(part, {})[name] = what
        print(f"{part}: {name}", file=sys.stderr, flush=True)
        if self._options.json:
            Path(self._options.json).write_text(json.dumps(self.found, indent=1), encoding="utf-8")


def shares(these: list[float], those: list[float]) -> list[float]:
    """Return ratios, pair by pair."""
    return [one / other for one, other in zip(these, those, strict=True)]


def tell(found: dict) -> None:
    """Print the tables."""
    print(f"{found['machine']}\n")
    for heads, rows in (single_rows(found), careful_rows(found), together_rows(found),
                        replica_rows(found), loss_rows(found), command_rows(found)):  # fmt: skip
        if rows:
            print(table(heads, rows), end="\n\n")


def single_rows(found: dict) -> Table:
    """Return the table of single trainings beside the plain script of the lesson."""
    rows = []
    for name, one in found["single"].items():
        for engine, ratios in one["ratios"].items():
            ours, fit = median(one["seconds"][engine]), median(one["seconds"]["plain"])
            limit = one["limit"] / fit
            rows.append(
                [name, engine, told(ratios), f"{ours:.1f} s, {fit:.1f} s", f"{limit:.2f}",
                 f"{max(one['peaks'][engine])}, {max(one['peaks']['plain'])}"]
            )  # fmt: skip
    heads = ["one training", "engine", "ratio", "here, plain", "limit", "MiB here, plain"]
    return heads, rows


def careful_rows(found: dict) -> Table:
    """Return the table of single trainings beside Keras with its own switches."""
    rows = [
        [name, engine, f"`{way}`", told(shares(one["seconds"][engine], one["seconds"][way])),
         f"{median(one['seconds'][way]):.1f} s"]
        for name, one in found["single"].items()
        for engine in one["ratios"]
        for way in CAREFUL
        if one["seconds"].get(way)
    ]  # fmt: skip
    return ["one training", "engine", "plain script with", "ratio", "plain"], rows


def together_rows(found: dict) -> Table:
    """Return the table of two trainings at a time."""
    rows = [
        [*name.rsplit(maxsplit=1), told(shares(one["both"], one["alone"])),
         f"{median(one['alone']):.1f} s", f"{median(one['both']):.1f} s"]
        for name, one in found.get("together", {}).items()
    ]  # fmt: skip
    return ["two at a time", "engine", "ratio", "alone", "each of two"], rows


def replica_rows(found: dict) -> Table:
    """Return the table of several replicas on all cores."""
    rows = []
    for name, one in found["replicas"].items():
        for engine, ours in one["runs"].items():
            count = len(ours["min_val_loss"])
            ratio = ours["seconds"] / (count * one["plain"])
            cells = [f"{count} × {name}", engine, f"{ratio:.2f}", f"{ours['seconds']:.1f} s"]
            rows.append([*cells, f"{count * one['plain']:.1f} s", str(ours["peak_mib"])])
    return ["replicas", "engine", "ratio", "here", "plain", "MiB"], rows


def loss_rows(found: dict) -> Table:
    """Return the table of the losses of both."""
    rows = []
    for name, one in found["losses"].items():
        for engine, ours in found["replicas"].get(name, {"runs": {}})["runs"].items():
            for loss in ("min_val_loss", "final_val_loss", "final_loss"):
                pair = np.array(ours[loss]), np.array([p[loss] for p in one["plain"]])
                error = np.sqrt(sum(x.var(ddof=1) / len(x) for x in pair))
                cells = [f"{x.mean():.4g} ± {x.std(ddof=1):.2g}" for x in pair]
                apart = (pair[0].mean() - pair[1].mean()) / error
                rows.append([name, engine, loss, *cells, f"{apart:+.1f}"])
    return ["losses", "engine", "which", "here", "plain", "standard errors apart"], rows


def command_rows(found: dict) -> Table:
    """Return the table of whole commands."""
    rows = [
        [*name.split(), f"{one['seconds'] / one['scripts']:.2f}", f"{one['seconds']:.0f} s",
         f"{one['scripts']:.0f} s"]
        for name, one in found.get("command", {}).items()
    ]  # fmt: skip
    return ["kedro run", "engine", "ratio", "here", "four plain scripts"], rows


def main() -> None:
    """Measure in turn and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="pairs of single trainings")
    parser.add_argument("--starts", type=int, default=10, help="replicas trained at once")
    parser.add_argument("--epochs", type=int, help="fewer, to see whether it works")
    parser.add_argument("--threads", type=int, help="of each training here; else the study's")
    parser.add_argument("--studies", nargs="+", help="of the single trainings; else all three")
    parser.add_argument("--careful", action="store_true", help="also Keras with its own switches")
    parser.add_argument("--engines", nargs="+", default=["tensorflow", "jax"])
    parser.add_argument("--parts", nargs="+", choices=PARTS + FURTHER, default=PARTS)
    parser.add_argument("--json", help="file for all that was measured")
    parser.add_argument("--tell", action="store_true", help="only print what stands in that file")
    parser.add_argument("--inside", nargs=6, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        study, variant, *numbers = options.inside
        inside(study, variant, *map(int, numbers))
        return
    if options.tell:
        tell(json.loads(Path(options.json).read_text(encoding="utf-8")))
        return
    measured = Measured(options)
    for part in options.parts:
        getattr(measured, part)()
    tell(measured.found)


if __name__ == "__main__":
    main()
