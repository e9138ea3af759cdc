"""One training that is to be done."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dropnorm.data.preprocessing import SplitInputs
    from dropnorm.study.schema import Study
    from dropnorm.study.variants import Variant


class Job(NamedTuple):
    """What :func:`dropnorm.training.trainer.train_replica` trains.

    Attributes:
        study: Network and training options.
        variant: Which of the two layers the network has.
        inputs: Arrays of the split.
        start: Number of the random start.
    """

    study: Study
    variant: Variant
    inputs: SplitInputs
    start: int
