"""The section ``sweep``: which rates and places a sweep tries."""

from __future__ import annotations

from typing import Annotated

from pydantic import (
    Field,
    model_validator,
)

from dropnorm.study.common import Section
from dropnorm.study.network import Placement, Rate


class Sweep(Section):
    """What the pipeline ``<study>.sweep`` tries: each rate at each place, on the same replicas."""

    dropout: Annotated[tuple[Rate, ...], Field(strict=False)] = Field(
        (0.0, 0.1, 0.2, 0.3, 0.5),
        description="Rates, each for all hidden layers; an empty list is the network's own rate.",
    )
    placement: Annotated[tuple[Placement, ...], Field(strict=False)] = Field(
        (),
        description="Places of batch normalization; an empty list is the network's own place.",
    )

    @model_validator(mode="after")
    def _each_once(self) -> Sweep:
        for key, tried in (("dropout", self.dropout), ("placement", self.placement)):
            if len(set(tried)) < len(tried):
                raise ValueError(f"tries something twice in '{key}'")
        return self
