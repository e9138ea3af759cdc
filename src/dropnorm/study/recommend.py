"""Section ``recommend``: the number of configurations that each network may try."""

from __future__ import annotations

from pydantic import Field

from dropnorm.study.common import Section


class Recommend(Section):
    """Options of the pipeline ``<study>.recommend``, which tries configurations of each network."""

    trials: int = Field(
        20,
        ge=1,
        le=1000,
        description="Number of configurations of each network; the first is the study's own.",
    )
    seed: int = Field(
        0,
        ge=0,
        le=2**31,
        description="Seed of the drawn configurations and of the rows that choose among them.",
    )
