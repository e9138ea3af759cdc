"""Do the intervals keep their word? False alarms of A against A, and coverage of a true effect.

    python benchmarks/intervals.py    # all of it, on all cores
    python benchmarks/intervals.py coverage-1x5 --repeats 10 --true 20    # one split, five starts

Every repeat makes up a table of its own, trains two arms on it with the project's own code, and
estimates their difference as a study does. A against A: the arms are the same network with other
starts, so that an interval without zero is a false alarm. Coverage: dropout against none; the true
effect is that of hundreds of trainings, scored on 100,000 fresh rows: on new tables where splits
are drawn, on the same training rows where one split is kept. For the latter, repeats share a few
sets of training rows, and differ in their starts and in the rows that validate.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import logging
from typing import TYPE_CHECKING

import loky
import numpy as np
import pandas as pd

from dropnorm.data.preprocessing import Part, SplitInputs
from dropnorm.evaluation.effects import Evidence, RowLosses
from dropnorm.study.parsing import parse_study
from dropnorm.study.variants import Variant
from dropnorm.training.backend import start_engine
from dropnorm.training.trainer import predict_rows, train_replica, trained_network

if TYPE_CHECKING:
    from dropnorm.evaluation.intervals import Interval
    from dropnorm.study.schema import Study

ROWS, TRAINED, INPUTS, FRESH = 150, 100, 5, 100_000
# Sets of training rows that repeats on one split share.
KEPT = 4
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


def keep(kept: int, chance: np.random.Generator) -> SplitInputs:
    """Draw new rows to validate on beside one of the sets of training rows."""
    x, y = draw_rows(TRAINED, np.random.default_rng(10**7 + kept))
    held = draw_rows(ROWS - TRAINED, chance)
    rows = np.arange(ROWS)
    return SplitInputs(0, Part(rows[:TRAINED], x, y), Part(rows[TRAINED:], *held))


def estimate(
    seed: int, splits: int, starts: int, second: Variant, other_starts: bool, kept: int | None
) -> Interval:
    """Make up a table, train two arms on it, and estimate their difference.

    Args:
        seed: Of table, splits and starts.
        splits: How many are drawn.
        starts: In each.
        second: Compared with the baseline.
        other_starts: Whether the second arm has starts of its own.
        kept: Which set of training rows is used; None for a table of its own.
    """
    chance = np.random.default_rng(seed)
    table = draw_rows(ROWS, chance)
    study = a_study()
    errors, losses = [], {"first": [], "second": []}
    for split in range(splits):
        inputs = divide(*table, split, chance) if kept is None else keep(kept, chance)
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
        rows={0: rows} if splits == 1 else {},
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


def score_on_kept(kept: int, start: int) -> float:
    """Return the effect of dropout for one set of training rows and one start."""
    inputs = keep(kept, np.random.default_rng(0))  # what validates has no part in it
    fresh = draw_rows(FRESH, np.random.default_rng(2 * 10**7 + start))
    return score(a_study(), inputs, 10**7 + start, fresh)


def main() -> None:
    """Run the simulations and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--true", type=int, default=300, help="trainings that make a true effect")
    parser.add_argument("rows", nargs="*", help=f"of the table: {', '.join(SIMULATIONS)}")
    options = parser.parse_args()
    if unknown := set(options.rows) - set(SIMULATIONS):
        parser.error(f"there is no row {', '.join(sorted(unknown))}")
    with loky.ProcessPoolExecutor(initializer=begin) as workers:
        print("| simulation | replicas | repeats | intervals |\n|---|---|---|---|")
        for row in options.rows or SIMULATIONS:
            what, splits, starts = SIMULATIONS[row]
            alarm = what == "false alarms"
            numbers = range(options.repeats)
            kept = [None if alarm or splits > 1 else number % KEPT for number in numbers]
            second = Variant.BASELINE if alarm else Variant.DROPOUT
            seeds = [1000 * splits + starts + 50_000 * number for number in numbers]
            found = workers.map(
                estimate, seeds, *([one] * len(seeds) for one in (splits, starts, second, alarm)),
                kept, chunksize=5,
            )  # fmt: skip
            if alarm:
                hits = sum(not one.low <= 0 <= one.high for one in found)
                told = f"without zero: {100 * hits / len(seeds):.1f} %"
            else:
                truths = true_effects(workers, options.true, kept=splits == 1)
                hits = sum(
                    one.low <= truths[of] <= one.high for one, of in zip(found, kept, strict=True)
                )
                told = f"with the true effect: {100 * hits / len(seeds):.1f} %"
            chance = f"{splits} splits" if splits > 1 else f"one split, {starts} starts"
            print(f"| {what} | {chance} | {len(seeds)} | {told} |", flush=True)


@functools.cache
def true_effects(
    workers: loky.ProcessPoolExecutor, trainings: int, *, kept: bool
) -> dict[int | None, float]:
    """Return the true effect by set of training rows, or under None that on new tables.

    Args:
        workers: What trains.
        trainings: Of each arm, for each effect.
        kept: Whether training rows are kept.
    """
    numbers = range(trainings)
    if not kept:
        return {None: float(np.mean([*workers.map(score_on_new_table, numbers, chunksize=5)]))}
    return {
        one: float(np.mean([*workers.map(score_on_kept, [one] * trainings, numbers, chunksize=5)]))
        for one in range(KEPT)
    }


def begin() -> None:
    """Start the engine in a worker, quietly."""
    logging.disable(logging.WARNING)
    start_engine(1)


if __name__ == "__main__":
    main()
