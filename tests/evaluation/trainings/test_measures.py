from __future__ import annotations

import pytest

from dropnorm.evaluation.trainings.measures import measure_variant
from handful import STUDY, history, predictions
from made_results import a_training, some_facts

TRAINING = a_training(*(some_facts(split, epochs=2, chosen_epoch=2) for split in (0, 1)))


def test_a_network_that_ends_no_better_than_the_constant_has_collapsed():
    predicted = predictions(4.0)

    found = measure_variant(history(last=15.0), predicted, predicted.head(0), TRAINING, STUDY)

    assert [one.failures["collapsed"] for one in found.replicas] == [True, True]
    assert found.failures == {"collapsed": 2}


def test_a_network_is_judged_by_the_epoch_that_early_stopping_chose():
    predicted = predictions(4.0)
    # The first epoch has a loss of 12, the constant one of 15.
    stopped = a_training(*(some_facts(split, epochs=2, chosen_epoch=1) for split in (0, 1)))

    found = measure_variant(history(last=16.0), predicted, predicted.head(0), stopped, STUDY)

    assert found.failures == {"collapsed": 0}
    assert (found.final_val_loss, found.chosen_val_loss) == (16.0, 12.0)


def test_test_scores_are_measured_where_a_test_part_is_held():
    found = measure_variant(history(), predictions(4.0), predictions(6.0), TRAINING, STUDY)

    assert found.test["mae"] == pytest.approx(6, abs=0.1)
    assert found.validation["mae"] == pytest.approx(4, abs=0.1)


def test_there_is_no_committee_of_one_start():
    predicted = predictions(4.0)

    assert measure_variant(history(), predicted, predicted, TRAINING, STUDY).committee is None
