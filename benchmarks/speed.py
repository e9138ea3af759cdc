"""The lesson's trainings as a plain Keras script and as this project, in turn, as ratios.

    python benchmarks/speed.py [--repeats 3] [--replicas 10] [--engines tensorflow jax]

Every ratio is of this project's seconds by those of ``plain_keras.py`` on TensorFlow, in the same
run: of one training (compiling and fitting), of several replicas by as many plain trainings, and
of a whole ``kedro run`` by one plain script per variant. Diverged trainings count in neither. The
limit is what the matrix products of the same shapes take by themselves.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import mean, median

import numpy as np

HERE = Path(__file__).parent
TRAININGS = (("concrete", "batchnorm"), ("spotify", "dropout"), ("wine", "dropout_batchnorm"))


def run(*command: str, engine: str = "tensorflow") -> str:
    """Run a program on an engine; return what it printed last."""
    done = subprocess.run(  # this file and its neighbours
        [sys.executable, *command], cwd=HERE.parent, check=True, capture_output=True, text=True,
        env={**os.environ, "KERAS_BACKEND": engine, "DROPNORM_MEMORY": "off",
             "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    return done.stdout.strip().splitlines()[-1]


def plain(study: str, variant: str, seed: int) -> dict:
    """Train once with the plain script."""
    words = (str(HERE / "plain_keras.py"), study, variant, "--seed", str(seed))
    return json.loads(run(*words))


def here(study: str, variant: str, starts: int, first: int, engine: str) -> dict:
    """Train with the project, in a process of its own."""
    words = ("--inside", study, variant, str(starts), str(first))
    return json.loads(run(__file__, *words, engine=engine))


def inside(study: str, variant: str, starts: int, first: int) -> None:
    """Train ``starts`` replicas of split 0 as the project does, and print what it took."""
    import resource  # noqa: PLC0415  # no such thing on Windows

    from dropnorm.commands.project import open_project  # noqa: PLC0415
    from dropnorm.pipelines.preparation import nodes as preparation  # noqa: PLC0415
    from dropnorm.replicas import train_replicas  # noqa: PLC0415
    from dropnorm.study import Variant  # noqa: PLC0415

    project = open_project(None, None)
    options = project.config.study(study)
    options = options.model_copy(
        update={"replicas": options.replicas.model_copy(update={"splits": 1, "starts": starts})}
    )
    rows = preparation.check_rows(project.catalog.load(f"{study}.table"), options)
    split = preparation.assign_parts(rows, options)
    fitted = preparation.fit_preprocessors(rows, split, options)
    (inputs,) = preparation.make_inputs(rows, split, fitted, options)
    began = time.perf_counter()
    trained = train_replicas(
        options, Variant(variant), [(inputs, first + start) for start in range(starts)],
        lambda *_: None,
    )  # fmt: skip
    usage = [resource.getrusage(who).ru_maxrss for who in (0, resource.RUSAGE_CHILDREN)]
    print(
        json.dumps(
            {
                "fit_seconds": mean(one.fit_seconds for one in trained),
                "seconds": time.perf_counter() - began,
                "min_val_loss": mean(float(one.history["val_loss"].min()) for one in trained),
                "peak_megabytes": max(usage) // 1024,
            }
        )
    )


def products(study: str) -> float:
    """Return the seconds of the matrix products of one training, forwards and backwards."""
    hidden, batch, epochs, rows, inputs = {
        "concrete": ([512] * 3, 64, 100, 721, 8),
        "wine": ([1024] * 3, 256, 100, 1119, 11),
        "spotify": ([128, 64], 512, 50, 24629, 18),
    }[study]
    sizes = [inputs, *hidden, 1]
    chance = np.random.default_rng(0)
    pairs = [
        (chance.normal(size=(batch, a)).astype(np.float32),
         chance.normal(size=(a, b)).astype(np.float32),
         chance.normal(size=(batch, b)).astype(np.float32))
        for a, b in itertools.pairwise(sizes)
    ]  # fmt: skip
    steps = 50
    began = time.perf_counter()
    for _ in range(steps):
        for x, weights, slope in pairs:
            x @ weights
            x.T @ slope
            slope @ weights.T
    return (time.perf_counter() - began) / steps * epochs * rows / batch


def told(values: list[float]) -> str:
    """Write a median with its range."""
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    """Measure in turn and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--replicas", type=int, default=10)
    parser.add_argument("--engines", nargs="+", default=["tensorflow", "jax"])
    parser.add_argument("--inside", nargs=4, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.inside:
        study, variant, starts, first = chosen.inside
        inside(study, variant, int(starts), int(first))
        return
    print("| training | engine | one training | replicas | least val_loss, plain and here"
          " | MB, plain and here | products alone |\n|---|---|---|---|---|---|---|")  # fmt: skip
    for study, variant in TRAININGS:
        plains, ours = [], {engine: [] for engine in chosen.engines}
        for seed in range(chosen.repeats):
            plains.append(plain(study, variant, seed))
            for engine in chosen.engines:
                ours[engine].append(here(study, variant, 1, seed, engine))
        fit = mean(one["fit_seconds"] for one in plains)
        for engine in chosen.engines:
            many = here(study, variant, chosen.replicas, 100, engine)
            single = [
                one["fit_seconds"] / other["fit_seconds"]
                for one, other in zip(ours[engine], plains, strict=True)
            ]
            losses = (mean(one["min_val_loss"] for one in plains), many["min_val_loss"])
            peaks = (max(one["peak_megabytes"] for one in plains), many["peak_megabytes"])
            cells = (
                f"{study} {variant}", engine, told(single),
                f"{many['seconds'] / (chosen.replicas * fit):.2f}",
                f"{losses[0]:.4g}, {losses[1]:.4g}", f"{peaks[0]}, {peaks[1]}",
                f"{products(study) / fit:.2f}",
            )  # fmt: skip
            print(f"| {' | '.join(cells)} |", flush=True)
    print("\n| kedro run, one replica | seconds | four plain scripts | ratio |\n|---|---|---|---|")
    began = time.perf_counter()
    variants = ("baseline", "dropout", "batchnorm", "dropout_batchnorm")
    for variant in variants:
        plain("concrete", variant, 0)
    scripts = time.perf_counter() - began
    for engine in chosen.engines:
        began = time.perf_counter()
        run("-m", "kedro", "run", "--pipelines=concrete",
            "--params=concrete.replicas.splits=1", engine=engine)  # fmt: skip
        seconds = time.perf_counter() - began
        print(f"| {engine} | {seconds:.1f} | {scripts:.1f} | {seconds / scripts:.2f} |", flush=True)


if __name__ == "__main__":
    main()
