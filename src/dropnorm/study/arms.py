"""The networks that a study compares, each with the options that it is trained with."""

from __future__ import annotations

from dataclasses import dataclass

from dropnorm.study.compare import Compared, merged
from dropnorm.study.schema import Study
from dropnorm.study.variants import Variant


@dataclass(frozen=True)
class Arm:
    """One compared network.

    Attributes:
        name: Its key in ``compare``, or the variant's name.
        variant: Which of the two layers it has.
        study: The study with the options that this network changes.
    """

    name: str
    variant: Variant
    study: Study


def arm_names(study: Study) -> tuple[str, ...]:
    """Return the names of the compared networks, in the order of the study."""
    return tuple(study.compare) or tuple(variant.value for variant in Variant)


def arm_of(study: Study, name: str) -> Arm:
    """Return a compared network by its name.

    Raises:
        pydantic.ValidationError: The options with its changes are not a study's.
    """
    compared = study.compare.get(name, Compared())
    if not compared.network and not compared.training:
        return Arm(name, compared.switches(name), study)
    options = study.model_dump(exclude={"compare", "against"})
    changes = {"network": compared.network, "training": compared.training}
    return Arm(name, compared.switches(name), Study.model_validate(merged(options, changes)))
