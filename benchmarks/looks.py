"""Do the intervals hold at several looks? False verdicts and trainings saved, by simulation.

    python benchmarks/looks.py results.jsonl                  # simulate, go on where it stopped
    python benchmarks/looks.py results.jsonl --tables         # what it has found

Each repeat makes up a table, draws 40 splits of it, trains four arms on each (both arms of a source
twice), and estimates the four differences of a study from the first 5, 10, 20 and 40 splits.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from intervals import divide, train, true_effect
from made_up_learners import SOURCES
from scipy import stats
from simulation import command

from dropnorm.evaluation.estimation.intervals import (
    LEVEL,
    effect_of_rows,
    holm,
    over_splits,
    rows_variance,
)
from dropnorm.evaluation.estimation.sequential import FIXED, levels, nominal_levels

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.floating]

LOOKS, SIZES = (5, 10, 20, 40), (0.5, 1.0, 2.0)
# Whose two arms are one and the same.
NULL = ("linear, A against A", "networks, A against A", "linear, starts matter most")
# Weights of the arms: the first and the second of a source, then second and first once more.
CONTRASTS = ((-1, 1, 0, 0), (-1, 0, 1, 0), (-1, 0, 0, 1), (1, -1, -1, 1))
# What a contrast truly is, in true differences of the two arms.
TRUTHS = (1, 1, 0, -2)


def repeat(name: str, number: int) -> dict[str, object]:
    """Make up a table, and keep mean, error and degrees of freedom by contrast and look."""
    source = SOURCES[name]
    chance = np.random.default_rng([number, 7, sum(map(ord, name))])
    x, y = source.draw(source.rows, chance)
    root = source.loss == "rmse"
    held = divide(source, y, max(LOOKS), chance)
    once, again = (train(source, x, y, held, 1, chance)[:, :, 0] for _ in range(2))
    losses = np.array([once[0], once[1], again[1], again[0]])
    errors = losses.mean(axis=2)
    if root:
        errors = np.sqrt(errors)
    ratio = source.held / (source.rows - source.held)
    units = list(held // source.group)
    found: dict[str, list] = {"means": [], "deviations": [], "freedoms": [], "spreads": []}
    for signs in CONTRASTS:
        by_split = np.asarray(signs) @ errors
        of_rows = [effect_of_rows(losses[:, split], signs, root=root) for split in range(len(held))]
        estimates = [
            over_splits(
                by_split[:count], ratio, 0.05,
                rows_variance(by_split[:count], of_rows[:count], units[:count]),
            )
            for count in LOOKS
        ]  # fmt: skip
        found["means"].append([one.mean for one in estimates])
        found["deviations"].append([one.deviation for one in estimates])
        found["freedoms"].append([one.freedom for one in estimates])
        found["spreads"].append(float(by_split.std(ddof=1)))
    return {"source": name, "repeat": number, **found}


def truth(name: str, tables: int) -> dict[str, object]:
    """Return the true effect of a source: none where both arms are one and the same."""
    if name in NULL:
        return {"source": name, "truth": 0.0, "error": 0.0}
    return true_effect(name, tables)


def methods() -> dict[str, list[float]]:
    """Return by method the level α of each look, at which the four differences are judged."""
    alpha, claims = 1 - LEVEL, len(CONTRASTS)
    times = [splits / LOOKS[-1] for splits in LOOKS]
    return {
        "spending": [1 - one for one in levels(LOOKS, claims)],
        "O'Brien–Fleming": [claims * one for one in _obrien_fleming(times, alpha / claims)],
        "Bonferroni": [alpha / len(LOOKS)] * len(LOOKS),
        "fixed 20": [alpha * (splits == FIXED) for splits in LOOKS],
        "95 % each time": [alpha] * len(LOOKS),
    }


def _obrien_fleming(times: list[float], alpha: float) -> list[float]:
    """Return nominal levels that spend little at first, as O'Brien and Fleming's bounds do."""
    spent = [2 * float(stats.norm.sf(stats.norm.isf(alpha / 2) / math.sqrt(one))) for one in times]
    return nominal_levels(times, alpha, spent)


def p_values(found: list[dict], truths: Floats) -> Floats:
    """Return p by repeat, contrast and look, adjusted for the contrasts, that they are so large."""
    sizes, freedoms = _sizes(found, truths)
    return np.apply_along_axis(holm, 1, 2 * stats.t.sf(np.abs(sizes), freedoms))


def _sizes(found: list[dict], truths: Floats) -> tuple[Floats, Floats]:
    """Return how many standard errors the means lie off the truth, and degrees of freedom."""
    means, errors, freedoms = (
        np.array([one[name] for one in found]) for name in ("means", "deviations", "freedoms")
    )
    distances = means - truths[:, None]
    # Equal networks whose rows do not differ at all differ by nothing.
    sizes = np.divide(distances, errors, out=np.zeros_like(distances), where=errors > 0)
    return sizes, freedoms


def false_equivalences(name: str, found: list[dict]) -> float:
    """Return in which share of the repeats differences of just the margin are called none."""
    truth, repeats = _parts(name, found)
    sizes, freedoms = _sizes(repeats, truth)
    alphas = np.array(methods()["spending"]) / len(CONTRASTS)
    return float((stats.t.cdf(sizes, freedoms) < alphas).any(axis=(1, 2)).mean())


def false_verdicts(name: str, found: list[dict]) -> dict[str, float]:
    """Return by method in which share of the repeats any verdict at any look is false."""
    truth, repeats = _parts(name, found)
    p = p_values(repeats, truth)
    return {
        method: float((p < np.array(alphas)).any(axis=(1, 2)).mean())
        for method, alphas in methods().items()
    }


def power(name: str, found: list[dict], size: float) -> dict[str, tuple[float, float]]:
    """Return by method how often an effect is found, and at how many splits a run stops.

    Args:
        name: Of the source.
        found: What was simulated.
        size: Of the effects of either layer and of both, each in standard deviations of its own
            difference in a pair.
    """
    truth, repeats = _parts(name, found)
    spreads = np.mean([one["spreads"] for one in repeats], axis=0)
    effects = size * spreads * np.array([1, 1, 1, -1])
    # As if the effects were these: the means lie as far from zero as they lie from the truth.
    p = p_values(repeats, truth - effects)[:, :3]
    told = {}
    for method, alphas in methods().items():
        rejected = p < np.array(alphas)
        settled = rejected.all(axis=1)
        stops = np.where(settled.any(axis=1), np.array(LOOKS)[settled.argmax(axis=1)], LOOKS[-1])
        mean = float(FIXED if method == "fixed 20" else stops.mean())
        told[method] = (float(rejected[:, 0].any(axis=1).mean()), mean)
    return told


def _parts(name: str, found: list[dict]) -> tuple[Floats, list[dict]]:
    own = [one for one in found if one["source"] == name]
    truth = next(one["truth"] for one in own if "truth" in one)
    return truth * np.array(TRUTHS), [one for one in own if "repeat" in one]


def _varies(name: str, found: list[dict]) -> bool:
    """Return whether an arm trained twice differs from itself, as that of a network does."""
    return all(min(one["spreads"]) > 0 for one in _parts(name, found)[1])


def tell(found: list[dict]) -> None:
    """Print false verdicts, and what is saved against a fixed number of splits."""
    names = [name for name in SOURCES if any(one["source"] == name for one in found)]
    header = " | ".join(methods())
    print(
        "Any false verdict at any look, in % of the repeats; behind them, of differences that are"
    )
    print("just the margin, those that spending calls practically none")
    print(f"| source | repeats | {header} | margin |\n{'|---' * (len(methods()) + 3)}|")
    for name in names:
        count = len(_parts(name, found)[1])
        shares = [*false_verdicts(name, found).values(), false_equivalences(name, found)]
        cells = [
            f"{100 * one:.1f} ± {100 * math.sqrt(one * (1 - one) / count):.1f}" for one in shares
        ]
        print(f"| {name} | {count} | {' | '.join(cells)} |")
    for size in SIZES:
        print(f"\nEffects of {size:g} standard deviations: found in % of the repeats, mean splits")
        print(f"| source | {header} |\n{'|---' * (len(methods()) + 1)}|")
        for name in filter(lambda name: _varies(name, found), names):
            cells = [
                f"{100 * found_in:.0f} %, {mean:.1f}"
                for found_in, mean in power(name, found, size).values()
            ]
            print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    command(
        __doc__,
        {name: source.repeats for name, source in SOURCES.items()},
        truth,
        repeat,
        tell,
        repeats=1000,
        tables=8000,
    )
