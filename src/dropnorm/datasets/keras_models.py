"""Trained networks, a ``.keras`` file each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dropnorm.datasets.whole import WholeFileDataset
from dropnorm.engine import load_keras
from dropnorm.unpacking import refuse_bomb

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dropnorm.networks import KerasModel


class KerasModelsDataset(WholeFileDataset):
    """A folder of networks by name; the engine is imported when one is loaded, not before."""

    def load(self) -> dict[str, KerasModel]:
        """Load all networks, in Keras' safe mode: a file cannot bring code of its own."""
        files = sorted(self._path_to_load().glob("*.keras"))
        for file in files:
            refuse_bomb(file)
        load_model = load_keras().saving.load_model
        return {file.stem: load_model(file, compile=False, safe_mode=True) for file in files}

    def save(self, data: Mapping[str, KerasModel]) -> None:
        """Save all networks, or none."""
        with self._path_to_save() as folder:
            folder.mkdir()
            for name, model in data.items():
                model.save(str(folder / f"{name}.keras"))
