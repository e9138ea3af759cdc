"""What earlier trainings found, so that only what changed is trained again.

A training is known by the content of all that its numbers depend on: the layers, the options of the
training, the arrays of its split, its seed, the sources of this package that it rests on, the
engine with its threads and switches, and the versions of engine, Keras and NumPy. Whoever changes
none of these gets the same numbers bit for bit. What is kept are arrays, not pickles: a memory that
came with someone else's project runs no code.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import logging
import math
import os
import shutil
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
import numpy as np

from dropnorm.training.backend import engine_name, threads_of
from dropnorm.training.networks import plan_layers
from dropnorm.training.package_sources import sources_checksum
from dropnorm.training.replica_file import read_replica, write_replica
from dropnorm.training.switches import switches_of
from dropnorm.training.trainer import TrainedReplica, train_replica

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from dropnorm.data.preprocessing import SplitInputs
    from dropnorm.study.schema import Study
    from dropnorm.study.variants import Variant

logger = logging.getLogger(__name__)

_PACKAGES = ("dropnorm", "keras", "numpy")
# The most bytes of a file of one array beside its numbers.
_HEADER = 1024
# Taken when this process imports them: what is edited later is not what trains here.
_SOURCES = sources_checksum(train_replica.__module__)


def recall(
    study: Study, variant: Variant, inputs: SplitInputs, start: int, memory: Path | None
) -> TrainedReplica | None:
    """Return what :func:`.trainer.train_replica` found earlier; None if nobody knows.

    A file that is not what such a training leaves is told of, and removed.

    Args:
        study: Network and training options.
        variant: Which of the two layers the network has.
        inputs: Arrays of the split.
        start: Number of the random start.
        memory: Folder where trainings are kept; None knows none.
    """
    if memory is None:
        return None
    file = _file(study, variant, inputs, start, memory)
    if not os.path.lexists(file):
        return None
    try:
        return read_replica(file, study, variant, inputs)
    # Whatever is wrong with a file, it is no training: then it is trained again.
    except Exception as error:
        told = str(error).partition("\n")[0] or type(error).__name__
        logger.warning("%s: is not a training as it was kept (%.200s); trained again", file, told)
        shutil.rmtree(file.parent, ignore_errors=True)
        return None


def is_kept(
    study: Study, variant: Variant, inputs: SplitInputs, start: int, memory: Path | None
) -> bool:
    """Tell whether there is a file of a training, without reading it."""
    return memory is not None and os.path.lexists(_file(study, variant, inputs, start, memory))


def recall_or_train(
    study: Study,
    variant: Variant,
    inputs: SplitInputs,
    start: int,
    on_epoch: Callable[[dict[str, float]], None],
    memory: Path | None,
) -> TrainedReplica:
    """Return what :func:`.trainer.train_replica` does, from memory where it is there."""
    trained = recall(study, variant, inputs, start, memory)
    if trained is None:
        trained = train_replica(study, variant, inputs, start, on_epoch)
        remember(study, variant, inputs, start, trained, memory)
    return trained


def remember(
    study: Study,
    variant: Variant,
    inputs: SplitInputs,
    start: int,
    trained: TrainedReplica,
    memory: Path | None,
) -> None:
    """Keep a training, whole or not at all."""
    if memory is None:
        return
    _keep(_file(study, variant, inputs, start, memory), lambda file: write_replica(file, trained))


def recall_or_compute(
    content: Mapping[str, object],
    shape: tuple[int, ...],
    compute: Callable[[], npt.NDArray[np.float64]],
    memory: Path | None,
) -> npt.NDArray[np.float64]:
    """Return what a computation found, from memory where it is there.

    Args:
        content: All that the numbers depend on, also sources and versions.
        shape: Of the array that it finds; the numbers are finite.
        compute: The computation.
        memory: Folder where arrays are kept; None keeps none.
    """
    if memory is None:
        return compute()
    file = _place(str(joblib.hash(dict(content))), memory)
    if os.path.lexists(file):
        try:
            return _read_array(file, shape)
        # As of a training: whatever is wrong with the file, it is computed again.
        except Exception as error:
            told = str(error).partition("\n")[0] or type(error).__name__
            logger.warning("%s: is not as it was kept (%.200s); computed again", file, told)
            shutil.rmtree(file.parent, ignore_errors=True)
    found = compute()

    def write(file: Path) -> None:
        with file.open("wb") as written:
            np.save(written, found, allow_pickle=False)

    _keep(file, write)
    return found


def _read_array(file: Path, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    if not file.is_file():
        raise ValueError("it is not a file")
    if file.stat().st_size > 8 * math.prod(shape) + _HEADER:
        raise ValueError("it is too large")
    with file.open("rb") as kept:
        found: npt.NDArray[np.float64] = np.load(kept, allow_pickle=False)
    if found.shape != shape or found.dtype != np.float64 or not np.isfinite(found).all():
        raise ValueError(f"not {shape} finite numbers")
    return found


def _keep(file: Path, write: Callable[[Path], None]) -> None:
    # A disk that is full, or may not be written to: then it is trained again.
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as unfinished:
            written = Path(unfinished, file.name)
            write(written)
            written.replace(file)


def key_of(study: Study, variant: Variant, inputs: SplitInputs, start: int) -> str:
    """Return what stands for all that the numbers of a training depend on."""
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
        "versions": versions_of(*packages),
    }
    return str(joblib.hash(content))


def versions_of(*packages: str) -> dict[str, str]:
    """Return the versions of packages, by name."""
    return {name: _version(name) for name in packages}


@functools.cache
def _version(package: str) -> str:
    return importlib.metadata.version(package)


def _file(study: Study, variant: Variant, inputs: SplitInputs, start: int, memory: Path) -> Path:
    return _place(key_of(study, variant, inputs, start), memory)


def _place(key: str, memory: Path) -> Path:
    """Return where something is kept: joblib forgets folders named by a checksum.

    It looks at a file of this name for when a training was last asked for.
    """
    return memory / "joblib" / key / "output.pkl"
