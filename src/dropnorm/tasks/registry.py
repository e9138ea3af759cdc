"""Tasks by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dropnorm.tasks.classification import Classification
from dropnorm.tasks.regression import Regression

if TYPE_CHECKING:
    from dropnorm.study.schema import Study
    from dropnorm.tasks.base import Task

TASKS: dict[str, Task] = {"regression": Regression(), "classification": Classification()}


def task_of(study: Study) -> Task:
    """Return the task of a study."""
    return TASKS[study.task]
