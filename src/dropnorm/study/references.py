"""Section ``references``: the models that networks are compared with."""

from __future__ import annotations

from pydantic import Field

from dropnorm.study.common import Section


class References(Section):
    """Options of the reference models."""

    boosting_trials: int = Field(
        0,
        ge=0,
        le=1000,
        description="Number of configurations of gradient boosting that are tried in each split."
        " The best on inner training rows is a further reference model, tuned_gradient_boosting."
        " The first configuration is scikit-learn's default. 0 leaves this model out.",
    )
