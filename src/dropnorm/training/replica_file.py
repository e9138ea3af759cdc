"""One training in a file: arrays alone, and of the shapes that its study gives them."""

from __future__ import annotations

import math
import zipfile
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dropnorm.study.training import INNER_LOSS, losses_among
from dropnorm.training.networks import plan_layers, weight_shapes
from dropnorm.training.switches import switches_of
from dropnorm.training.trainer import TrainedReplica

if TYPE_CHECKING:
    from pathlib import Path

    from dropnorm.data.preprocessing import SplitInputs
    from dropnorm.study.schema import Study
    from dropnorm.study.training import Training
    from dropnorm.study.variants import Variant

# Of an array in a file, beside its numbers, in bytes.
_BESIDE = 1024


def write_replica(file: Path, trained: TrainedReplica) -> None:
    """Write a training as a zip of arrays."""
    arrays: dict[str, Any] = {}
    for field in fields(trained):
        arrays |= _as_arrays(field.name, getattr(trained, field.name))
    with file.open("wb") as written:  # savez would give it another name
        np.savez(written, **arrays)


def read_replica(file: Path, study: Study, variant: Variant, inputs: SplitInputs) -> TrainedReplica:
    """Read a training, which is no larger than its study makes it, and runs no code.

    Raises:
        ValueError: Or another exception, of a file that is no training of the study.
    """
    if not file.is_file():
        raise ValueError("it is not a file")
    most = _most_bytes(study, variant, inputs)
    if file.stat().st_size > most:
        raise ValueError(f"it has more than {most} bytes")
    with zipfile.ZipFile(file) as archive:
        if sum(one.file_size for one in archive.infolist()) > most:
            raise ValueError(f"it unpacks to more than {most} bytes")
    with np.load(file, allow_pickle=False) as kept:
        arrays = {name: kept[name] for name in kept.files}
    trained = TrainedReplica(
        **{field.name: _from_arrays(arrays, field.name) for field in fields(TrainedReplica)}
    )
    right = {
        "weights": _weights_fit(trained, study, variant, inputs),
        "history": _history_fits(trained, study.training),
        "outputs": _kind(trained.outputs) == (_shape_of_outputs(inputs), np.dtype(np.float64)),
        "first_steps": _first_steps_fit(trained),
        "fit_seconds": isinstance(trained.fit_seconds, float),
    }
    if wrong := [name for name, fits in right.items() if not fits]:
        raise ValueError(f"not as this study leaves it: {', '.join(wrong)}")
    return trained


def _most_bytes(study: Study, variant: Variant, inputs: SplitInputs) -> int:
    """Return how large the file of a training can be."""
    training = study.training
    shapes, columns = _shapes(study, variant, inputs), _columns(training)
    steps = -(-len(inputs.train.rows) // training.batch_size)
    numbers = sum(map(math.prod, shapes)) + math.prod(_shape_of_outputs(inputs))
    numbers += training.epochs * (len(columns) + 2 * steps)
    arrays = len(shapes) + len(columns) + len(fields(TrainedReplica))
    return 8 * numbers + _BESIDE * arrays


def _shapes(study: Study, variant: Variant, inputs: SplitInputs) -> list[tuple[int, ...]]:
    layers = plan_layers(study.network, variant, inputs.target.outputs)
    return weight_shapes(layers, inputs.train.x.shape[1])


def _shape_of_outputs(inputs: SplitInputs) -> tuple[int, int]:
    return len(inputs.validation.rows), inputs.target.outputs


def _columns(training: Training) -> list[str]:
    """Return the columns of a history."""
    losses = [f"{part}{name}" for name in ("loss", *training.metrics) for part in ("", "val_")]
    return ["epoch", *losses, *([INNER_LOSS] if "training" in training.looked_at else [])]


def _kind(array: Any) -> tuple[Any, Any]:
    return array.shape, array.dtype


def _weights_fit(
    trained: TrainedReplica, study: Study, variant: Variant, inputs: SplitInputs
) -> bool:
    kind = np.dtype(switches_of().floatx)
    expected = [(shape, kind) for shape in _shapes(study, variant, inputs)]
    return [_kind(one) for one in trained.weights] == expected


def _history_fits(trained: TrainedReplica, training: Training) -> bool:
    """Tell whether a history has its columns, the epochs that the study asks for, and its end."""
    history, diverged, chosen = trained.history, trained.diverged_at_epoch, trained.chosen_epoch
    columns = _columns(training)
    if list(history) != columns or [one.kind for one in history.dtypes] != [
        "i" if column == "epoch" else "f" for column in columns
    ]:
        return False
    epochs = len(history)
    lost = np.flatnonzero(~np.isfinite(history[losses_among(columns)].to_numpy()).all(axis=1))
    stops = training.early_stopping is not None
    if diverged is not None and training.stop_when_diverged:
        ends = epochs == diverged
    else:
        ends = 0 < epochs <= training.epochs if stops else epochs == training.epochs
    chooses = 0 < chosen <= epochs if stops and diverged is None else chosen == epochs
    return (
        history["epoch"].tolist() == [*range(1, epochs + 1)]
        and ends
        and chooses
        and diverged == (int(lost[0]) + 1 if len(lost) else None)
    )


def _first_steps_fit(trained: TrainedReplica) -> bool:
    steps = trained.first_steps
    return (
        list(steps) == ["step", "loss"]
        and [one.kind for one in steps.dtypes] == ["i", "f"]
        and steps["step"].tolist() == [*range(1, len(steps) + 1)]
        and (len(steps) > 0) == (trained.diverged_at_epoch is not None)
    )


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
