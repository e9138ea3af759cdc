"""Section ``sweep``: the dropout rates and placements that a sweep tries."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from dropnorm.study.common import Section
from dropnorm.study.network import Placement, Rate


class Sweep(Section):
    """Options of the pipeline ``<study>.sweep``, which tries each rate with each placement."""

    dropout: Annotated[tuple[Rate, ...], Field(strict=False)] = Field(
        (0.0, 0.1, 0.2, 0.3, 0.5),
        description="Dropout rates, each for all hidden layers; empty for the network's own rate.",
    )
    placement: Annotated[tuple[Placement, ...], Field(strict=False)] = Field(
        (),
        description="Placements of batch normalization; empty for the network's own placement.",
    )

    @model_validator(mode="after")
    def _each_once(self) -> Sweep:
        for key, tried in (("dropout", self.dropout), ("placement", self.placement)):
            if len(set(tried)) < len(tried):
                raise ValueError(f"tries something twice in '{key}'")
        return self
