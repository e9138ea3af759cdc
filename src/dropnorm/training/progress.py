"""How far the trainings are, told to a logger."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Epoch:
    """An epoch that has ended, or is as far as it says.

    Attributes:
        study: Title of the study.
        variant: Name of the variant.
        replica: Number of the replica, from 1, of ``replicas``.
        split: Number of its split, from 0.
        start: Number of its start, from 0.
        epoch: How many of ``epochs`` are done: 3 at the end of the third, 2.4 within it.
        loss: Of the training rows; None within an epoch.
        val_loss: Of the validation rows; None within an epoch.
        last: Whether the training ends with this epoch.
    """

    study: str
    variant: str
    replica: int
    replicas: int
    split: int
    start: int
    epoch: float
    epochs: int
    loss: float | None
    val_loss: float | None
    last: bool

    @property
    def done(self) -> float:
        """Epochs of the replica behind us; a training that stopped early counts as whole."""
        return self.epochs if self.last else self.epoch

    @property
    def total(self) -> int:
        """Epochs of the variant in all."""
        return self.replicas * self.epochs

    @property
    def place(self) -> str:
        """Which epoch of how many, and how far it is unless it has ended."""
        share = self.epoch % 1
        of_epoch = f" ({share:.0%})" if share else ""
        return f"{math.ceil(self.epoch)}/{self.epochs}{of_epoch}"

    def __str__(self) -> str:
        losses = (
            ""
            if self.loss is None or self.val_loss is None
            else f", loss {self.loss:.4g}, val_loss {self.val_loss:.4g}"
        )
        return (
            f"{self.study} · {self.variant}: replica {self.replica}/{self.replicas}"
            f" (split {self.split}, start {self.start}), epoch {self.place}{losses}"
        )


def tell(epoch: Epoch) -> None:
    """Tell that an epoch has ended, or how far it is."""
    logger.info("%s", epoch, extra={"epoch": epoch})
