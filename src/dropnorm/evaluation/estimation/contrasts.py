"""Which networks a study compares, with which one, and which differences of error that gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dropnorm.study.arms import arm_names, arm_of
from dropnorm.study.network import BatchNorm, Dropout
from dropnorm.study.variants import Variant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dropnorm.study.network import Network
    from dropnorm.study.schema import Study
    from dropnorm.study.training import Training

INTERACTION = "interaction"
_BASELINE = Variant.BASELINE.value
_FOUR = tuple(variant.value for variant in Variant)
_OF_INTERACTION = {"dropout_batchnorm": 1, "dropout": -1, "batchnorm": -1, "baseline": 1}


@dataclass(frozen=True)
class Contrast:
    """A difference of error between networks.

    Attributes:
        name: Of the network that is compared with the reference, or ``interaction``.
        weights: Of each network that takes part, by name; they add up to zero.
    """

    name: str
    weights: Mapping[str, int]

    @classmethod
    def against(cls, reference: str, name: str) -> Contrast:
        """Return the difference of a network from a reference, or the interaction by its name."""
        return cls(name, _OF_INTERACTION if name == INTERACTION else {name: 1, reference: -1})


@dataclass(frozen=True)
class Design:
    """The networks that a study compares.

    Attributes:
        names: In the order of the study.
        against: The reference: the network that each other one is compared with.
        layered: Those of dropout, batchnorm and dropout_batchnorm that have nothing but the layers
            of their names before the reference, which has neither.
        crossed: Whether the four variants are among them and differ by the two layers alone.
    """

    names: tuple[str, ...]
    against: str
    layered: frozenset[str]
    crossed: bool

    @property
    def others(self) -> tuple[str, ...]:
        """All but the reference, in the order of the study."""
        return tuple(name for name in self.names if name != self.against)

    @property
    def in_order_of_choice(self) -> tuple[str, ...]:
        """The reference, then the others as the study names them: the simpler first."""
        return (self.against, *self.others)

    @property
    def is_the_four(self) -> bool:
        """Whether the four variants are all that is compared."""
        return self.crossed and len(self.names) == len(_FOUR)

    @property
    def contrasts(self) -> tuple[Contrast, ...]:
        """The differences that are estimated and judged together."""
        names = (*self.others, INTERACTION) if self.crossed else self.others
        return tuple(Contrast.against(self.against, name) for name in names)


# Of a study that does not say what it compares.
FOUR = Design(_FOUR, _BASELINE, frozenset(_FOUR[1:]), crossed=True)


def design_of(study: Study) -> Design:
    """Return what a study compares.

    An interaction is one of two switches: networks that share a layer must have it alike, and all
    else as the baseline has it.
    """
    names, against = arm_names(study), study.against
    if against != _BASELINE:
        return Design(names, against, frozenset(), crossed=False)
    studies = {name: arm_of(study, name).study for name in _FOUR if name in names}
    baseline = _beside_layers(studies[_BASELINE])
    layered = {name for name, one in studies.items() if _beside_layers(one) == baseline}
    networks = {name: studies[name].network for name in layered}
    crossed = (
        layered == set(_FOUR)
        and networks["dropout"].dropout == networks["dropout_batchnorm"].dropout
        and networks["batchnorm"].batchnorm == networks["dropout_batchnorm"].batchnorm
    )
    return Design(names, against, frozenset(layered - {_BASELINE}), crossed)


def _beside_layers(study: Study) -> tuple[Network, Training]:
    """Return all options of a network but those of the two layers."""
    alike = {"dropout": Dropout(), "batchnorm": BatchNorm()}
    return study.network.model_copy(update=alike), study.training
