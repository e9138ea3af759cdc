from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from conftest import read_study
from dropnorm.evaluation.results import Examination, ReplicaExamination, VariantExamination
from dropnorm.evaluation.trainings.network_checks import check_networks
from made_results import a_training, an_outcome, measured, some_facts, some_metrics

STUDY = read_study("concrete")


def outcome(held=5.0, trained=4.0, inference=3.0, runs=2, **replica):
    """Networks with these losses in the second of three epochs, whose weights they have."""
    history = pd.concat(
        pd.DataFrame({"split": k, "start": 0, "epoch": [1, 2, 3], "loss": [9.0, trained, 9.0],
                      "val_loss": [9.0, held, 9.0]}) for k in range(runs)
    )  # fmt: skip
    networks = [ReplicaExamination(k, 0, Examination(inference, {}, {})) for k in range(runs)]
    return an_outcome(
        history=history,
        training=a_training(*(some_facts(k, chosen_epoch=2) for k in range(runs))),
        metrics=some_metrics(*(measured(k, **replica) for k in range(runs))),
        examination=VariantExamination("baseline", tuple(networks)),
        first_steps=history.head(0),
    )


def found(study=STUDY, **outcomes):
    return [(one.code.code, one.where, one.found) for one in check_networks(outcomes, study)]


@pytest.mark.parametrize(("held", "told"), [(2.9, "3.3 % below"), (3.12, "4 % above"), (3.4, "")])
def test_a_baseline_whose_losses_are_close_leaves_dropout_nothing_to_mend(held, told):
    named = found(baseline=outcome(held), dropout=outcome())

    words = f"its validation loss is {told} its training loss, both in inference"
    assert named == ([("DN021", "the baseline", words)] if told else [])


def test_a_baseline_that_diverged_or_learnt_nothing_says_nothing_of_overfitting():
    failed = outcome(3.0)
    failed = replace(failed, metrics=replace(failed.metrics, failures={"collapsed": 1}))

    assert found(baseline=failed, dropout=outcome()) == []
    assert found(baseline=outcome(3.0, runs=2, diverged_at_epoch=1), dropout=outcome()) == []


def test_a_study_without_dropout_is_not_told_what_dropout_would_mend():
    assert found(baseline=outcome(3.0), batchnorm=outcome()) == []


def test_a_validation_loss_below_the_training_loss_is_explained_with_the_loss_in_inference():
    named = found(baseline=outcome(), dropout=outcome(3.5))

    told = "3.50 MPa against 4.00 MPa in both runs; in inference, the training loss is 3.00 MPa"
    assert named == [("DN022", "dropout", told)]


@pytest.mark.parametrize(
    ("held", "trained", "inference"),
    [(5.0, 4.0, 3.0), (3.5, 4.0, 3.8)],  # above it; below it for another reason
)
def test_it_is_not_explained_by_dropout_where_dropout_does_not_explain_it(held, trained, inference):
    assert found(baseline=outcome(), dropout=outcome(held, trained, inference)) == []


def test_both_are_silenced_by_their_codes():
    study = read_study("concrete", silence=["DN021", "DN022"])

    assert found(study, baseline=outcome(3.0), dropout=outcome(3.5)) == []


def test_losses_are_those_of_the_epoch_whose_weights_the_networks_have():
    close = outcome(3.0)

    assert np.isclose(close.history["val_loss"].iloc[-1], 9.0)
    assert [code for code, *_ in found(baseline=close, dropout=outcome())] == ["DN021"]


def predicted(far=0.0, split=0):
    """Predictions of rows with targets from 10 to 50; to one of the rows, this is added."""
    table = pd.DataFrame(
        {"split": split, "start": 0, "row": range(5), "target": [10.0, 20, 30, 40, 50]}
    )
    return table.assign(prediction=table["target"] + [0, 0, 0, far, 0])


@pytest.mark.parametrize(
    ("far", "told"),
    [
        (50.0, None),  # at 90, just as far above the largest target as that is above the least
        (50.1, "90.1 MPa for row 3 in split 1"),
        (-1000.0, "−960 MPa for row 3 in split 1"),
    ],
)
def test_a_prediction_further_from_all_targets_than_these_are_apart_is_named(far, told):
    tables = pd.concat([predicted(), predicted(far=far, split=1)])
    one = an_outcome(
        metrics=some_metrics(measured(0), measured(1)), first_steps=pd.DataFrame(),
        validation_predictions=tables,
    )  # fmt: skip

    words = "is the worst of 1 of 2 runs; targets are between 10.0 MPa and 50.0 MPa"
    expected = [("DN025", "baseline", f"{told} {words}")] if told else []
    assert found(baseline=one) == expected
    assert found(read_study("concrete", silence=["DN025"]), baseline=one) == []


def test_far_predictions_are_looked_for_on_the_test_rows_and_of_networks_that_a_row_makes_useless():
    one = an_outcome(
        metrics=some_metrics(measured(0, collapsed=True)), first_steps=pd.DataFrame(),
        validation_predictions=predicted(), test_predictions=predicted(far=500.0),
    )  # fmt: skip

    assert [code for code, *_ in found(baseline=one)] == ["DN025"]


@pytest.mark.parametrize("lost", [np.nan, np.inf, -np.inf])
def test_a_network_that_diverged_predicts_nothing_that_could_be_far(lost):
    nothing = predicted().assign(prediction=lost)
    one = an_outcome(first_steps=pd.DataFrame(), validation_predictions=nothing)

    assert found(baseline=one) == []


def test_classes_are_never_far_from_one_another():
    study = read_study("wine", task="classification", target={"column": "quality"},
                       training__loss="cross_entropy")  # fmt: skip
    one = an_outcome(first_steps=pd.DataFrame(), validation_predictions=predicted(far=500.0))

    assert found(study, baseline=one) == []
