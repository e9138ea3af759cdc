"""Keep results that are computed before a run, for the nodes that need them.

A run prepares every table before its first node, so that a mistake in any study shows before the
first training. The nodes then reuse these results. A kept result is found by the values of its
arguments; other arguments, or another process, compute it anew.
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
    """Return the result of a pure function, and keep it for :func:`computed`.

    Args:
        function: Function of this package.
        arguments: Arguments of the function. Neither they nor the result may be changed.
        uses: Number of uses after which the result is dropped.
    """
    result = function(*arguments)
    with _lock:
        _known.append(_Known(function, arguments, result, uses))
    return result


def computed(function: Callable[..., Result], *arguments: Any) -> Result:
    """Return the kept result of a pure function, or compute it."""
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
    """Drop all kept results."""
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
