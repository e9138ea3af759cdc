from __future__ import annotations

import pandas as pd
import pytest

from dropnorm.evaluation.results import SweepPoint, SweptVariant
from dropnorm.pipelines.sweep import nodes
from dropnorm.study.variants import Variant
from handful import ERRORS, PROVENANCE, SPLIT, an_outcome, predictions, some_inputs
from small_trainings import a_study

STUDY = a_study(
    replicas__splits=2, network__hidden=[4], sweep={"dropout": [0.1, 0.5], "placement": []}
)


def swept(variant: Variant) -> SweptVariant:
    """Two points of a variant with dropout, the second worse by 1; one of another."""
    points = [
        (rate, ERRORS[variant] + worse)
        for rate, worse in (((0.1, 0.0), (0.5, 1.0)) if variant.has_dropout else ((None, 0.0),))
    ]
    placement = "before_dense" if variant.has_batchnorm else None
    return nodes.gather_points(
        [SweepPoint(rate, placement, an_outcome(variant, error).metrics) for rate, error in points],
        pd.concat(
            [predictions(error).assign(point=number) for number, (_, error) in enumerate(points)]
        ),
    )


@pytest.fixture(scope="module")
def choices():
    outcomes = {variant.value: swept(variant) for variant in Variant}
    return nodes.find_choices(SPLIT, STUDY, **outcomes)


@pytest.mark.training
def test_train_points_trains_and_measures_the_variant_at_every_rate():
    points, predicted = nodes.VariantSweeper("dropout").train_points(some_inputs(), STUDY)

    assert [one.rate for one in points] == [0.1, 0.5]
    assert set(predicted["point"]) == {0, 1}


def test_gather_points_keeps_points_and_predictions_together():
    found = swept(Variant.DROPOUT)

    assert [one.rate for one in found.points] == [0.1, 0.5]
    assert set(found.predictions["point"]) == {0, 1}


def test_find_choices_names_the_rate_with_the_least_error(choices):
    of_dropout = [one for one in choices.points if one.variant == "dropout"]

    assert of_dropout[0].standing == "least error"
    assert of_dropout[1].difference == pytest.approx(1)


def test_tabulate_has_a_row_for_each_point(choices):
    table = nodes.tabulate(choices)

    assert len(table) == len(choices.points) == 6
    assert list(table)[:3] == ["study", "made_up", "variant"]


def test_plot_choices_draws_a_panel(choices):
    assert len(nodes.plot_choices(choices).axes) == 1


def test_record_sweep_says_what_was_swept():
    record = nodes.record_sweep(STUDY, PROVENANCE, swept(Variant.BASELINE), "a curve")

    assert record.study == "concrete"
    assert record.command == PROVENANCE.command
