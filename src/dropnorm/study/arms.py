"""The networks that a study compares, each with its options."""

from __future__ import annotations

from dataclasses import dataclass

from dropnorm.study.compare import Compared, merged
from dropnorm.study.schema import Study
from dropnorm.study.variants import Variant


@dataclass(frozen=True)
class Arm:
    """One compared network.

    Attributes:
        name: Key in ``compare``, or name of the variant.
        variant: Variant, which says which of the two layers the network has.
        study: Study with the changed options of this network.
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
        pydantic.ValidationError: If the changed options are not valid.
    """
    compared = study.compare.get(name, Compared())
    if not compared.network and not compared.training:
        return Arm(name, compared.switches(name), study)
    options = study.model_dump(exclude={"compare", "against"})
    changes = {"network": compared.network, "training": compared.training}
    return Arm(name, compared.switches(name), Study.model_validate(merged(options, changes)))
