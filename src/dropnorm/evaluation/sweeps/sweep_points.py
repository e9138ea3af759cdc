"""What a sweep tries: rates of dropout and places of batch normalization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dropnorm.study.arms import arm_of
from dropnorm.study.compare import Compared

if TYPE_CHECKING:
    from dropnorm.study.network import Placement
    from dropnorm.study.schema import Study


@dataclass(frozen=True)
class Point:
    """One choice of rate and place, for one variant.

    Attributes:
        variant: Name of the network.
        rate: Of its dropout layers: one for all, or one for each; None without them.
        placement: Of its batch norms; None without them.
    """

    variant: str
    rate: float | tuple[float, ...] | None = None
    placement: Placement | None = None

    @property
    def one_rate(self) -> float | str | None:
        """The rate as one value: a number, or text if there is one for each layer."""
        if isinstance(self.rate, tuple):
            return ", ".join(f"{rate:g}" for rate in self.rate)
        return self.rate

    @property
    def choice(self) -> str:
        """The choice in words; empty where there is none."""
        rate = f"{self.one_rate:g}" if isinstance(self.one_rate, float) else self.one_rate
        told = [f"rate {rate}" if rate else "", self.placement or ""]
        return ", ".join(one for one in told if one)

    @property
    def name(self) -> str:
        """What tells it from all other points of a sweep."""
        return f"{self.variant}: {self.choice}"


def plan_points(study: Study, name: str) -> list[Point]:
    """List what a sweep tries of a network: as much as its layers have a choice of."""
    arm, sweep = arm_of(study, name), study.sweep
    network, variant = arm.study.network, arm.variant
    rates = sweep.dropout or (network.dropout.rate,)
    places = sweep.placement or (network.batchnorm.placement,)
    return [
        Point(name, rate, placement)
        for placement in (places if variant.has_batchnorm else (None,))
        for rate in (rates if variant.has_dropout else (None,))
    ]


def study_at(study: Study, point: Point) -> Study:
    """Return the study with the rate and the place of a point, which its title names.

    What the network of the point changes is in it, so that nothing is left to be changed.
    """
    arm = arm_of(study, point.variant)
    network = arm.study.network
    if point.rate is not None:
        dropout = network.dropout.model_copy(update={"rate": point.rate})
        network = network.model_copy(update={"dropout": dropout})
    if point.placement is not None:
        batchnorm = network.batchnorm.model_copy(update={"placement": point.placement})
        network = network.model_copy(update={"batchnorm": batchnorm})
    told = f"{study.title}, {point.choice}" if point.choice else study.title
    changes: dict[str, object] = {"network": network, "title": told}
    if point.variant in study.compare:
        layers = study.compare[point.variant].layers
        changes["compare"] = {point.variant: Compared(layers=layers)}
    return arm.study.model_copy(update=changes)
