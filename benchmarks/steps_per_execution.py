"""Keras' own ``steps_per_execution`` beside this project's loops, on TensorFlow and JAX.

    python benchmarks/steps_per_execution.py [--repeats 3] [--studies concrete spotify]

Each ratio is of this project's seconds of ``fit`` by those of ``plain_keras.py --whole-epochs`` on
the same engine, compiling included, one right after the other, so that what slows the machine slows
both. This project gives TensorFlow one thread; Keras is measured with one and with all.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from measuring import machine, run, table, told
from speed import SINGLE

HERE = Path(__file__).parent
# Engine, threads as they are told, and what gives Keras these.
ENGINES = (
    ("tensorflow", "one", {"TF_NUM_INTRAOP_THREADS": "1"}),
    ("tensorflow", "all", {}),
    ("jax", "all", {}),
)
HEADS = ["one training", "engine", "threads of Keras", "ratio", "here, Keras"]


def main() -> None:
    """Measure, and print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--studies", nargs="+", default=["concrete", "spotify"])
    options.add_argument("--epochs", type=int, default=50)
    chosen = options.parse_args()
    print(machine(), "", sep="\n")
    for study, variant in (one for one in SINGLE if one[0] in chosen.studies):
        for engine, threads, variables in ENGINES:
            here, keras = [], []
            for seed in map(str, range(chosen.repeats)):
                inside = ("--inside", study, variant, "1", seed, str(chosen.epochs), "0")
                own = (study, variant, "--seeds", seed, "--epochs", str(chosen.epochs))
                ours = run(str(HERE / "speed.py"), *inside, engine=engine)
                theirs = run(
                    str(HERE / "plain_keras.py"), *own, "--whole-epochs", engine=engine, **variables
                )
                here.append(ours.told[-1]["fit_seconds"])
                keras.append(theirs.told[-1]["fit_seconds"])
            ratios = [one / other for one, other in zip(here, keras, strict=True)]
            seconds = f"{told(here, '.1f')} s, {told(keras, '.1f')} s"
            row = [f"{study} {variant}", engine, threads, told(ratios), seconds]
            print(table(HEADS, [row]), flush=True)


if __name__ == "__main__":
    main()
