"""What earlier trainings found, so that only what changed is trained again.

A training is known by the content of all that its numbers depend on: the layers, the options of the
training, the arrays of its split, its seed, the sources of this package that it rests on, the
engine with its threads and switches, and the versions of engine, Keras and NumPy. Whoever changes
none of these gets the same numbers bit for bit. What is kept are arrays, not pickles: a memory that
came with someone else's project runs no code.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import os
import shutil
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import joblib

from dropnorm.training.backend import engine_name, threads_of
from dropnorm.training.networks import plan_layers
from dropnorm.training.package_sources import sources_checksum
from dropnorm.training.replica_file import read_replica, write_replica
from dropnorm.training.switches import switches_of
from dropnorm.training.trainer import TrainedReplica, train_replica

if TYPE_CHECKING:
    from collections.abc import Callable

    from dropnorm.data.preprocessing import SplitInputs
    from dropnorm.study.schema import Study
    from dropnorm.study.variants import Variant

logger = logging.getLogger(__name__)

# Where trainings are kept; a process passes it on to those it starts. "off" keeps none.
VARIABLE = "DROPNORM_MEMORY"
_OFF = "off"
_PACKAGES = ("dropnorm", "keras", "numpy")
# Taken when this process imports them: what is edited later is not what trains here.
_SOURCES = sources_checksum(train_replica.__module__)


def folder() -> Path | None:
    """Return where trainings are kept, or None where they are not."""
    named = os.environ.get(VARIABLE, _OFF)
    return None if named == _OFF else Path(named)


def recall(
    study: Study, variant: Variant, inputs: SplitInputs, start: int
) -> TrainedReplica | None:
    """Return what :func:`.trainer.train_replica` found earlier; None if nobody knows.

    A file that is not what such a training leaves is told of, and removed.
    """
    file = _file(study, variant, inputs, start)
    if file is None or not os.path.lexists(file):
        return None
    try:
        return read_replica(file, study, variant, inputs)
    # Whatever is wrong with a file, it is no training: then it is trained again.
    except Exception as error:
        told = str(error).partition("\n")[0] or type(error).__name__
        logger.warning("%s: is not a training as it was kept (%.200s); trained again", file, told)
        shutil.rmtree(file.parent, ignore_errors=True)
        return None


def recall_or_train(
    study: Study,
    variant: Variant,
    inputs: SplitInputs,
    start: int,
    on_epoch: Callable[[dict[str, float]], None],
) -> TrainedReplica:
    """Return what :func:`.trainer.train_replica` does, from memory where it is there."""
    trained = recall(study, variant, inputs, start)
    if trained is None:
        trained = train_replica(study, variant, inputs, start, on_epoch)
        remember(study, variant, inputs, start, trained)
    return trained


def remember(
    study: Study, variant: Variant, inputs: SplitInputs, start: int, trained: TrainedReplica
) -> None:
    """Keep a training, whole or not at all."""
    file = _file(study, variant, inputs, start)
    if file is None:
        return
    # A disk that is full, or may not be written to: then it is trained again.
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as unfinished:
            written = Path(unfinished, file.name)
            write_replica(written, trained)
            written.replace(file)


def forget_beyond(size: int, place: Path | None = None) -> None:
    """Bound the size of the memory, in bytes: what was not asked for longest goes first."""
    place = place or folder()
    if place is not None and place.is_dir():
        joblib.Memory(place, verbose=0).reduce_size(bytes_limit=size)


def _file(study: Study, variant: Variant, inputs: SplitInputs, start: int) -> Path | None:
    """Return where a training is kept: joblib forgets folders named by a checksum.

    It looks at a file of this name for when a training was last asked for.
    """
    place = folder()
    if place is None:
        return None
    packages = (*_PACKAGES, engine_name())
    layers = plan_layers(study.network, variant, inputs.target.outputs)
    content = {
        "layers": [layer.described() for layer in layers],
        "training": {**study.training.model_dump(mode="json"), "threads": threads_of(study)},
        "inputs": inputs.checksum,
        "seed": (inputs.split, start),
        "engine": engine_name(),
        "switches": switches_of().described(),
        "sources": _SOURCES,
        # What is kept in another form than it has now is not recalled.
        "leaves": [field.name for field in fields(TrainedReplica)],
        "versions": {name: importlib.metadata.version(name) for name in packages},
    }
    return place / "joblib" / str(joblib.hash(content)) / "output.pkl"
