"""Whether a run had the options of its study, or others: of the command line, of an environment."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Any

from dropnorm.errors import BadInputError
from dropnorm.evaluation.records import Override
from dropnorm.study.parsing import parse_recorded
from dropnorm.study.schema import looks_up_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dropnorm.evaluation.json_form import Json
    from dropnorm.evaluation.records import RunRecord
    from dropnorm.study.schema import Study

PARAMS = "--params"
# Environments that are read when none is asked for.
_USUAL = (None, "", "base", "local")
# Options that no result of a run depends on.
_BESIDE = ("name", "title", "sweep", "recommend")
_UNTIL, _SPLITS = "replicas.until", "replicas.splits"
# So many options are told of, and so many characters of a value.
_MOST_TOLD, _LONGEST = 4, 40


class Standing(StrEnum):
    """How the options of a run compare with those of its study today."""

    OWN = "the study's own"
    CHANGED = "options changed since"
    OVERRIDDEN = "not the study's own options"


@dataclass(frozen=True)
class Judged:
    """A run, and how its options compare with those of its study today.

    Attributes:
        standing: Whether it may be taken for the study's own.
        difference: Which options, in one line; empty if none was ever overridden.
    """

    standing: Standing
    difference: str

    @property
    def told(self) -> str:
        """The difference, and what it means."""
        own = self.standing is Standing.OWN
        return self.difference if own else f"{self.standing}: {self.difference}"


def differences(run: Mapping[str, Any], study: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the options that differ, in a run and in a study, by dotted key."""
    one, other = _flat(run), _flat(study)
    if one.get(_UNTIL) or other.get(_UNTIL):  # how many splits it takes is found by the run
        one.pop(_SPLITS, None), other.pop(_SPLITS, None)
    return {
        key: (one.get(key), other.get(key))
        for key in sorted({*one, *other})
        if one.get(key) != other.get(key) and key.split(".")[0] not in _BESIDE
    }


def overridden(
    options: Mapping[str, Any],
    in_environment: Mapping[str, Any],
    own: Mapping[str, Any],
    environment: str | None,
) -> dict[str, Override]:
    """Return the options of a run that are not its study's own, as ``run.json`` says them.

    Args:
        options: As they were run.
        in_environment: Of the study in the environment of the run.
        own: Of the study where no environment is asked for; of one that is only in the environment,
            the same as ``in_environment``.
        environment: Its name.

    Returns:
        By dotted key.
    """
    by_params = differences(options, in_environment)
    return {
        key: Override(run, study, PARAMS if key in by_params else f"--env={environment}")
        for key, (run, study) in differences(options, own).items()
    }


def tell(changed: Mapping[str, Override]) -> str:
    """Say in one line which options were overridden, by what, and what the study says.

    Args:
        changed: As :func:`overridden` returns it; may be empty.
    """
    in_order = sorted(changed.items(), key=lambda one: (one[1].by != PARAMS, one[1].by))
    groups = groupby(in_order[:_MOST_TOLD], key=lambda one: one[1].by)
    told = [
        f"{by}: {', '.join(_pair(key, one.run, one.study) for key, one in of_one)}"
        for by, of_one in groups
    ]
    return "; ".join(told) + _more(len(in_order))


def judge(record: RunRecord, study: Study | None, environment: str | None) -> Judged:
    """Say whether a run may be taken for its study's own.

    It may if its options are those of the study today, or were when it was made.

    Args:
        record: Of the run.
        study: As it is today in the environment in use, without the command line's options; None
            if it cannot be read.
        environment: The one in use.
    """
    environment_of_run, params = _asked(record)
    if study is None:
        standing = Standing.OVERRIDDEN if params else Standing.OWN
        return Judged(standing, tell(record.overridden or {}))
    changed = differences(_options(record), study.model_dump(mode="json"))
    if not changed:
        return Judged(Standing.OWN, tell(record.overridden or {}))
    told = [_pair(key, run, now) for key, (run, now) in changed.items()]
    line = ", ".join(told[:_MOST_TOLD]) + _more(len(told))
    if params & {*changed} or _usual(environment_of_run) != _usual(environment):
        return Judged(Standing.OVERRIDDEN, line)
    return Judged(Standing.CHANGED, line)


def tell_changed(record: RunRecord, options: Study) -> str:
    """Say in one line which options a run had that are others now; empty if none are.

    Args:
        record: Of the run.
        options: Those in use, with what the command line overrides.
    """
    changed = differences(_options(record), options.model_dump(mode="json"))
    told = [f"{key} {_value(run)} (now: {_value(now)})" for key, (run, now) in changed.items()]
    return ", ".join(told[:_MOST_TOLD]) + _more(len(told))


def has_looked(record: RunRecord, study: Study) -> bool:
    """Return whether a run was an earlier look at a study that is run with more replicas.

    One that planned the same looks was none: its levels allow for them. One with another plan was,
    even if it had as many replicas.

    Args:
        record: Of the earlier run.
        study: As it is about to run; one that runs until settled may use the splits of all looks.
    """
    options = _options(record)
    changed = differences(options, study.model_dump(mode="json"))
    if any(not key.startswith("replicas.") for key in changed) or "replicas" not in options:
        return False
    own, now = options["replicas"], study.replicas
    other_plan = bool({"replicas.until", "replicas.at_most"} & changed.keys())
    splits, starts = int(own["splits"]), int(own["starts"])
    if now.until and not other_plan and starts == now.starts:
        return False
    most = now.looks[-1] if now.looks else now.splits
    if splits > most or starts > now.starts or splits * starts == 1:
        return False
    # A plan of one look is that of fixed splits.
    planned = looks_up_to(own["at_most"]) if own.get("at_most") else ()
    other_plan &= max(len(planned), len(now.looks)) > 1
    return other_plan or splits * starts < most * now.starts


def _asked(record: RunRecord) -> tuple[str | None, set[str]]:
    """Return the environment of a run, and the options that its command line gave."""
    if record.overridden is not None:
        changed = record.overridden.items()
        return record.environment, {key for key, one in changed if one.by == PARAMS}
    # Records before those say it by the command alone.
    words = shlex.split(record.command)
    given = dict(word.split("=", 1) for word in words if word.startswith("--") and "=" in word)
    keys = [one.split("=")[0] for one in given.get(PARAMS, "").split(",") if "=" in one]
    return given.get("--env"), {key.partition(".")[2] for key in keys}


def _options(record: RunRecord) -> Json:
    """Return the options of a run, with those that an earlier version of this project had not."""
    try:
        return parse_recorded(record.study, record.options).model_dump(mode="json")
    except BadInputError:
        return record.options


def _usual(environment: str | None) -> str | None:
    return None if environment in _USUAL else environment


def _flat(options: Mapping[str, Any], prefix: str = "") -> Json:
    flat: Json = {}
    for key, value in options.items():
        if isinstance(value, dict) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _pair(key: str, run: Any, study: Any) -> str:
    return f"{key} {_value(run)} (study: {_value(study)})"


def _more(options: int) -> str:
    return f" and {options - _MOST_TOLD} more" if options > _MOST_TOLD else ""


def _value(value: Any) -> str:
    told = "none" if value is None else value if isinstance(value, str) else json.dumps(value)
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…"
