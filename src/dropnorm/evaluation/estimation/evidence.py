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

    import numpy.typing as npt

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
    held = split.loc[split["part"] == part]
    columns = {variant: one.errors(error.name, part) for variant, one in metrics.items()}
    losses = {
        variant: losses_of_rows(table, task.row_losses(table, error), held)
        for variant, table in predictions.items()
    }
    # One model after the other: together, these tables are the largest of a run.
    # A groupby would copy all of them at once.
    for model in references["model"].astype("category").cat.categories:
        of_model = references[references["model"] == model]
        if of_model.empty:
            continue
        columns[model] = pd.Series(
            {replica: task.score(one)[error.name] for replica, one in of_model.groupby(_REPLICA)}
        ).rename_axis(_REPLICA)
        losses[model] = losses_of_rows(of_model, task.row_losses(of_model, error), held)
    return Evidence(
        errors=pd.DataFrame(columns),
        held_to_trained=_held_to_trained(split, part),
        root=error.root,
        rows=losses_by_split(losses, held),
        in_order=are_in_order(split, study.split),
    )


def _held_to_trained(split: pd.DataFrame, part: str) -> float:
    """Return how many rows of a part there are for each training row, the mean of the splits."""
    trained, held = (
        split.loc[split["part"] == name, "split"].value_counts().sort_index()
        for name in (TRAIN, part)
    )
    return float((held / trained).mean())


def references_on(references: pd.DataFrame, part: str) -> pd.DataFrame:
    """Return the predictions of the reference models for the rows of one part.

    Without a column ``part``, as in a study without a test part, all are of validation rows.
    """
    if "part" not in references:
        return references if part == VALIDATION else references.iloc[:0]
    return references.loc[references["part"] == part].drop(columns="part")


def losses_of_rows(
    table: pd.DataFrame, losses: pd.Series, held: pd.DataFrame
) -> dict[int, npt.NDArray[np.float64]]:
    """Return what each row of a part costs a network, by split; means over the finite starts.

    Args:
        table: Predictions of the rows of the part.
        losses: Of each row of the table, in its order; not finite where a start diverged.
        held: The rows of the part, by split.

    Returns:
        In the order of ``held``; nan where no start has a finite loss.
    """
    # A start that diverged has no finite prediction, and takes part in no pair.
    known = losses.where(np.isfinite(losses)).to_numpy(dtype=np.float64)
    splits, rows = table["split"].to_numpy(), table["row"].to_numpy()
    found = {}
    for number, wanted in _rows_by_split(held).items():
        here = splits == number
        if np.array_equal(rows[here], wanted):
            found[number] = known[here]  # one start, in the same order: most large tables
        else:
            means = pd.Series(known[here]).groupby(rows[here]).mean()
            found[number] = means.reindex(wanted).to_numpy(dtype=np.float64)
    return found


def losses_by_split(
    losses: Mapping[str, Mapping[int, npt.NDArray[np.float64]]], held: pd.DataFrame
) -> dict[int, RowLosses]:
    """Gather what each row of a part costs, by split.

    Args:
        losses: By network or reference model, as :func:`losses_of_rows` returns them.
        held: The rows of the part, by split.
    """
    splits = held["split"].to_numpy()
    groups = _number_names(held["group"]) if "group" in held else None
    return {
        number: RowLosses(
            {name: one[number] for name, one in losses.items()},
            None if groups is None else groups[splits == number],
            rows,
        )
        for number, rows in _rows_by_split(held).items()
    }


def _rows_by_split(held: pd.DataFrame) -> dict[int, npt.NDArray[np.int64]]:
    splits, rows = held["split"].to_numpy(), held["row"].to_numpy()
    return {int(number): rows[splits == number] for number in np.unique(splits)}


def _number_names(groups: pd.Series) -> npt.NDArray[np.int64]:
    """Number groups by their names, from 0 in the order in which they come."""
    if isinstance(groups.dtype, pd.CategoricalDtype) and groups.notna().all():
        names = pd.factorize(groups.cat.categories.astype(str))[0]
        return np.asarray(pd.factorize(names[groups.cat.codes])[0], dtype=np.int64)
    return np.asarray(pd.factorize(groups.astype(str))[0], dtype=np.int64)
