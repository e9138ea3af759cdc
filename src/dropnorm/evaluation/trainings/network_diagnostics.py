"""What training did inside the networks that are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dropnorm.evaluation.results import Examination, ScoresOnTest, VarianceShift, of_replica
from dropnorm.evaluation.trainings.likelihood import held_out_likelihood
from dropnorm.evaluation.trainings.measures import held_loss
from dropnorm.tasks.metrics import training_loss
from dropnorm.training.monte_carlo import draw_outputs, drops
from dropnorm.training.networks import up_to_outputs
from dropnorm.training.passes import outputs_of_layers
from dropnorm.training.trainer import predict_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from dropnorm.data.preprocessing import SplitInputs
    from dropnorm.evaluation.results import ReplicaFacts, VariantExamination, VariantTraining
    from dropnorm.evaluation.trainings.loss_units import LossUnits
    from dropnorm.study.schema import Study
    from dropnorm.training.networks import KerasModel

    Floats = npt.NDArray[np.floating]

# Training rows that pass through a network to see what its layers give: bounds the time.
_EXAMINED = 4096
# Predictions that MC dropout draws for a row, and rows of a part for which it draws, evenly spread.
_DRAWS, _DRAWN = 100, 20_000


def examine_network(network: KerasModel, inputs: SplitInputs, study: Study) -> Examination:
    """Examine a trained network on the rows that trained it; it stays as it is.

    Its training loss compares with the validation loss: that of the history has dropout at work
    and weights that still change. Dropout before a batch norm makes its variance shift smaller
    than 1 (Li et al. 2018, "Understanding the disharmony between dropout and batch normalization by
    variance shift", section 3): inference then divides by a variance that it does not have.
    """
    train = inputs.train
    linear = up_to_outputs(network)
    chosen = np.linspace(0, len(train.rows) - 1, min(len(train.rows), _EXAMINED)).astype(np.int64)
    x = train.x[chosen]
    in_inference = _pass(linear, x, training=False)
    # One at the input takes the same in training and in inference.
    shifting = [layer.name for layer in network.layers[1:] if layer.name.startswith("batchnorm")]
    in_training = _pass(linear, x, training=True) if shifting else {}
    outputs = predict_rows(network, train.x)
    training = study.training
    return Examination(
        training_loss=training_loss(train.y, outputs, training.loss, training.huber_delta),
        dead_units={
            name: float(np.mean(np.ptp(given, axis=0) == 0))
            for name, (_, given) in in_inference.items()
            if _activates(network, name)
        },
        batchnorms={name: _shift(in_training[name][0], in_inference[name][0]) for name in shifting},
        test=_score_test_rows(network, inputs) if study.task == "regression" else None,
    )


def _score_test_rows(network: KerasModel, inputs: SplitInputs) -> ScoresOnTest | None:
    """Score the test rows with and without dropout at work; None if there are none."""
    if inputs.test is None:
        return None
    parts = (inputs.validation, inputs.test)
    targets = [inputs.target.restore(part.y).astype(np.float64) for part in parts]
    plain = [
        inputs.target.invert(predict_rows(network, part.x))[np.newaxis, :, 0] for part in parts
    ]
    likelihood = held_out_likelihood(*zip(targets, plain, strict=True))
    if not drops(network):
        return ScoresOnTest(likelihood)
    some = [np.linspace(0, len(part.rows) - 1, min(len(part.rows), _DRAWN)) for part in parts]
    chosen = [places.astype(np.int64) for places in some]
    targets = [one[places] for one, places in zip(targets, chosen, strict=True)]
    drawn = [
        inputs.target.invert(draw_outputs(network, part.x[places], _DRAWS))[..., 0]
        for part, places in zip(parts, chosen, strict=True)
    ]
    error = float(np.sqrt(np.mean((targets[1] - drawn[1].mean(axis=0)) ** 2)))
    return ScoresOnTest(
        likelihood,
        error if np.isfinite(error) else None,
        held_out_likelihood(*zip(targets, drawn, strict=True)),
    )


def _pass(network: KerasModel, x: Floats, *, training: bool) -> dict[str, tuple[Floats, Floats]]:
    """Pass rows through the layers, all in one batch; return what each takes and gives."""
    given = outputs_of_layers(network, x, training=training)
    taken = [x, *given[:-1]]
    return {
        layer.name: passed
        for layer, passed in zip(network.layers, zip(taken, given, strict=True), strict=True)
    }


def _activates(network: KerasModel, name: str) -> bool:
    layer = next(layer for layer in network.layers if layer.name == name)
    activation = getattr(layer, "activation", None)
    return activation is not None and activation.__name__ != "linear"


def _shift(training: Floats, inference: Floats) -> VarianceShift:
    in_training = np.var(training, axis=0, dtype=np.float64)
    in_inference = np.var(inference, axis=0, dtype=np.float64)
    varies = in_training > 0
    ratios = in_inference[varies] / in_training[varies]
    return VarianceShift(
        training=float(in_training.mean()),
        inference=float(in_inference.mean()),
        shift=float(np.median(ratios)) if len(ratios) else None,
    )


def compare_diagnostics(
    examined: Mapping[str, VariantExamination],
    histories: Mapping[str, pd.DataFrame],
    trainings: Mapping[str, VariantTraining],
    against: str,
    units: LossUnits,
) -> pd.DataFrame:
    """Put what the networks look like side by side, a row for each.

    Losses are in the target's unit where they have one, and in training units elsewhere.

    Args:
        examined: Of the replicas of each variant that stayed finite, by variant.
        histories: By variant.
        trainings: By variant.
        against: The one that the others are compared with.
        units: What makes errors of losses.

    Returns:
        Columns ``variant``, ``training_loss``, ``val_loss`` and their ``gap`` (means) at the epoch
        whose weights are kept, ``val_loss_sd`` between replicas, ``reached_baseline`` (how many
        replicas come down to the least val_loss of the reference's replica of the same split and
        start) and in which epoch (``epoch_of_baseline_best``, median over these), ``dead_units``
        (share of all) and ``variance_shift`` (mean over the batch norms behind a layer).
    """
    goals = _goals(histories[against], trainings[against].finite)
    rows = []
    for variant, one in examined.items():
        networks = [replica.found for replica in one.replicas]
        finite = trainings[variant].finite
        held = np.array(
            [
                units.value(
                    held_loss(of_replica(histories[variant], one.split, one.start), one), one.split
                )
                for one in finite
            ]
        )
        trained = np.array(
            [units.value(replica.found.training_loss, replica.split) for replica in one.replicas]
        )
        epochs = _epochs_to(goals, histories[variant], finite)
        rows.append(
            {
                "variant": variant,
                "training_loss": _mean(trained),
                "val_loss": _mean(held),
                "gap": _mean(held) - _mean(trained),
                "val_loss_sd": float(held.std(ddof=1)) if len(held) > 1 else np.nan,
                "reached_baseline": len(epochs),
                "epoch_of_baseline_best": float(np.median(epochs)) if epochs else np.nan,
                "dead_units": _mean([s for one in networks for s in one.dead_units.values()]),
                "variance_shift": _mean(
                    [
                        norm.shift
                        for network in networks
                        for norm in network.batchnorms.values()
                        if norm.shift is not None
                    ]
                ),
            }
        )
    return pd.DataFrame(rows)


def _goals(history: pd.DataFrame, finite: Sequence[ReplicaFacts]) -> dict[tuple[int, int], float]:
    best = history.groupby(["split", "start"])["val_loss"].min()
    return {(one.split, one.start): float(best[one.split, one.start]) for one in finite}


def _epochs_to(
    goals: Mapping[tuple[int, int], float],
    history: pd.DataFrame,
    finite: Sequence[ReplicaFacts],
) -> list[int]:
    epochs = []
    for one in finite:
        if (goal := goals.get((one.split, one.start))) is None:
            continue
        mine = of_replica(history, one.split, one.start)
        reached = mine.loc[mine["val_loss"] <= goal, "epoch"]
        if len(reached):
            epochs.append(int(reached.iloc[0]))
    return epochs


def _mean(values: Sequence[float] | Floats) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
