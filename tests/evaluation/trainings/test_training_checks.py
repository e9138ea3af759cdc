from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from conftest import read_study
from dropnorm.evaluation.trainings.training_checks import check_trainings
from made_results import measured

STUDY = read_study("concrete")
EPOCHS = 20


def trainings(val_loss, runs=2, diverged=(), collapsed=()):
    """Trainings whose loss falls to 1, and whose val_loss is what it is told to be."""
    epochs = np.arange(1, EPOCHS + 1)
    history = pd.concat(
        [
            pd.DataFrame({"split": split, "start": 0, "epoch": epochs, "loss": 1 + 1 / epochs,
                          "val_loss": val_loss(epochs)})
            for split in range(runs)
        ]
    )  # fmt: skip
    replicas = [
        measured(
            split, diverged_at_epoch=3 if split in diverged else None, collapsed=split in collapsed
        )
        for split in range(runs)
    ]
    return history, replicas


def codes(findings):
    return [(one.code.code, one.where, one.count, one.of) for one in findings]


def test_runs_that_diverged_or_collapsed_are_counted():
    found = check_trainings(
        "dropout_batchnorm", *trainings(lambda n: 2 + 1 / n, 5, (1, 4), (0,)), STUDY
    )

    assert codes(found) == [
        ("DN007", "dropout + batchnorm", 2, 5),
        ("DN008", "dropout + batchnorm", 1, 5),
    ]
    assert found[0].found == "2 of 5 runs, the first in epoch 3"


@pytest.mark.parametrize(
    ("epochs", "collapsed", "told"),
    [
        (40, (0, 1), "both runs, which early stopping ended (the first after 20 of 40 epochs)"),
        (40, (1,), "1 of 2 runs, which early stopping ended (after 20 of 40 epochs)"),
        (EPOCHS, (0, 1), "both runs"),  # they had all their epochs
    ],
)
def test_of_runs_that_learnt_nothing_those_that_early_stopping_ended_are_named(
    epochs, collapsed, told
):
    study = read_study("concrete", training__epochs=epochs, training__early_stopping={})

    (found,) = check_trainings(
        "baseline", *trainings(lambda n: 2 + 1 / n, collapsed=collapsed), study
    )

    assert (found.code.code, found.found) == ("DN008", told)


def test_of_runs_that_learnt_nothing_some_may_have_had_all_their_epochs():
    history, replicas = trainings(lambda n: 2 + 1 / n, collapsed=(0, 1))
    history = history.query("split == 0 or epoch <= 11")
    study = read_study("concrete", training__epochs=EPOCHS, training__early_stopping={})

    (found,) = check_trainings("baseline", history, replicas, study)

    assert found.found == ("both runs, 1 of which early stopping ended (after 11 of 20 epochs)")


@pytest.mark.parametrize(
    ("val_loss", "grows"),
    [
        (lambda n: 2 + 0.02 * n, True),  # overfits to the end
        (lambda n: 2 + 1 / n, False),  # falls with the training loss
        (lambda n: 2 + 0.0005 * n, False),  # grows by next to nothing
        (lambda n: 2 + 0.2 * np.minimum(n, 12), False),  # grew, and ended
        (lambda n: 0.5 + 0.02 * n, False),  # better than in training, to the end
        (lambda n: 0.9 + 0.02 * n, True),  # better at first
    ],
)
def test_a_gap_is_told_where_it_keeps_growing_to_the_end(val_loss, grows):
    found = check_trainings("baseline", *trainings(val_loss), STUDY)

    assert codes(found) == ([("DN011", "baseline", 2, 2)] if grows else [])


def test_few_epochs_show_no_trend():
    history, replicas = trainings(lambda n: 2 + 0.1 * n)

    assert check_trainings("baseline", history.query("epoch <= 7"), replicas, STUDY) == []


def test_each_is_silenced_by_its_code():
    study = read_study("concrete", silence=["DN007", "DN008", "DN011"])
    trained = trainings(lambda n: 2 + 0.02 * n, 5, (1,), (0,))

    assert check_trainings("baseline", *trained, study) == []


def test_networks_that_are_too_sure_of_their_classes_are_counted_apart():
    study = read_study("wine", task="classification", target={"column": "quality"},
                       training__loss="cross_entropy")  # fmt: skip
    history, replicas = trainings(lambda n: 2 + 1 / n, 3)
    replicas = [replace(one, failures={"overconfident": one.split > 0}) for one in replicas]

    assert codes(check_trainings("dropout", history, replicas, study)) == [
        ("DN014", "dropout", 2, 3)
    ]
