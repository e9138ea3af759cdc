from __future__ import annotations

import pytest

from conftest import read_study
from dropnorm.data.inspection.batches import check_batches


def found(trained=(700, 700), choosing=(), *, batch=64, epochs=100, momentum=0.99, **changes):
    study = read_study("concrete", training__batch_size=batch, training__epochs=epochs,
                       network__batchnorm__momentum=momentum, **changes)  # fmt: skip
    return [
        (one.code.code, one.where, one.found) for one in check_batches(trained, study, choosing)
    ]


@pytest.mark.parametrize(("epochs", "settled"), [(41, False), (42, True)])
def test_statistics_settle_when_1_percent_of_initial_values_remains(epochs, settled):
    # 11 steps of 64 rows to an epoch: 0.99 ** 458 is the last above a hundredth.
    told = "451 steps at a momentum of 0.99 leave 1.1 % of their first values"

    assert found(epochs=epochs) == ([] if settled else [("DN019", "batch normalization", told)])


def test_a_lower_momentum_settles_sooner():
    assert found(epochs=5, momentum=0.9) == []


@pytest.mark.parametrize(("left", "told"), [(0, False), (1, True), (2, True), (3, False)])
def test_a_last_batch_of_one_or_two_rows_is_reported(left, told):
    rows = f"{left} row{'s' if left == 2 else ''}"
    sentence = f"{640 + left} rows in batches of 64 leave {rows} for the last batch of an epoch"

    assert found((700, 640 + left)) == (
        [("DN020", "batch normalization", f"{sentence} in 1 of 2 splits")] if told else []
    )


@pytest.mark.parametrize(("batch", "told"), [(1, True), (7, True), (8, False)])
def test_batches_of_fewer_than_eight_rows_are_too_small(batch, told):
    codes = [(code, text) for code, _, text in found(batch=batch)]

    rows = f"{batch} row{'s' if batch > 1 else ''}"
    assert codes == ([("DN020", f"a batch has {rows}")] if told else [])


def test_networks_with_different_options_are_reported_by_name():
    compare = {
        "baseline": {},
        "slow": {"layers": ["batchnorm"]},
        "short": {"layers": ["batchnorm"], "training": {"epochs": 2}},
    }

    assert [where for _, where, _ in found(compare=compare)] == ["short"]


def test_rows_that_are_set_aside_fill_no_batch():
    stops = {"layers": ["batchnorm"], "training": {"early_stopping": {}}}
    compare = {"baseline": {}, "stops": stops, "all": {"layers": ["batchnorm"]}}
    sentence = "641 rows in batches of 64 leave 1 row for the last batch of an epoch"

    assert found((800,), (159,), compare=compare) == [("DN020", "stops", sentence)]
