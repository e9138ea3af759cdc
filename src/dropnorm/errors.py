"""Errors in the user's input, each with a one-line message."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class BadInputError(ValueError):
    """A table, study or option cannot be used; the message says what, where and what to do."""


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` with the nearest known name, or ``""`` if none is near."""
    near = get_close_matches(str(name), list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def shorten(value: object, most: int = 60) -> str:
    """Return a value as text, cut to ``most`` characters for messages."""
    text = str(value)
    return text if len(text) <= most else f"{text[:most]}…"


def in_one_line(error: BaseException) -> str:
    """Return an exception's message without line breaks."""
    return " ".join(str(error).split())
