"""What the networks that a study compares are called in titles and within sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dropnorm.study.variants import Variant

if TYPE_CHECKING:
    from dropnorm.evaluation.estimation.contrasts import Design

_TITLES = {
    "dropout": "Dropout",
    "batchnorm": "Batch normalization",
    "dropout_batchnorm": "Both layers",
    "interaction": "Their interaction",
}
_LAYERS = {
    "dropout": "dropout",
    "batchnorm": "batch normalization",
    "dropout_batchnorm": "both layers",
}
_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_PAIR = 2


def spoken(name: str) -> str:
    """Return a network's, effect's or reference model's name as a reader meets it."""
    return name.replace("_", " + " if name == Variant.DROPOUT_BATCHNORM else " ")


def title(name: str) -> str:
    """Name an effect at the head of a card or a row."""
    told = _TITLES.get(name, spoken(name))
    return told[:1].upper() + told[1:]


def layer(name: str) -> str:
    """Name the layers of one of the four variants within a sentence."""
    return _LAYERS[name]


def network(name: str, design: Design) -> str:
    """Name a network within a sentence."""
    if name in design.layered:
        return f"the network with {_LAYERS[name]}"
    if name == Variant.BASELINE:
        return "the network without either layer" if design.is_the_four else "the baseline"
    return f"the network '{spoken(name)}'"


def reference(name: str) -> str:
    """Name the network that others are compared with, within a sentence."""
    return "the baseline" if name == Variant.BASELINE else f"'{spoken(name)}'"


def short(name: str, design: Design) -> str:
    """Name a network where the word has just been said."""
    if name in design.layered or design.is_the_four:
        return network(name, design).replace("the network", "the one")
    return network(name, design).removeprefix("the network ")


def what_it_has(name: str, design: Design) -> str:
    """Name a network behind the word *with*."""
    if name in design.layered:
        return _LAYERS[name]
    if name == Variant.BASELINE and design.is_the_four:
        return "neither layer"
    return network(name, design).removeprefix("the network ")


def count(number: int) -> str:
    """Write a small number as a word."""
    return _COUNTS[number] if number < len(_COUNTS) else str(number)


def every(number: int) -> str:
    """Write that all of so many are meant."""
    return "both" if number == _PAIR else f"all {count(number)}"


def none_of(number: int) -> str:
    """Write that none of so many is meant."""
    return "neither of the two" if number == _PAIR else f"none of the {count(number)}"
