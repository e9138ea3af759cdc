"""Which option of a study gives it more runs, by how its splits are made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dropnorm.study.split import ColumnsSplit, FilesSplit, TimeSplit

if TYPE_CHECKING:
    from dropnorm.study.schema import Study

# Enough for an interval.
_SEVERAL = 5


@dataclass(frozen=True)
class MoreRuns:
    """How a study that was run can be run more often.

    Attributes:
        more: The option of ``replicas`` to increase: ``splits``, ``starts`` or ``at_most``.
        several: The option and value with which a study of one run has several.
        counted: What a run has more of then: ``splits`` or ``starts``.
    """

    more: str = "splits"
    several: str = f"splits={_SEVERAL}"
    counted: str = "splits"

    @property
    def advice(self) -> str:
        """What to write for more runs, as the end of a sentence."""
        if self.more == "at_most":
            return "write a larger replicas.at_most, which counts as a further look (DN018)"
        return f"write a larger replicas.{self.more}"


def more_runs(study: Study) -> MoreRuns:
    """Say how a study can be run more often.

    A split by time has no further splits, and published splits are as many as there are. Of a study
    with one split, more starts are taken, so that the split stays what it is.

    Args:
        study: As it was run.
    """
    replicas, most = study.replicas, _most_splits(study)
    if replicas.until:
        return MoreRuns("at_most")
    several = f"splits={min(_SEVERAL, most):g}" if most > 1 else f"starts={_SEVERAL}"
    more = "splits" if 1 < replicas.splits < most else "starts"
    alone = replicas.splits == replicas.starts == 1
    return MoreRuns(more, several, several.partition("=")[0] if alone else more)


def _most_splits(study: Study) -> float:
    match study.split:
        case TimeSplit():
            return 1
        case ColumnsSplit(columns=columns) | FilesSplit(columns=columns):
            return len(columns)
        case _:
            return math.inf
