"""What earlier trainings found, so that only what changed is trained again.

A training is known by the content of all that its numbers depend on: the layers, the options of the
training, the arrays of its split, its seed, the engine with its version and threads, and the
versions of this package, Keras and NumPy. Whoever changes none of these gets the same numbers bit
for bit.
"""

from __future__ import annotations

import importlib.metadata
import logging
import os
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib

from dropnorm.engine import engine_name
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
    return bool(
        remembered.check_call_in_cache(
            _content(study, variant, inputs, start), (study, variant, inputs, start), None
        )
    )


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
    trained: TrainedReplica = remembered(
        _content(study, variant, inputs, start), (study, variant, inputs, start), on_epoch
    )
    return trained


def forget_beyond(size: int, place: Path | None = None) -> None:
    """Bound the size of the memory, in bytes: what was not asked for longest goes first."""
    place = place or folder()
    if place is not None and place.is_dir():
        joblib.Memory(place, verbose=0).reduce_size(bytes_limit=size)


def _remembered() -> Any:
    place = folder()
    if place is None:
        return None
    memory = joblib.Memory(place, verbose=0)
    return memory.cache(_train, ignore=["replica", "on_epoch"])


def _train(
    content: dict[str, Any],  # what joblib knows a training by
    replica: tuple[Study, Variant, SplitInputs, int],
    on_epoch: Callable[[dict[str, float]], None],
) -> TrainedReplica:
    return train_replica(*replica, on_epoch)


def _content(study: Study, variant: Variant, inputs: SplitInputs, start: int) -> dict[str, Any]:
    packages = (*_PACKAGES, engine_name())
    layers = plan_layers(study.network, variant, inputs.target.outputs)
    return {
        "layers": [layer.described() for layer in layers],
        "training": study.training.model_dump(mode="json"),
        "inputs": [
            array for part in (inputs.train, inputs.validation) for array in (part.x, part.y)
        ],
        "seed": (inputs.split, start),
        "engine": engine_name(),
        # What is kept in another form than it has now is not recalled.
        "leaves": [field.name for field in fields(TrainedReplica)],
        "versions": {name: importlib.metadata.version(name) for name in packages},
    }
