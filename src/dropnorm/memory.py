"""What earlier trainings found, so that only what changed is trained again.

A training is known by the content of all that its numbers depend on: the layers, the options of the
training, the arrays of its split, its seed, the engine with its version and threads, and the
versions of this package, Keras and NumPy. Whoever changes none of these gets the same numbers bit
for bit. What is kept are arrays, not pickles: a memory that came with someone else's project runs
no code.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import os
import zipfile
import zlib
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd
from joblib.memory import FileSystemStoreBackend

from dropnorm.engine import engine_name, threads_of
from dropnorm.networks import plan_layers
from dropnorm.training import TrainedReplica, train_replica

if TYPE_CHECKING:
    from collections.abc import Callable

    from dropnorm.preprocessing import SplitInputs
    from dropnorm.study import Study, Variant

logger = logging.getLogger(__name__)

# Where trainings are kept; a process passes it on to those it starts. "off" keeps none.
VARIABLE = "DROPNORM_MEMORY"
_OFF = "off"
_PACKAGES = ("dropnorm", "keras", "numpy")


def folder() -> Path | None:
    """Return where trainings are kept, or None where they are not."""
    named = os.environ.get(VARIABLE, _OFF)
    return None if named == _OFF else Path(named)


def is_remembered(study: Study, variant: Variant, inputs: SplitInputs, start: int) -> bool:
    """Return whether a training need not be run."""
    remembered = _remembered()
    if remembered is None:
        return False
    return bool(remembered.check_call_in_cache(_content(study, variant, inputs, start), None))


def recall_or_train(
    study: Study,
    variant: Variant,
    inputs: SplitInputs,
    start: int,
    on_epoch: Callable[[dict[str, float]], None],
) -> TrainedReplica:
    """Return what :func:`dropnorm.training.train_replica` does, from memory where it is there."""
    remembered = _remembered()
    if remembered is None:
        return train_replica(study, variant, inputs, start, on_epoch)
    train = partial(train_replica, study, variant, inputs, start, on_epoch)
    trained: TrainedReplica = remembered(_content(study, variant, inputs, start), train)
    return trained


def remember(
    study: Study, variant: Variant, inputs: SplitInputs, start: int, trained: TrainedReplica
) -> None:
    """Keep what was trained elsewhere."""
    if (remembered := _remembered()) is not None:
        remembered(_content(study, variant, inputs, start), lambda: trained)


def forget_beyond(size: int, place: Path | None = None) -> None:
    """Bound the size of the memory, in bytes: what was not asked for longest goes first."""
    place = place or folder()
    if place is not None and place.is_dir():
        _memory(place).reduce_size(bytes_limit=size)


def _remembered() -> Any:
    place = folder()
    if place is None:
        return None
    return _memory(place).cache(_train, ignore=["train"])


def _memory(place: Path) -> Any:
    return joblib.Memory(place, backend=_ArrayStore.name, verbose=0)


class _ArrayStore(FileSystemStoreBackend):  # type: ignore[misc]  # joblib has no types
    """joblib's store of files, with arrays in place of pickles."""

    name = "dropnorm-arrays"

    def load_item(self, call_id: Any, **_: Any) -> TrainedReplica:
        """Read a training."""
        with np.load(self._file(call_id), allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
        return TrainedReplica(
            **{field.name: _from_arrays(arrays, field.name) for field in fields(TrainedReplica)}
        )

    def dump_item(self, call_id: Any, item: TrainedReplica, **_: Any) -> None:
        """Write a training, whole or not at all."""
        arrays: dict[str, Any] = {}
        for field in fields(item):
            arrays |= _as_arrays(field.name, getattr(item, field.name))

        def write(arrays: dict[str, Any], path: str) -> None:
            with Path(path).open("wb") as file:
                np.savez(file, **arrays)

        # A disk that is full, or may not be written to: then it is trained again.
        with contextlib.suppress(OSError):
            self.create_location(str(self._file(call_id).parent))
            self._concurrency_safe_write(arrays, str(self._file(call_id)), write)

    def contains_item(self, call_id: Any) -> bool:
        """Return whether there is a training that can be read."""
        try:
            self.load_item(call_id)
        # Whatever is wrong with a file, it is no training: then it is trained again.
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error):
            return False
        return True

    def _file(self, call_id: Any) -> Path:
        # joblib looks at a file of this name for when an item was last asked for.
        return Path(self.location, *call_id, "output.pkl")


joblib.register_store_backend(_ArrayStore.name, _ArrayStore)


def _as_arrays(name: str, value: Any) -> dict[str, Any]:
    """Name the arrays that a part of a training consists of; there are none of None."""
    match value:
        case None:
            return {}
        case pd.DataFrame():
            return {f"{name}/column/{column}": value[column].to_numpy() for column in value.columns}
        case list():
            return {f"{name}/entry/{number}": array for number, array in enumerate(value)}
        case _:
            return {f"{name}/value": np.asarray(value)}


def _from_arrays(arrays: dict[str, Any], name: str) -> Any:
    kinds = {key.split("/")[1] for key in arrays if key.split("/")[0] == name}
    parts = [key for key in arrays if key.split("/")[0] == name]
    if kinds == {"column"}:
        return pd.DataFrame({key.split("/", 2)[2]: arrays[key] for key in parts})
    if kinds == {"entry"}:
        return [arrays[f"{name}/entry/{number}"] for number in range(len(parts))]
    value = arrays[f"{name}/value"] if parts else None
    return value.item() if value is not None and value.ndim == 0 else value


def _train(
    content: dict[str, Any],  # what joblib knows a training by
    train: Callable[[], TrainedReplica],
) -> TrainedReplica:
    return train()


def _content(study: Study, variant: Variant, inputs: SplitInputs, start: int) -> dict[str, Any]:
    packages = (*_PACKAGES, engine_name())
    layers = plan_layers(study.network, variant, inputs.target.outputs)
    return {
        "layers": [layer.described() for layer in layers],
        "training": {**study.training.model_dump(mode="json"), "threads": threads_of(study)},
        "inputs": inputs.checksum,
        "seed": (inputs.split, start),
        "engine": engine_name(),
        # What is kept in another form than it has now is not recalled.
        "leaves": [field.name for field in fields(TrainedReplica)],
        "versions": {name: importlib.metadata.version(name) for name in packages},
    }
