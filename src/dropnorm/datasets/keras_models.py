"""Save trained networks, each as a ``.keras`` file."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from kedro.io import DatasetError

from dropnorm.data.reading.compression import refuse_bomb
from dropnorm.datasets.atomic_files import WholeFileDataset, from_here
from dropnorm.datasets.kedro_compat import TablePreview
from dropnorm.training.backend import load_keras

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dropnorm.training.networks import KerasModel

_LAYERS = "layers.json"
# Bytes of weights that are kept in memory at most.
_KEPT = 100_000_000


class KerasModelsDataset(WholeFileDataset):
    """A folder of networks by name, with a summary of their layers in ``layers.json``.

    The engine is imported only when a network is loaded.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._keeps = False
        self._kept: Mapping[str, KerasModel] | None = None

    def keep_what_is_saved(self) -> None:
        """Let nodes of this process have the networks that another node saves, without reading.

        They are kept until no node asks for them any more, unless they are large.
        """
        self._keeps = True

    def load(self) -> dict[str, KerasModel]:
        """Load all networks in Keras' safe mode, which runs no code from the files.

        Raises:
            DatasetError: If a network is missing or is not one that this project saves.
        """
        if self._kept is not None:
            return dict(self._kept)
        folder = self._path_to_load()
        files = sorted(folder.glob("*.keras"))
        described = json.loads((folder / _LAYERS).read_text(encoding="utf-8"))
        if missing := sorted({*described} - {file.stem for file in files}):
            raise DatasetError(
                f"{from_here(folder)}: {missing[0]}.keras is missing; use another version, or run"
                " the study again"
            )
        for file in files:
            refuse_bomb(file)
        return {file.stem: _load(file) for file in files}

    def save(self, data: Mapping[str, KerasModel]) -> None:
        """Save all networks atomically."""
        described = {}
        with self._path_to_save() as folder:
            folder.mkdir()
            for name, model in data.items():
                model.save(str(folder / f"{name}.keras"))
                described[name] = _describe_layers(model)
            (folder / _LAYERS).write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
        if self._keeps and sum(map(_bytes_of, data.values())) <= _KEPT:
            self._kept = data

    def release(self) -> None:
        """Drop what is kept."""
        self._kept = None
        super().release()

    def preview(self) -> TablePreview:
        """Return the layers of the first network for kedro-viz, without an engine.

        The last row has the sums, and the number of networks with these layers.
        """
        path = self._path_to_load() / _LAYERS
        described: dict[str, list[dict[str, Any]]] = json.loads(path.read_text(encoding="utf-8"))
        layers = next(iter(described.values()))
        alike = sum(other == layers for other in described.values())
        rows = [
            [one["name"], str(one["units"]), one["parameters"], one["trainable"], one["type"]]
            for one in layers
        ]
        of = "network" if alike == 1 else f"each of {alike} networks"
        sums = [sum(one[what] for one in layers) for what in ("parameters", "trainable")]
        rows.append([f"sum, {of}", "", *sums, ""])
        columns = ["layer", "units", "parameters", "trainable", "type"]
        return TablePreview({"index": list(range(len(rows))), "columns": columns, "data": rows})


def _load(file: Path) -> KerasModel:
    try:
        model: KerasModel = load_keras().saving.load_model(file, compile=False, safe_mode=True)
    # Keras may raise anything for a foreign file. Its message is left out because it may advise to
    # run the code in the file.
    except Exception as error:
        raise DatasetError(
            f"{from_here(file)}: is not a network that this project saved; use another version, or"
            " run the study again"
        ) from error
    return model


def _bytes_of(model: KerasModel) -> int:
    """Return the size of a network's weights, which are of four bytes each or less."""
    return sum(4 * int(math.prod(one.shape)) for one in model.variables)


def _describe_layers(model: KerasModel) -> list[dict[str, Any]]:
    """Return the name, type, output units and parameter counts of each layer."""
    return [
        {
            "name": layer.name,
            "type": type(layer).__name__,
            "units": int(layer.output.shape[-1]),
            "parameters": layer.count_params(),
            "trainable": sum(math.prod(one.shape) for one in layer.trainable_variables),
        }
        for layer in model.layers
    ]
