"""How time and memory grow: rows, replicas and inputs of Spotify's study, times some factor.

    python benchmarks/growth.py                      # all of it, and docs/images/growth.png
    python benchmarks/growth.py --rows 1 10 --epochs 1

Rows are the songs many times over, each copy with noise of a twentieth of a standard deviation;
inputs are the songs' twelve numbers, and noise beside them. Of each, the preparation and a
training of ``dropout`` for ``--epochs`` epochs, in a process of its own, on one thread, in
seconds of processor's time. Replicas are whole trainings of as many starts, on all cores, in
seconds. Memory is the most that a program and all that it started held at one time, of pages
that they share each its part.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from measuring import ROOT, machine, run, table

GROWN = ("rows", "replicas", "inputs")


def make_songs(rows: int, inputs: int) -> tuple[pd.DataFrame, list[str]]:
    """Make up a table: the songs ``rows`` times, and so many times the inputs, the rest noise."""
    songs = pd.read_csv(ROOT / "data" / "01_raw" / "spotify.csv")
    chance = np.random.default_rng(0)
    spread = {name: 0.05 * songs[name].std() for name in songs.select_dtypes("float")}
    copies = [songs]
    for _ in range(rows - 1):
        noisy = {
            name: songs[name] + chance.normal(0, scale, len(songs))
            for name, scale in spread.items()
        }
        copies.append(songs.assign(**noisy))
    grown = pd.concat(copies, ignore_index=True)
    names = [f"noise_{number}" for number in range(12 * (inputs - 1))]
    noise = pd.DataFrame(chance.normal(size=(len(grown), len(names))), columns=names)
    return pd.concat([grown, noise], axis=1), names


def inside(rows: int, replicas: int, inputs: int, epochs: int) -> None:
    """Prepare and train as the project does, and print what each took."""
    import yaml  # noqa: PLC0415

    from dropnorm.pipelines.preparation import nodes  # noqa: PLC0415
    from dropnorm.study.parsing import parse_study  # noqa: PLC0415
    from dropnorm.study.variants import Variant  # noqa: PLC0415
    from dropnorm.training.backend import start_engine, threads_of  # noqa: PLC0415
    from dropnorm.training.parallel import train_replicas  # noqa: PLC0415

    songs, names = make_songs(rows, inputs)
    options = yaml.safe_load((ROOT / "conf/base/parameters/spotify.yml").read_text())["spotify"]
    options["replicas"] = {"splits": 1, "starts": replicas}
    options["preprocessing"]["standard_scale"] += names
    if epochs:
        options["training"]["epochs"] = epochs
    study = parse_study("spotify", options)
    songs = songs[list(study.columns)]
    # Of one process what it computed, however busy the machine is; of several how long they took.
    clock = time.process_time if epochs else time.perf_counter
    began = clock()
    checked = nodes.check_rows(songs, study)
    split = nodes.assign_parts(checked, study)
    fitted = nodes.fit_preprocessors(checked, split, study)
    (arrays,) = nodes.make_inputs(checked, split, fitted, study)
    prepared = clock()
    if replicas == 1:
        start_engine(threads_of(study))
    started = clock()
    wanted = [(arrays, start) for start in range(replicas)]
    trained = train_replicas(study, Variant.DROPOUT, wanted, lambda *_: None)
    ended = clock()
    found = {
        "rows": len(checked),
        "inputs": arrays.train.x.shape[1],
        "prepare": prepared - began,
        "train": ended - started,
        "fit": sum(one.fit_seconds for one in trained),
    }
    print(json.dumps(found))


def measure(grown: str, factor: int, engine: str, epochs: int) -> dict:
    """Measure one point, in a process of its own."""
    factors = [str(factor if name == grown else 1) for name in GROWN]
    words = ["--inside", *factors, str(0 if grown == "replicas" else epochs)]
    ended = run(__file__, *words, engine=engine)
    return {"factor": factor, **ended.told[-1], "peak_mib": ended.peak_mib}


def draw(found: dict[str, list[dict]], file: Path) -> None:
    """Draw seconds and memory by factor, a line for each of what grows, and the straight line."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(10.5, 4.2), layout="constrained", dpi=110)
    panels = figure.subplots(1, 3)
    for axes, what, title in zip(
        panels, ("prepare", "train", "peak_mib"),
        ("preparation, seconds", "training, seconds", "most memory, MiB"), strict=True,
    ):  # fmt: skip
        for (name, points), marker in zip(found.items(), "os^", strict=False):
            factors = [one["factor"] for one in points]
            values = [one[what] for one in points]
            (line,) = axes.plot(factors, values, marker=marker, label=name)
            straight = [values[0] * factor for factor in factors]
            axes.plot(factors, straight, color=line.get_color(), linestyle=":", linewidth=1)
        axes.set(xscale="log", yscale="log", title=title, xlabel="times as many")
        axes.grid(alpha=0.3)
    panels[0].legend(frameon=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file)


def main() -> None:
    """Measure each point, print a table, draw it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="*", default=[1, 10, 100])
    parser.add_argument("--replicas", type=int, nargs="*", default=[1, 4, 16])
    parser.add_argument("--inputs", type=int, nargs="*", default=[1, 10])
    parser.add_argument("--epochs", type=int, default=1, help="of rows and inputs")
    parser.add_argument("--engine", default="tensorflow")
    parser.add_argument("--plot", default=str(ROOT / "docs" / "images" / "growth.png"))
    parser.add_argument("--inside", type=int, nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        inside(*options.inside)
        return
    found: dict[str, list[dict]] = {}
    for grown in GROWN:
        for factor in getattr(options, grown):
            point = measure(grown, factor, options.engine, options.epochs)
            found.setdefault(grown, []).append(point)
            print(grown, point, file=sys.stderr, flush=True)
    rows = [
        [f"{grown} × {one['factor']}", str(one["rows"]), str(one["inputs"]),
         f"{one['prepare']:.1f} s", f"{one['train']:.1f} s", str(one["peak_mib"])]
        for grown, points in found.items() for one in points
    ]  # fmt: skip
    print(f"{machine()}\n")
    print(table([f"on {options.engine}", "rows", "inputs", "preparation", "training", "MiB"], rows))
    draw(found, Path(options.plot))


if __name__ == "__main__":
    main()
