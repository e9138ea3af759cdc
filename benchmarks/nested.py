"""Nested cross-validation beside the shipped interval: coverage and width, by simulation.

    python benchmarks/nested.py results.jsonl                  # simulate, go on where it stopped
    python benchmarks/nested.py results.jsonl --tables         # what it has found

Bates, Hastie and Tibshirani (2023, JASA 119, algorithm 1), with five folds, on the paired losses of
two arms. Both methods estimate the effect with four fifths of the rows, so that neither corrects a
bias, and both train about as often: 15 and 45 networks of each arm, and 20 and 40 splits.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from intervals import (
    SHIPPED,
    effect_by_rows,
    fold,
    half_widths,
    losses_of,
    of_rows,
    train,
    true_effect,
)
from made_up_learners import SOURCES, Source
from scipy import stats
from simulation import command

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]

FOLDS = 5
REPETITIONS = {"nested, 15 trainings": 1, "nested, 45 trainings": 3}
SPLITS = {f"{SHIPPED}, 20 splits": 20, f"{SHIPPED}, 40 splits": 40}
# A root of a mean is no mean of rows, and groups must fill the folds.
NAMES = [
    name
    for name, source in SOURCES.items()
    if source.loss != "rmse" and not source.stratified and source.rows % (FOLDS * source.group) == 0
]


def of_folds(name: str) -> Source:
    """Return a source of which a fifth of the rows is held."""
    source = SOURCES[name]
    return replace(source, held=source.rows // FOLDS)


def nested(
    source: Source, x: Floats, y: Floats, repetitions: int, chance: np.random.Generator
) -> tuple[float, float]:
    """Return the mean difference of nested cross-validation, and the half width of its interval."""
    squares, variances, means = [], [], []
    for _ in range(repetitions):
        folds = fold(source, FOLDS, chance)
        outer = _differences(source, x, y, [[one] for one in folds], chance)[:, 0]
        pairs = list(itertools.combinations(range(FOLDS), 2))
        inner = _differences(source, x, y, [[folds[a], folds[b]] for a, b in pairs], chance)
        for number in range(FOLDS):
            # With this fold left out, each other fold was predicted without both.
            within = [
                inner[at, 1 - pair.index(number)] for at, pair in enumerate(pairs) if number in pair
            ]
            units = outer[number].reshape(-1, source.group).mean(axis=1)
            squares.append((np.mean(within) - outer[number].mean()) ** 2)
            variances.append(units.var(ddof=1) / len(units))
            means.append(np.mean(within))
    error = math.sqrt(max(0.0, float(np.mean(squares) - np.mean(variances))))
    # Never below the error that takes the folds for one sample, nor above it times the root of K.
    naive = math.sqrt(float(np.mean(variances)) / FOLDS)
    error = min(max(error, naive), math.sqrt(FOLDS) * naive)
    half = float(stats.norm.ppf(0.975)) * math.sqrt((FOLDS - 1) / FOLDS) * error
    return float(np.mean(means)), half


def _differences(
    source: Source, x: Floats, y: Floats, left_out: list[list[Floats]], chance: np.random.Generator
) -> Floats:
    """Train without some folds, and return the paired losses of each, (trainings, folds, rows)."""
    held = np.array([np.concatenate(folds) for folds in left_out])
    kept = np.ones((len(held), source.rows), dtype=bool)
    np.put_along_axis(kept, held, values=False, axis=1)
    rows = np.nonzero(kept)[1].reshape(len(held), -1)
    losses = losses_of(source, y[held], source.learn(x[rows], y[rows], x[held], chance))
    return (losses[1] - losses[0]).reshape(len(held), len(left_out[0]), -1)


def repeat(name: str, number: int) -> dict[str, object]:
    """Make up a table, and return the estimate and the half width of each method on it."""
    source = of_folds(name)
    chance = np.random.default_rng([number, sum(map(ord, name)), FOLDS])
    x, y = source.draw(source.rows, chance)
    found: dict[str, object] = {"source": name, "repeat": number}
    for method, repetitions in REPETITIONS.items():
        found[method] = nested(source, x, y, repetitions, chance)
    most = max(SPLITS.values())
    groups = np.array([chance.permutation(source.rows // source.group) for _ in range(most)])
    rows = groups[:, :, None] * source.group + np.arange(source.group)
    held = rows.reshape(most, -1)[:, : source.held]
    by_split, by_row = effect_by_rows(train(source, x, y, held, 1, chance), root=False)
    for method, splits in SPLITS.items():
        units = of_rows(by_row[:splits], held[:splits] // source.group)
        half = half_widths(by_split[:splits], units, None, 1 / (FOLDS - 1))[SHIPPED]
        found[method] = (float(by_split[:splits].mean()), half)
    return found


def tell(found: list[dict]) -> None:
    """Print coverage, with its Monte-Carlo error, and median half width by the shipped one's."""
    methods = [*REPETITIONS, *SPLITS]
    print("| source | repeats | " + " | ".join(methods) + " |")
    print("|---" * (len(methods) + 2) + "|")
    for truth in (one for one in found if "truth" in one):
        of = [one for one in found if one["source"] == truth["source"] and "repeat" in one]
        shipped = np.median([one[methods[-2]][1] for one in of])
        cells = []
        for method in methods:
            means, halves = np.array([one[method] for one in of]).T
            share = float(np.mean(np.abs(means - truth["truth"]) <= halves))
            error = math.sqrt(share * (1 - share) / len(of))
            cells.append(
                f"{100 * share:.1f} ± {100 * error:.1f}, {np.median(halves) / shipped:.2f}"
            )
        print(f"| {truth['source']} | {len(of)} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    command(
        __doc__,
        dict.fromkeys(NAMES, 1.0),
        lambda name, tables: true_effect(name, tables, of_folds(name)),
        repeat,
        tell,
        repeats=400,
        tables=4000,
    )
