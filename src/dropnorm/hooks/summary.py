"""The lines that a run ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from dropnorm.tasks.metrics import SCORES
from dropnorm.tasks.registry import task_of

if TYPE_CHECKING:
    from dropnorm.evaluation.sweep_choices import Choices
    from dropnorm.study.schema import Study
    from dropnorm.tasks.base import Task


def summarize_sweep(study: Study, choices: Choices) -> str:
    """Return the lines that a sweep ends with."""
    return "\n".join(
        [
            f"{study.label}: {choices.error} of the validation rows by choice",
            *(f"  {sentence}" for sentence in choices.sentences.values()),
        ]
    )


def summarize_study(study: Study, comparison: pd.DataFrame) -> str:
    """Return the lines that a study's run ends with: losses by variant."""
    task = task_of(study)
    lines = [f"{study.label}: validation loss ({study.training.loss}) by variant"]
    for _, row in comparison.iterrows():
        told = []
        if pd.notna(row["final_val_loss"]):
            told.append(
                f"{row['final_val_loss']:.4g} in the last epoch, {row['min_val_loss']:.4g} in the"
                f" best{_beside(task, row)}"
            )
        for what in ("diverged", *task.failures):
            if count := row[what]:
                of = f" ({count} of {row['replicas']})" if row["replicas"] > 1 else ""
                told.append(f"{what}{of}")
        lines.append(f"  {row['variant']:<18} {'; '.join(told)}")
    return "\n".join(lines)


def _beside(task: Task, row: pd.Series) -> str:
    told = {SCORES[name].label: row[f"validation_{name}"] for name in task.beside}
    return "".join(f"; {label} {value:.3g}" for label, value in told.items() if pd.notna(value))
