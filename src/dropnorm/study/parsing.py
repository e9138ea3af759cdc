"""Parse and check the options of a study."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from dropnorm.errors import BadInputError
from dropnorm.study.arms import Arm, arm_of
from dropnorm.study.compare import with_rows
from dropnorm.study.messages import message_of
from dropnorm.study.network import BatchNorm, Dropout, Network
from dropnorm.study.schema import Study

if TYPE_CHECKING:
    from dropnorm.study.training import Training

_Parsed = TypeVar("_Parsed")


def parse_study(name: str, options: object, where: Mapping[str, str] | None = None) -> Study:
    """Return a study from the options in its YAML.

    Args:
        name: Name of the study, which is its top-level key.
        options: Value of that key.
        where: Source of each dotted key (a file's path, or ``--params``) for messages; the longest
            key that leads to an option counts.

    Raises:
        BadInputError: One line per problem, each with its source and key.
    """
    study, arms = _parsed(name, options, where or {})
    _refuse_twins(name, arms)
    return study


def _parsed(name: str, options: object, where: Mapping[str, str]) -> tuple[Study, list[Arm]]:
    named = {**options, "name": name} if isinstance(options, Mapping) else options
    study = _checked(name, partial(Study.model_validate, named), where)
    arms = [
        _checked(f"{name}.compare.{arm}", partial(arm_of, study, arm), where)
        for arm in study.compare
    ]
    return study, arms


def parse_recorded(name: str, options: Mapping[str, Any]) -> Study:
    """Return a study from the options in the record of a run.

    Up to version 0.2.0, validation rows chose epochs and learning rates, and options had no key
    that says so. Equal networks, which earlier versions did not always see, are not refused.

    Raises:
        BadInputError: As :func:`parse_study`.
    """
    return _parsed(name, with_rows(options, "validation"), {})[0]


def _refuse_twins(study: str, arms: Sequence[Arm]) -> None:
    """Refuse two equal networks, because their difference would look like a result."""
    for one, other in itertools.combinations(arms, 2):
        if one.variant is other.variant and _trained(one) == _trained(other):
            raise BadInputError(
                f"{study}.compare has '{one.name}' and '{other.name}', which are the same network;"
                " change an option of one of them, or its layers, or leave it out"
            )


def _trained(arm: Arm) -> tuple[Network, Training]:
    """Return what is trained of a network; options of a layer that it lacks change nothing."""
    unused: dict[str, Dropout | BatchNorm] = {}
    if not arm.variant.has_dropout:
        unused["dropout"] = Dropout()
    if not arm.variant.has_batchnorm:
        unused["batchnorm"] = BatchNorm()
    return arm.study.network.model_copy(update=unused), arm.study.training


def refuse_splits_until_settled(
    study: Study, written: Mapping[str, Any], where: Mapping[str, str]
) -> None:
    """Refuse a YAML with both ``splits`` and ``until``, which contradict each other.

    The record of a run has both, because it contains the number of splits used.

    Args:
        study: Study to run.
        written: Options as written in the YAML.
        where: Source of each dotted key, as in :func:`parse_study`.

    Raises:
        BadInputError: If both are written.
    """
    splits = written.get("replicas", {}).get("splits")
    if study.replicas.until and splits is not None:
        place = f"{study.name}.replicas"
        source = next((f"{where[key]}: " for key in (f"{place}.splits", place) if key in where), "")
        raise BadInputError(
            f"{source}{place}.splits is {splits}, but with replicas.until the run decides how many"
            " it needs; leave splits out, or use --until-settled, which replaces it"
        )


def _checked(key: str, parsed: Callable[[], _Parsed], where: Mapping[str, str]) -> _Parsed:
    try:
        return parsed()
    except ValidationError as error:
        problems = error.errors()
        places = {problem["loc"][:-1] for problem in problems}
        # pydantic also calls a list empty if all of its items are wrong.
        shown = [one for one in problems if one["type"] != "too_short" or one["loc"] not in places]
        lines = [message_of(key, dict(problem), where) for problem in shown]
        raise BadInputError("\n".join(lines)) from error
