from __future__ import annotations

import pytest

from conftest import read_study
from dropnorm.errors import BadInputError
from dropnorm.study.variants import Variant
from dropnorm.training.networks import plan_layers


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"network__dropout__rate": 1.5},
            "network.dropout.rate is 1.5; it should be at least 0 and below 1",
        ),
        ({"network__dropout__rate": [0.1, 0.2, -1]}, "network.dropout.rate.2 is -1"),
        ({"network__dropout__rate": [0.1, 0.2]}, "network has 3 hidden layers, but 2 rates"),
        ({"network__dropout__rate": []}, "is []; it should be a list that is not empty"),
        (
            {"network__batchnorm__momentum": 1.0},
            "momentum is 1.0; it should be at least 0 and below 1",
        ),
        ({"network__batchnorm__epsilon": 0}, "epsilon is 0; it should be above 0 and at most 1"),
        ({"network__initializer": "he_norml"}, "did you mean 'he_normal'?"),
    ],
)
def test_network_options_out_of_range_are_refused_with_the_range(changes, message):
    with pytest.raises(BadInputError) as refused:
        read_study("concrete", **changes)

    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_network_options_are_applied_to_the_layers():
    study = read_study(
        "concrete",
        network__dropout__rate=[0.1, 0.0, 0.5],
        network__initializer="he_normal",
        network__batchnorm__momentum=0.9,
        network__batchnorm__epsilon=0.01,
    )

    layers = plan_layers(study.network, Variant.DROPOUT_BATCHNORM)

    assert [one.rate for one in layers if one.kind == "dropout"] == [0.1, 0.0, 0.5]
    assert {one.initializer for one in layers if one.kind == "dense"} == {"he_normal"}
    norms = {(one.momentum, one.epsilon) for one in layers if one.kind == "batchnorm"}
    assert norms == {(0.9, 0.01)}
