"""Save scikit-learn objects without pickle."""

from __future__ import annotations

import importlib
import threading
from typing import Any

from kedro.io import DatasetError

from dropnorm.data.reading.compression import refuse_bomb
from dropnorm.datasets.atomic_files import WholeFileDataset
from dropnorm.hidden_packages import hidden

# Safe types that skops does not trust by default: fitted imputers hold the first.
_TRUSTED = ["numpy.dtype", "dropnorm.data.piecewise_linear.PiecewiseLinearEncoder"]


class SkopsDataset(WholeFileDataset):
    """scikit-learn objects in a ``.skops`` file.

    Unlike a pickle, loading it runs no code: types other than the known ones of scikit-learn and
    NumPy are refused.
    """

    def load(self) -> Any:
        """Load the objects.

        Raises:
            BadInputError: If the file unpacks to far more than its size.
            DatasetError: If the file holds a type that is not trusted.
        """
        io = _load_skops()
        path = self._path_to_load()
        refuse_bomb(path)
        if unknown := sorted(set(io.get_untrusted_types(file=path)) - set(_TRUSTED)):
            raise DatasetError(f"{path} holds types that are not trusted: {', '.join(unknown)}")
        return io.load(path, trusted=_TRUSTED)

    def save(self, data: Any) -> None:
        """Save the objects atomically."""
        io = _load_skops()
        with self._path_to_save() as path:
            io.dump(data, path)


def _load_skops() -> Any:
    """Import skops when it is needed: it takes a second, and the catalog does without.

    It imports all of scikit-learn, and with it other packages whose arrays scikit-learn could take,
    and what tests scikit-learn, where they are installed. Those take seconds more, and no
    preprocessor has any.
    """
    with _importing, hidden("torch", "dask", "pytest"):
        return importlib.import_module("skops.io")


_importing = threading.Lock()
