"""What a few trials of its options gain gradient boosting, the reference model.

    python benchmarks/boosting.py --splits 8

On the splits of concrete, gradient boosting with scikit-learn's defaults, and as
``references.boosting_trials`` tunes it: inner training rows choose, and the validation rows score.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import joblib
import numpy as np
import pandas as pd
import sklearn.ensemble  # noqa: F401  # loads the threads that are limited below
from kedro.framework.startup import bootstrap_project
from measuring import ROOT
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from dropnorm.data.preprocessing import SplitInputs
    from dropnorm.study.schema import Study

STUDY = "concrete"


def score(inputs: SplitInputs, study: Study) -> tuple[float, float, float]:
    """Return the errors with defaults and tuned, in MPa, and the seconds that tuning took."""
    from dropnorm.evaluation.references.tuned_boosting import predict_tuned  # noqa: PLC0415
    from dropnorm.tasks.registry import task_of  # noqa: PLC0415

    held, target, task = inputs.validation, inputs.target, task_of(study)
    with threadpool_limits(1):
        plain = task.boosting(inputs.train.y, study).fit(inputs.train.x, inputs.train.y)
        *_, default = task.boosted(plain, held.x, target)
        began = time.process_time()
        tuned = predict_tuned(inputs, study)
        seconds = time.process_time() - began
    truth = target.restore(held.y)
    of_default, of_tuned = (
        float(np.abs(predicted[:, 0] - truth).mean()) for predicted in (default, tuned)
    )
    print(f"split {inputs.split}: {of_default:.3f} {of_tuned:.3f} {seconds:.1f}", flush=True)
    return of_default, of_tuned, seconds


def main() -> None:
    """Print the errors, their difference and the time."""
    from dropnorm.data.splits import TRAIN, VALIDATION  # noqa: PLC0415
    from dropnorm.evaluation.estimation.intervals import over_splits  # noqa: PLC0415
    from dropnorm.pipelines.preparation import nodes as preparation  # noqa: PLC0415

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--trials", type=int, default=10)
    asked = parser.parse_args()
    bootstrap_project(ROOT)
    from dropnorm.config_loader import project_config  # noqa: PLC0415  # a project must be there

    options = {
        "replicas": {"splits": asked.splits, "starts": 1},
        "references": {"boosting_trials": asked.trials},
    }
    study = project_config(runtime_params={STUDY: options}).study(STUDY)
    rows = preparation.check_rows(pd.read_csv(ROOT / "data/01_raw/concrete.csv"), study)
    split = preparation.assign_parts(rows, study)
    fitted = preparation.fit_preprocessors(rows, split, study)
    inputs = preparation.make_inputs(rows, split, fitted, study)
    found = joblib.Parallel(n_jobs=joblib.cpu_count())(
        joblib.delayed(score)(one, study) for one in inputs
    )
    default, tuned, seconds = (np.array(one) for one in zip(*found, strict=True))
    parts = split["part"].value_counts()
    told = over_splits(tuned - default, float(parts[VALIDATION] / parts[TRAIN]), 0.05)
    print(f"{asked.splits} splits, {asked.trials} trials; mean absolute error, MPa")
    print(f"defaults {default.mean():.2f}, tuned {tuned.mean():.2f}")
    print(f"difference {told.mean:+.2f} ({told.low:+.2f} to {told.high:+.2f})")
    print(f"tuned is better in {(tuned < default).sum()} splits")
    print(f"seconds of one core for each split: {seconds.mean():.1f}")


if __name__ == "__main__":
    main()
