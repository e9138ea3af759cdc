"""From losses of trainings to errors in the target's own unit, where a loss has one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dropnorm.tasks.metrics import LOSSES
from dropnorm.tasks.registry import task_of
from dropnorm.tasks.targets import TargetScale

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from dropnorm.study.schema import Study
    from dropnorm.tasks.targets import FittedTarget


@dataclass(frozen=True)
class LossUnits:
    """What makes of a loss an error in the target's unit.

    Attributes:
        label: Of what comes out, with its unit; of a loss without one, in training units.
        root: Whether the root is taken first.
        factors: By split, what the loss or its root is multiplied by; empty where it stays as it
            is: of classes, of logarithms, and the Huber loss.
    """

    label: str
    root: bool
    factors: Mapping[int, float]

    def value(self, loss: float, split: int) -> float:
        """Convert one loss."""
        if not self.factors:
            return loss
        return self.factors[split] * (math.sqrt(loss) if self.root else loss)

    def mean(self, loss: float) -> float:
        """Convert a mean loss over all splits."""
        if not self.factors:
            return loss
        factor = float(np.mean(list(self.factors.values())))
        return factor * (math.sqrt(loss) if self.root else loss)

    def table(self, table: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
        """Convert columns of a table that has a column ``split``."""
        if not self.factors or table.empty:
            return table
        by_row = table["split"].map(dict(self.factors)).to_numpy(dtype=float)
        losses = {name: table[name].to_numpy(dtype=float) for name in columns}
        return table.assign(
            **{name: by_row * (np.sqrt(one) if self.root else one) for name, one in losses.items()}
        )


def loss_units(targets: Mapping[int, FittedTarget], study: Study) -> LossUnits:
    """Say what makes of a study's loss an error in the target's unit.

    Args:
        targets: By split.
        study: Says which loss.
    """
    loss, task = study.training.loss, task_of(study)
    scales = {
        split: target.scale
        for split, target in targets.items()
        if isinstance(target, TargetScale) and not target.log1p
    }
    if loss in ("mae", "mse") and scales and len(scales) == len(targets):
        name = "RMSE" if loss == "mse" else "MAE"
        unit = task.unit(study)
        return LossUnits(f"{name}, {unit}" if unit else name, loss == "mse", scales)
    name, unit = LOSSES[loss], task.loss_unit(study)
    in_units = ", training units" if loss != "cross_entropy" else ""
    return LossUnits(f"{name}{in_units}" if not unit or in_units else f"{name}, {unit}", False, {})
