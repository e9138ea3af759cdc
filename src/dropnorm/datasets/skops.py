"""Save scikit-learn objects without pickle."""

from __future__ import annotations

from typing import Any

from kedro.io import DatasetError

from dropnorm.data.compression import refuse_bomb
from dropnorm.datasets.atomic_files import WholeFileDataset

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
        # Importing skops takes two seconds, and the catalog alone does not need it.
        import skops.io  # noqa: PLC0415

        path = self._path_to_load()
        refuse_bomb(path)
        if unknown := sorted(set(skops.io.get_untrusted_types(file=path)) - set(_TRUSTED)):
            raise DatasetError(f"{path} holds types that are not trusted: {', '.join(unknown)}")
        return skops.io.load(path, trusted=_TRUSTED)

    def save(self, data: Any) -> None:
        """Save the objects atomically."""
        import skops.io  # noqa: PLC0415

        with self._path_to_save() as path:
            skops.io.dump(data, path)
