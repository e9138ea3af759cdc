"""From a study's options to a checked study."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from pydantic import ValidationError

from dropnorm.errors import BadInputError
from dropnorm.study.arms import Arm, arm_of
from dropnorm.study.messages import message_of
from dropnorm.study.schema import Study

_Parsed = TypeVar("_Parsed")


def parse_study(name: str, options: object, where: Mapping[str, str] | None = None) -> Study:
    """Make a study of what its YAML says.

    Args:
        name: The study's name, its top-level key.
        options: What stands below that key.
        where: Which source (a file's path, or ``--params``) a dotted key comes from, the longest
            key that leads to an option winning; for messages.

    Raises:
        BadInputError: One line per problem, each with its source and key.
    """
    named = {**options, "name": name} if isinstance(options, Mapping) else options
    study = _checked(name, partial(Study.model_validate, named), where or {})
    arms = [
        _checked(f"{name}.compare.{arm}", partial(arm_of, study, arm), where or {})
        for arm in study.compare
    ]
    _refuse_twins(name, arms)
    return study


def _refuse_twins(study: str, arms: Sequence[Arm]) -> None:
    """Refuse two networks that are one: a difference of nothing would be told as a result."""
    for one, other in itertools.combinations(arms, 2):
        if one.variant is other.variant and one.study == other.study:
            raise BadInputError(
                f"{study}.compare has '{one.name}' and '{other.name}', which are the same network;"
                " let one of them change an option, or leave it out"
            )


def _checked(key: str, parsed: Callable[[], _Parsed], where: Mapping[str, str]) -> _Parsed:
    try:
        return parsed()
    except ValidationError as error:
        problems = error.errors()
        places = {problem["loc"][:-1] for problem in problems}
        # A list is called empty, too, if nothing in it is right.
        told = [one for one in problems if one["type"] != "too_short" or one["loc"] not in places]
        lines = [message_of(key, dict(problem), where) for problem in told]
        raise BadInputError("\n".join(lines)) from error
