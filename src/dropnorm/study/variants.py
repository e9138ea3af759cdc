"""The four variants of a study's network."""

from __future__ import annotations

from enum import StrEnum


class Variant(StrEnum):
    """A study's network with or without dropout and batch normalization."""

    BASELINE = "baseline"
    DROPOUT = "dropout"
    BATCHNORM = "batchnorm"
    DROPOUT_BATCHNORM = "dropout_batchnorm"

    @property
    def has_dropout(self) -> bool:
        """Whether the network has dropout layers."""
        return self in (Variant.DROPOUT, Variant.DROPOUT_BATCHNORM)

    @property
    def has_batchnorm(self) -> bool:
        """Whether the network has batch-normalization layers."""
        return self in (Variant.BATCHNORM, Variant.DROPOUT_BATCHNORM)
