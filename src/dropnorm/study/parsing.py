"""Parse and check the options of a study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from pydantic import ValidationError

from dropnorm.errors import BadInputError
from dropnorm.study.arms import arm_of
from dropnorm.study.messages import message_of
from dropnorm.study.schema import Study
from dropnorm.study.variants import Variant

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
    named = {**options, "name": name} if isinstance(options, Mapping) else options
    study = _checked(name, partial(Study.model_validate, named), where or {})
    for arm in study.compare:
        _checked(f"{name}.compare.{arm}", partial(arm_of, study, arm), where or {})
    return study


def refuse_other_networks(study: Study, where: Mapping[str, str] | None = None) -> None:
    """Refuse to run networks other than the four variants, because pipelines support only these.

    Args:
        study: Study to run.
        where: Source of each dotted key, as in :func:`parse_study`.

    Raises:
        BadInputError: If the study names its own networks, or another one to compare with.
    """
    if study.compare or study.against != Variant.BASELINE:
        key = "compare" if study.compare else "against"
        place = f"{study.name}.{key}"
        source = f"{where[place]}: " if where and place in where else ""
        raise BadInputError(
            f"{source}{place} cannot be run yet: a run compares the baseline, dropout, batch"
            f" normalization and both; leave {key} out"
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
