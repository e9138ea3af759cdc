"""Time and memory of large tables: Spotify's songs many times over, with noise, as Parquet.

    python benchmarks/scale.py [--copies 1 10 100] [--splits 5] [--run] [--epochs 1]

Of each size it prepares all splits as the nodes do, in a process of its own, and says what each
step takes, in seconds of processors' time, and the most memory that was held. With ``--run`` it
also runs the whole study of the largest with ``kedro run``: the most memory is then the sum over
all its processes, shared pages counted once (PSS), looked at ten times a second.

It needs ``data/01_raw/spotify.csv`` and writes to a folder for temporary files.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from measuring import ROOT, copy_project, held_by

NOISY = ("danceability", "energy", "loudness", "speechiness", "acousticness", "instrumentalness",
         "liveness", "valence", "tempo")  # fmt: skip
GIB = 2**30


def make_table(copies: int, file: Path) -> None:
    """Write the songs ``copies`` times, each with noise of a twentieth of a standard deviation."""
    songs = pd.read_csv(ROOT / "data" / "01_raw" / "spotify.csv")
    chance = np.random.default_rng(0)
    writer = None
    for _ in range(copies):
        copy = songs.copy()
        for column in NOISY:
            copy[column] += chance.normal(0, 0.05 * songs[column].std(), len(songs))
        table = pa.Table.from_pandas(copy, preserve_index=False)
        writer = writer or pq.ParquetWriter(file, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def prepare(file: Path, splits: int) -> None:
    """Prepare one table as the nodes do, and print what each step took."""
    import yaml  # noqa: PLC0415

    from dropnorm.pipelines.preparation import nodes  # noqa: PLC0415
    from dropnorm.study.parsing import parse_study  # noqa: PLC0415

    options = yaml.safe_load((ROOT / "conf/base/parameters/spotify.yml").read_text())["spotify"]
    study = parse_study("spotify", options | {"replicas": {"splits": splits}})
    seconds, last = {}, time.process_time()

    def lap(name: str) -> None:
        nonlocal last
        now = time.process_time()
        seconds[name], last = round(now - last, 2), now

    table = pd.read_parquet(file, columns=list(study.columns))
    lap("read")
    rows = nodes.check_rows(table, study)
    lap("check_rows")
    split = nodes.assign_parts(rows, study)
    lap("assign_parts")
    nodes.check_data(table, split, study)
    lap("check_data")
    fitted = nodes.fit_preprocessors(rows, split, study)
    lap("fit_preprocessors")
    inputs = nodes.make_inputs(rows, split, fitted, study)
    lap("make_inputs")
    arrays = sum(part.x.nbytes for one in inputs for part in (one.train, one.validation))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    told = {
        "rows": len(table),
        "seconds": seconds,
        "total": round(sum(seconds.values()), 1),
        "inputs_gib": round(arrays / GIB, 2),
        "peak_gib": round(peak / GIB, 2),
    }
    print(json.dumps(told), flush=True)


def run(file: Path, splits: int, epochs: int) -> None:
    """Run the study of one table with ``kedro run``, and print its time and most memory."""
    project = copy_project(file.parent / "project")
    local = project / "conf" / "local"
    local.mkdir(exist_ok=True)
    (local / "catalog.yml").write_text(
        f"spotify.table: {{type: pandas.ParquetDataset, filepath: {file}}}\n"
    )
    command = [sys.executable, "-m", "kedro", "run", "--pipelines=spotify", "--params="
               f"spotify.replicas.splits={splits},spotify.training.epochs={epochs}"]  # fmt: skip
    began, most = time.perf_counter(), 0
    running = subprocess.Popen(command, cwd=project)
    while running.poll() is None:
        most = max(most, held_by(running.pid))
        time.sleep(0.1)
    report = next(project.glob("data/08_reporting/spotify/report.html/*/report.html"))
    told = {
        "seconds": round(time.perf_counter() - began),
        "exit": running.returncode,
        "peak_gib": round(most / GIB, 2),
        "report_bytes": report.stat().st_size,
    }
    print(json.dumps(told), flush=True)
    for path in sorted(p for p in (project / "data").rglob("*") if p.is_file()):
        if path.stat().st_size > 10_000_000:  # noqa: PLR2004
            print(f"{path.stat().st_size / 1e6:8.0f} MB {path.relative_to(project)}")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--inside", type=Path)
    told = parser.parse_args()
    if told.inside:
        prepare(told.inside, told.splits)
        return
    with tempfile.TemporaryDirectory() as folder:
        for copies in told.copies:
            file = Path(folder) / f"songs-{copies}.parquet"
            make_table(copies, file)
            words = [sys.executable, __file__, "--inside", str(file), "--splits", str(told.splits)]
            subprocess.run(words, check=True, env={**os.environ})
        if told.run:
            run(file, told.splits, told.epochs)


if __name__ == "__main__":
    main()
