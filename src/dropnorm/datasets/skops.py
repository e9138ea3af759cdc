"""scikit-learn objects, without pickle."""

from __future__ import annotations

from typing import Any

from kedro.io import DatasetError

from dropnorm.data.compression import refuse_bomb
from dropnorm.datasets.atomic_files import WholeFileDataset

# Not among skops' known types: the name of one, which fitted imputers hold, and our own encoder.
_TRUSTED = ["numpy.dtype", "dropnorm.data.piecewise_linear.PiecewiseLinearEncoder"]


class SkopsDataset(WholeFileDataset):
    """scikit-learn objects in a ``.skops`` file.

    Unlike a pickle it runs no code when it is loaded: a type that is none of scikit-learn's or
    NumPy's known ones is refused.
    """

    def load(self) -> Any:
        """Load what was saved.

        Raises:
            DatasetError: If the file asks for a type that is not trusted, or unpacks to far more
                than it should.
        """
        # Takes two seconds with scikit-learn: paid by who loads a preprocessor, not by the catalog.
        import skops.io  # noqa: PLC0415

        path = self._path_to_load()
        refuse_bomb(path)
        if unknown := sorted(set(skops.io.get_untrusted_types(file=path)) - set(_TRUSTED)):
            raise DatasetError(f"{path} holds types that are not trusted: {', '.join(unknown)}")
        return skops.io.load(path, trusted=_TRUSTED)

    def save(self, data: Any) -> None:
        """Save whole or not at all."""
        import skops.io  # noqa: PLC0415

        with self._path_to_save() as path:
            skops.io.dump(data, path)
