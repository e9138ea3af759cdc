"""What was computed before a run begins, for the node that is going to ask for the same.

A run prepares every table before its first node, so that the last study fails before the first
trains. The nodes then get what was found there. A result is known by the values of all that it was
computed from: whoever asks for something else, or in another process, computes it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


@dataclass
class _Known:
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    result: Any
    uses: int


_known: list[_Known] = []
_lock = threading.Lock()


def compute_ahead(function: Callable[..., Result], *arguments: Any, uses: int = 1) -> Result:
    """Return what a pure function gives, and keep it for those who ask for it next.

    Args:
        function: Of the package, by its name.
        arguments: Of the function; like the result, changed by nobody.
        uses: How often it will be asked for; then it is kept no longer.
    """
    result = function(*arguments)
    with _lock:
        _known.append(_Known(function, arguments, result, uses))
    return result


def computed(function: Callable[..., Result], *arguments: Any) -> Result:
    """Return what a pure function gives: what was computed ahead of the same, or else anew."""
    with _lock:
        for place, known in enumerate(_known):
            if known.function is function and all(map(_are_same, known.arguments, arguments)):
                known.uses -= 1
                if not known.uses:
                    del _known[place]
                result: Result = known.result
                return result
    return function(*arguments)


def forget_all() -> None:
    """Keep nothing of what nobody has asked for."""
    with _lock:
        _known.clear()


def _are_same(one: Any, other: Any) -> bool:
    import joblib  # noqa: PLC0415  # takes long

    if one is other:
        return True
    if not isinstance(one, pd.DataFrame):
        return bool(joblib.hash(one) == joblib.hash(other))
    return (
        isinstance(other, pd.DataFrame)
        and list(one.dtypes) == list(other.dtypes)
        and one.index.equals(other.index)
        and one.equals(other)
    )
