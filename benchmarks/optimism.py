"""By how much a score is optimistic if the rows that score also choose the epoch.

    KERAS_BACKEND=jax python benchmarks/optimism.py

Two parts of equal size are held from each split of concrete, with standardized inputs, and the loss
of both is recorded by epoch. Early stopping then chooses an epoch by either part. Optimism is the
error on the other part less that on the part that chose, as the mean over both roles: that the one
part is harder than the other cancels out. Nothing but the choice makes a difference.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from kedro.framework.startup import bootstrap_project
from measuring import ROOT

if TYPE_CHECKING:
    import numpy.typing as npt

    from dropnorm.study.schema import Study

STUDY = "concrete"
OPTIONS = {
    "split": {"train_fraction": 0.6, "test_fraction": 0.2},
    "network": {"hidden": [64, 64]},
    "training": {
        "optimizer": "adam",
        "learning_rate": 0.001,
        "batch_size": 32,
        # The loss of the test part is recorded as that of inner rows.
        "early_stopping": {"rows": "training"},
    },
}


def curves(study: Study, variant: str) -> list[tuple[npt.NDArray[np.float64], ...]]:
    """Return the errors of both held parts by epoch, for each split, in the target's unit."""
    from dropnorm.pipelines.preparation import nodes as preparation  # noqa: PLC0415
    from dropnorm.study.variants import Variant  # noqa: PLC0415
    from dropnorm.training.job import Job  # noqa: PLC0415
    from dropnorm.training.parallel import train_jobs  # noqa: PLC0415

    rows = preparation.check_rows(pd.read_csv(ROOT / "data/01_raw/concrete.csv"), study)
    split = preparation.assign_parts(rows, study)
    fitted = preparation.fit_preprocessors(rows, split, study)
    inputs = preparation.make_inputs(rows, split, fitted, study)
    jobs = [
        Job(study, Variant(variant), replace(one, inner=one.test, choosing=None), 0)
        for one in inputs
    ]
    trained = train_jobs(jobs, lambda *_: None)
    return [
        tuple(
            one.target.invert(replica.history[[column]].to_numpy(dtype=np.float64))[:, 0]
            for column in ("val_loss", "inner_loss")
        )
        for one, replica in zip(inputs, trained, strict=True)
    ]


def chosen(losses: npt.NDArray[np.float64], patience: int) -> int:
    """Return the epoch that early stopping keeps, from 0."""
    for epoch in range(len(losses)):
        best = int(losses[: epoch + 1].argmin())
        if epoch - best >= patience:
            return best
    return int(losses.argmin())


def optimism(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64], patience: int) -> float:
    """Return the error on the part that did not choose less that on the one that did."""
    by_one, by_other = chosen(one, patience), chosen(other, patience)
    return float((other[by_one] - one[by_one] + one[by_other] - other[by_other]) / 2)


def main() -> None:
    """Print a table of both networks."""
    from dropnorm.evaluation.estimation.intervals import over_splits  # noqa: PLC0415

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--patience", type=int, default=20)
    asked = parser.parse_args()
    bootstrap_project(ROOT)
    from dropnorm.config_loader import project_config  # noqa: PLC0415  # a project must be there

    options = {
        **OPTIONS,
        "training": {
            **OPTIONS["training"],
            "epochs": asked.epochs,
            "early_stopping": {"rows": "training", "patience": asked.epochs},
        },
        "replicas": {"splits": asked.splits, "starts": 1},
    }
    config = project_config(env="standardized", runtime_params={STUDY: options})
    study = config.study(STUDY)
    print("| network | mean absolute error where it chose, MPa | optimism, MPa (95 % interval) |")
    print("|---|---|---|")
    for variant in ("baseline", "batchnorm"):
        found = curves(study, variant)
        errors = [one[chosen(one, asked.patience)] for one, _ in found]
        sizes = np.array([optimism(*pair, asked.patience) for pair in found])
        told = over_splits(sizes, 0.2 / 0.6, 0.05)
        share = 100 * told.mean / np.mean(errors)
        print(
            f"| {variant} | {np.mean(errors):.2f} | {told.mean:.3f} ({told.low:.3f} to"
            f" {told.high:.3f}), {share:.1f} % |",
            flush=True,
        )


if __name__ == "__main__":
    main()
