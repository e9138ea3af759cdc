"""What ``mlflow.yml`` may say."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dropnorm.errors import BadInputError, did_you_mean

FILE = "mlflow.yml"


class Tracking(BaseModel):
    """What ``mlflow.yml`` may say."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    tracking_uri: str = Field(min_length=1)
    experiment: str = Field("{study}", min_length=1)
    models: bool = True
    tags: dict[str, str] = {}


def parse_options(written: dict[str, Any]) -> Tracking:
    """Check what ``mlflow.yml`` says; a mistake is told in one line."""
    try:
        return Tracking.model_validate(written)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"]))
        if problem["type"] == "extra_forbidden":
            known = list(Tracking.model_fields)
            raise BadInputError(
                f"{FILE}: {key}: no such key{did_you_mean(key, known)} (known: {', '.join(known)})"
            ) from error
        told = problem["msg"].replace("Input should be", "it should be")
        raise BadInputError(f"{FILE}: {key} is {problem['input']!r}; {told}") from error
