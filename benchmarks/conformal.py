"""How many new targets do prediction intervals contain? Small networks, trained for real.

    KERAS_BACKEND=jax python benchmarks/conformal.py                  # a table of Markdown
    KERAS_BACKEND=jax python benchmarks/conformal.py --early-stopping

From each source come tables and new rows. Each table is prepared, split, trained on and predicted
from by the project's own functions; of tables that exist, each repeat draws other rows to be new.
"""

from __future__ import annotations

import argparse
import logging
import os
import warnings
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import joblib
import numpy as np
import pandas as pd
from measuring import ROOT
from sklearn import datasets

from dropnorm.data.preprocessing import fit_preprocessors, make_all_inputs
from dropnorm.data.splits import assign_parts
from dropnorm.data.validation import check_table
from dropnorm.evaluation.records import RunRecord
from dropnorm.pipelines.prediction import nodes
from dropnorm.pipelines.training.nodes import VariantTrainer
from dropnorm.study.parsing import parse_study

if TYPE_CHECKING:
    from collections.abc import Callable

    from dropnorm.study.schema import Study

    Draw = Callable[[np.random.Generator], tuple[pd.DataFrame, pd.DataFrame]]

ROWS, NEW, LEVEL, SPLITS = 600, 1000, 90, 5
TARGET, GROUP = "target", "group"


@dataclass(frozen=True)
class Found:
    """Coverage and mean width of the intervals on new rows, by the number of splits."""

    share: dict[int, float]
    width: dict[int, float]


def existing(table: pd.DataFrame, chance: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Divide a table at random into one to train on, and new rows; a fifth at the least is new."""
    order = chance.permutation(len(table))
    rows = min(ROWS, len(table) * 4 // 5)
    return table.iloc[order[:rows]].reset_index(drop=True), table.iloc[order[rows:]]


def _frame(x: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(x, columns=[f"x{k}" for k in range(x.shape[1])]).assign(**{TARGET: y})


def _cut(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    return table.iloc[:ROWS], table.iloc[ROWS:]


def friedman(
    make: Callable[..., tuple[np.ndarray, np.ndarray]], noise: float, chance: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw one of Friedman's functions (1991, Annals of Statistics 19)."""
    seed = int(chance.integers(2**31))
    return _cut(_frame(*make(n_samples=ROWS + NEW, noise=noise, random_state=seed)))


def wave(scatter: str, chance: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw a wave and a product, with noise of a kind."""
    x = chance.normal(size=(ROWS + NEW, 5))
    noise = {
        "normal": lambda: chance.normal(size=len(x)),
        "heavy tails": lambda: chance.standard_t(2, len(x)),
        "skewed": lambda: chance.exponential(size=len(x)),
        "uneven": lambda: chance.normal(size=len(x)) * np.exp(x[:, 0]),
        "none": lambda: np.zeros(len(x)),
    }[scatter]()
    return _cut(_frame(x, np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.5 * noise))


def groups(chance: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw groups of one to nine rows, with an offset each; the new rows are of new groups."""
    table, _ = wave("normal", chance)
    more, _ = wave("normal", chance)
    both = pd.concat([table, more], ignore_index=True)
    of_row = np.repeat(np.arange(len(both)), chance.integers(1, 10, len(both)))[: len(both)]
    offset = chance.normal(size=len(both))[of_row]
    both = both.assign(**{GROUP: of_row, TARGET: both[TARGET] + offset})
    old = both[GROUP] <= both[GROUP].iloc[ROWS - 1]
    return both[old].reset_index(drop=True), both[~old]


def _of_scikit_learn(name: str, target: str) -> pd.DataFrame:
    """Return a data set's numbers, with one of its columns as the target."""
    frame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    inputs = frame.drop(columns=target)
    if name == "breast_cancer":  # its other columns of the worst cells nearly tell the area
        inputs = inputs.filter(like="mean")
    return _frame(inputs.to_numpy(dtype=float), frame[target].to_numpy(dtype=float))


def _shipped(name: str, target: str) -> pd.DataFrame:
    frame = pd.read_csv(ROOT / "data" / "01_raw" / f"{name}.csv")
    return _frame(frame.drop(columns=target).to_numpy(dtype=float), frame[target].to_numpy(float))


SOURCES: dict[str, Draw] = {
    "concrete": partial(existing, _shipped("concrete", "CompressiveStrength")),
    "red wine, quality": partial(existing, _shipped("red-wine", "quality")),
    "diabetes": partial(existing, _of_scikit_learn("diabetes", "target")),
    "iris, petal width": partial(existing, _of_scikit_learn("iris", "petal width (cm)")),
    "Italian wine, alcohol": partial(existing, _of_scikit_learn("wine", "alcohol")),
    "breast cancer, worst area": partial(
        existing, _of_scikit_learn("breast_cancer", "worst area")
    ),
    "Friedman 1": partial(friedman, datasets.make_friedman1, 1.0),
    "Friedman 2": partial(friedman, datasets.make_friedman2, 100.0),
    "Friedman 3": partial(friedman, datasets.make_friedman3, 0.1),
    "wave, normal noise": partial(wave, "normal"),
    "wave, heavy tails": partial(wave, "heavy tails"),
    "wave, skewed noise": partial(wave, "skewed"),
    "wave, uneven noise": partial(wave, "uneven"),
    "wave, no noise": partial(wave, "none"),
    "wave in groups, new groups": groups,
}  # fmt: skip


def a_study(table: pd.DataFrame, seed: int, *, early_stopping: bool) -> Study:
    """Return a study of a small network with five splits."""
    split: dict[str, object] = {"method": "random"}
    if GROUP in table:
        split = {"method": "grouped", "by": GROUP}
    training: dict[str, object] = {"batch_size": 32, "epochs": 40, "learning_rate": 0.005,
                                   "loss": "mse", "seed": seed}  # fmt: skip
    if early_stopping:
        training["early_stopping"] = {"patience": 10, "rows": "validation"}
    inputs = [name for name in table if name not in (TARGET, GROUP)]
    options = {
        "title": "Coverage",
        "target": {"column": TARGET, "scale": "standardize"},
        "preprocessing": {"standard_scale": inputs},
        "split": {**split, "train_fraction": 0.7, "seed": 1000 * seed},
        "replicas": {"splits": SPLITS, "starts": 1},
        "network": {"hidden": [32], "activation": "relu", "dropout": {"rate": 0.1}},
        "training": training,
    }
    return parse_study("coverage", options)


def measure(name: str, number: int, *, early_stopping: bool) -> Found:
    """Make a table of a source, train on it, and count the new targets in their intervals."""
    warnings.simplefilter("ignore")
    logging.getLogger("dropnorm").setLevel(logging.ERROR)
    table, new = SOURCES[name](np.random.default_rng([number, sum(map(ord, name))]))
    study = a_study(table, number, early_stopping=early_stopping)
    rows = check_table(table, study)
    split = assign_parts(rows, study)
    fitted = fit_preprocessors(rows, split, study)
    trained = VariantTrainer("baseline").train(make_all_inputs(rows, split, fitted, study), study)
    run = RunRecord(study=study.name, options=study.model_dump(mode="json"))
    shares, widths = {}, {}
    for splits in (1, SPLITS):
        training = trained.training.__class__(
            **{**vars(trained.training), "replicas": trained.training.replicas[:splits]}
        )
        calibration = nodes.calibrate(trained.validation_predictions, split, run, training)
        found = nodes.predict(new, run, fitted, trained.models, training, calibration, level=LEVEL)
        low, high = (found[f"{end}_{LEVEL}"].to_numpy() for end in ("lower", "upper"))
        shares[splits] = float(np.mean((low <= new[TARGET]) & (new[TARGET] <= high)))
        widths[splits] = float(np.mean(high - low))
    return Found(shares, widths)


def tell(found: dict[str, list[Found]]) -> None:
    """Print the coverage in percent with its Monte-Carlo error, and the widths by one split's."""
    print(f"| source | tables | one split | {SPLITS} splits | width, {SPLITS} splits by one |")
    print("|---|---|---|---|---|")
    for name, tables in found.items():
        cells = [_mean([100 * one.share[splits] for one in tables]) for splits in (1, SPLITS)]
        ratio = np.median([one.width[SPLITS] / one.width[1] for one in tables])
        print(f"| {name} | {len(tables)} | {' | '.join(cells)} | {ratio:.2f} |")
    means = [
        _mean([100 * one.share[splits] for tables in found.values() for one in tables])
        for splits in (1, SPLITS)
    ]
    print(f"| all | {sum(map(len, found.values()))} | {' | '.join(means)} | |")


def _mean(values: list[float]) -> str:
    return f"{np.mean(values):.1f} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.1f}"


def main() -> None:
    """Measure all sources."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=12, help="of each source")
    parser.add_argument("--early-stopping", action="store_true")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    asked = parser.parse_args()
    os.environ.setdefault("KERAS_BACKEND", "jax")
    wanted = [(name, number) for number in range(asked.tables) for name in SOURCES]
    each = joblib.Parallel(n_jobs=asked.jobs)(
        joblib.delayed(measure)(name, number, early_stopping=asked.early_stopping)
        for name, number in wanted
    )
    found: dict[str, list[Found]] = {name: [] for name in SOURCES}
    for (name, _), one in zip(wanted, each, strict=True):
        found[name].append(one)
    tell(found)


if __name__ == "__main__":
    main()
