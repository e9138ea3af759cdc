"""The lesson's experiments over 20 replicas, beside what others measured.

    kedro run --pipelines=wine --params=wine.replicas.splits=1,wine.replicas.starts=20
    kedro run --pipelines=concrete --params=concrete.replicas.splits=1,concrete.replicas.starts=20
    kedro run --pipelines=spotify --params=spotify.replicas.splits=20
    python benchmarks/lesson.py

Reads the newest complete run of each study, and prints a table.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

REPORTS = Path("data/08_reporting")
VARIANTS = ("baseline", "dropout", "batchnorm", "dropout_batchnorm")
# Least val_loss of executed notebooks in public repositories: mean, standard deviation, runs.
PUBLISHED = {
    ("spotify", "dropout"): (0.1925, 0.0029, 82),
    ("spotify", "baseline"): (0.1966, 0.0028, 73),
    ("concrete", "batchnorm"): (3.953, 0.145, 83),
}


def newest(study: str) -> Path:
    """Return the folder name of the newest complete version."""
    return max((REPORTS / study / "run.json").iterdir())


def read(study: str, variant: str) -> dict:
    """Read the metrics of a variant, of the newest complete version."""
    version = newest(study).name
    file = REPORTS / study / variant / "metrics.json" / version / "metrics.json"
    return json.loads(file.read_text(encoding="utf-8"))


def main() -> None:
    """Print the table."""
    print(
        "| study | variant | diverged | least val_loss | last val_loss | others | standard errors"
        " apart |\n|---|---|---|---|---|---|---|"
    )
    for study in ("wine", "concrete", "spotify"):
        for variant in VARIANTS:
            replicas = read(study, variant)["replicas"]
            finite = [one for one in replicas if one["diverged_at_epoch"] is None]
            least, last = (
                np.array([one[name] for one in finite])
                for name in ("min_val_loss", "final_val_loss")
            )
            cells = [study, variant, f"{len(replicas) - len(finite)} of {len(replicas)}"]
            cells += [told(least), told(last)]
            published = PUBLISHED.get((study, variant))
            if published and len(finite) > 1:
                mean, deviation, runs = published
                error = math.sqrt(deviation**2 / runs + least.var(ddof=1) / len(least))
                cells += [
                    f"{mean} ± {deviation} ({runs} runs)",
                    f"{(least.mean() - mean) / error:+.1f}",
                ]
            else:
                cells += ["", ""]
            print(f"| {' | '.join(cells)} |")


def told(values: np.ndarray) -> str:
    """Write a mean and a standard deviation."""
    if not len(values):
        return "–"
    deviation = f" ± {values.std(ddof=1):.2g}" if len(values) > 1 else ""
    return f"{values.mean():.4g}{deviation}"


if __name__ == "__main__":
    main()
