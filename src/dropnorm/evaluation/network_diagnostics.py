"""What the two layers did inside trained networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from dropnorm.tasks.metrics import training_loss
from dropnorm.training.backend import load_keras
from dropnorm.training.networks import up_to_outputs
from dropnorm.training.trainer import predict_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from dropnorm.data.preprocessing import SplitInputs
    from dropnorm.study.schema import Study
    from dropnorm.training.networks import KerasModel

    Floats = npt.NDArray[np.floating]

# Training rows that pass through a network to see what its layers give: bounds the time.
_EXAMINED = 4096


def examine_network(network: KerasModel, inputs: SplitInputs, study: Study) -> dict[str, Any]:
    """Examine a trained network on the rows that trained it; it stays as it is.

    Returns:
        - ``training_loss``: of all training rows, in inference, so that it compares with the
          validation loss (that of the history has dropout at work and weights that still change);
        - ``dead_units``: by activation, the share of its units that give the same for every row;
        - ``batchnorms``: by batch norm behind a layer, the mean variance of its inputs over the
          rows in ``training`` and in ``inference``, and ``shift``, the median over its inputs of
          the second by the first. Dropout before it makes it smaller than 1 (Li et al. 2018,
          "Understanding the disharmony between dropout and batch normalization by variance shift",
          section 3): inference then divides by a variance that it does not have.
    """
    train = inputs.train
    network = up_to_outputs(network)
    chosen = np.linspace(0, len(train.rows) - 1, min(len(train.rows), _EXAMINED)).astype(np.int64)
    x = train.x[chosen]
    in_training, in_inference = (_pass(network, x, training=mode) for mode in (True, False))
    outputs = predict_rows(network, train.x)
    training = study.training
    return {
        "training_loss": training_loss(train.y, outputs, training.loss, training.huber_delta),
        "dead_units": {
            name: float(np.mean(np.ptp(given, axis=0) == 0))
            for name, (_, given) in in_inference.items()
            if _activates(network, name)
        },
        "batchnorms": {
            name: _shift(taken, in_inference[name][0])
            for name, (taken, _) in in_training.items()
            # One at the input takes the same in training and in inference.
            if name.startswith("batchnorm") and name != network.layers[0].name
        },
    }


def _pass(network: KerasModel, x: Floats, *, training: bool) -> dict[str, tuple[Floats, Floats]]:
    """Pass rows through the layers, all in one batch; return what each takes and gives."""
    to_numpy = load_keras().ops.convert_to_numpy
    passed: dict[str, tuple[Floats, Floats]] = {}
    for layer in network.layers:
        if layer.name.startswith(("dropout", "batchnorm")):
            # Stateless: running statistics and seeds of the network stay as they are.
            given, _ = layer.stateless_call(
                [variable.value for variable in layer.trainable_variables],
                [variable.value for variable in layer.non_trainable_variables],
                x,
                training=training,
            )
        else:
            given = layer(x)
        passed[layer.name] = (x, to_numpy(given))
        x = passed[layer.name][1]
    return passed


def _activates(network: KerasModel, name: str) -> bool:
    layer = next(layer for layer in network.layers if layer.name == name)
    activation = getattr(layer, "activation", None)
    return activation is not None and activation.__name__ != "linear"


def _shift(training: Floats, inference: Floats) -> dict[str, float | None]:
    in_training = np.var(training, axis=0, dtype=np.float64)
    in_inference = np.var(inference, axis=0, dtype=np.float64)
    varies = in_training > 0
    ratios = in_inference[varies] / in_training[varies]
    return {
        "training": float(in_training.mean()),
        "inference": float(in_inference.mean()),
        "shift": float(np.median(ratios)) if len(ratios) else None,
    }


def compare_diagnostics(
    examined: Mapping[str, Mapping[str, Any]],
    histories: Mapping[str, pd.DataFrame],
    metrics: Mapping[str, Mapping[str, Any]],
) -> pd.DataFrame:
    """Put what the layers did side by side, a row for each variant.

    Args:
        examined: Of the replicas of each variant that stayed finite, by variant.
        histories: By variant.
        metrics: By variant.

    Returns:
        Columns ``variant``, ``training_loss``, ``val_loss`` and their ``gap`` at the end (means),
        ``val_loss_sd`` between replicas, ``reached_baseline`` (how many replicas come down to the
        least val_loss of the baseline's replica of the same split and start) and in which epoch
        (``epoch_of_baseline_best``, median over these), ``dead_units`` (share of all) and
        ``variance_shift`` (mean over the batch norms behind a layer).
    """
    goals = _goals(histories["baseline"], metrics["baseline"]["replicas"])
    rows = []
    for variant, one in examined.items():
        replicas = one["replicas"]
        finite = [m for m in metrics[variant]["replicas"] if m["diverged_at_epoch"] is None]
        last = np.array([m["final_val_loss"] for m in finite], dtype=np.float64)
        trained = np.array([r["training_loss"] for r in replicas], dtype=np.float64)
        epochs = _epochs_to(goals, histories[variant], finite)
        rows.append(
            {
                "variant": variant,
                "training_loss": _mean(trained),
                "val_loss": _mean(last),
                "gap": _mean(last) - _mean(trained),
                "val_loss_sd": float(last.std(ddof=1)) if len(last) > 1 else np.nan,
                "reached_baseline": len(epochs),
                "epoch_of_baseline_best": float(np.median(epochs)) if epochs else np.nan,
                "dead_units": _mean([s for r in replicas for s in r["dead_units"].values()]),
                "variance_shift": _mean(
                    [
                        one["shift"]
                        for r in replicas
                        for one in r["batchnorms"].values()
                        if one["shift"] is not None
                    ]
                ),
            }
        )
    return pd.DataFrame(rows)


def _goals(
    history: pd.DataFrame, replicas: Sequence[Mapping[str, Any]]
) -> dict[tuple[int, int], float]:
    finite = {(m["split"], m["start"]) for m in replicas if m["diverged_at_epoch"] is None}
    best = history.groupby(["split", "start"])["val_loss"].min()
    return {replica: float(best[replica]) for replica in finite}


def _epochs_to(
    goals: Mapping[tuple[int, int], float],
    history: pd.DataFrame,
    finite: Sequence[Mapping[str, Any]],
) -> list[int]:
    epochs = []
    for one in finite:
        replica = one["split"], one["start"]
        if replica not in goals:
            continue
        of_replica = history.query("split == @replica[0] and start == @replica[1]")
        reached = of_replica.loc[of_replica["val_loss"] <= goals[replica], "epoch"]
        if len(reached):
            epochs.append(int(reached.iloc[0]))
    return epochs


def _mean(values: Sequence[float] | Floats) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
