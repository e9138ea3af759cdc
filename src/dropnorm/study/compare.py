"""Section ``compare``: the networks that a study compares."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from dropnorm.errors import did_you_mean
from dropnorm.study.common import Section
from dropnorm.study.variants import Variant

# Names that results, pipelines and nodes use beside those of the networks.
TAKEN = (
    "interaction", "predict", "sweep", "recommend", "prepare", "report",
    "study", "split", "reference_predictions", "comparison", "diagnostics", "report_data",
    "preprocessors", "provenance",
    "constant", "least_squares", "logistic_regression", "linear_network", "gradient_boosting",
    "tuned_gradient_boosting",
)  # fmt: skip
# Folders and columns have these names.
_NAME = r"[a-z][a-z0-9_]{0,39}"
# Options that all networks share, so that differences are paired and losses are comparable.
_SHARED = ("loss", "huber_delta", "metrics", "seed", "threads")
# Sections of training whose rows choose, and the schedule that looks at rows.
_CHOOSING, _PLATEAU = ("early_stopping", "schedule"), "reduce_on_plateau"
_OF_SWITCHES = {(v.has_dropout, v.has_batchnorm): v for v in Variant}


class Compared(Section):
    """One network of the comparison: its layers, and the options that it changes."""

    layers: Annotated[tuple[Literal["dropout", "batchnorm"], ...] | None, Field(strict=False)] = (
        Field(
            None,
            exclude_if=lambda layers: layers is None,
            description="Layers of this network: dropout, batchnorm or both; left out, it has none."
            " The networks baseline, dropout, batchnorm and dropout_batchnorm have the layers of"
            " their names.",
        )
    )
    network: dict[str, Any] = Field(
        {},
        exclude_if=lambda changes: not changes,
        description="Changed options of the section network.",
    )
    training: dict[str, Any] = Field(
        {},
        exclude_if=lambda changes: not changes,
        description="Changed options of the section training.",
    )

    def switches(self, name: str) -> Variant:
        """Return the variant with the layers of this network, which has the given name."""
        if name in tuple(Variant):
            return Variant(name)
        layers = self.layers or ()
        return _OF_SWITCHES["dropout" in layers, "batchnorm" in layers]


def merged(options: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with changes, merged by key; a section with a ``method`` is replaced."""
    result = dict(options)
    for key, value in changes.items():
        before = result.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping) and "method" not in value:
            result[key] = merged(before, value)
        else:
            result[key] = value
    return result


def with_rows(options: Mapping[str, Any], rows: str) -> dict[str, Any]:
    """Return a study's options that say which rows choose epochs and learning rates.

    A network in ``compare`` whose section is merged into that of the study has the study's rows.

    Args:
        options: Of a study, perhaps invalid.
        rows: For the sections ``early_stopping`` and ``schedule`` that do not say it.
    """
    training, compare = options.get("training"), options.get("compare")
    result = dict(options)
    if isinstance(training, Mapping):
        result["training"] = _saying_rows(training, {}, rows)
    if isinstance(compare, Mapping):
        base = training if isinstance(training, Mapping) else {}
        result["compare"] = {
            name: {**one, "training": _saying_rows(one["training"], base, rows)}
            if isinstance(one, Mapping) and isinstance(one.get("training"), Mapping)
            else one
            for name, one in compare.items()
        }
    return result


def _saying_rows(training: Mapping[str, Any], base: Mapping[str, Any], rows: str) -> dict[str, Any]:
    result = dict(training)
    for key in _CHOOSING:
        section = training.get(key)
        if not isinstance(section, Mapping) or "rows" in section:
            continue
        is_merged = isinstance(base.get(key), Mapping) and "method" not in section
        if not is_merged and section.get("method", _PLATEAU) == _PLATEAU:
            result[key] = {**section, "rows": rows}
    return result


def names_written(options: object) -> tuple[str, ...]:
    """Return the names of the networks that a study's YAML compares, by default the four variants.

    The YAML may be invalid, because pipelines are built before the study is checked.
    """
    match options:
        case {"compare": dict(compare)} if compare and all(map(_can_be_a_name, compare)):
            return tuple(compare)
        case _:
            return tuple(variant.value for variant in Variant)


def _can_be_a_name(name: object) -> bool:
    return isinstance(name, str) and bool(re.fullmatch(_NAME, name)) and name not in TAKEN


def check_compared(compare: Mapping[str, Compared], against: str) -> None:
    """Check the names of the compared networks and the one that they are compared with.

    Raises:
        ValueError: If a name or a change is not allowed.
    """
    names = list(compare) or [variant.value for variant in Variant]
    if against not in names:
        raise ValueError(
            f"compares with '{against}'{did_you_mean(against, names)}, which is not one of its"
            f" networks: {', '.join(names)}"
        )
    if len(names) == 1:
        raise ValueError(f"has only '{names[0]}' in compare; name at least two networks")
    for name, compared in compare.items():
        if not re.fullmatch(_NAME, name):
            raise ValueError(
                f"has a network '{name[:40]}' in compare; a name has at most 40 lower-case letters,"
                " digits and _, and begins with a letter"
            )
        if name in TAKEN:
            raise ValueError(
                f"has a network '{name}' in compare, but the results use this name for something"
                " else; choose another name"
            )
        if name in tuple(Variant) and compared.layers is not None:
            raise ValueError(
                f"has compare.{name}.layers, but the name '{name}' sets the layers; leave layers"
                " out, or choose another name"
            )
        if fixed := [key for key in _SHARED if key in compared.training]:
            raise ValueError(
                f"changes training.{fixed[0]} in compare.{name}, which must be the same for all"
                " networks; set it in training"
            )
