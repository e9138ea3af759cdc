"""Versions of a run, written with Kedro's own datasets."""

from __future__ import annotations

import math

import pandas as pd
from kedro.io.core import Version

from conftest import catalog_here, complete_version
from dropnorm.config_loader import project_config
from made_results import some_metrics
from made_up_answers import an_outcome

VARIANTS = ("baseline", "dropout", "batchnorm", "dropout_batchnorm")
OLD, MIDDLE, NEW, NEWEST = (f"2026-01-0{day}T00.00.00.000Z" for day in (1, 2, 3, 4))


def write_version(
    version: str, *, complete: bool = True, error: float = 4.0, **record: object
) -> None:
    """Write what a run of concrete writes: some with Kedro's own datasets, and the rest empty."""
    options = project_config().study("concrete").model_dump(mode="json")
    record = {"options": options, **record}
    catalog = catalog_here()

    def save(name: str, data: object) -> None:
        catalog.get(f"concrete.{name}", version=Version(None, version)).save(data)

    save("split", pd.DataFrame({"split": [0], "row": [0], "part": ["train"]}))
    save("baseline.metrics", some_metrics(rows={"train": 7, "validation": 3}))
    answer = an_outcome((math.nan, error, 2 * error, 3 * error), constant=10 * error)
    save("effects", answer.as_json())
    if complete:
        complete_version("concrete", version, **record)


def overridden(**changes):
    """Return the fields of a run's record with overridden epochs."""
    options = project_config().study("concrete").model_dump(mode="json")
    options["training"] = {**options["training"], "epochs": 5}
    changed = {"training.epochs": {"run": 5, "study": 100, "by": "--params"}}
    return {"options": options, "environment": None, "overridden": changed, **changes}
