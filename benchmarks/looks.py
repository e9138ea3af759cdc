"""Do the intervals hold at several looks? False verdicts and trainings saved, by simulation.

    python benchmarks/looks.py results.jsonl                  # simulate, go on where it stopped
    python benchmarks/looks.py results.jsonl --tables         # what it has found

Each repeat makes up a table, draws 40 splits of it, trains four arms on each (both arms of a source
twice), and estimates the four differences of a study from the first 5, 10, 20 and 40 splits.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from intervals import divide, read, train, true_effect
from made_up_learners import SOURCES
from scipy import stats

from dropnorm.evaluation.intervals import LEVEL, effect_of_rows, holm, over_splits, rows_variance
from dropnorm.evaluation.sequential import FIXED, levels, nominal_levels

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


def simulate(path: Path, repeats: int, tables: int, names: list[str]) -> None:
    """Do what has not been done yet, and write each result as it comes."""
    before = read(path)
    done = {(one["source"], one.get("repeat")) for one in before}
    path.write_text("".join(f"{json.dumps(one)}\n" for one in before))
    with path.open("a") as file:
        for name in names:
            if (name, None) not in done:
                null = {"source": name, "truth": 0.0, "error": 0.0}
                told = null if name in NULL else true_effect(name, tables)
                print(json.dumps(told), file=file, flush=True)
        for number in range(repeats):
            for name in names:
                wanted = number < repeats * SOURCES[name].repeats
                if wanted and (name, number) not in done:
                    print(json.dumps(repeat(name, number)), file=file, flush=True)


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
    means, errors, freedoms = (
        np.array([one[name] for one in found]) for name in ("means", "deviations", "freedoms")
    )
    distances = np.abs(means - truths[:, None])
    # Equal networks whose rows do not differ at all differ by nothing.
    sizes = np.divide(distances, errors, out=np.zeros_like(distances), where=errors > 0)
    p = 2 * stats.t.sf(sizes, freedoms)
    return np.apply_along_axis(holm, 1, p)


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
        size: Of the effects of either layer and of both, in standard deviations of a replica's
            difference.
    """
    truth, repeats = _parts(name, found)
    spread = float(np.mean([one["spreads"][0] for one in repeats]))
    effects = size * spread * np.array([1, 1, 1, -1])
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
    print("Any false verdict at any look, in % of the repeats")
    print(f"| source | repeats | {header} |\n{'|---' * (len(methods()) + 2)}|")
    for name in names:
        count = len(_parts(name, found)[1])
        shares = false_verdicts(name, found).values()
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


def main() -> None:
    """Simulate, or print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--true", type=int, default=8000, help="tables that make a true effect")
    parser.add_argument("--sources", nargs="*", default=list(SOURCES), choices=list(SOURCES))
    parser.add_argument("--tables", action="store_true", help="print what was found")
    options = parser.parse_args()
    if options.tables:
        tell(read(options.path))
    else:
        simulate(options.path, options.repeats, options.true, options.sources)


if __name__ == "__main__":
    main()
