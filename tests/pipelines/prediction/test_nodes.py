from __future__ import annotations

import pandas as pd
import pytest

from dropnorm.data.preprocessing import fit_preprocessors
from dropnorm.errors import BadInputError
from dropnorm.pipelines.prediction.nodes import cover_targets, predict, predict_with_interval
from dropnorm.pipelines.reporting.nodes import record
from dropnorm.pipelines.training.nodes import VariantTrainer
from handful import PROVENANCE, SPLIT, STUDY, TABLE, some_inputs
from made_results import a_training, some_facts, some_metrics

RUN = record(STUDY, PROVENANCE, some_metrics())
FITTED = fit_preprocessors(TABLE, SPLIT, STUDY)


@pytest.mark.training
def test_predict_takes_the_mean_over_the_networks_for_rows_in_their_order():
    trained = VariantTrainer("dropout").train(some_inputs(), STUDY)
    rows = TABLE.head(3).drop(columns="CompressiveStrength")

    predicted = predict(rows, RUN, FITTED, trained.models, trained.training, mc_dropout=4)

    assert predicted["row"].tolist() == [0, 1, 2]
    assert (predicted["min"] <= predicted["prediction"]).all()
    assert (predicted["mc_low"] <= predicted["mc_high"]).all()


@pytest.mark.training
def test_predict_warns_of_rows_and_predictions_unlike_those_of_the_training_rows(caplog):
    trained = VariantTrainer("baseline").train(some_inputs(), STUDY)
    rows = TABLE.loc[SPLIT.loc[SPLIT["part"] == "train", "row"].unique()]

    with caplog.at_level("WARNING", logger="dropnorm"):
        caplog.clear()
        predict(rows.assign(Age=1e9), RUN, FITTED, trained.models, trained.training)

    of_inputs, of_predictions = caplog.messages
    assert of_inputs.startswith(f"column 'Age': {len(rows)} of {len(rows)} rows have")
    assert "predictions are outside the targets of the training rows" in of_predictions


@pytest.mark.parametrize(
    ("networks", "told"), [(1, "the one run"), (2, "both runs"), (3, "all 3 runs")]
)
def test_predict_refuses_a_variant_whose_networks_all_diverged(networks, told):
    training = a_training(*(some_facts(k, diverged_at_epoch=1) for k in range(networks)))

    with pytest.raises(BadInputError, match=f"^{told} of the variant baseline diverged"):
        predict(TABLE, RUN, FITTED, {}, training)


@pytest.mark.training
def test_targets_are_counted_in_intervals_of_networks_that_did_not_train_on_them():
    trained = VariantTrainer("dropout").train(some_inputs(), STUDY)
    held = int((SPLIT["part"] == "validation").sum())
    far = TABLE.assign(CompressiveStrength=TABLE["CompressiveStrength"] + 1e6)

    own, beyond = (
        cover_targets(table, SPLIT, RUN, FITTED, trained.models, trained.training, mc_dropout=50)
        for table in (TABLE, far)
    )

    assert (own.rows, own.networks) == (held, 2)
    assert 0 <= own.held <= held
    assert beyond.held == 0
    assert beyond.finding().code.code == "DN024"


@pytest.mark.training
def test_predict_with_interval_needs_enough_held_rows_and_says_if_there_are_too_few(caplog):
    trained = VariantTrainer("dropout").train(some_inputs(), STUDY)
    saved = (RUN, FITTED, trained.models, trained.training)
    held = trained.validation_predictions
    times = 4  # so that 90 % can be told from the handful of rows
    many = pd.concat([held.assign(row=held["row"] + 100 * k) for k in range(times)])
    parts = pd.concat([SPLIT.assign(row=SPLIT["row"] + 100 * k) for k in range(times)])

    with caplog.at_level("INFO", logger="dropnorm"):
        few, enough = (
            predict_with_interval(TABLE, *saved, *one) for one in ((held, SPLIT), (many, parts))
        )

    assert "upper_90" not in few
    assert "dropout: No 90 % interval: it needs at least 9 validation rows" in caplog.text
    assert (enough["lower_90"] < enough["upper_90"]).all()
    assert "dropout: The 90 % interval" in caplog.text
    pd.testing.assert_frame_equal(enough[few.columns], few)
