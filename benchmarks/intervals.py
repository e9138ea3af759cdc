"""Do the intervals over splits keep their word? Coverage and width of several, by simulation.

    python benchmarks/intervals.py results.jsonl                  # simulate, go on where it stopped
    python benchmarks/intervals.py results.jsonl --tables         # what it has found

Each repeat makes up a table, draws 40 splits of it (and folds, repeatedly), trains two arms on each
with four starts, and estimates their difference from the first 2, 3, 5, 10, 20 and 40 splits with
each interval. The true effect is the mean over thousands of tables of their own.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from made_up_learners import SOURCES, Source
from scipy import stats
from simulation import command

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]
    Whole = npt.NDArray[np.int64]

SPLITS, STARTS = (2, 3, 5, 10, 20, 40), (1, 4)
FOLDS = "repeated folds, corrected"
SHARP, TWICE = "rows + splits", "rows × 2 + splits"
SHIPPED = "rows × 2 + splits, Welch"
AT_ONCE = 320


def divide(source: Source, y: Floats, splits: int, chance: np.random.Generator) -> Whole:
    """Draw which rows validate in each split, shape (splits, held rows)."""
    if source.stratified:
        found = []
        shared = round(source.held * y.mean())
        for _ in range(splits):
            parts = [
                chance.permutation(np.flatnonzero(y == one))[:count]
                for one, count in ((1, shared), (0, source.held - shared))
            ]
            found.append(np.concatenate(parts))
        return np.array(found)
    return _orders(source, splits, chance)[:, : source.held]


def fold(source: Source, splits: int, chance: np.random.Generator) -> Whole:
    """Cut rows into folds, again and again, until there are so many."""
    each = source.rows // source.held
    orders = _orders(source, math.ceil(splits / each), chance)
    return orders.reshape(-1, source.held)[:splits]


def _orders(source: Source, count: int, chance: np.random.Generator) -> Whole:
    """Put the groups of rows in an order, shape (count, rows)."""
    groups = source.rows // source.group
    orders = np.array([chance.permutation(groups) for _ in range(count)])
    rows = orders[:, :, None] * source.group + np.arange(source.group)
    return rows.reshape(count, -1)


def train(
    source: Source, x: Floats, y: Floats, held: Whole, starts: int, chance: np.random.Generator
) -> Floats:
    """Train on all splits and starts, and return losses, shape (2, splits, starts, held rows)."""
    splits = len(held)
    kept = np.ones((splits, source.rows), dtype=bool)
    np.put_along_axis(kept, held, values=False, axis=1)
    trained = np.nonzero(kept)[1].reshape(splits, -1)
    trained, of = (np.repeat(rows, starts, axis=0) for rows in (trained, held))
    found = source.learn(x[trained], y[trained], x[of], chance)
    return losses_of(source, y[of], found).reshape(2, splits, starts, -1)


def losses_of(source: Source, y: Floats, found: Floats) -> Floats:
    """Return the loss of each row."""
    if source.loss == "mae":
        return np.abs(y - found)
    if source.loss == "rmse":
        return (y - found) ** 2
    share = np.clip(found, 1e-7, 1 - 1e-7)
    return -(y * np.log(share) + (1 - y) * np.log(1 - share))


def errors_of(losses: Floats, *, root: bool) -> Floats:
    """Return the error of each training."""
    means = losses.mean(axis=-1)
    return np.sqrt(means) if root else means


def effect_by_rows(losses: Floats, *, root: bool) -> tuple[Floats, Floats]:
    """Return the difference on each split, and of each held row in it (delta method on the root).

    Args:
        losses: Shape (2, splits, starts, held rows).
        root: Whether an error is the root of the mean loss.
    """
    errors = errors_of(losses, root=root).mean(axis=2)
    rows = losses.mean(axis=2)
    centred = rows - rows.mean(axis=2, keepdims=True)
    if root:
        centred = centred / (2 * np.sqrt(rows.mean(axis=2, keepdims=True)))
    by_split = errors[1] - errors[0]
    return by_split, by_split[:, None] + centred[1] - centred[0]


def of_rows(by_row: Floats, units: Whole) -> list[float]:
    """Return the variance of the mean that its rows make up, the same within splits, and units.

    Args:
        by_row: Difference of each held row, shape (splits, held rows).
        units: Which row or group of rows that is, the same shape.
    """
    wrong = (by_row - by_row.mean()) / by_row.size
    count = len(np.unique(units))
    of_unit = np.bincount(units.ravel(), weights=wrong.ravel())
    offset = units + np.arange(len(units))[:, None] * (units.max() + 1)
    within = np.bincount(offset.ravel(), weights=wrong.ravel())
    return [
        float((of_unit**2).sum() * count / (count - 1)), float((within**2).sum()), float(count),
    ]  # fmt: skip


def repeat(name: str, number: int) -> dict[str, object]:
    """Make up a table and keep all that intervals are made of."""
    source = SOURCES[name]
    chance = np.random.default_rng([number, sum(map(ord, name))])
    x, y = source.draw(source.rows, chance)
    root = source.loss == "rmse"
    held = divide(source, y, max(SPLITS), chance)
    losses = train(source, x, y, held, max(STARTS), chance)
    found: dict[str, object] = {"source": name, "repeat": number}
    errors = errors_of(losses, root=root)
    for starts in STARTS:
        by_split, by_row = effect_by_rows(losses[:, :, :starts], root=root)
        found[f"differences x{starts}"] = by_split.tolist()
        found[f"wins x{starts}"] = (errors[1] < errors[0])[:, :starts].mean(axis=1).tolist()
        for splits in SPLITS:
            units = held[:splits] // source.group
            found[f"rows {splits}x{starts}"] = of_rows(by_row[:splits], units)
    if not source.stratified:
        folds = fold(source, max(SPLITS), chance)
        by_split, _ = effect_by_rows(train(source, x, y, folds, 1, chance), root=root)
        found["folds"] = by_split.tolist()
    return found


def true_effect(name: str, tables: int, source: Source | None = None) -> dict[str, object]:
    """Estimate the mean effect on tables of their own, each with one split and one start."""
    source = source or SOURCES[name]
    chance = np.random.default_rng([10**6, sum(map(ord, name))])
    trained, many = source.rows - source.held, 10
    effects: list[float] = []
    wins: list[float] = []
    while len(effects) < tables:
        drawn = [source.draw(trained, chance) for _ in range(AT_ONCE)]
        fresh = [source.draw(source.held * many, chance) for _ in range(AT_ONCE)]
        x, y = (np.array(one) for one in zip(*drawn, strict=True))
        new, targets = (np.array(one) for one in zip(*fresh, strict=True))
        losses = losses_of(source, targets, source.learn(x, y, new, chance))
        errors = errors_of(
            losses.reshape(2, AT_ONCE, many, source.held), root=source.loss == "rmse"
        )
        effects.extend((errors[1] - errors[0]).mean(axis=1))
        wins.append(float((errors[1] < errors[0]).mean()))
    return {
        "source": name,
        "truth": float(np.mean(effects)),
        "wins": float(np.mean(wins)),
        "error": float(np.std(effects) / math.sqrt(len(effects))),
    }


def half_widths(
    by_split: Floats, of_rows: list[float], starts_folds: Floats | None, ratio: float
) -> dict[str, float]:
    """Return the half width of the 95 % interval by method.

    Args:
        by_split: Difference of each split.
        of_rows: As :func:`of_rows` returns it.
        starts_folds: Difference of each fold, if there are folds.
        ratio: Rows that validate for each that trains.
    """
    splits, spread = len(by_split), by_split.var(ddof=1)
    rows, within, units = of_rows
    of_splits = spread / splits
    added = rows + of_splits
    welch = added**2 / (rows**2 / (units - 1) + of_splits**2 / (splits - 1))
    variances = {
        "Nadeau–Bengio": (spread * (1 / splits + ratio), splits - 1),
        SHARP: (added, splits - 1),
        "the same, Welch": (added, welch),
        TWICE: (added + rows, splits - 1),
        SHIPPED: (
            added + rows,
            (added + rows) ** 2 / (4 * rows**2 / (units - 1) + of_splits**2 / (splits - 1)),
        ),
        "rows × 1.5 + splits": (added + rows / 2, splits - 1),
        "two-way clustered": (max(added - within, rows, of_splits), min(splits, units) - 1),
        "correlation estimated": (of_splits + max(rows - within, 0), splits - 1),
    }
    if starts_folds is not None:
        count = len(starts_folds)
        corrected = starts_folds.var(ddof=1) * (1 / count + ratio)
        variances[FOLDS] = (corrected, count - 1)
    return {
        name: math.sqrt(variance) * float(stats.t.ppf(0.975, freedom))
        for name, (variance, freedom) in variances.items()
    }


def table(found: list[dict], splits: int, starts: int) -> dict[str, dict[str, tuple[float, ...]]]:
    """Return coverage, its Monte-Carlo error, and median width over the exact one."""
    truths = {one["source"]: one["truth"] for one in found if "truth" in one}
    told: dict[str, dict[str, tuple[float, ...]]] = {}
    for name, truth in truths.items():
        source = SOURCES[name]
        ratio, each = source.held / (source.rows - source.held), source.rows // source.held
        cells: dict[str, list[tuple[float, float]]] = {}
        for one in found:
            if one["source"] != name or "truth" in one:
                continue
            by_split = np.array(one[f"differences x{starts}"])[:splits]
            folds = None
            if starts == 1 and "folds" in one:
                folds = np.array(one["folds"])[: max(each, splits // each * each)]
            rows = one[f"rows {splits}x{starts}"]
            for method, half in half_widths(by_split, rows, folds, ratio).items():
                of = folds if method == FOLDS and folds is not None else by_split
                cells.setdefault(method, []).append((float(of.mean()), half))
        told[name] = {}
        for method, pairs in cells.items():
            means, halves = np.array(pairs).T
            share = float(np.mean(np.abs(means - truth) <= halves))
            exact = float(stats.norm.ppf(0.975) * means.std(ddof=1))
            error = math.sqrt(share * (1 - share) / len(pairs))
            told[name][method] = (share, error, float(np.median(halves)) / exact, len(pairs))
    return told


def tell(found: list[dict]) -> None:
    """Print coverage and width by source, splits, starts and method."""
    for starts in STARTS:
        for splits in SPLITS:
            print(f"\n{splits} splits, {starts} starts: coverage in %, median width over exact")
            cells = table(found, splits, starts)
            methods = list(cells["linear"])
            print("| source | repeats | " + " | ".join(methods) + " |")
            print("|---" * (len(methods) + 2) + "|")
            for name, of in cells.items():
                written = [
                    f"{100 * of[one][0]:.1f} ± {100 * of[one][1]:.1f}, {of[one][2]:.2f}"
                    if one in of
                    else "–"
                    for one in methods
                ]
                print(f"| {name} | {of[SHARP][3]} | " + " | ".join(written) + " |")


if __name__ == "__main__":
    command(
        __doc__,
        {name: source.repeats for name, source in SOURCES.items()},
        true_effect,
        repeat,
        tell,
        repeats=400,
        tables=4000,
    )
