"""The section ``compare``: the networks that a study compares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from dropnorm.errors import did_you_mean
from dropnorm.study.common import Section
from dropnorm.study.variants import Variant

# What else stands beside the names of variants: in results, in names of pipelines and their boxes,
# and among what nodes take beside the outcomes of variants.
TAKEN = (
    "interaction", "predict", "sweep", "prepare", "report",
    "study", "split", "reference_predictions", "comparison", "diagnostics", "report_data",
    "preprocessors",
    "constant", "least_squares", "logistic_regression", "linear_network", "gradient_boosting",
)  # fmt: skip
# It names folders and columns.
_NAME = r"[a-z][a-z0-9_]{0,39}"
# What a network may not change, so that differences are paired, and losses in one unit.
_SHARED = ("loss", "huber_delta", "metrics", "seed", "threads")
_OF_SWITCHES = {(v.has_dropout, v.has_batchnorm): v for v in Variant}


class Compared(Section):
    """One network of the comparison: which of the two layers it has, and the options it changes."""

    layers: Annotated[tuple[Literal["dropout", "batchnorm"], ...] | None, Field(strict=False)] = (
        Field(
            None,
            exclude_if=lambda layers: layers is None,
            description="Which of the two layers this network has; none if left out. baseline,"
            " dropout, batchnorm and dropout_batchnorm have those of their names.",
        )
    )
    network: dict[str, Any] = Field(
        {},
        exclude_if=lambda changes: not changes,
        description="Options of the section network it changes.",
    )
    training: dict[str, Any] = Field(
        {},
        exclude_if=lambda changes: not changes,
        description="Options of the section training it changes.",
    )

    def switches(self, name: str) -> Variant:
        """Return which of the two layers the network of a name has."""
        if name in tuple(Variant):
            return Variant(name)
        layers = self.layers or ()
        return _OF_SWITCHES["dropout" in layers, "batchnorm" in layers]


def merged(options: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with changes, key by key; what is chosen by ``method`` is replaced whole."""
    result = dict(options)
    for key, value in changes.items():
        before = result.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping) and "method" not in value:
            result[key] = merged(before, value)
        else:
            result[key] = value
    return result


def names_written(options: object) -> tuple[str, ...]:
    """Return the networks that a study's YAML compares, the four if it does not say which.

    It may have mistakes, which are told when the study is read: its graph is made before.
    """
    match options:
        case {"compare": dict(compare)} if compare and all(map(_can_be_a_name, compare)):
            return tuple(compare)
        case _:
            return tuple(variant.value for variant in Variant)


def _can_be_a_name(name: object) -> bool:
    return isinstance(name, str) and bool(re.fullmatch(_NAME, name)) and name not in TAKEN


def check_compared(compare: Mapping[str, Compared], against: str) -> None:
    """Check the names of compared networks, and that one of them is what they are compared with.

    Raises:
        ValueError: In the words of a study's messages.
    """
    names = list(compare) or [variant.value for variant in Variant]
    if against not in names:
        raise ValueError(
            f"compares with '{against}'{did_you_mean(against, names)}, which is not among its"
            f" networks: {', '.join(names)}"
        )
    if len(names) == 1:
        raise ValueError(f"has '{names[0]}' alone in compare; name at least two networks")
    for name, compared in compare.items():
        if not re.fullmatch(_NAME, name):
            raise ValueError(
                f"has a network '{name[:40]}' in compare; its name should be small letters, digits"
                " and _, the first a letter, at most 40 of them"
            )
        if name in TAKEN:
            raise ValueError(
                f"has a network '{name}' in compare, a name that means something else in the"
                " results; take another"
            )
        if name in tuple(Variant) and compared.layers is not None:
            raise ValueError(
                f"has compare.{name}.layers; the name says which layers '{name}' has: leave layers"
                " out, or take another name"
            )
        if fixed := [key for key in _SHARED if key in compared.training]:
            raise ValueError(
                f"changes training.{fixed[0]} in compare.{name}; it is the same for all networks,"
                " so that they can be compared: set it in training"
            )
