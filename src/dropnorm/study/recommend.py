"""The section ``recommend``: how many configurations each network is given."""

from __future__ import annotations

from pydantic import Field

from dropnorm.study.common import Section


class Recommend(Section):
    """What the pipeline ``<study>.recommend`` tries: the same configurations for each network."""

    trials: int = Field(
        20,
        ge=1,
        le=1000,
        description="Configurations of each network; the first is the study's own.",
    )
    seed: int = Field(
        0,
        ge=0,
        le=2**31,
        description="Of the configurations that are drawn, and of the rows that choose among them.",
    )
