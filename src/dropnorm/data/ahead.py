"""Keep results that are computed before a run, for the nodes that need them.

A run prepares every table before its first node, so that a mistake in any study shows before the
first training. The nodes then reuse these results. It also begins what a thread of this process can
compute while nodes wait for workers; who asks for what that thread has not come to computes it. A
kept result is found by the values of its arguments; other arguments, or another process, compute it
anew.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Result = TypeVar("Result")


@dataclass
class _Known:
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    result: Future[Any]
    uses: int
    is_taken: bool = True  # by who computes it


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
    kept: Future[Result] = Future()
    kept.set_result(result)
    with _lock:
        _known.append(_Known(function, arguments, kept, uses))
    return result


def begin(function: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> None:
    """Begin calls of a pure function in a thread, one after the other, each for one use.

    Args:
        function: Function of this package; better one that lets other threads compute.
        calls: Arguments of each call.
    """
    begun = [_Known(function, arguments, Future(), 1, is_taken=False) for arguments in calls]
    with _lock:
        _known.extend(begun)

    def compute() -> None:
        for one in begun:
            if _may_compute(one):
                try:
                    one.result.set_result(function(*one.arguments))
                # Whatever it is, it belongs to who asks for the result.
                except BaseException as error:
                    one.result.set_exception(error)

    threading.Thread(target=compute, name="ahead", daemon=True).start()


def computed(function: Callable[..., Result], *arguments: Any) -> Result:
    """Return the kept result of a pure function, wait for one that has begun, or compute it."""
    kept = _take(function, arguments)
    if kept is None or _may_compute(kept):
        return function(*arguments)
    result: Result = kept.result.result()
    return result


def forget_all() -> None:
    """Drop all kept results; what has not begun does not begin."""
    with _lock:
        for known in _known:
            known.is_taken = True
        _known.clear()


def _may_compute(one: _Known) -> bool:
    """Return whether nobody computes it yet; then whoever asks does."""
    with _lock:
        may, one.is_taken = not one.is_taken, True
    return may


def _take(function: Callable[..., Any], arguments: tuple[Any, ...]) -> _Known | None:
    with _lock:
        for place, known in enumerate(_known):
            if known.function is function and all(map(_are_same, known.arguments, arguments)):
                known.uses -= 1
                if not known.uses:
                    del _known[place]
                return known
    return None


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
