"""The tasks by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dropnorm.tasks.classification import Classification
from dropnorm.tasks.regression import Regression

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dropnorm.study.schema import Study
    from dropnorm.tasks.base import Task

    Floats = npt.NDArray[np.float64]


TASKS: dict[str, Task] = {"regression": Regression(), "classification": Classification()}


def task_of(study: Study) -> Task:
    """Return what a study asks of its target."""
    return TASKS[study.task]
