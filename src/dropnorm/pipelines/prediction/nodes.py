"""From new rows to predictions, with what a complete run has saved."""

import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from dropnorm.data.new_categories import spelt_as_seen, tell_unseen
from dropnorm.data.new_numbers import tell_far_inputs, tell_far_predictions
from dropnorm.data.preprocessing import Preprocessor, check_saved, make_inputs
from dropnorm.data.splits import VALIDATION, rows_of
from dropnorm.data.validation import check_new_rows, check_table
from dropnorm.errors import BadInputError
from dropnorm.evaluation.predictions import conformal
from dropnorm.evaluation.predictions.conformal import LEVEL, Calibration
from dropnorm.evaluation.predictions.coverage import Coverage
from dropnorm.evaluation.records import RunRecord
from dropnorm.evaluation.results import VariantTraining
from dropnorm.evaluation.wording import of_runs
from dropnorm.study.arms import arm_names, arm_of
from dropnorm.study.parsing import parse_recorded
from dropnorm.study.schema import Study
from dropnorm.tasks.registry import task_of
from dropnorm.tasks.targets import FittedTarget
from dropnorm.training.backend import load_keras
from dropnorm.training.networks import KerasModel, check_network, join_members, up_to_outputs
from dropnorm.training.trainer import predict_rows

logger = logging.getLogger(__name__)

# Bound of the interval of MC dropout, in percent of the draws: the middle 95 %.
_INTERVAL = (2.5, 97.5)
# Rows drawn at a time, and numbers drawn for them: bounds memory.
_DRAWN_AT_ONCE = 1024
_NUMBERS_AT_ONCE = 20_000_000
# Validation rows and draws that say how many targets an interval holds: bound the time.
_COVERED, _COVERING_DRAWS = 500, 200


def predict(
    new_rows: pd.DataFrame,
    run: RunRecord,
    preprocessors: dict[int, Preprocessor],
    models: dict[str, KerasModel],
    training: VariantTraining,
    calibration: Calibration | None = None,
    *,
    level: int = LEVEL,
    mc_dropout: int = 0,
) -> pd.DataFrame:
    """Predict the target of new rows with the replicas of one variant, in the target's own terms.

    Each replica takes the preprocessor of its split, and all options are those of the run that
    trained it, whatever the study says today. Replicas that diverged have no say.

    With ``mc_dropout``, each replica also draws so many predictions with its dropout layers at work
    (Gal and Ghahramani 2016, ICML 48). Their interval tells how unsure the networks are of their
    mean; a new target's own scatter around it comes on top, and is not in it. It is in the
    prediction interval, which the residuals of held rows give.

    Args:
        new_rows: Has the input columns of the study, in any order; others are not looked at.
        run: The record of the run.
        preprocessors: By split.
        models: By name, ``split_0-start_0`` and so on.
        training: Says which variant this is, and which replicas diverged.
        calibration: Of these replicas, as :func:`calibrate` gathers it; None for no interval.
        level: Percent of new targets that the interval is to hold.
        mc_dropout: Draws of each replica, or 0 for none.

    Returns:
        One row for each of ``new_rows``, in their order: ``row`` (from 0), ``prediction`` (mean
        over the replicas), ``sd`` (their standard deviation, missing for a single one), ``min``,
        ``max``; with enough held rows the ends of the interval, ``lower_90`` and ``upper_90`` at a
        level of 90; with ``mc_dropout`` also ``mc_mean``, ``mc_sd``, ``mc_low`` and ``mc_high``,
        the 2.5 % and 97.5 % quantiles of all draws. Of a classification ``prediction`` is the class
        with the largest mean probability; these follow for each class, as ``probability_<class>``,
        ``sd_<class>`` and so on.

    Raises:
        BadInputError: If the rows lack a column or hold what the study cannot use, if all replicas
            diverged, or if draws are asked for of a variant without dropout.
    """
    study = parse_recorded(run.study, run.options)
    if mc_dropout and not arm_of(study, training.variant).variant.has_dropout:
        able = [name for name in arm_names(study) if arm_of(study, name).variant.has_dropout]
        choose = f"choose {' or '.join(able)}, or leave" if able else "leave"
        raise BadInputError(
            f"the variant {training.variant} has no dropout layers to draw with; {choose} out"
            " --mc-dropout"
        )
    replicas = _finite_replicas(training)
    fitted = {
        split: check_saved(preprocessors, split, study)
        for split in sorted({split for split, _ in replicas})
    }
    # Of a table that was read as it is written, categories have its spelling; other libraries make
    # numbers of codes.
    rows = spelt_as_seen(
        check_new_rows(new_rows, study), fitted, study, numbered=run.table.format is None
    )
    tell_unseen(rows, fitted, study)
    tell_far_inputs(rows, fitted, study)
    members = _members(rows, replicas, fitted, models, training, study)
    each = np.stack([one.target.invert(predict_rows(one.network, one.inputs)) for one in members])
    target = members[0].target
    predictions = pd.DataFrame({"row": np.arange(len(rows)), **_summary(each, target)})
    tell_far_predictions(predictions["prediction"], fitted, study)
    if calibration is not None and calibration.holds(level):
        low, high = conformal.interval(each[:, :, 0], calibration, level)
        predictions = predictions.assign(**{f"lower_{level}": low, f"upper_{level}": high})
    if not mc_dropout:
        return predictions
    drawn = [
        np.concatenate(
            [
                one.target.invert(_draw(one.network, one.inputs[chunk], mc_dropout))
                for one in members
            ]
        )
        for chunk in _chunks(len(rows), mc_dropout * len(members) * each.shape[2])
    ]
    return predictions.assign(**_interval(drawn, target))


def calibrate(
    validation_predictions: pd.DataFrame,
    split: pd.DataFrame,
    run: RunRecord,
    training: VariantTraining,
) -> Calibration | None:
    """Gather the residuals of validation rows for prediction intervals.

    Args:
        validation_predictions: Of the variant.
        split: Which row is in which part of which split.
        run: The record of the run.
        training: Says which variant this is, and which replicas diverged.

    Returns:
        None of a classification, and if all replicas diverged.
    """
    study = parse_recorded(run.study, run.options)
    if study.class_column is not None:
        return None
    finite = [(one.split, one.start) for one in training.replicas if one.is_finite]
    return conformal.calibrate(validation_predictions, split, finite, study) if finite else None


def tell_interval(
    calibration: Calibration, level: int, run: RunRecord, training: VariantTraining
) -> str:
    """Say what the interval of a variant rests on and assumes, or why there is none."""
    study = arm_of(parse_recorded(run.study, run.options), training.variant).study
    return conformal.tell_interval(calibration, level, study)


def predict_with_interval(
    new_rows: pd.DataFrame,
    run: RunRecord,
    preprocessors: dict[int, Preprocessor],
    models: dict[str, KerasModel],
    training: VariantTraining,
    validation_predictions: pd.DataFrame,
    split: pd.DataFrame,
) -> pd.DataFrame:
    """Predict new rows, amounts with their 90 % interval, and say what that rests on.

    Args:
        new_rows: Has the input columns of the study, in any order.
        run: The record of the run.
        preprocessors: By split.
        models: By name.
        training: Says which variant this is, and which replicas diverged.
        validation_predictions: Of the variant.
        split: Which row is in which part of which split.

    Returns:
        As :func:`predict` does.
    """
    calibration = calibrate(validation_predictions, split, run, training)
    predictions = predict(new_rows, run, preprocessors, models, training, calibration)
    if calibration is not None:
        told = tell_interval(calibration, LEVEL, run, training)
        logger.info("%s: %s", training.variant, told)
    return predictions


def cover_targets(
    table: pd.DataFrame,
    split: pd.DataFrame,
    run: RunRecord,
    preprocessors: dict[int, Preprocessor],
    models: dict[str, KerasModel],
    training: VariantTraining,
    *,
    mc_dropout: int,
) -> Coverage | None:
    """Count how many targets of validation rows lie in the intervals that MC dropout draws.

    Each network draws for the validation rows of its own split, which it was not trained on: at
    most 500 of them, spread evenly, with at most 200 draws.

    Args:
        table: The study's, as the run read it.
        split: Which row is in which part of which split.
        run: The record of the run.
        preprocessors: By split.
        models: By name.
        training: Says which variant this is, and which replicas diverged.
        mc_dropout: Draws of each replica.

    Returns:
        The count; None of a classification, whose targets are no numbers.
    """
    study = parse_recorded(run.study, run.options)
    if study.class_column is not None:
        return None
    rows, replicas = check_table(table, study), _finite_replicas(training)
    draws, held, of = min(mc_dropout, _COVERING_DRAWS), 0, 0
    for number in sorted({split for split, _ in replicas}):
        chosen = rows_of(split, number, VALIDATION)
        places = np.linspace(0, len(chosen) - 1, min(len(chosen), _COVERED)).astype(np.int64)
        some = rows.loc[chosen[places]]
        targets = some[study.target.column].to_numpy(dtype=np.float64)
        own = [one for one in replicas if one[0] == number]
        fitted = {number: preprocessors[number]}
        for member in _members(some, own, fitted, models, training, study):
            drawn = member.target.invert(_draw(member.network, member.inputs, draws))[..., 0]
            low, high = np.percentile(drawn, _INTERVAL, axis=0)
            held += int(((low <= targets) & (targets <= high)).sum())
            of += len(targets)
    return Coverage(held, of, len(replicas))


class _Member(NamedTuple):
    """A network that predicts, with what it takes and what its outputs mean."""

    network: KerasModel
    inputs: npt.NDArray[np.float32]
    target: FittedTarget


def _members(
    rows: pd.DataFrame,
    replicas: list[tuple[int, int]],
    fitted: dict[int, Preprocessor],
    models: dict[str, KerasModel],
    training: VariantTraining,
    study: Study,
) -> list[_Member]:
    """Return the networks of some replicas, each with the rows as its preprocessor makes them.

    Raises:
        BadInputError: If one is not the network that its run describes.
    """
    task = task_of(study)
    inputs = {split: make_inputs(rows, one, study) for split, one in fitted.items()}
    targets = {split: task.restore_target(one["target"]) for split, one in fitted.items()}
    members = []
    for split, start in replicas:
        name = f"split_{split}-start_{start}"
        check_network(name, models[name], training.layers, inputs[split].shape[1])
        members.append(_Member(models[name], inputs[split], targets[split]))
    return members


def _finite_replicas(training: VariantTraining) -> list[tuple[int, int]]:
    """Return split and start of the replicas that did not diverge."""
    facts = training.replicas
    finite = [(one.split, one.start) for one in facts if one.is_finite]
    if not finite:
        raise BadInputError(
            f"{of_runs(len(facts), len(facts))} of the variant {training.variant} diverged, and"
            " cannot predict; choose another variant"
        )
    if diverged := len(facts) - len(finite):
        logger.warning(
            "%s: %s diverged, and %s no say",
            training.variant,
            of_runs(diverged, len(facts)),
            "has" if diverged == 1 else "have",
        )
    return finite


def _summary(
    each: npt.NDArray[np.float64], target: FittedTarget
) -> dict[str, npt.NDArray[np.float64]]:
    """Return mean and spread over replicas of shape (replicas, rows, columns)."""
    one = len(each) == 1
    return {
        **target.table(each.mean(axis=0)),
        **target.named("sd", np.full(each.shape[1:], np.nan) if one else each.std(axis=0, ddof=1)),
        **target.named("min", each.min(axis=0)),
        **target.named("max", each.max(axis=0)),
    }


def _interval(
    drawn: list[npt.NDArray[np.float64]], target: FittedTarget
) -> dict[str, npt.NDArray[np.float64]]:
    """Return mean, spread and quantiles of draws, in chunks of shape (draws, rows, columns)."""
    low, high = _INTERVAL
    found = {
        "mc_mean": [draws.mean(axis=0) for draws in drawn],
        "mc_sd": [draws.std(axis=0, ddof=1) for draws in drawn],
        "mc_low": [np.percentile(draws, low, axis=0) for draws in drawn],
        "mc_high": [np.percentile(draws, high, axis=0) for draws in drawn],
    }
    return {
        name: values
        for statistic, chunks in found.items()
        for name, values in target.named(statistic, np.concatenate(chunks)).items()
    }


def _chunks(rows: int, numbers: int) -> Iterator[slice]:
    """Yield rows to draw for at a time, where one row takes so many numbers."""
    at_once = max(1, min(_DRAWN_AT_ONCE, _NUMBERS_AT_ONCE // numbers))
    return (slice(first, first + at_once) for first in range(0, rows, at_once))


def _draw(network: KerasModel, x: npt.NDArray[np.float32], draws: int) -> npt.NDArray[np.float64]:
    """Return outputs with dropout at work, shape (draws, rows, outputs).

    Batch norms stay in inference.
    """
    to_numpy = load_keras().ops.convert_to_numpy
    layers = up_to_outputs(network).layers
    drawn = []
    for _ in range(draws):
        outputs: Any = x
        for layer in layers:
            drops = type(layer).__name__ == "Dropout"
            outputs = layer(outputs, training=True) if drops else layer(outputs)
        drawn.append(join_members(network, to_numpy(outputs)).astype(np.float64))
    return np.stack(drawn)
