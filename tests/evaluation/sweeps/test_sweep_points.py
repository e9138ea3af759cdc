from __future__ import annotations

from conftest import read_study
from dropnorm.evaluation.sweeps.sweep_points import Point, plan_points, study_at
from dropnorm.study.variants import Variant
from dropnorm.training.networks import plan_layers


def test_a_variant_is_tried_with_as_much_as_its_layers_have_a_choice_of():
    study = read_study(
        "concrete", sweep={"dropout": [0.0, 0.2], "placement": ["input", "after_hidden"]}
    )

    assert {variant: len(plan_points(study, variant)) for variant in Variant} == {
        "baseline": 1, "dropout": 2, "batchnorm": 2, "dropout_batchnorm": 4,
    }  # fmt: skip


def test_without_a_list_the_networks_own_rate_and_place_are_taken():
    study = read_study(
        "concrete", sweep={"dropout": [], "placement": []}, network__dropout__rate=[0.1, 0.2, 0.3]
    )

    (point,) = plan_points(study, Variant.DROPOUT_BATCHNORM)

    assert (point.rate, point.placement) == ((0.1, 0.2, 0.3), "before_dense")
    assert point.choice == "rate 0.1, 0.2, 0.3, before_dense"
    assert study_at(study, point).network == study.network


def test_at_a_point_nothing_changes_but_rate_place_and_title():
    study = read_study("concrete")
    point = Point(Variant.DROPOUT_BATCHNORM, 0.1, "input")

    changed = study_at(study, point)

    layers = plan_layers(changed.network, point.variant)
    assert {layer.rate for layer in layers if layer.kind == "dropout"} == {0.1}
    assert [layer.kind for layer in layers].index("batchnorm") == 0
    assert changed.label == "Concrete, rate 0.1, input"
    assert changed.model_copy(update={"network": study.network, "title": study.title}) == study
