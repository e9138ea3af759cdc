"""The figures, a module each; they import Matplotlib, which this package does not."""

from typing import Any, Protocol


class Figure(Protocol):
    """What nodes hand on of a ``matplotlib.figure.Figure``: a type that can be named without it."""

    def savefig(self, fname: Any, **options: Any) -> None:
        """Write the figure to a file."""
