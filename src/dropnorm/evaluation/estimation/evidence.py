"""What an answer rests on: the errors of networks and reference models on one part of the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dropnorm.data.splits import TRAIN, VALIDATION
from dropnorm.evaluation.estimation.effects import Evidence, RowLosses
from dropnorm.evaluation.estimation.estimands import are_in_order
from dropnorm.tasks.registry import task_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dropnorm.evaluation.results import VariantMetrics
    from dropnorm.study.schema import Study

_REPLICA = ["split", "start"]


def gather_evidence(
    metrics: Mapping[str, VariantMetrics],
    predictions: Mapping[str, pd.DataFrame],
    references: pd.DataFrame,
    split: pd.DataFrame,
    study: Study,
    part: str = VALIDATION,
) -> Evidence:
    """Put the errors of all replicas of all variants and reference models into one table.

    Args:
        metrics: By variant.
        predictions: Of the rows of the part, by variant.
        references: Predictions of the reference models.
        split: Which row is in which part of which split.
        study: Says which error counts.
        part: ``validation`` or ``test``.
    """
    task = task_of(study)
    error = task.error(study)
    references = references_on(references, part)
    columns = {variant: one.errors(error.name, part) for variant, one in metrics.items()}
    for model, of_model in references.groupby("model"):
        columns[str(model)] = pd.Series(
            {replica: task.score(one)[error.name] for replica, one in of_model.groupby(_REPLICA)}
        ).rename_axis(_REPLICA)
    tables = dict(predictions) | {str(name): one for name, one in references.groupby("model")}
    costs = {name: task.row_losses(table, error) for name, table in tables.items()}
    parts = split.groupby(["split", "part"], observed=True).size().unstack("part")
    return Evidence(
        errors=pd.DataFrame(columns),
        held_to_trained=float((parts[part] / parts[TRAIN]).mean()),
        root=error.root,
        rows=losses_by_split(tables, costs, split.loc[split["part"] == part]),
        in_order=are_in_order(split, study.split),
    )


def references_on(references: pd.DataFrame, part: str) -> pd.DataFrame:
    """Return the predictions of the reference models for the rows of one part.

    Without a column ``part``, as in a study without a test part, all are of validation rows.
    """
    if "part" not in references:
        return references if part == VALIDATION else references.iloc[:0]
    return references.loc[references["part"] == part].drop(columns="part")


def losses_by_split(
    tables: Mapping[str, pd.DataFrame], losses: Mapping[str, pd.Series], held: pd.DataFrame
) -> dict[int, RowLosses]:
    """Gather what each row of a part costs, by split; means over the starts that have a number.

    Args:
        tables: Predictions of the rows of the part, by network or reference model.
        losses: Of each row of these tables, in their order; not finite where a start diverged.
        held: The rows of the part, by split.
    """
    costs = {
        name: losses[name]
        .where(np.isfinite(losses[name]))
        # A start that diverged has no finite prediction, and takes part in no pair.
        .groupby([table["split"], table["row"]])
        .mean()
        for name, table in tables.items()
    }
    if "group" in held:
        held = held.assign(group=pd.factorize(held["group"].astype(str))[0])
    found = {}
    for number, of_split in held.groupby("split"):
        of_rows = {
            name: cost.loc[number].reindex(of_split["row"]).to_numpy(dtype=np.float64)
            for name, cost in costs.items()
        }
        groups = of_split["group"].to_numpy() if "group" in held else None
        found[int(str(number))] = RowLosses(of_rows, groups, of_split["row"].to_numpy())
    return found
