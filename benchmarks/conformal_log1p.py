"""Prediction intervals of a logarithmic target: distances as factors, against equal distances.

    KERAS_BACKEND=jax python benchmarks/conformal_log1p.py            # a table of Markdown

The networks learn log(1 + target). The intervals of the same networks are computed twice, from
residuals of logarithms and from residuals in the target's unit.
"""

from __future__ import annotations

import argparse
import logging
import os
import warnings
from functools import partial

import joblib
import numpy as np
import pandas as pd
from conformal import LEVEL, NEW, ROWS, SOURCES, SPLITS, TARGET, _cut, _frame, a_study

from dropnorm.data.preprocessing import fit_preprocessors, make_all_inputs
from dropnorm.data.splits import assign_parts
from dropnorm.data.validation import check_table
from dropnorm.evaluation.records import RunRecord
from dropnorm.pipelines.prediction import nodes
from dropnorm.pipelines.training.nodes import VariantTrainer


def skewed(scatter: str, chance: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw a target whose logarithm is a wave and a product, with noise of a kind."""
    x = chance.normal(size=(ROWS + NEW, 5))
    middle = 2 + np.sin(2 * x[:, 0]) + 0.7 * x[:, 1] * x[:, 2]
    normal = chance.normal(size=len(x))
    target = {
        "log-normal": lambda: np.exp(middle + 0.5 * normal),
        "wide log-normal": lambda: np.exp(middle + 1.5 * normal),
        "counts": lambda: chance.poisson(np.exp(middle - 1)).astype(float),
        "zeros": lambda: np.exp(middle + 0.5 * normal) * chance.binomial(1, 0.7, len(x)),
        "equal": lambda: np.exp(middle) + 3 * np.abs(normal),
    }[scatter]()
    return _cut(_frame(x, target))


DRAWS = {
    "log-normal noise": partial(skewed, "log-normal"),
    "log-normal noise, three times as wide": partial(skewed, "wide log-normal"),
    "Poisson counts": partial(skewed, "counts"),
    "log-normal noise, 30 % zeros": partial(skewed, "zeros"),
    "noise of equal width": partial(skewed, "equal"),
    **{name: SOURCES[name] for name in ("concrete", "breast cancer, worst area")},
}


def measure(name: str, number: int) -> list[dict[str, float]]:
    """Make a table of a source, train on it, and look at both kinds of intervals of new rows."""
    warnings.simplefilter("ignore")
    logging.getLogger("dropnorm").setLevel(logging.ERROR)
    table, new = DRAWS[name](np.random.default_rng([number, list(DRAWS).index(name)]))
    standard = a_study(table, number, early_stopping=False)
    studies = [
        standard.model_copy(update={"target": standard.target.model_copy(update={"scale": scale})})
        for scale in ("none", "log1p")
    ]
    runs = [RunRecord(study=one.name, options=one.model_dump(mode="json")) for one in studies]
    study, run = studies[1], runs[1]
    rows = check_table(table, study)
    split = assign_parts(rows, study)
    fitted = fit_preprocessors(rows, split, study)
    trained = VariantTrainer("baseline").train(make_all_inputs(rows, split, fitted, study), study)
    found = []
    for splits in (1, SPLITS):
        training = trained.training.__class__(
            **{**vars(trained.training), "replicas": trained.training.replicas[:splits]}
        )
        for factor, of_run in enumerate(runs):
            residuals = nodes.calibrate(trained.validation_predictions, split, of_run, training)
            told = nodes.predict(new, run, fitted, trained.models, training, residuals, level=LEVEL)
            ends = (told[f"{end}_{LEVEL}"].to_numpy() for end in ("lower", "upper"))
            facts = look(*ends, new[TARGET].to_numpy(), told["prediction"].to_numpy())
            found.append({"source": name, "splits": splits, "factor": factor, **facts})
    return found


def look(
    low: np.ndarray, high: np.ndarray, targets: np.ndarray, predicted: np.ndarray
) -> dict[str, float]:
    """Return the coverage in all, of the least and of the largest third of the predictions.

    Also the share of impossible lower ends, and the interval score (Gneiting and Raftery 2007,
    Journal of the American Statistical Association 102): the width, and more for each target
    outside; less is better.
    """
    inside = (low <= targets) & (targets <= high)
    least, _, largest = np.array_split(np.argsort(predicted), 3)
    outside = np.maximum(low - targets, 0) + np.maximum(targets - high, 0)
    return {
        "all": 100 * inside.mean(),
        "least": 100 * inside[least].mean(),
        "largest": 100 * inside[largest].mean(),
        "impossible": 100 * (low <= -1).mean(),
        "score": float(np.mean(high - low + 200 / (100 - LEVEL) * outside)),
    }


def tell(found: pd.DataFrame) -> None:
    """Print percents, each with equal distances and with factors, and the scores' ratio."""
    names = ["all", "least", "largest", "impossible"]
    for splits, of_splits in found.groupby("splits"):
        print(f"\n{splits} of the splits: with equal distances → with factors\n")
        print("| source | coverage | least third | largest third | impossible | score |")
        print("|---|---|---|---|---|---|")
        for name, rows in of_splits.groupby("source", sort=False):
            before, after = (rows[rows["factor"] == factor] for factor in (0, 1))
            cells = [f"{before[one].mean():.1f} → {after[one].mean():.1f}" for one in names]
            ratio = np.median(after["score"].to_numpy() / before["score"].to_numpy())
            print(f"| {name} | {' | '.join(cells)} | × {ratio:.2f} |")


def main() -> None:
    """Measure all sources."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=12, help="of each source")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    asked = parser.parse_args()
    os.environ.setdefault("KERAS_BACKEND", "jax")
    each = joblib.Parallel(n_jobs=asked.jobs)(
        joblib.delayed(measure)(name, number) for number in range(asked.tables) for name in DRAWS
    )
    tell(pd.DataFrame([one for some in each for one in some]))


if __name__ == "__main__":
    main()
