"""Do the intervals keep their word? False alarms of A against A, and coverage of a true effect.

    python benchmarks/intervals.py    # all of it, on all cores
    python benchmarks/intervals.py coverage-1x5 --repeats 10 --true 20    # one split, five starts

Every repeat makes up a table of its own, trains two arms on it with the project's own code, and
estimates their difference as a study does. A against A: the arms are the same network with other
starts, so that an interval without zero is a false alarm. Coverage: dropout against none; the true
effect is that of hundreds of trainings, scored on 100,000 fresh rows.
"""

from __future__ import annotations

import argparse
import itertools
import logging

import loky
import numpy as np
import pandas as pd

from dropnorm.effects import Evidence, Interval, RowLosses
from dropnorm.engine import start_engine
from dropnorm.preprocessing import Part, SplitInputs
from dropnorm.study import Study, Variant, parse_study
from dropnorm.training import predict_rows, train_replica, trained_network

ROWS, TRAINED, INPUTS, FRESH = 150, 100, 5, 100_000
WEIGHTS = {"second": 1, "first": -1}
# Rows of the table by name: what is simulated, with how many splits and starts.
SIMULATIONS = {
    f"{what.replace(' ', '-')}-{splits}x{starts}": (what, splits, starts)
    for (splits, starts), what in itertools.product(
        ((5, 1), (20, 1), (1, 5), (1, 20)), ("false alarms", "coverage")
    )
}


def a_study() -> Study:
    """Return a study of a small network that a training of a fraction of a second fits."""
    columns = [f"x{number}" for number in range(INPUTS)]
    return parse_study(
        "made_up",
        {
            "title": "Made up",
            "target": {"column": "y"},
            "preprocessing": {"passthrough": columns},
            "split": {"method": "random", "train_fraction": TRAINED / ROWS},
            "network": {"hidden": [16], "dropout": {"rate": 0.3}},
            "training": {
                "optimizer": "adam", "learning_rate": 0.02, "batch_size": 25, "epochs": 15,
            },
        },
    )  # fmt: skip


def draw_rows(count: int, chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw rows from the source of all tables: a wave, a product, and noise."""
    x = chance.normal(size=(count, INPUTS)).astype(np.float32)
    y = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.5 * chance.normal(size=count)
    return x, y.astype(np.float32)


def divide(x: np.ndarray, y: np.ndarray, split: int, chance: np.random.Generator) -> SplitInputs:
    """Draw which rows train."""
    order = chance.permutation(len(y))
    train, held = np.sort(order[:TRAINED]), np.sort(order[TRAINED:])
    return SplitInputs(split, Part(train, x[train], y[train]), Part(held, x[held], y[held]))


def estimate(seed: int, splits: int, starts: int, second: Variant, other_starts: bool) -> Interval:
    """Make up a table, train two arms on it, and estimate their difference."""
    chance = np.random.default_rng(seed)
    table = draw_rows(ROWS, chance)
    study = a_study()
    errors, losses = [], {"first": [], "second": []}
    for split in range(splits):
        inputs = divide(*table, split, chance)
        for start in range(starts):
            found = {}
            for arm, variant, shift in (
                ("first", Variant.BASELINE, 0),
                ("second", second, starts if other_starts else 0),
            ):
                # One study compiles once; tables differ by the numbers of their starts instead.
                trained = train_replica(study, variant, inputs, 1000 * seed + start + shift)
                row_losses = np.abs(inputs.validation.y - trained.outputs[:, 0])
                losses[arm].append(row_losses)
                found[arm] = row_losses.mean()
            errors.append({"split": split, "start": start, **found})
    rows = RowLosses({arm: np.mean(of_arm, axis=0) for arm, of_arm in losses.items()}, None)
    evidence = Evidence(
        pd.DataFrame(errors).set_index(["split", "start"]),
        (ROWS - TRAINED) / TRAINED,
        root=False,
        rows=rows if splits == 1 else None,
    )
    return evidence.difference(WEIGHTS, 0.05)[0]


def score(study: Study, inputs: SplitInputs, start: int, fresh: tuple[np.ndarray, ...]) -> float:
    """Return how much more error a network with dropout makes on fresh rows than one without."""
    errors = []
    for variant in (Variant.DROPOUT, Variant.BASELINE):
        trained = train_replica(study, variant, inputs, start)
        network = trained_network(study, variant, inputs, start, trained)
        errors.append(np.abs(fresh[1] - predict_rows(network, fresh[0])[:, 0]).mean())
    return float(errors[0] - errors[1])


def score_on_new_table(seed: int) -> float:
    """Return the effect of dropout for one new table and start."""
    chance = np.random.default_rng(10**6 + seed)
    inputs = divide(*draw_rows(ROWS, chance), 0, chance)
    return score(a_study(), inputs, seed, draw_rows(FRESH, chance))


def true_effect_of_split(seed: int, starts: int) -> float:
    """Return the effect of dropout for the training rows that ``estimate`` draws first."""
    chance = np.random.default_rng(seed)
    inputs = divide(*draw_rows(ROWS, chance), 0, chance)
    fresh = draw_rows(FRESH, np.random.default_rng(10**7 + seed))
    study = a_study()
    first = 1000 * seed + 500
    return float(np.mean([score(study, inputs, first + start, fresh) for start in range(starts)]))


def main() -> None:
    """Run the simulations and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--true", type=int, default=300, help="trainings that make a true effect")
    parser.add_argument("rows", nargs="*", help=f"of the table: {', '.join(SIMULATIONS)}")
    options = parser.parse_args()
    if unknown := set(options.rows) - set(SIMULATIONS):
        parser.error(f"there is no row {', '.join(sorted(unknown))}")
    repeats = range(options.repeats)
    with loky.ProcessPoolExecutor(initializer=begin) as workers:
        print("| simulation | replicas | repeats | intervals |\n|---|---|---|---|")
        for row in options.rows or SIMULATIONS:
            what, splits, starts = SIMULATIONS[row]
            alarm = what == "false alarms"
            seeds = [1000 * splits + starts + 50_000 * number for number in repeats]
            second = Variant.BASELINE if alarm else Variant.DROPOUT
            count = len(seeds)
            found = list(
                workers.map(
                    estimate, seeds, [splits] * count, [starts] * count, [second] * count,
                    [alarm] * count, chunksize=5,
                )
            )  # fmt: skip
            if alarm:
                hits = sum(not one.low <= 0 <= one.high for one in found)
                told = f"without zero: {100 * hits / count:.1f} %"
            else:
                if splits > 1:
                    effects = list(
                        workers.map(score_on_new_table, range(options.true), chunksize=5)
                    )
                    truths = [float(np.mean(effects))] * count
                else:
                    each = max(2, options.true // 5)
                    truths = list(
                        workers.map(true_effect_of_split, seeds, [each] * count, chunksize=2)
                    )
                hits = sum(
                    one.low <= truth <= one.high for one, truth in zip(found, truths, strict=True)
                )
                told = f"with the true effect: {100 * hits / count:.1f} %"
            chance = f"{splits} splits" if splits > 1 else f"one split, {starts} starts"
            print(f"| {what} | {chance} | {count} | {told} |", flush=True)


def begin() -> None:
    """Start the engine in a worker, quietly."""
    logging.disable(logging.WARNING)
    start_engine(1)


if __name__ == "__main__":
    main()
